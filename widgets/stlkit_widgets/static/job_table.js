// The table of jobs: a virtual list, so that ten thousand rows cost no more than thirty.

import { button, el, icon, part, shownBytes, shownCount, shownSeconds } from "./base.js";
import { openMenu } from "./menu.js";

const ROW_PX = 40;
const SPARE_ROWS = 5; // drawn above and below what is in sight
const WISH_ENDS_AFTER_MS = 10_000;
const MOST_PICTURES = 300;

const STATES = {
  pending: ["pending", "sk-faint"],
  validating: ["running", "sk-busy"],
  processing: ["running", "sk-busy"],
  paused: ["paused", "sk-doubtful"],
  completed: ["completed", "sk-good"],
  failed: ["failed", "sk-bad"],
  skipped: ["skipped", "sk-doubtful"],
  cancelled: ["cancelled", "sk-faint"],
};
const STATE_RANK = ["processing", "validating", "paused", "pending", "failed", "skipped", "cancelled", "completed"];
const ENDED = new Set(["completed", "failed", "skipped", "cancelled"]);
const RUNNING = new Set(["validating", "processing"]);

// `needs` is the width of the table below which a column goes
const COLUMNS = [
  { key: "state", title: "State", width: "112px", needs: 0, of: (row) => STATE_RANK.indexOf(row.state) },
  { key: "file", title: "File", width: "minmax(150px, 2.2fr)", needs: 0, of: (row) => row.file.toLowerCase() },
  { key: "size", title: "Size", width: "78px", needs: 560, number: true, of: (row) => row.size },
  { key: "faces", title: "Faces", width: "84px", needs: 900, number: true, of: (row) => row.faces },
  { key: "progress", title: "Progress", width: "minmax(100px, .8fr)", needs: 440, of: (row) => row.progress },
  { key: "left", title: "Time left", width: "82px", needs: 760, number: true, of: (row) => row.left },
  { key: "took", title: "Duration", width: "80px", needs: 680, number: true, of: (row) => row.took },
  { key: "note", title: "Warnings", width: "minmax(120px, 2.2fr)", needs: 620, of: (row) => -row.notes || null },
];

const isEnded = (row) => ENDED.has(row.state);
const isInHand = (row) => RUNNING.has(row.state) || row.held;
const ACTIONS = [
  { name: "pause", label: "Pause", icon: "paused", wish: "pausing", fits: (row) => !isEnded(row) && row.state !== "paused" },
  { name: "resume", label: "Resume", icon: "start", wish: "resuming", fits: (row) => row.state === "paused" },
  { name: "cancel", label: "Cancel", icon: "cancelled", wish: "cancelling", fits: (row) => !isEnded(row) },
  { name: "retry", label: "Retry", icon: "retry", wish: "retrying", fits: isEnded },
  { name: "remove", label: "Remove", icon: "remove", wish: "removing", fits: (row) => !isInHand(row) },
  { name: "top", label: "Move to the top", icon: "top", fits: () => true },
  { name: "up", label: "Move up", icon: "up", fits: () => true },
  { name: "down", label: "Move down", icon: "down", fits: () => true },
  { name: "open", label: "Show outputs", icon: "open", looks: true, fits: (row) => isEnded(row) },
];

/** Everything that the views of one table share. */
class Store {
  constructor(link) {
    this.link = link;
    this.rows = new Map();
    this.order = [];
    this.hasAnswer = false;
    this.wishes = new Map(); // what was asked of a job and has not shown yet
    this.pictures = new Map();
    this.views = new Set();
    link.hear("rows", (_, buffers) => this.take(JSON.parse(new TextDecoder().decode(buffers[0]))));
    link.hear("sizes", ({ sizes }) => this.takeSizes(sizes));
    link.tell("hello");
  }

