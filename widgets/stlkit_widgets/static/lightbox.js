// One output, large, with everything there is to say about its model.

import { button, el, icon, shownCount } from "./base.js";
import { copyButton, fetchWhole, save } from "./files.js";

export const PICTURES = new Set(["RENDER", "SIZE_CHART", "COLOR"]);
const MOST_KEPT = 16; // whole pictures and videos, so that going back is quick
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

/**
 * A dialog over the page. The gallery gives `items` (one a tile), `thumbnail(item)` and `focusItem(item)`.
 * Left and right go from tile to tile, up and down through the outputs of a model.
 */
export class Lightbox {
  constructor(root, link, gallery) {
    Object.assign(this, { root, link, gallery });
    this.item = null;
    this.kept = new Map(); // key to { address, name }
    this.told = el("p.sk-hidden", { role: "status" });
    this.heading = el("h3");
    this.place = el("span.sk-faint");
    this.stage = el("div.sk-stage");
    this.strip = el("div.sk-strip", { role: "group", "aria-label": "Outputs of this model" });
    this.side = el("div.sk-side", { tabindex: "0", role: "region", "aria-label": "About this model" });
    const previous = button("Previous", { icon: "left", quiet: true, title: "Previous (left arrow)", onclick: () => this.step(-1) });
    const next = button("Next", { icon: "right", quiet: true, title: "Next (right arrow)", onclick: () => this.step(1) });
    this.tools = el("div.sk-row");
    this.dialog = el("dialog.sk-dialog.sk-lightbox", { "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => this.onKey(event), onclose: () => this.onClose(),
      onclick: (event) => { if (event.target === this.dialog) this.dialog.close(); } },
    el("header", {}, previous, next, this.heading, this.place, el("span.sk-gap"), this.tools,
      button("Close", { icon: "close", quiet: true, title: "Close (Esc)", onclick: () => this.dialog.close() })),
    el("div.sk-lightbox-body", {}, el("div.sk-looked-at", {}, this.stage, this.strip), this.side), this.told);
    root.append(this.dialog);
  }

  open(item) {
    this.show(item);
    if (!this.dialog.open) this.dialog.showModal();
    this.stage.focus?.();
  }

  /** Bring up to date what is shown, after rows have changed. */
  update() {
    if (!this.dialog.open) return;
    const now = this.gallery.items.find(({ row }) => row.id === this.item.row.id);
    if (now && now.row !== this.item.row) this.show(now);
    else this.showPlace();
  }

  show(item) {
    const isNewModel = this.item?.row !== item.row;
    this.item = item;
    const { row, file } = item;
    this.heading.replaceChildren(el("bdi", { text: row.name }));
    this.dialog.setAttribute("aria-label", row.name);
    this.showPlace();
    this.showTools(null);
    this.showStage();
    this.showStrip();
    if (isNewModel) this.showAbout();
    this.told.textContent = `${row.name}, ${file ? "" : "no picture, "}${this.place.textContent}`;
  }

  showPlace() {
    const { items } = this.gallery;
    const at = items.findIndex(({ key }) => key === this.item.key);
    const other = at >= 0 ? at : items.findIndex(({ row }) => row.id === this.item.row.id);
    const place = other < 0 ? [] : [`${other + 1} of ${items.length.toLocaleString("en")}`];
    this.place.textContent = [...(this.item.file ? [this.item.file.label] : []), ...place].join(" · ");
  }

  showTools(whole) {
    const { row, file, at } = this.item;
    const path = this.about?.id === row.id && at !== null ? this.about.files[at]?.path : null;
    this.tools.replaceChildren(...[
      path ? copyButton(path) : null,
      whole ? button("Save", { icon: "down", quiet: true, title: `Save ${file.label}`, onclick: () => save(whole.blob, whole.name) }) : null,
      this.link.model.get("can_preview") ? button("Show in previewer", { icon: "view", onclick: () => this.preview(false) }) : null,
    ].filter(Boolean));
  }

  preview(repaired) {
    this.link.tell("preview", { model: this.item.row.id, repaired });
    this.dialog.close();
  }

