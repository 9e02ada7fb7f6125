// Files into the queue: by path, from a dialog, dropped, or uploaded; where results go, and by which template.

import { button, el, part, shownBytes, shownCount } from "./base.js";
import { pathBox } from "./path_box.js";

const PIECE_BYTES = 4 << 20; // the server closes the connection on a message of 10 MiB
const COUNT_AFTER_MS = 300;

/** The uploads of one model go on whatever view is open. */
class Uploader {
  constructor(link) {
    this.link = link;
    this.items = [];
    this.views = new Set();
    this.isBusy = false;
  }

  add(files) {
    for (const file of files) this.items.push({ file, sent: 0, state: "waiting", text: "" });
    this.changed();
    this.work();
  }

  async work() {
    if (this.isBusy) return;
    this.isBusy = true;
    const arrived = [];
    let item;
    while ((item = this.items.find((each) => each.state === "waiting"))) {
      try {
        arrived.push(await this.send(item));
        this.drop(item);
      } catch (error) {
        if (item.state !== "cancelled") Object.assign(item, { state: "refused", text: error.message });
      }
      this.changed();
    }
    this.isBusy = false;
    if (arrived.length) this.link.tell("add", { paths: arrived });
  }

  async send(item) {
    const { file } = item;
    item.state = "sending";
    const { id } = await this.link.ask("upload_begin", { name: file.name, size: file.size });
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      if (item.state === "cancelled") {
        await this.link.ask("upload_cancel", { id });
        throw new Error("cancelled");
      }
      const piece = await file.slice(at, at + PIECE_BYTES).arrayBuffer();
      item.sent = (await this.link.ask("upload_piece", { id, at }, [piece])).received; // the next only after this one
      this.changed();
    }
    return (await this.link.ask("upload_end", { id })).path;
  }

  drop(item) {
    if (item.state === "sending" && this.isBusy && item.sent < item.file.size) item.state = "cancelled";
    this.items = this.items.filter((each) => each !== item);
    this.changed();
  }

  changed() {
    for (const view of this.views) view();
  }
}

