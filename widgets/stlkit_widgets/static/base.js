// What every part of a page is made of.

const SVG = "http://www.w3.org/2000/svg";

// 16 x 16, drawn with lines of the text's colour
const ICONS = {
  pending: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 5v3.2l2.2 1.4",
  running: "M13.5 8A5.5 5.5 0 1 1 8 2.5",
  paused: "M5.5 4v8M10.5 4v8",
  completed: "M3 8.5l3.2 3.2L13 5",
  failed: "M4 4l8 8M12 4l-8 8",
  skipped: "M4 4l4 4-4 4M9 4l4 4-4 4",
  cancelled: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM4.2 4.2l7.6 7.6",
  start: "M5 3.5v9l7.5-4.5Z",
  stop: "M4.5 4.5h7v7h-7Z",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  remove: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  top: "M3.5 3h9M8 13V6M5 9l3-3 3 3",
  up: "M8 13V4M4.5 7.5L8 4l3.5 3.5",
  down: "M8 3v9M4.5 8.5L8 12l3.5-3.5",
  gallery: "M2.5 2.5h4.5v4.5H2.5ZM9 2.5h4.5v4.5H9ZM2.5 9h4.5v4.5H2.5ZM9 9h4.5v4.5H9Z",
  left: "M10 3.5L5.5 8l4.5 4.5",
  right: "M6 3.5L10.5 8 6 12.5",
  open: "M2.5 12.5v-9h4l1.5 2h5.5v7Z",
  more: "M3.4 8h.2M7.9 8h.2M12.4 8h.2",
  columns: "M2.5 3.5h11v9h-11ZM6.2 3.5v9M9.8 3.5v9",
  handle: "M6 4h.2M10 4h.2M6 8h.2M10 8h.2M6 12h.2M10 12h.2",
  warning: "M8 3L14 13H2ZM8 7v2.6M8 11.3v.2",
  info: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 7.5v3.2M8 5.2v.2",
  close: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  model: "M8 2l5 2.8v5.9L8 14l-5-3.3V4.8ZM3 4.8L8 7.6l5-2.8M8 7.6V14",
  file: "M4 2h5.5L12 4.5V14H4ZM9 2v3h3",
  upload: "M8 11V3M5 6l3-3 3 3M3 10.5v2.5h10v-2.5",
  copy: "M6 6h7v7H6ZM10 6V3H3v7h3",
  clear: "M2.5 5h7M2.5 8h5M2.5 11h3.5M9.5 9.5l4 4M13.5 9.5l-4 4",
  view: "M1.8 8S4 4 8 4s6.2 4 6.2 4S12 12 8 12 1.8 8 1.8 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z",
};

/** Make an element. Properties that begin with "on" are listeners, "data" is a dataset, the rest are attributes. */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  element.classList.add(...classes);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "text") element.textContent = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("sk-icon", `sk-icon-${name}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/** A button with an icon and a word; `quiet` shows the icon alone and keeps the word for those who cannot see it. */
export function button(label, { icon: name, onclick, quiet = false, primary = false, title = null } = {}) {
  const made = el(`button.sk-button${quiet ? ".sk-quiet-button" : ""}${primary ? ".sk-primary" : ""}`, {
    type: "button",
    title: title ?? (quiet ? label : null),
    "aria-label": quiet ? label : null,
    onclick,
  });
  if (name) made.append(icon(name));
  if (!quiet) made.append(el("span", { text: label }));
  return made;
}

export function shownBytes(bytes) {
  if (bytes === null || bytes === undefined) return "";
  let amount = bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (amount < 999.5) return `${amount >= 99.95 || unit === "B" ? amount.toFixed(0) : amount.toFixed(1)} ${unit}`;
    amount /= 1000;
  }
  return `${amount.toFixed(1)} GB`;
}

export function shownSeconds(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.095) return `${(1000 * seconds).toFixed(0)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function shownCount(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** One model's line to its other half in the kernel, shared by all views of the model. */
export class Link {
  constructor(model) {
    this.model = model;
    this.isCut = false;
    this.listeners = new Map();
    this.waiting = new Map();
    this.lastNumber = 0;
    this.onMessage = (content, buffers) => this.receive(content, buffers);
    this.onComm = () => this.cut();
    model.on("msg:custom", this.onMessage);
    model.on("comm_live_update", this.onComm); // it is live when we begin, so this is its end
    this.hear("answer", (content, buffers) => {
      this.waiting.get(content.number)?.(content, buffers);
      this.waiting.delete(content.number);
    });
  }

  receive(content, buffers) {
    for (const listener of [...(this.listeners.get(content.kind) ?? [])]) listener(content, buffers);
  }

  /** Say something that needs no answer. */
  tell(what, details = {}) {
    this.model.send({ ...details, do: what });
  }

  /** Ask, and resolve to the answer; its buffers are in `buffers`. An error there is thrown here. */
  ask(what, details = {}, buffers = []) {
    const number = `${Date.now()}-${(this.lastNumber += 1)}-${Math.random()}`; // other pages may ask too
    return new Promise((resolve, reject) => {
      this.waiting.set(number, (content, received) => {
        if (content.error !== undefined) reject(new Error(content.error));
        else resolve({ ...content, buffers: received ?? [] });
      });
      this.model.send({ ...details, ask: what, number }, undefined, buffers);
    });
  }

  /** Have `listener` called for every message of a kind; returns what ends that. */
  hear(kind, listener) {
    if (!this.listeners.has(kind)) this.listeners.set(kind, new Set());
    this.listeners.get(kind).add(listener);
    return () => this.listeners.get(kind).delete(listener);
  }

  /** Have `listener` called with a trait, now and whenever it changes; returns what ends that. */
  follow(name, listener) {
    const call = () => listener(this.model.get(name));
    this.model.on(`change:${name}`, call);
    call();
    return () => this.model.off(`change:${name}`, call);
  }

  cut() {
    if (this.isCut) return;
    this.isCut = true;
    for (const settle of this.waiting.values()) settle({ error: "the kernel has ended" });
    this.waiting.clear();
    this.receive({ kind: "cut" });
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onComm);
    this.waiting.clear();
    this.listeners.clear();
  }
}

/**
 * A widget's module. `begin(link)` makes what all views of a model share; `show(root, link, shared)` draws one view
 * and returns a list of functions that end it.
 */
export function part(name, { begin = () => null, show }) {
  return () => {
    let link, shared;
    return {
      initialize({ model }) {
        link = new Link(model);
        shared = begin(link);
        return () => link.close();
      },
      render({ el: host }) {
        const root = el(`div.sk-part.sk-${name}`);
        host.classList.add("sk-host");
        host.replaceChildren(root);
        const endings = show(root, link, shared);
        const grey = () => {
          root.classList.add("sk-cut");
          root.inert = name !== "notices"; // which say why
        };
        if (link.isCut) grey();
        endings.push(link.hear("cut", grey));
        return () => endings.forEach((end) => end());
      },
    };
  };
}