  take({ rows, order, whole }) {
    this.hasAnswer = true;
    if (whole) this.rows.clear();
    for (const row of rows) {
      this.rows.set(row.id, row);
      this.wishes.delete(row.id);
    }
    if (order) {
      this.order = order;
      if (order.length < this.rows.size) {
        const kept = new Set(order);
        for (const id of this.rows.keys()) if (!kept.has(id)) this.forget(id);
      }
    }
    this.changed(Boolean(order));
  }

  takeSizes(sizes) {
    for (const [id, size] of Object.entries(sizes)) {
      const row = this.rows.get(id);
      if (row) this.rows.set(id, { ...row, size: row.size ?? size });
    }
    this.changed(false);
  }

  forget(id) {
    this.rows.delete(id);
    this.wishes.delete(id);
    this.dropPicture(id);
  }

  changed(isOrder) {
    for (const view of this.views) view.refresh(isOrder);
  }

  act(action, ids, extra = {}) {
    if (action.wish) {
      for (const id of ids) this.wishes.set(id, action.wish);
      setTimeout(() => {
        for (const id of ids) if (this.wishes.get(id) === action.wish) this.wishes.delete(id);
        this.changed(false);
      }, WISH_ENDS_AFTER_MS);
    }
    this.link.tell("act", { action: action.name, ids, ...extra });
    this.changed(false);
  }

  place(ids, before) {
    const moving = new Set(ids);
    const rest = this.order.filter((id) => !moving.has(id));
    const at = before === null ? rest.length : rest.indexOf(before);
    rest.splice(at < 0 ? rest.length : at, 0, ...this.order.filter((id) => moving.has(id)));
    this.order = rest; // shown at once; the queue's own order follows
    this.link.tell("act", { action: "place", ids: rest.filter((id) => moving.has(id)), before });
    this.changed(true);
  }

  /** Fetch the pictures of rows in sight that have one. */
  async fetchPictures(ids) {
    const wanted = ids.filter((id) => !this.pictures.has(id) && this.rows.get(id)?.picture);
    if (!wanted.length) return;
    for (const id of wanted) this.pictures.set(id, null); // asked for
    const answer = await this.link.ask("thumbnails", { ids: wanted }).catch(() => ({ ids: [], buffers: [] }));
    answer.ids.forEach((id, at) => {
      if (this.rows.has(id)) {
        this.pictures.set(id, URL.createObjectURL(new Blob([answer.buffers[at]], { type: "image/png" })));
      }
    });
    for (const id of this.pictures.keys()) {
      if (this.pictures.size <= MOST_PICTURES) break;
      if (!ids.includes(id)) this.dropPicture(id);
    }
    this.changed(false);
  }

  dropPicture(id) {
    const address = this.pictures.get(id);
    if (address) URL.revokeObjectURL(address);
    this.pictures.delete(id);
  }
}

class TableView {
  constructor(root, link, store) {
    this.root = root;
    this.link = link;
    this.store = store;
    this.uid = `sk${Math.random().toString(36).slice(2, 9)}`;
    this.shown = []; // ids, filtered and sorted
    this.lines = new Map(); // the drawn ones
    this.selected = new Set();
    this.current = null; // where the keyboard is
    this.anchor = null; // where a range begins
    this.text = "";
    this.state = "";
    this.readOnly = false;
    const layout = link.model.get("view_layout") ?? {};
    this.sort = COLUMNS.some((column) => column.key === layout.sort?.key) ? layout.sort : null;
    this.hidden = new Set(Array.isArray(layout.hidden) ? layout.hidden : []);
    this.build(layout.height);
    store.views.add(this);
    this.endings = [
      link.follow("read_only", (value) => {
        this.readOnly = value;
        this.refresh(true);
      }),
      link.hear("reveal", ({ ids }) => this.reveal(ids)),
      () => this.watch.disconnect(),
      () => store.views.delete(this),
    ];
  }

  // --- building ---

