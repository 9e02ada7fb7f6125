// The queue as a whole: its buttons, its progress, its room.
//
// status: {running, paused, stopping, held, total, ended, done (0 to 1), counts by state, concurrency, most}

import { button, el, icon, part, shownBytes } from "./base.js";

const TELL_AFTER_MS = 250;

function show(root, link) {
  const press = (name) => () => link.tell(name);
  const go = button("Start", { icon: "start", primary: true, onclick: () => link.tell(go.dataset.does) });
  const pause = button("Pause", { icon: "paused", onclick: press("pause"), title: "Running jobs finish their stage and hold" });
  const stop = button("Stop", { icon: "stop", onclick: press("stop"), title: "Running jobs go back into the queue" });
  const clear = button("Clear done", { icon: "clear", onclick: press("clear"), title: "Take ended jobs out of the table; the history keeps them" });
  let telling;
  const slider = el("input", { type: "range", min: "1", step: "1", "aria-label": "Jobs at once", oninput: () => {
    number.textContent = slider.value;
    clearTimeout(telling);
    telling = setTimeout(() => link.tell("concurrency", { jobs: Number(slider.value) }), TELL_AFTER_MS);
  } });
  const number = el("output");
  const bar = el("i");
  const whole = el("div.sk-bar", { role: "progressbar", "aria-label": "Progress of the queue", "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  const words = el("span", { role: "status" });
  const left = el("span.sk-faint");
  const gauges = el("div.sk-gauges");
  root.append(
    el("div.sk-row", { role: "toolbar", "aria-label": "Queue" }, go, pause, stop, clear,
      el("label.sk-slider.sk-tail", {}, el("span", { text: "Jobs at once" }), slider, number)),
    el("div.sk-whole", {}, el("div.sk-row", {}, words, left, gauges), whole),
  );

  const draw = () => {
    const status = link.model.get("status");
    const isFree = !link.model.get("read_only") && !status.stopping;
    const does = status.paused || (!status.running && status.held) ? "resume" : "start";
    go.dataset.does = does;
    go.lastChild.textContent = does === "resume" ? "Resume" : "Start";
    go.title = does === "resume" ? "Let all paused jobs go on" : "Begin to work on the jobs";
    go.disabled = !isFree || (status.running && !status.held);
    pause.disabled = !isFree || !status.running;
    stop.disabled = !isFree || !(status.running || status.paused);
    clear.disabled = !isFree || !status.ended;
    slider.disabled = !isFree;
    if (document.activeElement !== slider) {
      slider.max = status.most ?? 8;
      slider.value = status.concurrency ?? 1;
      number.textContent = status.concurrency ?? "";
    }
    const done = status.done ?? 0;
    bar.style.transform = `scaleX(${done})`;
    whole.setAttribute("aria-valuenow", Math.round(100 * done));
    words.textContent = said(status);
  };
  const said = ({ total, ended, counts = {}, stopping, paused }) => {
    if (!total) return "The queue is empty";
    const each = Object.entries(counts).map(([state, count]) => `${count.toLocaleString("en")} ${state}`);
    const how = stopping ? "Stopping · " : paused ? "Paused · " : "";
    return `${how}${ended.toLocaleString("en")} of ${total.toLocaleString("en")} done · ${each.join(" · ")}`;
  };
  const drawGauges = (room) => {
    const made = [];
    if (room.disk_total) {
      made.push(gauge("Disk", `${shownBytes(room.disk_free)} free`, 1 - room.disk_free / room.disk_total, room.disk_tight));
    }
    if (room.memory_total) {
      const used = room.memory_used / room.memory_total;
      made.push(gauge("Memory", `${Math.round(100 * used)} % used`, used, used > 0.92));
    }
    gauges.replaceChildren(...made);
  };
  const gauge = (name, text, share, isTight) => {
    const filled = el("i");
    filled.style.transform = `scaleX(${Math.min(1, share)})`;
    return el(`span.sk-gauge${isTight ? ".sk-tight" : ""}`, {}, isTight ? icon("warning") : null,
      el("span", { text: name }), el("span.sk-bar", { "aria-hidden": "true" }, filled), el("span", { text }));
  };
  return [link.follow("status", draw), link.follow("left", (text) => { left.textContent = text && `${text} left`; }), link.follow("read_only", draw), link.follow("gauges", drawGauges), () => clearTimeout(telling)];
}

export default part("run_bar", { show });