function show(root, link, uploader) {
  const add = (paths) => {
    const wanted = paths.map((path) => path.trim()).filter(Boolean);
    if (!wanted.length) return source.input.focus();
    link.tell("add", { paths: wanted, recursive: recursive.checked });
    source.input.value = "";
    hint.replaceChildren(said);
    said.textContent = usual;
  };
  const usual = "Drop STL files or folders here, or upload them from your computer.";
  const said = el("span", { role: "status", text: usual });
  const recursive = el("input", { type: "checkbox", onchange: () => count() });
  recursive.checked = true;
  const withInner = el("label", {}, recursive, "with folders inside");
  const hint = el("div.sk-hint", {}, said);
  let counting;
  const count = () => {
    clearTimeout(counting);
    counting = setTimeout(async () => {
      const text = source.value;
      const answer = text.trim() ? await link.ask("count", { text, recursive: recursive.checked }).catch(() => null) : null;
      if (source.value !== text) return;
      const isFolder = answer !== null && answer.count !== null;
      hint.replaceChildren(said, ...(isFolder ? [withInner] : []));
      said.textContent = isFolder ? `${answer.more ? "more than " : ""}${shownCount(answer.count, "STL file")} in this folder` : usual;
    }, COUNT_AFTER_MS);
  };
  const source = pathBox(link, {
    label: "STL files", placeholder: "file, folder or pattern such as models/**/*.stl",
    onenter: (text) => add([text]), oninput: count, onfiles: add,
  });
  const addButton = button("Add", { primary: true, onclick: () => add([source.value]) });
  const picker = el("input", { type: "file", multiple: true, accept: ".stl,.STL", hidden: true, "aria-label": "Upload STL files",
    onchange: () => { take([...picker.files]); picker.value = ""; } });
  const uploadButton = button("Upload", { icon: "upload", onclick: () => picker.click(), title: "Upload STL files from your computer" });

  const output = pathBox(link, { label: "Output folder", placeholder: "folder for the results", wanted: "folders",
    onchange: (folder) => { output.input.removeAttribute("aria-invalid"); link.tell("output", { folder }); } });
  const template = el("select.sk-field.sk-template", { id: `${source.input.id}-template`, onchange: () => {
    if (template.value) link.tell("template", { title: template.value });
  } });

  const take = (files) => {
    const good = files.filter((file) => file.name.toLowerCase().endsWith(".stl"));
    const others = files.filter((file) => !good.includes(file)).map((file) => file.name);
    said.textContent = others.length ? `Not STL, left out: ${listed(others)}` : usual;
    if (good.length) uploader.add(good);
  };
  const uploads = el("ul.sk-uploads", { "aria-label": "Uploads" });
  const drawUploads = () => {
    uploads.replaceChildren(...uploader.items.map((item) => {
      const away = button("Cancel the upload", { icon: "close", quiet: true, onclick: () => uploader.drop(item) });
      if (item.state === "refused") {
        away.setAttribute("aria-label", "Dismiss");
        away.title = "Dismiss";
        return el("li.sk-refused", { role: "alert" }, el("span.sk-bad", { text: item.text }), away);
      }
      const bar = el("i");
      bar.style.transform = `scaleX(${item.file.size ? item.sent / item.file.size : 1})`;
      return el("li", {}, el("bdi", { text: item.file.name, title: item.file.name }),
        el("div.sk-bar", { role: "progressbar", "aria-label": `Upload of ${item.file.name}`, "aria-valuemin": "0", "aria-valuemax": String(item.file.size), "aria-valuenow": String(item.sent) }, bar),
        el("span.sk-faint", { text: item.state === "waiting" ? "waiting" : `${shownBytes(item.sent)} of ${shownBytes(item.file.size)}` }), away);
    }));
  };
  uploader.views.add(drawUploads);
  drawUploads();

  const form = el("div.sk-form", { role: "group", "aria-label": "Add files" },
    el("label", { for: source.input.id, text: "STL files" }),
    el("div.sk-row", { style: "flex-wrap:nowrap" }, source.root, addButton, uploadButton, picker), hint, uploads,
    el("label", { for: output.input.id, text: "Output" }), el("div.sk-row", {}, output.root),
    el("label", { for: template.id, text: "Template" }), el("div.sk-row", {}, template),
    el("div.sk-drop", { "aria-hidden": "true", text: "Drop STL files or folders" }));
  root.append(form);
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    form.classList.toggle("sk-over", depth > 0);
  };
  const isFiles = (event) => !link.model.get("read_only") && event.dataTransfer?.types.includes("Files");
  const onDrag = {
    dragenter: (event) => { if (isFiles(event)) { event.preventDefault(); event.stopPropagation(); over(1); } },
    dragover: (event) => { if (isFiles(event)) { event.preventDefault(); event.stopPropagation(); } },
    dragleave: (event) => { if (isFiles(event)) over(-1); },
    drop: async (event) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would upload it into its own folder
      over(-depth);
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const files = [...event.dataTransfer.files];
      take(entries.some((entry) => entry.isDirectory) ? (await Promise.all(entries.map(filesIn))).flat() : files);
    },
  };
  for (const [name, listener] of Object.entries(onDrag)) form.addEventListener(name, listener);

  return [
    link.follow("source", (text) => { if (text) { source.value = text; count(); } }),
    link.follow("output", (folder) => { output.value = folder; }),
    link.follow("templates", () => drawTemplates()),
    link.follow("template", () => drawTemplates()),
    link.follow("own_options", () => drawTemplates()),
    link.follow("read_only", (isReadOnly) => {
      for (const each of [source, output, template, addButton, uploadButton]) each.disabled = isReadOnly;
    }),
    link.hear("output_missing", () => {
      output.input.setAttribute("aria-invalid", "true");
      output.input.focus();
    }),
    () => uploader.views.delete(drawUploads),
  ];

  function drawTemplates() {
    const current = link.model.get("template");
    const titles = link.model.get("templates");
    template.replaceChildren(
      ...(current ? [] : [el("option", { value: "", text: link.model.get("own_options") })]),
      ...titles.map(({ title, description }) => el("option", { value: title, text: title, title: description })),
    );
    template.value = current;
    template.title = titles.find(({ title }) => title === current)?.description ?? "Changed by hand; choose a template to begin anew";
  }
}

/** All files below what was dropped. */
async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) { // it gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesIn))).flat();
}

function listed(names) {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

export default part("add_files", { begin: (link) => new Uploader(link), show });
