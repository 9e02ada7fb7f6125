// Tabs inside a part: one stop of the Tab key, arrows between them.

import { el } from "./base.js";

/** Make tabs of `{ name: [label, panel] }`; `onOpen(name)` is called with each that is opened. */
export function tabs(label, parts, onOpen) {
  const list = el("div.sk-tabs", { role: "tablist", "aria-label": label, "data-lm-suppress-shortcuts": "true" });
  const host = el("div.sk-tab-panels");
  const number = Math.random().toString(36).slice(2);
  const buttons = new Map();
  const open = (name) => {
    for (const [other, made] of buttons) {
      const isOpen = other === name;
      made.setAttribute("aria-selected", String(isOpen));
      made.tabIndex = isOpen ? 0 : -1;
      parts[other][1].hidden = !isOpen;
    }
    onOpen(name);
  };
  for (const [name, [text, panel]] of Object.entries(parts)) {
    const ids = { tab: `sk-tab-${number}-${name}`, panel: `sk-panel-${number}-${name}` };
    const made = el("button.sk-tab", { type: "button", role: "tab", id: ids.tab, "aria-controls": ids.panel, text, onclick: () => open(name) });
    Object.entries({ role: "tabpanel", id: ids.panel, "aria-labelledby": ids.tab }).forEach(([key, value]) => panel.setAttribute(key, value));
    buttons.set(name, made);
    list.append(made);
    host.append(panel);
  }
  list.addEventListener("keydown", (event) => {
    const all = [...buttons.keys()];
    const at = all.findIndex((name) => buttons.get(name) === event.target);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const name = all[(next + all.length) % all.length];
    open(name);
    buttons.get(name).focus();
  });
  open(Object.keys(parts)[0]);
  return [list, host];
}
