// A menu over everything else, opened from a button or a place on the page.

import { el, icon } from "./base.js";

/**
 * Open a menu of `{label, icon, disabled, checked, run}` beside `anchor`; focus returns there when it closes.
 */
export function openMenu(root, anchor, label, entries) {
  const menu = el("div.sk-menu", { role: "menu", "aria-label": label, popover: "auto", "data-lm-suppress-shortcuts": "true" });
  const close = () => menu.hidePopover();
  for (const entry of entries) {
    const isCheck = entry.checked !== undefined;
    const item = el(
      "button",
      {
        type: "button",
        role: isCheck ? "menuitemcheckbox" : "menuitem",
        tabindex: "-1",
        disabled: entry.disabled,
        "aria-checked": isCheck ? String(entry.checked) : null,
        onclick: () => {
          close();
          entry.run();
        },
      },
      isCheck ? el("span", { text: entry.checked ? "✓" : "", style: "width:16px" }) : icon(entry.icon),
      el("span", { text: entry.label }),
    );
    menu.append(item);
  }
  menu.addEventListener("keydown", (event) => moveFocus(event, menu, close));
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const hadFocus = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    if (hadFocus) anchor.focus({ preventScroll: true });
  });
  root.append(menu);
  menu.showPopover();
  placeBeside(menu, anchor.getBoundingClientRect());
  (menu.querySelector("button:not(:disabled)") ?? menu).focus();
}

function moveFocus(event, menu, close) {
  const items = [...menu.querySelectorAll("button:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) items[(to + items.length) % items.length]?.focus();
  else if (event.key === "Tab" || event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Put something fixed below a rectangle of the window, or above it where there is no room. */
export function placeBeside(element, rectangle, { width = null } = {}) {
  if (width !== null) element.style.width = `${width}px`;
  const { offsetWidth, offsetHeight } = element;
  const below = rectangle.bottom + 2 + offsetHeight <= window.innerHeight || rectangle.top < offsetHeight;
  element.style.left = `${Math.max(4, Math.min(rectangle.left, window.innerWidth - offsetWidth - 4))}px`;
  element.style.top = `${below ? rectangle.bottom + 2 : rectangle.top - offsetHeight - 2}px`;
}
