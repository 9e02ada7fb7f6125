// A contact sheet of outputs, and each of them large.

import { button, el, icon, part, shownBytes, shownCount } from "./base.js";
import { fetchWhole, save } from "./files.js";
import { Lightbox, PICTURES } from "./lightbox.js";

const PAGE = 60; // tiles that are added when the end of the sheet comes into sight
const BATCH = 8; // thumbnails of one question
const MOST_QUESTIONS = 2;

const SHOWN = {
  models: "One picture of each model", all: "Every picture and video", RENDER: "Pictures", SIZE_CHART: "Size charts",
  COLOR: "Colours", VIDEO: "Videos",
};
const COLOUR_OF = { completed: "sk-good", failed: "sk-bad", skipped: "sk-doubtful" };

/** What all views of a gallery know. */
function begin(link) {
  const shared = { rows: new Map(), version: 0, listeners: new Set() };
  link.hear("models", ({ whole }, buffers) => {
    if (whole) shared.rows.clear();
    for (const row of JSON.parse(new TextDecoder().decode(buffers[0]))) shared.rows.set(row.id, row);
    shared.hasCome = true;
    for (const listener of shared.listeners) listener();
  });
  link.tell("hello");
  return shared;
}

class Gallery {
  constructor(root, link, shared) {
    Object.assign(this, { root, link, shared });
    this.tiles = new Map(); // by key, so that what is on the page stays there
    this.addresses = new Map(); // of thumbnails, by key; null where there is none
    this.wanted = [];
    this.questions = 0;
    this.selected = new Set();
    this.limit = PAGE;
    this.items = [];
    this.filter = { text: "", state: "", findings: "", shown: "models", order: "new" };
    this.build();
    this.lightbox = new Lightbox(root, link, this);
    const update = () => this.update();
    shared.listeners.add(update);
    this.endings = [
      () => shared.listeners.delete(update),
      link.hear("show", (said) => this.onShow(said)),
      link.hear("packing", (said) => this.onPacking(said)),
      link.hear("packed", (said) => this.onPacked(said)),
      link.follow("notes", (notes) => this.showNotes(notes)),
      () => this.close(),
    ];
    this.update();
  }

