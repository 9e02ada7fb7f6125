// Files of the kernel's machine, as a page gets and names them.

import { button, el } from "./base.js";

/** Fetch something piece by piece, each asked for when the one before has come; returns a Blob and its name. */
export async function fetchWhole(link, what, details, size = null, onProgress = () => {}) {
  const pieces = [];
  let received = 0, whole = size, answer;
  do {
    answer = await link.ask(what, { ...details, at: received });
    const piece = answer.buffers[0];
    if (!piece.byteLength) break;
    pieces.push(piece);
    received += piece.byteLength;
    whole = answer.size ?? whole;
    onProgress(received, whole);
  } while (received < whole);
  if (received < whole) throw new Error("the file has become shorter while it was read; try again");
  return { blob: new Blob(pieces, { type: answer.type ?? "application/octet-stream" }), name: answer.name ?? "" };
}

/** Have the browser save a Blob. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Fetch a file piece by piece, and show it in a new tab, or download what a browser should not show. */
export async function openFile(link, what, details, { opens, name }) {
  const tab = opens ? window.open("", "_blank") : null; // now, while it is a click
  try {
    const { blob, name: told } = await fetchWhole(link, what, details);
    if (tab) await fill(tab, blob, told || name);
    else save(blob, told || name);
  } catch (error) {
    tab?.close();
    window.alert(error.message);
  }
}

/** Show a picture, a video or a text in a tab that is still empty. */
async function fill(tab, content, name) {
  const page = tab.document;
  page.title = name;
  page.body.style.cssText = "margin:0;min-height:100vh;display:grid;place-items:center;background:#202124";
  if (content.type.startsWith("text/")) {
    page.body.style.cssText = "margin:16px;background:#fff;color:#202124";
    page.body.append(Object.assign(page.createElement("pre"), { textContent: await content.text() }));
    return;
  }
  const shown = page.createElement(content.type.startsWith("video/") ? "video" : "img");
  Object.assign(shown, { alt: name, controls: true, loop: true, autoplay: true, src: URL.createObjectURL(content) });
  shown.style.cssText = "max-width:100vw;max-height:100vh";
  page.body.append(shown);
  tab.addEventListener("pagehide", () => URL.revokeObjectURL(shown.src));
}

/** Copy a text, or show it to be copied where a page may not use the clipboard; true where it was copied. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    window.prompt("To copy:", text);
    return false;
  }
}

/** A button that copies a text, and says so. */
export function copyButton(text, label = "Copy the path", { quiet = true } = {}) {
  const made = button(label, { icon: "copy", quiet, onclick: async () => {
    if (!(await copyText(text))) return;
    made.classList.add("sk-copied");
    made.setAttribute("aria-label", "Copied");
    made.title = "Copied";
    setTimeout(() => {
      made.classList.remove("sk-copied");
      made.setAttribute("aria-label", label);
      made.title = label;
    }, 2000);
  } });
  return made;
}
