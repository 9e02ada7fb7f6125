// The history, chosen, paged, summed up and drawn.

import { button, el, icon, part, shownBytes, shownCount, shownSeconds } from "./base.js";
import { copyButton } from "./files.js";
import { tabs } from "./tabs.js";

const DAY = 86_400_000;
const SPANS = { "": "any time", 1: "last 24 hours", 7: "last 7 days", 30: "last 30 days", 90: "last 90 days", 365: "last year", own: "from … to …" };
const STATES = { "": "any", completed: "completed", failed: "failed", skipped: "skipped", cancelled: "cancelled" };
const COLOUR_OF = { completed: "sk-good", failed: "sk-bad", skipped: "sk-doubtful" };
const FIRST_OPTIONS = ["material", "quality"];
const WAIT_MS = 350; // while somebody types
const RELOAD_MS = 1000; // while jobs end

class Explorer {
  constructor(root, link) {
    Object.assign(this, { root, link });
    this.fields = new Map(); // of options, by name
    this.pages = [null]; // what each page follows; a page that was left is found again
    this.at = 0;
    this.addresses = [];
    this.stale = new Set();
    this.build();
    const onChanged = () => this.later("changed", RELOAD_MS, () => {
      this.stale = new Set(["figures", "plots"]);
      this.openTab(this.tab);
      if (this.at === 0 && this.tab !== "jobs") this.load();
    });
    this.endings = [link.hear("changed", onChanged), link.follow("options", (options) => this.offer(options)), () => this.close()];
    this.apply();
  }

  build() {
    const select = (label, options, onchange = () => this.apply()) => {
      const field = el("select.sk-field", { "aria-label": label, onchange }, Object.entries(options).map(([value, text]) => el("option", { value, text })));
      return [field, el("label.sk-choice", {}, el("span", { text: label }), field)];
    };
    const date = (label) => el("input.sk-field", { type: "date", "aria-label": label, onchange: () => this.apply() });
    let spanBox, stateBox;
    [this.span, spanBox] = select("Time", SPANS, () => { this.own.hidden = this.span.value !== "own"; this.apply(); });
    // keys that are numbers come first in an object
    this.span.prepend(this.span.querySelector('option[value=""]'));
    this.span.value = "";
    [this.state, stateBox] = select("State", STATES);
    [this.from, this.to] = [date("From"), date("To")];
    this.own = el("span.sk-choice", { hidden: true }, this.from, el("span", { text: "to" }), this.to);
    this.path = el("input.sk-field", { type: "search", placeholder: "Path, such as *vase*.stl", "aria-label": "Path", oninput: () => this.later("typing", WAIT_MS, () => this.apply()) });
    this.chosen = el("span.sk-row");
    this.more = el("select.sk-field", { "aria-label": "Choose by another option", onchange: () => this.addOption(this.more.value, true) });
    this.problem = el("p.sk-bad", { role: "alert" });
    this.panels = Object.fromEntries(["jobs", "figures", "plots", "code"].map((name) => [name, el(`div.sk-explored.sk-explored-${name}`)]));
    this.status = el("span.sk-faint", { role: "status" });
    this.previous = button("Newer", { icon: "left", onclick: () => this.go(-1) });
    this.next = button("Older", { icon: "right", onclick: () => this.go(1) });
    this.body = el("tbody");
    const heads = [["State"], ["File"], ["Begun"], ["Took", "number"], ["Files", "number"], ["Remark"]];
    this.panels.jobs.append(
      el("div.sk-scroll", { tabindex: "0", role: "region", "aria-label": "Jobs" }, el("table.sk-jobs", {}, el("thead", {}, el("tr", {}, heads.map(([text, kind]) => el(kind ? "th.sk-number" : "th", { scope: "col", text })))), this.body)),
      el("div.sk-row.sk-pager", {}, this.status, el("span.sk-gap"), this.previous, this.next));
    this.root.replaceChildren(
      el("div.sk-sieve", { role: "search", "aria-label": "Which jobs are shown" }, el("div.sk-grow", {}, this.path), spanBox, this.own, stateBox, this.chosen, this.more),
      this.problem,
      ...tabs("History", { jobs: ["Jobs", this.panels.jobs], figures: ["Figures", this.panels.figures], plots: ["Plots", this.panels.plots], code: ["Code", this.panels.code] }, (name) => this.openTab(name)));
  }