  build() {
    const choice = (label, options, name) => el("label.sk-choice", {}, el("span", { text: label }),
      el("select.sk-field", { "aria-label": label, onchange: (event) => this.change(name, event.target.value) },
        Object.entries(options).map(([value, text]) => el("option", { value, text }))));
    this.search = el("input.sk-field", { type: "search", placeholder: "Name or message", "aria-label": "Search",
      oninput: (event) => this.change("text", event.target.value) });
    this.status = el("span.sk-faint", { role: "status" });
    this.bar = el("div.sk-row.sk-selection", { hidden: true });
    this.sentinel = el("li.sk-sentinel", { "aria-hidden": "true" });
    this.sheet = el("ul.sk-sheet", { "aria-label": "Outputs", "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => this.onKey(event), onfocusin: (event) => this.onFocus(event) });
    this.frame = el("div.sk-frame", {}, this.sheet);
    this.notes = el("div");
    this.empty = el("p.sk-nothing", { hidden: true });
    const everything = button("Refresh", { icon: "retry", quiet: true, onclick: () => this.link.tell("refresh") });
    this.root.replaceChildren(
      el("div.sk-sieve", { role: "search", "aria-label": "Which outputs are shown" },
        el("div.sk-grow", {}, this.search), choice("Show", SHOWN, "shown"),
        choice("State", { "": "any", completed: "completed", failed: "failed", skipped: "skipped" }, "state"),
        choice("Findings", { "": "any", with: "with warnings", without: "without" }, "findings"),
        choice("Order", { new: "newest first", name: "by name" }, "order"), everything),
      el("div.sk-row", {}, this.status, this.bar), this.notes, this.empty, this.frame);
    this.near = new IntersectionObserver((entries) => this.onNear(entries), { root: this.frame, rootMargin: "300px" });
    this.near.observe(this.sentinel);
  }

  change(name, value) {
    this.filter[name] = value;
    this.limit = PAGE;
    this.frame.scrollTop = 0;
    this.update();
  }

  // --- what is shown ---

  update() {
    const rows = this.chosenRows();
    this.items = rows.flatMap((row) => this.itemsOf(row));
    const all = this.shared.rows.size;
    const known = new Set([...this.shared.rows.values()].flatMap((row) => row.files.map((_, at) => `${row.id}/${at}`)));
    this.selected.forEach((key) => known.has(key) || this.selected.delete(key));
    this.draw();
    const what = this.filter.shown === "models" ? `${rows.length.toLocaleString("en")} of ${shownCount(all, "model")}`
      : `${shownCount(this.items.length, "output")} of ${shownCount(rows.length, "model")}`;
    this.status.textContent = this.shared.hasCome ? what : "Reading the outputs …";
    this.empty.hidden = !this.shared.hasCome || this.items.length > 0;
    this.empty.textContent = all ? "Nothing fits this choice." : "Nothing has been made yet. Outputs appear here as soon as a job ends.";
    this.frame.hidden = !this.items.length;
    this.lightbox.update();
  }

  chosenRows() {
    const { text, state, findings, order } = this.filter;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (row) => (!state || row.state === state)
      && (!findings || (findings === "with") === row.warnings > 0)
      && words.every((word) => `${row.name} ${row.source} ${row.message}`.toLowerCase().includes(word));
    const compare = order === "new" ? (a, b) => b.when - a.when || b.id - a.id
      : (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id - b.id;
    return [...this.shared.rows.values()].filter(fits).sort(compare);
  }

  itemsOf(row) {
    const seen = row.files.map((file, at) => ({ row, file, at })).filter(({ file }) => PICTURES.has(file.kind) || file.kind === "VIDEO");
    const { shown } = this.filter;
    if (shown === "models") return [seen[0] ?? { row, file: null, at: null }].map((item) => keyed(item, "m"));
    return seen.filter(({ file }) => shown === "all" || file.kind === shown).map((item) => keyed(item, "f"));
  }

  draw() {
    const wanted = this.items.slice(0, this.limit);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, tile] of this.tiles) {
      if (keys.has(key)) continue;
      this.near.unobserve(tile);
      tile.remove();
      this.tiles.delete(key);
    }
    wanted.forEach((item, at) => {
      let tile = this.tiles.get(item.key);
      if (!tile) this.tiles.set(item.key, (tile = this.tile(item)));
      tile.item = item;
      if (this.sheet.children[at] !== tile) this.sheet.insertBefore(tile, this.sheet.children[at] ?? null);
    });
    this.sheet.append(this.sentinel);
    this.sentinel.hidden = this.limit >= this.items.length;
    this.keepOneTabStop();
    this.drawSelection();
  }

  tile(item) {
    const { row, file } = item;
    const box = el("input", { type: "checkbox", "aria-label": `Select ${this.titleOf(item)}`, tabindex: "-1",
      onchange: () => this.select([item], box.checked) });
    const others = row.files.length - 1;
    const marks = el("span.sk-marks", {},
      row.state === "completed" ? null : el(`span.${COLOUR_OF[row.state] ?? "sk-faint"}`, {}, icon(row.state), row.state),
      row.warnings ? el("span.sk-doubtful", { title: shownCount(row.warnings, "warning") }, icon("warning"), `${row.warnings}`,
        el("span.sk-hidden", { text: row.warnings === 1 ? " warning" : " warnings" })) : null);
    const what = this.filter.shown === "models" ? (others > 0 ? shownCount(row.files.length, "file") : "") : file.label;
    const made = el("li.sk-tile", {},
      el("button.sk-open", { type: "button", tabindex: "-1", "aria-label": `Open ${this.titleOf(item)}`, onclick: () => this.open(made.item) },
        el("span.sk-picture", {}, file ? null : el("span.sk-none", {}, icon("model"), el("span", { text: row.message || "no picture" })),
          file?.kind === "VIDEO" ? el("span.sk-play", {}, icon("start")) : null)),
      el("div.sk-caption", {}, el("bdi.sk-name", { text: row.name, title: row.name }),
        el("span.sk-faint", {}, el("bdi", { text: what }), marks)),
      el("label.sk-check", {}, box));
    made.box = box;
    made.item = item;
    this.near.observe(made);
    return made;
  }

  titleOf({ row, file }) {
    return this.filter.shown === "models" || !file ? row.name : `${row.name}, ${file.label}`;
  }

  showNotes(notes) {
    this.notes.replaceChildren(...(notes ?? []).map((text) => el("p.sk-doubtful", {}, icon("warning"), " ", el("bdi", { text }))));
  }

  // --- pictures come when they are near ---

  onNear(entries) {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      if (entry.target === this.sentinel) {
        if (this.limit < this.items.length) {
          this.limit += PAGE;
          this.draw();
          this.near.unobserve(this.sentinel); // look again: it may be in sight still
          this.near.observe(this.sentinel);
        }
        continue;
      }
      this.near.unobserve(entry.target);
      this.showThumbnail(entry.target);
    }
  }

