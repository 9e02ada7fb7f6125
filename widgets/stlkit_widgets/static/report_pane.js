// The report of an output folder, in a frame that may do nothing but show it and say which link was pressed.

import { button, el, icon, part, shownCount } from "./base.js";
import { copyButton, fetchWhole, openFile, save } from "./files.js";

function show(root, link) {
  const folder = el("select.sk-field.sk-grow", { "aria-label": "Output folder" });
  const status = el("span.sk-faint", { role: "status" });
  const make = button("Make the report", { icon: "file", primary: true, onclick: async () => {
    make.disabled = true;
    status.textContent = "Making …";
    try {
      await link.ask("make", { folder: Number(folder.value) });
      status.textContent = "";
    } catch (error) {
      status.textContent = error.message;
    }
    make.disabled = !folder.options.length;
  } });
  const shown = el("div.sk-report");
  let address = null;

  const draw = async (made) => {
    if (address) URL.revokeObjectURL(address);
    address = null;
    if (!made.path) {
      shown.replaceChildren(el("p.sk-nothing", { text: "The report is one page with every model of an output folder: pictures, measures, findings, figures. It needs nothing beside itself, and can be sent or printed." }));
      return;
    }
    const frame = el("iframe", { title: "Report", sandbox: "allow-scripts" });
    const tools = el("span.sk-row");
    shown.replaceChildren(...[el("p.sk-row", {}, el("bdi", { text: made.path }), copyButton(made.path), tools), el("p", { text: made.figures }),
      made.notes.length ? el("details", {}, el("summary", { text: shownCount(made.notes.length, "note") }), el("ul", {}, made.notes.map((text) => el("li", {}, icon("info"), " ", el("bdi", { text }))))) : null, frame].filter(Boolean));
    try {
      const { blob, name } = await fetchWhole(link, "piece", {});
      if (!frame.isConnected) return;
      address = URL.createObjectURL(blob);
      frame.src = address;
      tools.append(button("Save", { icon: "down", onclick: () => save(blob, name) }));
    } catch (error) {
      frame.replaceWith(el("p.sk-bad", { text: error.message }));
    }
  };

  // the page in the frame has no folder around it; what it links to comes from the kernel
  const follow = ({ source, data }) => {
    const frame = shown.querySelector("iframe");
    if (!frame || source !== frame.contentWindow || typeof data?.link !== "string" || !navigator.userActivation.isActive) return;
    const name = data.link.split("/").at(-1);
    const opens = link.model.get("made").opens.some((ending) => name.toLowerCase().endsWith(ending));
    openFile(link, "linked", { address: data.link }, { opens, name });
  };
  window.addEventListener("message", follow);

  const look = async () => {
    const { folders } = await link.ask("folders");
    const before = folder.selectedOptions[0]?.textContent;
    folder.replaceChildren(...folders.map((text, value) => el("option", { value, text })));
    const again = folders.indexOf(before);
    if (again >= 0) folder.value = again;
    make.disabled = !folders.length;
    if (!folders.length) status.textContent = "There is no output folder yet.";
    else if (status.textContent.startsWith("There is no")) status.textContent = "";
  };
  // a pane that nobody sees asks nothing
  const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && look().catch(() => {}));
  root.replaceChildren(el("div.sk-sieve", {}, folder, make, status), shown);
  seen.observe(root);
  return [
    link.follow("made", draw),
    link.hear("making", ({ done, total }) => { status.textContent = `Making pictures small: ${done} of ${total} …`; }),
    () => seen.disconnect(),
    () => window.removeEventListener("message", follow),
    () => address && URL.revokeObjectURL(address),
  ];
}

export default part("report_pane", { show });
