// The tree of files that will be made.

import { el, icon, part } from "./base.js";

function show(root, link) {
  const base = el("bdi");
  const told = el("p.sk-faint", { role: "status" });
  const tree = el("ul.sk-tree", { tabindex: "0", "aria-label": "Files that will be made" });
  root.append(el("p", {}, icon("open"), " ", el("strong", {}, base)), told, tree);
  return [
    link.follow("base", (text) => { base.textContent = text; }),
    link.follow("told", (text) => { told.textContent = text; }),
    link.follow("lines", (lines) => {
      tree.replaceChildren(...lines.map(({ depth, name, is_folder: isFolder }) => {
        const line = el("li", {}, icon(isFolder ? "open" : "file"), el("bdi", { text: isFolder ? `${name}/` : name }));
        line.style.setProperty("--sk-depth", depth);
        return line;
      }));
    }),
  ];
}

export default part("names_preview", { show });