  async showStage() {
    const { item } = this;
    const { row, file, at } = item;
    if (!file) {
      this.stage.replaceChildren(el("p.sk-none", {}, icon("model"), el("bdi", { text: row.message || "There is no picture of this model." })));
      return;
    }
    const key = `${row.id}/${at}/${row.when}`;
    const kept = this.kept.get(key);
    if (kept) return this.showWhole(item, kept);
    const bar = el("i"), progress = el("div.sk-bar", { "aria-hidden": "true" }, bar);
    this.stage.replaceChildren(progress);
    this.gallery.thumbnail(item).then((address) => {
      if (this.item === item && progress.isConnected && address) this.stage.prepend(el("img.sk-early", { src: address, alt: "" }));
    });
    try {
      const whole = await fetchWhole(this.link, "piece", { model: row.id, file: at }, null, (received, size) => {
        if (this.item !== item) throw new Error("left");
        bar.style.transform = `scaleX(${received / size})`;
      });
      if (this.item !== item) return;
      whole.address = URL.createObjectURL(whole.blob);
      this.keep(key, whole);
      this.showWhole(item, whole);
    } catch (error) {
      if (this.item === item) this.stage.replaceChildren(el("p.sk-none.sk-bad", { role: "alert" }, icon("failed"), el("bdi", { text: error.message })));
    }
  }

  showWhole(item, whole) {
    const { row, file } = item;
    const name = `${row.name}, ${file.label}`;
    const bad = () => this.item === item && this.stage.replaceChildren(el("p.sk-none.sk-bad", { role: "alert" }, icon("failed"), `${file.label} cannot be shown; the file is damaged, or this browser does not know its kind.`));
    if (file.kind === "VIDEO") {
      const video = el("video", { src: whole.address, controls: true, loop: true, playsinline: true, "aria-label": name, onerror: bad });
      video.muted = true;
      this.stage.replaceChildren(video);
      if (!STILL.matches) video.play().catch(() => {}); // a browser may refuse; there is a button
    } else if (PICTURES.has(file.kind)) {
      const image = el("img", { src: whole.address, alt: name, onerror: bad });
      const zoom = el("button.sk-zoom", { type: "button", "aria-pressed": "false", "aria-label": `${name}: actual size`, title: "Actual size", onclick: () => {
        const isLarge = this.stage.classList.toggle("sk-actual");
        zoom.setAttribute("aria-pressed", String(isLarge));
      } }, image);
      this.stage.classList.remove("sk-actual");
      this.stage.replaceChildren(zoom);
    }
    this.showTools(whole);
  }

  keep(key, whole) {
    this.kept.set(key, whole);
    while (this.kept.size > MOST_KEPT) {
      const [oldest, { address }] = this.kept.entries().next().value;
      URL.revokeObjectURL(address);
      this.kept.delete(oldest);
    }
  }