  async showThumbnail(tile) {
    const { item } = tile;
    if (!item.file) return;
    const address = await this.thumbnail(item);
    if (address === null) tile.querySelector(".sk-picture").append(el("span.sk-none", {}, icon(item.file.kind === "VIDEO" ? "start" : "file"), "cannot be shown"));
    else if (!tile.querySelector("img")) tile.querySelector(".sk-picture").prepend(el("img", { src: address, alt: "", draggable: "false" }));
  }

  /** Give the address of a small picture, a video's that of its model where there is one; null where there is none. */
  thumbnail({ row, file, at }) {
    if (file.kind === "VIDEO") {
      const other = row.files.findIndex(({ kind }) => kind === "RENDER");
      if (other >= 0) return this.thumbnail({ row, file: row.files[other], at: other });
    }
    const key = `${row.id}/${at}/${row.when}`;
    if (!this.addresses.has(key)) {
      this.addresses.set(key, new Promise((resolve) => this.wanted.push({ id: row.id, at, resolve })));
      queueMicrotask(() => this.askForThumbnails());
    }
    return this.addresses.get(key);
  }

  async askForThumbnails() {
    if (this.questions >= MOST_QUESTIONS || !this.wanted.length) return;
    const batch = this.wanted.splice(0, BATCH);
    this.questions += 1;
    const got = new Map();
    try {
      const { found, buffers } = await this.link.ask("thumbnails", { files: batch.map(({ id, at }) => [id, at]) });
      found.forEach((at, number) => got.set(at, URL.createObjectURL(new Blob([buffers[number]], { type: "image/webp" }))));
    } catch { /* without a kernel there are no pictures */ }
    batch.forEach(({ resolve }, at) => resolve(got.get(at) ?? null));
    this.questions -= 1;
    this.askForThumbnails();
  }

  // --- keys: one tab stop, arrows go from tile to tile ---

  keepOneTabStop() {
    const buttons = [...this.sheet.querySelectorAll(".sk-open")];
    const current = buttons.find((each) => each === this.root.getRootNode().activeElement) ?? buttons.find((each) => each.tabIndex === 0) ?? buttons[0];
    for (const each of buttons) {
      each.tabIndex = each === current ? 0 : -1;
      each.closest(".sk-tile").box.tabIndex = each.tabIndex;
    }
  }

  onFocus(event) {
    const tile = event.target.closest(".sk-tile");
    if (!tile) return;
    for (const other of this.sheet.querySelectorAll('.sk-open[tabindex="0"], input[tabindex="0"]')) other.tabIndex = -1;
    tile.querySelector(".sk-open").tabIndex = tile.box.tabIndex = 0;
  }

