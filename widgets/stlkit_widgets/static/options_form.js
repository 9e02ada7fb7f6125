// Forms made from descriptions. A field sends its value when it is left; what is wrong with it is said below it.

import { button, el, part, shownCount } from "./base.js";
import { pathBox } from "./path_box.js";

function show(root, link) {
  const uid = `sk-o${Math.random().toString(36).slice(2, 8)}`;
  const ofQueue = button("All jobs to come", { onclick: () => link.tell("scope", { jobs: false }) });
  const ofJobs = button("Selected jobs", { onclick: () => link.tell("scope", { jobs: true }) });
  const told = el("span.sk-faint", { role: "status" });
  const fields = new Map();
  const sections = link.model.get("groups").map((group, at) => {
    const summary = el("summary", {}, el("span", { text: group.title }), el("span.sk-faint"));
    const entries = group.fields.map((field) => {
      const made = makeField(link, uid, group.name, field);
      fields.set(`${group.name}.${field.name}`, made);
      return made.root;
    });
    const section = el("details", {}, summary, el("div.sk-fields", {}, entries));
    section.open = at === 0;
    return { group, section, summary };
  });
  const name = el("input.sk-field", { type: "text", maxlength: "80", placeholder: "Name of a template", "aria-label": "Name of a template",
    onkeydown: (event) => { if (event.key === "Enter") save(); } });
  const saveTold = el("span", { role: "status" });
  const save = async () => {
    saveTold.className = "";
    try {
      saveTold.textContent = (await link.ask("template", { name: name.value })).said;
      name.value = "";
    } catch (error) {
      saveTold.className = "sk-bad";
      saveTold.textContent = error.message;
    }
  };
  const saveButton = button("Save as template", { onclick: save });
  const saveRow = el("div.sk-row.sk-save", {}, name, saveButton, saveTold);
  root.append(el("div.sk-row", {}, el("div.sk-scope", { role: "group", "aria-label": "Whose options" }, ofQueue, ofJobs), told),
    ...sections.map(({ section }) => section), saveRow);

  const draw = () => {
    const scope = link.model.get("scope");
    const values = link.model.get("values");
    const own = link.model.get("own");
    const isReadOnly = link.model.get("read_only");
    ofQueue.setAttribute("aria-pressed", String(!scope.jobs));
    ofJobs.setAttribute("aria-pressed", String(scope.jobs));
    ofJobs.disabled = !scope.count;
    ofJobs.lastChild.textContent = scope.count ? `Selected: ${shownCount(scope.count, "job")}` : "Selected jobs";
    told.textContent = scope.jobs ? scope.title : "What is changed here holds for jobs that have not begun.";
    saveRow.hidden = scope.jobs;
    name.disabled = saveButton.disabled = isReadOnly;
    for (const { group, section, summary } of sections) {
      section.hidden = scope.jobs && values[group.name] === undefined;
      const changed = group.fields.filter((field) => isOwn(field, values[group.name]?.[field.name], own[group.name], scope.jobs));
      summary.lastChild.textContent = changed.length ? `${changed.length} ${scope.jobs ? "of their own" : "changed"}` : "";
      for (const field of group.fields) {
        const value = values[group.name]?.[field.name];
        fields.get(`${group.name}.${field.name}`).draw(value, changed.includes(field), isReadOnly, scope.jobs);
      }
    }
  };
  const isOwn = (field, value, own, isOfJobs) => (isOfJobs ? (own ?? []).includes(field.name) : (value ?? null) !== (field.default ?? null));
  draw();
  return ["values", "own", "scope", "read_only"].map((each) => link.follow(each, draw));
}

function makeField(link, uid, group, field) {
  const id = `${uid}-${group}-${field.name}`;
  const wrong = el("span.sk-wrong", { id: `${id}-wrong`, role: "alert" });
  const help = el("span.sk-help", { id: `${id}-help`, text: helpOf(field) });
  let shownValue;
  const change = async (value) => {
    wrong.textContent = "";
    input.removeAttribute("aria-invalid");
    try {
      await link.ask("change", { group, name: field.name, value });
    } catch (error) {
      wrong.textContent = error.message.replace(`${field.name}: `, "");
      input.setAttribute("aria-invalid", "true");
    }
  };
  const { root: control, input, set } = CONTROLS[field.kind](link, field, change);
  input.id = id;
  input.setAttribute("aria-describedby", `${id}-help ${id}-wrong`);
  const own = el("span.sk-own");
  const label = el("label", { for: id }, field.kind === "flag" ? control : null, el("span", { text: field.title }), own);
  const root = el("div.sk-entry", { data: { option: `${group}.${field.name}` } }, label, field.kind === "flag" ? null : control, wrong, help);
  return {
    root,
    draw(value, isOwn, isReadOnly, isOfJobs) {
      input.disabled = isReadOnly;
      own.textContent = isOwn ? (isOfJobs ? "own" : "changed") : "";
      const isEdited = document.activeElement === input || (input.getAttribute("aria-invalid") && value === shownValue);
      if (!isEdited) {
        set(value ?? null);
        wrong.textContent = "";
        input.removeAttribute("aria-invalid");
      }
      shownValue = value;
    },
  };
}

function helpOf({ help, least, most, above, kind }) {
  if (kind !== "integer" && kind !== "number") return help;
  const from = above !== null ? `more than ${above}` : least !== null ? `from ${least}` : "";
  const to = most !== null ? `${from && above !== null ? ", at most" : from ? " to" : "at most"} ${most}` : "";
  return from || to ? `${help} ${(from + to).replace(/^./, (letter) => letter.toUpperCase())}.` : help;
}

const CONTROLS = {
  flag(_link, _field, change) {
    const input = el("input", { type: "checkbox", onchange: () => change(input.checked) });
    return { root: input, input, set: (value) => { input.checked = Boolean(value); } };
  },
  choice(_link, field, change) {
    const input = el("select.sk-field", { onchange: () => change(input.value) },
      ...field.choices.map((choice) => el("option", { value: choice, text: choice.replace(/_/g, " ") })));
    return { root: input, input, set: (value) => { input.value = value; } };
  },
  text(_link, field, change) {
    const input = el("input.sk-field", {
      type: "text", spellcheck: "false", autocomplete: "off", placeholder: field.optional ? "none" : "",
      inputmode: field.kind === "integer" || field.kind === "number" ? "decimal" : null,
      onchange: () => change(input.value),
    });
    return { root: input, input, set: (value) => { input.value = value ?? ""; } };
  },
  color(link, field, change) {
    const { input, set } = CONTROLS.text(link, field, change);
    const picker = el("input", { type: "color", "aria-label": `Pick: ${field.title}`, onchange: () => { input.value = picker.value; change(picker.value); } });
    return { root: el("div.sk-color", {}, input, picker), input, set: (value) => {
      set(value);
      picker.value = /^#[0-9a-f]{6}$/i.test(value ?? "") ? value : "#808080";
    } };
  },
  folder: (link, field, change) => pathControl(link, field, "folders", change),
  picture: (link, field, change) => pathControl(link, field, "pictures", change),
};

function pathControl(link, field, wanted, change) {
  const box = pathBox(link, { label: field.title, wanted, placeholder: field.optional ? "none" : "", onchange: change });
  box.input.removeAttribute("aria-label"); // it has a label of its own
  return { root: box.root, input: box.input, set: (value) => { box.value = value ?? ""; } };
}

CONTROLS.integer = CONTROLS.number = CONTROLS.colors = CONTROLS.text;

export default part("options_form", { show });