  showStrip() {
    const { row, at } = this.item;
    const seen = this.outputs();
    this.strip.hidden = seen.length < 2;
    if (this.strip.dataset.of !== `${row.id}/${row.when}`) {
      this.strip.dataset.of = `${row.id}/${row.when}`;
      this.strip.replaceChildren(...seen.map((item) => {
        const made = el("button", { type: "button", "aria-label": item.file.label, title: item.file.label, data: { at: item.at }, onclick: () => this.show(item) },
          item.file.kind === "VIDEO" ? el("span.sk-play", {}, icon("start")) : null);
        this.gallery.thumbnail(item).then((address) => address && made.prepend(el("img", { src: address, alt: "" })));
        return made;
      }));
    }
    for (const each of this.strip.children) {
      const isCurrent = Number(each.dataset.at) === at;
      each.setAttribute("aria-current", String(isCurrent));
      if (isCurrent && this.dialog.open) each.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  outputs() {
    const { row } = this.item;
    return row.files.map((file, at) => ({ row, file, at })).filter(({ file }) => PICTURES.has(file.kind) || file.kind === "VIDEO");
  }

  async showAbout() {
    const { row } = this.item;
    this.about = null;
    this.side.replaceChildren(el("p.sk-faint", { text: "Reading …" }));
    this.side.scrollTop = 0;
    try {
      const about = await this.link.ask("about", { model: row.id });
      if (this.item.row !== row) return;
      this.about = { ...about, id: row.id };
      this.side.replaceChildren(...aboutParts(row, about, this.link.model.get("can_preview") ? () => this.preview(true) : null));
      const { file, at } = this.item;
      const whole = this.kept.get(`${row.id}/${at}/${row.when}`);
      this.showTools(file && whole ? whole : null);
    } catch (error) {
      if (this.item.row === row) this.side.replaceChildren(el("p.sk-bad", { text: error.message }));
    }
  }

  step(by) {
    const { items } = this.gallery;
    let at = items.findIndex(({ key }) => key === this.item.key);
    if (at < 0) at = items.findIndex(({ row }) => row.id === this.item.row.id);
    const next = items[(at + by + items.length) % items.length];
    if (next) this.show(next);
  }

  stepWithin(by) {
    const seen = this.outputs();
    const at = seen.findIndex((each) => each.at === this.item.at);
    const next = seen[at + by];
    if (next) this.show({ ...next, key: this.gallery.items.find(({ row, at: file }) => row.id === next.row.id && file === next.at)?.key ?? this.item.key });
  }

  onKey(event) {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("video")) return;
    const inside = event.target.closest(".sk-side, .sk-actual");
    const act = { ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1), ...(inside ? {} : { ArrowUp: () => this.stepWithin(-1), ArrowDown: () => this.stepWithin(1) }) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  onClose() {
    this.stage.replaceChildren(); // a video stops
    if (this.item) this.gallery.focusItem(this.item);
  }

  end() {
    if (this.dialog.open) this.dialog.close();
    for (const { address } of this.kept.values()) URL.revokeObjectURL(address);
    this.kept.clear();
  }
}

const WEIGHT = { error: ["failed", "sk-bad"], warning: ["warning", "sk-doubtful"], info: ["info", "sk-busy"] };

function aboutParts(row, about, previewRepaired) {
  const section = (title, ...children) => el("section", {}, el("h4", { text: title }), ...children);
  const parts = [];
  if (row.state !== "completed") {
    parts.push(section(row.state === "failed" ? "Failed" : "Skipped", el("p", {}, el("bdi", { text: about.reason || row.message }))));
  }
  if (about.facts.length) parts.push(section("Measures", el("dl", {}, about.facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]))));
  if (about.repair) {
    const { refused, actions, figures } = about.repair;
    parts.push(section("Repair: before and after",
      refused ? el("p", {}, "Refused: ", el("bdi", { text: refused })) : null,
      el("ul", {}, actions.map((text) => el("li", { text }))),
      el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span.sk-hidden", { text: "Figure" })), el("th.sk-number", { scope: "col", text: "before" }), el("th.sk-number", { scope: "col", text: "after" }))),
        el("tbody", {}, figures.map(([name, before, after]) => el(before === after ? "tr.sk-same" : "tr", {}, el("th", { scope: "row", text: name }),
          el("td.sk-number", { text: before }), el("td.sk-number", {}, before === after ? after : el("b", { text: after })))))),
      previewRepaired ? button("Compare in previewer", { icon: "view", onclick: previewRepaired }) : null));
  }
  if (about.findings.length) {
    parts.push(section("Findings", el("ul.sk-findings", {}, about.findings.map(({ weight, text, meaning }) => {
      const [name, colour] = WEIGHT[weight];
      return el("li", {}, el(`span.${colour}`, {}, icon(name), el("span.sk-hidden", { text: weight })), el("span", {}, el("bdi", { text }), meaning ? el("span.sk-faint", { text: ` ${meaning}` }) : null));
    }))));
  }
  parts.push(section(shownCount(about.files.length, "file"), el("ul.sk-paths", {}, about.files.map(({ path, size }, at) =>
    el("li", {}, el("bdi", { text: row.files[at]?.label ?? path, title: path }), el("span.sk-faint", { text: size || "gone" }), copyButton(path))))));
  parts.push(section("Model", el("p.sk-model-path", {}, el("bdi", { text: about.path }), copyButton(about.path))));
  if (about.notes.length) parts.push(section("Notes", el("ul", {}, about.notes.map((text) => el("li", {}, el("bdi", { text }))))));
  return parts;
}
