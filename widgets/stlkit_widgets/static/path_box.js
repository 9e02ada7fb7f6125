// A box for a path on the kernel's machine: completes what is typed, and opens a dialog to look around.

import { button, el, icon, shownBytes, shownCount } from "./base.js";
import { placeBeside } from "./menu.js";

const ASK_AFTER_MS = 120;
const FILE_ICONS = { models: "model", folders: "file", pictures: "gallery" };
const BROWSED = { models: "files or a folder", folders: "a folder", pictures: "a picture" };
const NOTHING = { models: "No folders and no STL files in here", folders: "No folders in here", pictures: "No folders and no pictures in here" };
let lastBox = 0;

/**
 * @param link what answers "complete", "recent" and "list"
 * @param wanted what is looked for: "models", "folders" or "pictures"
 * @param onenter called with the text on Enter
 * @param onchange called with the text when it was changed and left, or chosen
 * @param onfiles called with several paths that were chosen in the dialog
 */
export function pathBox(link, { label, value = "", placeholder = "", wanted = "models", onenter, onchange, oninput, onfiles }) {
  const uid = `sk-path-${(lastBox += 1)}-${Math.random().toString(36).slice(2, 8)}`;
  const list = el("ul.sk-menu", { id: `${uid}-list`, role: "listbox", popover: "manual", "aria-label": "Completions" });
  const input = el("input.sk-field", {
    id: uid, type: "text", role: "combobox", "aria-label": label, "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": list.id, placeholder, spellcheck: "false", autocomplete: "off",
  });
  input.value = value;
  let active = -1, asking, lastTold = value;

  const told = () => {
    if (input.value !== lastTold) onchange?.(input.value);
    lastTold = input.value;
  };
  const close = () => {
    clearTimeout(asking);
    if (list.matches(":popover-open")) list.hidePopover();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  };
  const mark = (index) => {
    const items = [...list.children];
    active = items.length ? (index + items.length) % items.length : -1;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    if (active < 0) return;
    items[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[active].id);
  };
  const take = (text) => {
    input.value = text;
    close();
    oninput?.(text);
    if (text.endsWith("/")) askSoon();
    else told();
  };
  const show = (entries) => {
    if (!entries.length || document.activeElement !== input) return close();
    list.replaceChildren(...entries.map(({ text, title = text.replace(/\/$/, "").split("/").at(-1) }, at) => {
      return el("li", { role: "option", id: `${uid}-${at}`, "aria-selected": "false",
        onpointerdown: (event) => { event.preventDefault(); take(text); } },
        icon(text.endsWith("/") ? "open" : FILE_ICONS[wanted]), el("bdi", { text: title }));
    }));
    if (!list.matches(":popover-open")) list.showPopover();
    placeBeside(list, input.getBoundingClientRect(), { width: Math.max(240, input.offsetWidth) });
    input.setAttribute("aria-expanded", "true");
    active = -1;
  };
  const askSoon = () => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const text = input.value;
      const ask = (what) => link.ask(what, { text, wanted }).catch(() => ({ entries: [] }));
      const recent = text ? { entries: [] } : await ask("recent");
      const { entries } = recent.entries.length ? recent : await ask("complete");
      if (input.value === text) show(entries);
    }, ASK_AFTER_MS);
  };
  input.addEventListener("input", () => { oninput?.(input.value); askSoon(); });
  input.addEventListener("blur", () => { close(); told(); });
  input.addEventListener("keydown", (event) => {
    const isOpen = list.matches(":popover-open");
    if (event.key === "ArrowDown" && !isOpen) askSoon();
    else if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp" && isOpen) mark(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter" && isOpen && active >= 0) list.children[active].dispatchEvent(new PointerEvent("pointerdown", { cancelable: true }));
    else if (event.key === "Enter") {
      close();
      if (input.getAttribute("aria-invalid")) lastTold = null; // the same once more: what was wrong may be mended
      told();
      onenter?.(input.value);
    }
    else if (event.key === "Escape" && isOpen) close();
    else if (event.key === "Tab" && isOpen && active >= 0) { list.children[active].dispatchEvent(new PointerEvent("pointerdown", { cancelable: true })); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const browse = button("Browse", { icon: "open", quiet: true, title: `Browse for ${BROWSED[wanted]}`,
    onclick: () => lookAround(link, root, { wanted, from: input.value, onchoose: (paths) => {
      if (paths.length > 1 && onfiles) onfiles(paths);
      else { input.value = paths[0]; oninput?.(input.value); told(); input.focus(); }
    } }) });
  browse.setAttribute("aria-label", `Browse: ${label}`);
  const root = el("div.sk-path", {}, input, browse, list);
  return {
    root, input,
    get value() { return input.value; },
    set value(text) { if (document.activeElement !== input) { input.value = text; lastTold = text; } },
    set disabled(is) { input.disabled = is; browse.disabled = is; },
  };
}

function lookAround(link, root, { wanted, from, onchoose }) {
  const chosen = new Set();
  const where = el("p.sk-where", { role: "status" });
  const up = button("Up", { icon: "up", onclick: () => show(up.dataset.to) });
  const list = el("ul.sk-places", { role: "listbox", tabindex: "0", "aria-label": "Files and folders", "aria-multiselectable": String(wanted === "models") });
  const choose = button("", { primary: true, onclick: () => { dialog.close(); onchoose(chosen.size ? [...chosen] : [dialog.dataset.folder]); } });
  const dialog = el("dialog.sk-dialog", { "aria-label": `Choose ${BROWSED[wanted]}`, "data-lm-suppress-shortcuts": "true", onclose: () => dialog.remove() },
    el("div.sk-row", {}, up, where), list,
    el("div.sk-row", { style: "justify-content:flex-end" }, button("Cancel", { onclick: () => dialog.close() }), choose));
  const label = () => {
    choose.querySelector("span").textContent = chosen.size ? `Choose ${shownCount(chosen.size, "file")}` : wanted === "pictures" ? "Choose" : "Choose this folder";
    choose.disabled = wanted === "pictures" && !chosen.size;
  };
  const show = async (folder) => {
    let answer;
    try {
      answer = await link.ask("list", { folder, wanted });
    } catch (error) {
      where.textContent = error.message;
      return;
    }
    chosen.clear();
    label();
    dialog.dataset.folder = answer.folder;
    where.textContent = answer.folder;
    up.disabled = answer.parent === null;
    up.dataset.to = answer.parent ?? "";
    const items = answer.entries.map((entry) => place(entry));
    if (answer.more) items.push(el("li.sk-faint", { role: "option", "aria-disabled": "true", text: `… and ${answer.more.toLocaleString("en")} more` }));
    list.replaceChildren(...items);
    if (!items.length) list.replaceChildren(el("li.sk-faint", { role: "option", "aria-disabled": "true", text: NOTHING[wanted] }));
    mark(0);
  };
  let at = 0;
  const mark = (index) => {
    const items = [...list.children];
    at = Math.min(Math.max(index, 0), items.length - 1);
    items.forEach((item, each) => item.classList.toggle("sk-current", each === at));
    items[at].scrollIntoView({ block: "nearest" });
    list.setAttribute("aria-activedescendant", items[at].id);
  };
  const place = (entry) => {
    const item = el("li", { id: `sk-place-${Math.random().toString(36).slice(2)}`, role: "option", "aria-selected": "false",
      "aria-disabled": entry.path === null ? "true" : null,
      title: entry.path === null ? "This name cannot be typed; choose the folder it is in" : null },
      icon(entry.is_folder ? "open" : FILE_ICONS[wanted]), el("bdi.sk-grow", { text: entry.name }),
      el("span.sk-faint", { text: entry.is_folder ? "" : shownBytes(entry.size) }));
    item.run = () => {
      if (entry.path === null) return;
      if (entry.is_folder) { show(entry.path); return; }
      if (!chosen.delete(entry.path)) {
        if (wanted !== "models") { // only models are taken several at a time
          chosen.clear();
          for (const other of list.children) other.setAttribute("aria-selected", "false");
        }
        chosen.add(entry.path);
      }
      item.setAttribute("aria-selected", String(chosen.has(entry.path)));
      label();
    };
    item.addEventListener("click", () => { mark([...list.children].indexOf(item)); item.run(); });
    return item;
  };
  list.addEventListener("keydown", (event) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.children.length - 1 }[event.key];
    if (to !== undefined) mark(to);
    else if (event.key === "Enter" || event.key === " ") list.children[at]?.run?.();
    else if (event.key === "Backspace" && !up.disabled) show(up.dataset.to);
    else return;
    event.preventDefault();
  });
  label();
  root.append(dialog);
  dialog.showModal();
  list.focus();
  show(from);
}