  onKey(event) {
    const tile = event.target.closest(".sk-tile");
    if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
    const tiles = [...this.sheet.querySelectorAll(".sk-tile")];
    const perRow = tiles.findIndex((each) => each.offsetTop > tiles[0].offsetTop);
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -(perRow < 0 ? 1 : perRow), ArrowDown: perRow < 0 ? 1 : perRow }[event.key];
    const at = event.key === "Home" ? 0 : event.key === "End" ? tiles.length - 1 : step === undefined ? null : tiles.indexOf(tile) + step;
    if (event.key === " " && event.target.matches(".sk-open")) {
      event.preventDefault();
      this.select([tile.item], !this.isSelected(tile.item));
    } else if (at !== null && tiles[at]) {
      event.preventDefault();
      const next = tiles[at];
      next.querySelector(event.target.matches("input") ? "input" : ".sk-open").focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  focusItem(item) {
    const at = this.items.findIndex(({ key }) => key === item.key);
    if (at >= this.limit) {
      this.limit = Math.ceil((at + 1) / PAGE) * PAGE;
      this.draw();
    }
    this.tiles.get(item.key)?.querySelector(".sk-open").focus();
  }

  open(item) {
    this.lightbox.open(item);
  }

  onShow({ model, name }) {
    const row = this.shared.rows.get(model);
    if (!row) {
      this.status.textContent = `Nothing has been made of ${name} yet.`;
      return;
    }
    this.filter = { ...this.filter, text: "", state: "", findings: "" };
    this.search.value = "";
    for (const select of this.root.querySelectorAll(".sk-sieve select")) if ([...select.options].some((each) => each.value === "")) select.value = "";
    this.update();
    const item = this.items.find((each) => each.row.id === model);
    if (item) this.open(item);
  }

  // --- selection ---

  filesOf({ row, at }) {
    return this.filter.shown === "models" || at === null ? row.files.map((_, each) => `${row.id}/${each}`) : [`${row.id}/${at}`];
  }

  isSelected(item) {
    const files = this.filesOf(item);
    return files.length > 0 && files.every((key) => this.selected.has(key));
  }

  select(items, isWanted) {
    for (const item of items) for (const key of this.filesOf(item)) this.selected[isWanted ? "add" : "delete"](key);
    this.drawSelection();
  }

  drawSelection() {
    for (const tile of this.tiles.values()) {
      tile.box.checked = this.isSelected(tile.item);
      tile.classList.toggle("sk-chosen-tile", tile.box.checked);
    }
    const count = this.selected.size;
    const choose = button("Select all", { onclick: () => this.select(this.items, true) });
    this.bar.hidden = !this.items.length;
    if (this.packing) return;
    const had = this.bar.contains(this.root.getRootNode().activeElement) ? this.root.getRootNode().activeElement.textContent : null;
    this.bar.replaceChildren(...(count ? [
      el("span", { text: `${shownCount(count, "file")} selected` }),
      button("Download as ZIP", { icon: "down", primary: true, onclick: () => this.pack() }),
      choose, button("Clear", { icon: "close", onclick: () => { this.selected.clear(); this.drawSelection(); } }),
    ] : [choose]));
    if (had) ([...this.bar.querySelectorAll("button")].find((each) => each.textContent === had) ?? this.bar.querySelector("button"))?.focus();
  }

  // --- an archive ---

  pack() {
    const key = `${Date.now()}-${Math.random()}`;
    const models = new Set([...this.selected].map((each) => Number(each.split("/")[0])));
    const one = models.size === 1 ? this.shared.rows.get([...models][0])?.name : null;
    this.packing = { key, stopped: false, name: `${one ?? `listings-${new Date().toLocaleDateString("sv")}`}.zip` };
    this.packed = el("span", { role: "status", text: "Packing …" });
    this.bar.replaceChildren(this.packed, button("Cancel", { onclick: () => this.endPacking("") }));
    this.link.tell("pack", { key, files: [...this.selected].map((each) => each.split("/").map(Number)) });
  }

  onPacking({ key, done, total }) {
    if (this.packing?.key === key) this.packed.textContent = `Packing ${done} of ${shownCount(total, "file")} …`;
  }

  async onPacked({ key, size, error, missing }) {
    if (this.packing?.key !== key) return;
    if (error) return this.endPacking(error);
    const { packing } = this;
    try {
      const { blob } = await fetchWhole(this.link, "packed", { key }, size, (received) => {
        if (packing.stopped) throw new Error("");
        this.packed.textContent = `Fetching ${shownBytes(received)} of ${shownBytes(size)} …`;
      });
      save(new Blob([blob], { type: "application/zip" }), packing.name);
      this.endPacking(missing.length ? `${shownCount(missing.length, "file")} could not be read: ${missing[0]}` : `Saved, ${shownBytes(size)}.`, missing.length > 0);
    } catch (failure) {
      if (!packing.stopped) this.endPacking(failure.message);
    }
    this.link.tell("forget", { key });
  }

  endPacking(text, isBad = true) {
    if (!this.packing) return;
    this.packing.stopped = true;
    this.packing = null;
    this.drawSelection();
    if (text) this.bar.append(el(`span.${isBad ? "sk-bad" : "sk-good"}`, { role: "status", text }));
  }

  close() {
    this.near.disconnect();
    this.lightbox.end();
    for (const waiting of this.addresses.values()) waiting.then((address) => address && URL.revokeObjectURL(address));
    for (const { resolve } of this.wanted) resolve(null);
    this.wanted = [];
  }
}

function keyed(item, kind) {
  const { row, at } = item;
  // a model that is made anew gets a new tile
  return { ...item, key: `${kind}${row.id}/${at}/${row.when}/${row.state}/${row.warnings}` };
}

export default part("results_gallery", { begin, show: (root, link, shared) => new Gallery(root, link, shared).endings });
