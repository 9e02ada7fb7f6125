// Notices with their buttons. One that stays the same keeps its element, and with it the focus and what was typed.

import { button, el, icon, part } from "./base.js";
import { pathBox } from "./path_box.js";

const SURE_FOR_MS = 4000;
const ICON_OF = { info: "info", warning: "warning", error: "failed" };

function show(root, link) {
  const drawn = new Map();
  root.setAttribute("role", "status");
  const cut = {
    id: "cut", severity: "warning", choices: [], folder: null,
    text: "The kernel of this panel has ended. Run the cell again to see how the queue is now.",
  };

  const draw = (notices) => {
    const wanted = new Map(notices.map((notice) => [`${notice.id} ${JSON.stringify(notice)}`, notice]));
    for (const [key, element] of drawn) {
      if (wanted.has(key)) continue;
      element.remove();
      drawn.delete(key);
    }
    for (const [key, notice] of wanted) {
      if (!drawn.has(key)) drawn.set(key, make(notice));
      const element = drawn.get(key);
      if (root.children[[...wanted.keys()].indexOf(key)] !== element) root.append(element);
    }
  };

  const make = (notice) => {
    const box = notice.folder === null ? null : pathBox(link, { label: "Another output folder", value: notice.folder, wanted: "folders" });
    const buttons = notice.choices.map((choice) => {
      const made = button(choice.label, { primary: choice.primary, onclick: () => {
        if (choice.sure && made.dataset.sure === undefined) {
          made.dataset.sure = "";
          made.querySelector("span").textContent = choice.sure;
          setTimeout(() => {
            delete made.dataset.sure;
            made.querySelector("span").textContent = choice.label;
          }, SURE_FOR_MS);
          return;
        }
        link.tell("choose", { id: notice.id, choice: choice.name, folder: box?.value ?? "" });
      } });
      return made;
    });
    return el(`div.sk-notice.sk-${notice.severity}`, {}, icon(ICON_OF[notice.severity]),
      el("p", {}, el("span.sk-hidden", { text: `${notice.severity}: ` }), el("bdi", { text: notice.text })), box?.root, buttons);
  };

  return [link.follow("shown", draw), link.hear("cut", () => draw([cut]))];
}

export default part("notices", { show });