  offer(options) {
    this.known = new Map(options.map((option) => [option.name, option]));
    this.more.replaceChildren(el("option", { value: "", text: "Another option …" }),
      ...options.filter(({ name }) => !FIRST_OPTIONS.includes(name)).map(({ name, title }) => el("option", { value: name, text: title })));
    for (const name of FIRST_OPTIONS) this.addOption(name, false);
  }

  addOption(name, isRemovable) {
    this.more.value = "";
    const option = this.known.get(name);
    if (!option || this.fields.has(name)) return this.fields.get(name)?.focus();
    const choices = option.kind === "flag" ? [["true", "yes"], ["false", "no"]] : option.choices.map((each) => [each, each.replaceAll("_", " ")]);
    const field = choices.length
      ? el("select.sk-field", { "aria-label": option.title, onchange: () => this.apply() }, el("option", { value: "", text: "any" }), choices.map(([value, text]) => el("option", { value, text })))
      : el("input.sk-field.sk-value", { "aria-label": option.title, placeholder: "value", oninput: () => this.later("typing", WAIT_MS, () => this.apply()) });
    const box = el("span.sk-choice", {}, el("span", { text: option.title }), field);
    if (isRemovable) {
      box.append(button(`Remove ${option.title}`, { icon: "close", quiet: true, onclick: () => { box.remove(); this.fields.delete(name); this.apply(); this.more.focus(); } }));
    }
    this.fields.set(name, field);
    this.chosen.append(box);
    if (isRemovable) field.focus();
  }

  filter() {
    const span = this.span.value;
    const day = (field, days) => (field.value ? new Date(`${field.value}T00:00`).getTime() + days * DAY : null);
    const since = span === "own" ? day(this.from, 0) : span ? Math.floor((Date.now() - Number(span) * DAY) / 60_000) * 60_000 : null;
    return {
      since, days: Number(span) || null, until: span === "own" ? day(this.to, 1) : null, state: this.state.value, path: this.path.value,
      options: [...this.fields].map(([name, field]) => [name, field.value]).filter(([, value]) => value !== ""),
    };
  }

  later(name, ms, act) {
    this.timers ??= {};
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(act, ms);
  }

  apply() {
    this.chosenFilter = this.filter();
    this.pages = [null];
    this.at = 0;
    this.stale = new Set(["figures", "plots", "code"]);
    this.load();
    if (this.tab !== "jobs") this.openTab(this.tab);
  }

  async ask(what, details = {}) {
    const filter = this.chosenFilter;
    try {
      const answer = await this.link.ask(what, { ...details, filter });
      if (filter !== this.chosenFilter || this.isClosed) return null;
      this.problem.textContent = "";
      return answer;
    } catch (error) {
      if (filter === this.chosenFilter) this.problem.textContent = error.message;
      return null;
    }
  }

  // --- jobs ---

  go(by) {
    this.at += by;
    this.load();
  }

  async load() {
    const { at } = this;
    const answer = await this.ask("page", { after: this.pages[at] });
    if (!answer || at !== this.at) return;
    const rows = JSON.parse(new TextDecoder().decode(answer.buffers[0]));
    this.body.replaceChildren(...rows.flatMap((row) => jobRow(row)));
    if (!rows.length) this.body.append(el("tr", {}, el("td.sk-faint", { colspan: "6", text: at || this.isFiltered() ? "No job fits this choice." : "No job has ended yet." })));
    if (answer.more) this.pages[at + 1] = rows.at(-1).key;
    this.previous.disabled = at === 0;
    this.next.disabled = !answer.more;
    this.status.textContent = rows.length ? `Page ${at + 1}, ${shownCount(rows.length, "job")}${answer.more ? "" : ", the last page"}` : "";
    this.root.dataset.loaded = `${at}`;
  }

  isFiltered() {
    const { since, until, state, path, options } = this.chosenFilter;
    return Boolean(since || until || state || path || options.length);
  }