  build(height) {
    this.find = el("input.sk-field", {
      type: "search", placeholder: "Filter by name or text", "aria-label": "Filter jobs by text",
      oninput: () => { this.text = this.find.value.trim().toLowerCase(); this.refresh(true); },
    });
    this.states = el("select.sk-field", {
      "aria-label": "Filter jobs by state",
      onchange: () => { this.state = this.states.value; this.refresh(true); },
    });
    this.told = el("span.sk-faint", { role: "status" });
    this.buttons = ACTIONS.map((action) => {
      const made = button(action.label, { icon: action.icon, quiet: true, onclick: () => this.act(action) });
      made.dataset.action = action.name;
      return made;
    });
    this.chooser = button("Columns", { icon: "columns", quiet: true, onclick: () => this.chooseColumns() });
    this.tools = el("div.sk-row.sk-tools", { role: "toolbar", "aria-label": "Jobs" }, this.find, this.states,
      el("div.sk-actions", {}, this.told, this.buttons, this.chooser));
    this.headLine = el("div.sk-line", { role: "row", "aria-rowindex": "1" });
    this.space = el("div.sk-space", { role: "presentation" });
    this.empty = el("div.sk-empty", { role: "presentation" });
    this.body = el("div.sk-body", { role: "rowgroup", onscroll: () => this.draw() }, this.space);
    this.grid = el("div.sk-grid", {
      role: "grid", tabindex: "0", "aria-label": "Jobs of the queue", "aria-multiselectable": "true",
      "data-lm-suppress-shortcuts": "true", onkeydown: (event) => this.onKey(event),
    }, el("div.sk-head", { role: "rowgroup" }, this.headLine), this.body);
    if (Number.isFinite(height)) this.grid.style.height = `${Math.min(Math.max(height, 160), 2000)}px`;
    this.root.append(this.tools, el("div", { style: "position:relative" }, this.grid, this.empty));
    this.body.addEventListener("pointerdown", (event) => this.onPress(event));
    this.body.addEventListener("dblclick", () => this.act(ACTIONS.find((action) => action.name === "open")));
    this.body.addEventListener("contextmenu", (event) => this.onContext(event));
    this.watch = new ResizeObserver(() => this.onResize());
    this.watch.observe(this.grid);
  }

  onResize() {
    const width = this.grid.clientWidth;
    const visible = COLUMNS.filter((column) => width >= column.needs && !this.hidden.has(column.key));
    const key = visible.map((column) => column.key).join();
    if (key !== this.columnsKey) {
      this.columnsKey = key;
      this.columns = visible;
      this.grid.style.setProperty("--sk-columns", ["24px", ...visible.map((column) => column.width), "34px"].join(" "));
      this.grid.setAttribute("aria-colcount", visible.length);
      this.clearLines();
      this.drawHead();
    }
    this.draw();
    const height = this.grid.offsetHeight;
    if (this.height !== undefined && height && this.height !== height) this.rememberSoon();
    this.height = height || this.height;
  }

  clearLines() {
    for (const line of this.lines.values()) line.remove();
    this.lines.clear();
  }

  drawHead() {
    const sortable = this.columns.map((column) => {
      const isSorted = this.sort?.key === column.key;
      const arrow = isSorted ? (this.sort.down ? "▼" : "▲") : "";
      return el(`div${column.number ? ".sk-number" : ""}`,
        { role: "columnheader", "aria-sort": isSorted ? (this.sort.down ? "descending" : "ascending") : "none", style: "padding:0" },
        el("button", { type: "button", onclick: () => this.sortBy(column.key), title: `Sort by ${column.title.toLowerCase()}` },
          el("span", { text: column.title }), arrow && el("span.sk-arrow", { text: arrow, "aria-hidden": "true" })));
    });
    this.headLine.replaceChildren(el("div", { role: "presentation" }), ...sortable, el("div", { role: "presentation" }));
  }

  sortBy(key) {
    if (this.sort?.key !== key) this.sort = { key, down: false };
    else if (!this.sort.down) this.sort = { key, down: true };
    else this.sort = null; // the third press: the order in which they run
    this.drawHead();
    this.refresh(true);
    this.remember();
  }

