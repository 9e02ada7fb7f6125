// One job in full: what it went through, what came of it, and what became of the same model before.

import { button, el, icon, part, shownBytes, shownCount, shownSeconds } from "./base.js";
import { copyButton, openFile } from "./files.js";

const ICON_OF = { validating: "running", processing: "running" };
const COLOUR_OF = { completed: "sk-good", failed: "sk-bad", paused: "sk-doubtful", skipped: "sk-doubtful", validating: "sk-busy", processing: "sk-busy" };

function show(root, link) {
  const pictures = new Map(); // address by job and file, so that a redraw does not fetch again
  const open = new Set(); // titles of the parts that a person has unfolded
  const draw = (detail) => {
    if (!detail.id) {
      root.replaceChildren(el("p.sk-nothing", { text: "Select a job in the table to see its stages, findings, files and log." }));
      return;
    }
    for (const [key, address] of pictures) {
      if (key.startsWith(`${detail.id} `)) continue;
      URL.revokeObjectURL(address);
      pictures.delete(key);
    }
    root.replaceChildren(el("div.sk-detail", { role: "region", "aria-label": `Details of ${detail.name}` },
      header(detail, link),
      el("div.sk-column", {}, pictureRow(detail), texts(detail), stages(detail), files(detail, link)),
      el("div.sk-column", {}, fold("Log", log(detail), true), fold("Options", options(detail)), fold("Earlier runs of this model", earlier(detail), true))));
  };

  const fold = (title, content, isOpen = false) => {
    if (!content) return null;
    const key = `${title}`;
    const made = el("details", { ontoggle: () => { open[made.open ? "add" : "delete"](key); open[made.open ? "delete" : "add"](`${key} closed`); } },
      el("summary", { text: title }), content);
    made.open = open.has(key) || (isOpen && !open.has(`${key} closed`));
    return made;
  };

  const pictureRow = (detail) => {
    const wanted = detail.files.flatMap((file, at) => (file.is_picture && file.size !== null ? [[file, at]] : [])).slice(0, 12);
    if (!wanted.length) return null;
    return el("div.sk-pictures", {}, wanted.map(([file, at]) => {
      const image = el("img", { alt: file.name });
      const key = `${detail.id} ${at} ${file.size}`;
      const made = el("button", { type: "button", title: `Open ${file.name}`, onclick: () => openFile(link, "piece", { file: at }, file) }, image);
      if (pictures.has(key)) image.src = pictures.get(key);
      else link.ask("picture", { file: at }).then(({ buffers }) => {
        if (!buffers.length) return made.remove();
        pictures.set(key, URL.createObjectURL(new Blob([buffers[0]], { type: "image/png" })));
        image.src = pictures.get(key);
      }).catch(() => made.remove());
      return made;
    }));
  };

  return [link.follow("detail", draw), () => { for (const address of pictures.values()) URL.revokeObjectURL(address); }];
}

function header(detail, link) {
  const facts = [
    detail.faces === null ? null : shownCount(detail.faces, "face"),
    detail.took === null ? null : `took ${shownSeconds(detail.took)}`,
    detail.attempts > 1 ? shownCount(detail.attempts, "attempt") : null,
    detail.peak === null ? null : `${shownBytes(detail.peak)} of memory`,
  ].filter(Boolean);
  const preview = link.model.get("can_preview")
    ? button("Show in previewer", { icon: "view", onclick: () => link.tell("preview") }) : null;
  const results = link.model.get("can_show_results") && detail.files.length
    ? button("Show in gallery", { icon: "gallery", onclick: () => link.tell("results") }) : null;
  return el("header", {}, el("h3", {}, el("bdi", { text: detail.name })),
    el(`span.sk-state.${COLOUR_OF[detail.state] ?? "sk-faint"}`, {}, icon(ICON_OF[detail.state] ?? detail.state), el("span", { text: detail.state })),
    el("span.sk-faint", { text: facts.join(" · ") }), preview, results,
    el("p.sk-faint", {}, el("bdi", { text: detail.path })));
}

function texts(detail) {
  const lines = [
    ...(detail.question ? [["paused", "sk-doubtful", detail.question]] : []),
    ...[...new Set([detail.message, ...detail.errors])].filter(Boolean).map((text) => ["failed", "sk-bad", text]),
    ...detail.warnings.map((text) => ["warning", "sk-doubtful", text]),
  ];
  if (!lines.length) return null;
  return el("section", {}, el("h4", { text: "Findings" }), el("ul.sk-texts", {}, lines.map(([name, colour, text]) =>
    el("li", {}, el(`span.${colour}`, {}, icon(name)), el("bdi", { text })))));
}

function stages(detail) {
  if (!detail.stages.length) return null;
  const longest = Math.max(...detail.stages.map(({ seconds }) => seconds), 0.001);
  return el("section", {}, el("h4", { text: "Stages" }), el("ul.sk-stages", {}, detail.stages.map(({ name, seconds }) => {
    const bar = el("i");
    bar.style.transform = `scaleX(${seconds / longest})`;
    return el("li", {}, el("span", { text: name }), el("span.sk-bar", { "aria-hidden": "true" }, bar), el("span", { text: shownSeconds(seconds) }));
  })));
}

function files(detail, link) {
  const folder = el("li", {}, icon("open"), el("bdi", { text: detail.output }), copyButton(detail.output));
  const made = detail.files.map((file, at) => el("li", {}, icon("file"),
    el("button.sk-link", { type: "button", disabled: file.size === null, title: file.opens ? "Open in a new tab" : "Download", onclick: () => openFile(link, "piece", { file: at }, file) }, el("bdi", { text: file.name })),
    copyButton(file.path), el("span.sk-faint", { text: file.size === null ? "gone" : shownBytes(file.size) })));
  return el("section", {}, el("h4", { text: "Files" }), el("ul.sk-files", {}, folder, made));
}

function options(detail) {
  return el("dl", {}, detail.options.flatMap(({ title, value, own }) => [
    el("dt", { text: title }), el("dd", {}, el("bdi", { text: value }), own ? el("span.sk-busy", { text: " own" }) : null),
  ]));
}

function log(detail) {
  return detail.log ? el("pre", { tabindex: "0", "aria-label": "Log", text: detail.log }) : null;
}

function earlier(detail) {
  if (!detail.earlier?.length) return null;
  const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "Begun" }), el("th", { scope: "col", text: "State" }),
    el("th.sk-number", { scope: "col", text: "Duration" }), el("th.sk-number", { scope: "col", text: "Files" }))),
  el("tbody", {}, detail.earlier.map((run) => el("tr", { title: run.message || run.output }, el("td", { text: when.format(run.when) }),
    el(`td.${COLOUR_OF[run.state] ?? "sk-faint"}`, { text: run.state }), el("td.sk-number", { text: shownSeconds(run.took) }), el("td.sk-number", { text: run.files })))));
}

export default part("job_detail", { show });