  // --- figures, plots, code; asked for when they are looked at ---

  openTab(name) {
    this.tab = name;
    if (!this.chosenFilter) return;
    if (name === "jobs") {
      if (this.at === 0) this.load();
    } else if (this.stale.delete(name)) this[`show_${name}`]();
  }

  async show_figures() {
    const panel = this.panels.figures;
    if (!panel.childElementCount) panel.replaceChildren(el("p.sk-faint", { text: "Counting …" }));
    const answer = await this.ask("figures");
    if (!answer) return;
    const period = el("div.sk-period");
    period.innerHTML = answer.html; // of stlkit itself, in which everything from outside is escaped
    panel.replaceChildren(el("h4", { text: "The chosen jobs" }), el("ul.sk-figures", {}, answer.facts.map(([name, value]) => el("li", {}, el("span.sk-faint", { text: name.replace("… ", "") }), el("strong", { text: value })))), period);
  }

  async show_plots() {
    const panel = this.panels.plots;
    const plots = Object.entries(this.link.model.get("plots"));
    if (!panel.childElementCount) panel.append(...plots.map(([name, text]) => el("figure.sk-plot", { data: { name }, title: text }, el("p.sk-faint", { text: `${text} …` }))));
    for (const [name] of plots) {
      const answer = await this.ask("plot", { name });
      if (!answer) return;
      const address = URL.createObjectURL(new Blob([answer.buffers[0]], { type: "image/png" }));
      const figure = panel.querySelector(`[data-name="${name}"]`);
      const earlier = figure.querySelector("img")?.src;
      figure.replaceChildren(el("img", { src: address, alt: answer.alt, width: answer.width, height: answer.height }));
      if (earlier) URL.revokeObjectURL(earlier);
    }
  }

  async show_code() {
    const answer = await this.ask("code");
    if (!answer) return;
    this.panels.code.replaceChildren(
      el("p.sk-faint", { text: "This cell gives the jobs that are chosen above as a pandas table." }),
      el("pre.sk-code", { tabindex: "0", "aria-label": "Code", text: answer.code }),
      copyButton(answer.code, "Copy the code", { quiet: false }));
  }

  close() {
    this.isClosed = true;
    Object.values(this.timers ?? {}).forEach(clearTimeout);
    for (const image of this.panels.plots.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  }
}

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function jobRow(row) {
  const remark = row.message || row.warnings[0] || "";
  const details = el("tr.sk-details", { hidden: true });
  const toggle = el("button.sk-link", { type: "button", "aria-expanded": "false", onclick: () => {
    details.hidden = !details.hidden;
    toggle.setAttribute("aria-expanded", String(!details.hidden));
    if (!details.childElementCount) details.append(el("td", { colspan: "6" }, jobDetails(row)));
  } }, el("bdi", { text: row.name }));
  const more = row.message ? 0 : row.warnings.length - 1;
  return [el("tr", {}, el("td", {}, el(`span.sk-state.${COLOUR_OF[row.state] ?? "sk-faint"}`, {}, icon(row.state), row.state)), el("td", {}, toggle),
    el("td.sk-when", { text: WHEN.format(row.when) }), el("td.sk-number", { text: shownSeconds(row.took) }), el("td.sk-number", { text: row.files.length || "" }),
    el("td.sk-remark", {}, el("bdi", { text: remark }), more > 0 ? el("span.sk-faint", { text: ` and ${more} more` }) : null)), details];
}

function jobDetails(row) {
  const pairs = [["Model", row.path, true], ["Size", shownBytes(row.size)], ["Outputs in", row.output, true], ["Reason", row.message], ["Job", row.id]];
  const options = Object.entries(row.options).map(([name, value]) => `${name} = ${value}`).join(", ");
  return el("dl", {}, [...pairs, ...row.warnings.map((text) => ["Warning", text]), ["Options", options]].filter(([, value]) => value).flatMap(([name, value, isPath]) =>
    [el("dt", { text: name }), el("dd", {}, el("bdi", { text: value }), isPath ? copyButton(value) : null)]));
}

export default part("history_explorer", { show: (root, link) => new Explorer(root, link).endings });