  chooseColumns() {
    openMenu(this.root, this.chooser, "Columns", COLUMNS.filter(({ key }) => key !== "file").map(({ key, title }) => ({
      label: title,
      checked: !this.hidden.has(key),
      run: () => {
        if (!this.hidden.delete(key)) this.hidden.add(key);
        this.onResize();
        this.remember();
      },
    })));
  }

  rememberSoon() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => this.remember(), 500);
  }

  remember() {
    const layout = { height: this.grid.offsetHeight, sort: this.sort, hidden: [...this.hidden] };
    this.link.tell("layout", { layout });
  }

  // --- showing ---

  /** Show how things are; `isWhole` where not only single rows have changed. */
  refresh(isWhole) {
    const { rows, order } = this.store;
    if (isWhole || this.sort || this.text || this.state) {
      let ids = order;
      if (this.text || this.state) ids = ids.filter((id) => this.passes(rows.get(id)));
      if (this.sort) ids = this.sorted(ids);
      this.shown = ids;
      this.places = null;
      for (const id of this.selected) if (!rows.has(id)) this.selected.delete(id);
      if (this.current !== null && !rows.has(this.current)) this.current = null;
      this.space.style.height = `${ids.length * ROW_PX}px`;
      this.grid.setAttribute("aria-rowcount", ids.length + 1);
      this.grid.classList.toggle("sk-fixed", Boolean(this.sort) || this.readOnly);
      this.tellSelection();
    }
    this.drawStates();
    this.drawEmpty();
    this.draw();
    this.enableActions();
  }

  passes(row) {
    if (!row || (this.state && row.state !== this.state)) return false;
    if (!this.text) return true;
    row.text ??= `${row.file}\n${row.folder}\n${row.note}`.toLowerCase();
    return row.text.includes(this.text);
  }

  sorted(ids) {
    const { rows } = this.store;
    const { of } = COLUMNS.find((column) => column.key === this.sort.key);
    const keys = new Map(ids.map((id) => [id, of(rows.get(id))]));
    const way = this.sort.down ? -1 : 1;
    return [...ids].sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (x === y) return 0;
      if (x === null || x === undefined) return 1; // what is not known stands at the end, either way
      if (y === null || y === undefined) return -1;
      return (x < y ? -1 : 1) * way;
    });
  }

  drawStates() {
    const counts = new Map();
    for (const row of this.store.rows.values()) counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
    const options = [["", `All states (${this.store.rows.size.toLocaleString("en")})`]];
    for (const state of Object.keys(STATES)) {
      if (counts.has(state) || state === this.state) options.push([state, `${state} (${(counts.get(state) ?? 0).toLocaleString("en")})`]);
    }
    const key = options.join();
    if (key === this.statesKey) return;
    this.statesKey = key;
    this.states.replaceChildren(...options.map(([value, text]) => el("option", { value, text })));
    this.states.value = this.state;
  }

  drawEmpty() {
    const count = this.shown.length;
    this.empty.hidden = count > 0;
    if (count) return;
    const [title, text] = this.store.order.length
      ? ["No job passes the filter", "Clear the text or choose all states."]
      : this.store.hasAnswer
        ? ["No jobs yet", this.readOnly ? "The queue is empty." : "Name a file or a folder above, or drop STL files there."]
        : ["Waiting for the kernel", "If nothing comes, run the cell again."];
    this.empty.replaceChildren(el("b", { text: title }), el("span", { text }));
  }

  draw() {
    if (!this.columns) return;
    const first = Math.max(0, Math.floor(this.body.scrollTop / ROW_PX) - SPARE_ROWS);
    const last = Math.min(this.shown.length, Math.ceil((this.body.scrollTop + this.body.clientHeight) / ROW_PX) + SPARE_ROWS);
    const inSight = this.shown.slice(first, last);
    const keep = new Set(inSight);
    for (const [id, line] of this.lines) {
      if (!keep.has(id)) {
        line.remove();
        this.lines.delete(id);
      }
    }
    inSight.forEach((id, at) => this.drawLine(id, first + at));
    const activeLine = this.current !== null && this.lines.get(this.current);
    if (activeLine) this.grid.setAttribute("aria-activedescendant", activeLine.id);
    else this.grid.removeAttribute("aria-activedescendant");
    this.store.fetchPictures(inSight);
  }

  drawLine(id, index) {
    const row = this.store.rows.get(id);
    if (!row) return;
    let line = this.lines.get(id);
    if (!line) {
      line = this.newLine(id);
      this.lines.set(id, line);
      this.space.append(line);
    }
    const now = { row, index, wish: this.store.wishes.get(id), picture: this.store.pictures.get(id) };
    const before = line.drawn ?? {};
    if (before.index !== index) {
      line.style.transform = `translateY(${index * ROW_PX}px)`;
      line.setAttribute("aria-rowindex", index + 2);
    }
    line.setAttribute("aria-selected", String(this.selected.has(id)));
    line.classList.toggle("sk-current", id === this.current);
    if (before.row !== row || before.wish !== now.wish || before.picture !== now.picture) {
      for (const column of this.columns) FILLERS[column.key](line.cells[column.key], row, now);
    }
    line.drawn = now;
  }

  newLine(id) {
    const line = el("div.sk-line", { role: "row", id: `${this.uid}-${id}`, data: { id } });
    line.cells = {};
    const cells = this.columns.map((column) => {
      const cell = el(`div.sk-${column.key}${column.number ? ".sk-number" : ""}`, { role: "gridcell" });
      line.cells[column.key] = cell;
      return cell;
    });
    const more = button("Actions", { icon: "more", quiet: true, onclick: () => this.openMenu(id, more) });
    more.tabIndex = -1; // the keyboard reaches the menu from its row
    line.append(el("div.sk-grip", { role: "presentation", title: "Drag to another place" }, icon("handle")), ...cells,
      el("div.sk-tail", { role: "gridcell" }, more));
    return line;
  }

  // --- choosing ---

  indexOf(id) {
    this.places ??= new Map(this.shown.map((each, at) => [each, at]));
    return this.places.get(id) ?? -1;
  }

  choose(id, { add = false, range = false } = {}) {
    if (range && this.anchor !== null && this.indexOf(this.anchor) >= 0) {
      const [from, to] = [this.indexOf(this.anchor), this.indexOf(id)].sort((a, b) => a - b);
      if (!add) this.selected.clear();
      for (const each of this.shown.slice(from, to + 1)) this.selected.add(each);
    } else {
      if (!add) this.selected.clear();
      if (add && this.selected.has(id)) this.selected.delete(id);
      else this.selected.add(id);
      this.anchor = id;
    }
    this.current = id;
    this.afterChoice();
  }

  chooseAll(ids) {
    this.selected = new Set(ids);
    this.current = ids[0] ?? null;
    this.anchor = this.current;
    this.afterChoice();
  }

  afterChoice() {
    this.draw();
    this.enableActions();
    this.tellSelection();
  }

  chosenIds() {
    const ids = this.store.order.filter((id) => this.selected.has(id));
    return this.selected.has(this.current) ? [this.current, ...ids.filter((id) => id !== this.current)] : ids;
  }

  tellSelection() {
    const ids = this.chosenIds();
    const key = ids.length > 1000 ? `${ids.length} ${ids[0]} ${ids.at(-1)}` : ids.join();
    if (key === this.selectionKey) return;
    const isFirst = this.selectionKey === undefined;
    this.selectionKey = key;
    if (!isFirst || ids.length) this.link.tell("select", { ids });
  }

  reveal(ids) {
    if (ids.some((id) => this.indexOf(id) < 0)) {
      this.text = this.find.value = "";
      this.state = "";
      this.statesKey = null;
      this.refresh(true);
    }
    this.chooseAll(ids.filter((id) => this.store.rows.has(id)));
    this.scrollTo(this.current);
  }

  scrollTo(id) {
    const top = this.indexOf(id) * ROW_PX;
    if (top < 0) return;
    if (top < this.body.scrollTop) this.body.scrollTop = top;
    else if (top + ROW_PX > this.body.scrollTop + this.body.clientHeight) this.body.scrollTop = top + ROW_PX - this.body.clientHeight;
    this.draw();
  }

  enableActions() {
    const rows = [...this.selected].map((id) => this.store.rows.get(id)).filter(Boolean);
    ACTIONS.forEach((action, at) => {
      this.buttons[at].disabled = (this.readOnly && !action.looks) || !rows.some(action.fits);
    });
    const told = rows.length ? `${rows.length.toLocaleString("en")} selected` : "";
    if (this.told.textContent !== told) this.told.textContent = told;
  }

  act(action) {
    if (this.readOnly && !action.looks) return;
    const ids = this.chosenIds().filter((id) => action.fits(this.store.rows.get(id)));
    if (!ids.length) return;
    if (["top", "up", "down"].includes(action.name)) this.shift(action.name, ids);
    else this.store.act(action, ids);
  }

  shift(way, ids) {
    const { order } = this.store;
    const moving = new Set(ids);
    const places = order.flatMap((id, at) => (moving.has(id) ? [at] : []));
    const rest = order.filter((id) => !moving.has(id));
    const before = { top: 0, up: places[0] - 1, down: places[0] + 1 }[way]; // how many of the rest stand in front
    this.store.place(ids, rest[Math.max(0, before)] ?? null);
    this.scrollTo(this.current);
  }

  openMenu(id, anchor) {
    if (!this.selected.has(id)) this.choose(id);
    const rows = [...this.selected].map((each) => this.store.rows.get(each)).filter(Boolean);
    const entries = ACTIONS.map((action) => ({
      label: action.label, icon: action.icon, run: () => this.act(action),
      disabled: (this.readOnly && !action.looks) || !rows.some(action.fits),
    }));
    openMenu(this.root, anchor, `Actions for ${shownCount(rows.length, "job")}`, entries);
  }

  // --- pointer and keys ---

  onPress(event) {
    const line = event.target.closest(".sk-line");
    if (!line || event.button > 0 || event.target.closest("button")) return;
    const id = line.dataset.id;
    if (event.target.closest(".sk-grip") && !this.sort && !this.readOnly) {
      this.drag(event, id);
      return;
    }
    this.choose(id, { add: event.ctrlKey || event.metaKey, range: event.shiftKey });
    this.grid.focus({ preventScroll: true });
    if (event.shiftKey) event.preventDefault(); // no text is meant to be selected
  }

  onContext(event) {
    const line = event.target.closest(".sk-line");
    if (!line || event.shiftKey) return; // with Shift, the browser's own
    event.preventDefault();
    event.stopPropagation();
    this.openMenu(line.dataset.id, line.querySelector("button"));
  }

  drag(event, id) {
    event.preventDefault();
    if (!this.selected.has(id)) this.choose(id);
    const ids = this.chosenIds();
    const mark = el("div.sk-mark");
    let at = null;
    const move = (moved) => {
      const box = this.body.getBoundingClientRect();
      if (moved.clientY < box.top + 24) this.body.scrollTop -= 12;
      if (moved.clientY > box.bottom - 24) this.body.scrollTop += 12;
      at = Math.round((moved.clientY - box.top + this.body.scrollTop) / ROW_PX);
      at = Math.min(Math.max(at, 0), this.shown.length);
      mark.style.top = `${at * ROW_PX - 1}px`;
      if (!mark.isConnected) this.space.append(mark);
      this.body.classList.add("sk-dragging");
    };
    const end = (isDropped) => {
      mark.remove();
      this.body.classList.remove("sk-dragging");
      for (const [name, listener] of listeners) window.removeEventListener(name, listener, true);
      if (!isDropped || at === null) return;
      let before = at;
      while (before < this.shown.length && this.selected.has(this.shown[before])) before += 1;
      this.store.place(ids, this.shown[before] ?? null);
    };
    const listeners = [
      ["pointermove", move], ["pointerup", () => end(true)], ["pointercancel", () => end(false)],
      ["keydown", (pressed) => pressed.key === "Escape" && end(false)],
    ];
    for (const [name, listener] of listeners) window.addEventListener(name, listener, true);
  }

  onKey(event) {
    if (event.target !== this.grid) return;
    const at = this.current === null ? -1 : this.indexOf(this.current);
    const page = Math.max(1, Math.floor(this.body.clientHeight / ROW_PX) - 1);
    const to = {
      ArrowDown: at + 1, ArrowUp: Math.max(at - 1, 0), Home: 0, End: this.shown.length - 1,
      PageDown: at + page, PageUp: at - page,
    }[event.key];
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
      this.act(ACTIONS.find((action) => action.name === (event.key === "ArrowUp" ? "up" : "down")));
    } else if (to !== undefined && this.shown.length) {
      const id = this.shown[Math.min(Math.max(to, 0), this.shown.length - 1)];
      if (isCommand) { this.current = id; this.draw(); } else this.choose(id, { range: event.shiftKey });
      this.scrollTo(id);
    } else if (event.key === " " && this.current !== null) {
      this.choose(this.current, { add: true, range: event.shiftKey });
    } else if (isCommand && event.key.toLowerCase() === "a") {
      const kept = this.current;
      this.chooseAll(this.shown);
      this.current = kept ?? this.current;
    } else if (event.key === "Escape") {
      this.chooseAll([]);
    } else if (event.key === "Enter") {
      this.act(ACTIONS.find((action) => action.name === "open"));
    } else if (event.key === "Delete") {
      this.act(ACTIONS.find((action) => action.name === "remove"));
    } else if ((event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) && this.lines.has(this.current)) {
      this.openMenu(this.current, this.lines.get(this.current).querySelector("button"));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

const FILLERS = {
  state(cell, row, { wish }) {
    const [name, colour] = STATES[row.state] ?? ["info", ""];
    cell.className = `sk-state ${colour}`;
    cell.replaceChildren(icon(name), el("span", { text: wish ? `${wish} …` : row.state }));
  },
  file(cell, row, { picture }) {
    const thumb = el("div.sk-thumb", {}, picture ? el("img", { src: picture, alt: "" }) : icon("model"));
    cell.title = `${row.folder}/${row.file}`;
    // the mark keeps the left-to-right text in order where its beginning is cut off
    cell.replaceChildren(thumb, el("div", {}, el("div", {}, el("bdi", { text: row.file })), el("div.sk-faint", {}, el("bdi", { text: row.folder }))));
  },
  size: (cell, row) => setText(cell, shownBytes(row.size)),
  faces: (cell, row) => setText(cell, row.faces === null ? "" : row.faces.toLocaleString("en")),
  left: (cell, row) => setText(cell, shownSeconds(row.left)),
  took: (cell, row) => setText(cell, shownSeconds(row.took)),
  progress(cell, row) {
    if (isEnded(row) || row.stage === null) {
      cell.replaceChildren();
      return;
    }
    if (!cell.bar?.isConnected) {
      cell.bar = el("i");
      cell.words = el("div.sk-faint");
      cell.replaceChildren(cell.words, el("div.sk-bar", { "aria-hidden": "true" }, cell.bar));
    }
    cell.bar.style.transform = `scaleX(${row.progress / 100})`;
    setText(cell.words, `${row.progress.toFixed(0)} % · ${row.stage}`);
  },
  note(cell, row) {
    cell.title = row.note;
    const more = row.notes > 1 ? el("span.sk-faint", { text: ` (+${row.notes - 1})` }) : null;
    cell.replaceChildren(el("bdi", { text: row.note }), ...(more ? [more] : []));
  },
};

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export default part("job_table", {
  begin: (link) => new Store(link),
  show: (root, link, store) => new TableView(root, link, store).endings,
});
