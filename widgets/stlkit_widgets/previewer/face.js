// The previewer's face: tool bar, drawing area, side list. Everything shown is set as text, never as markup.
//
// The kernel decides what is drawn; this file moves the cameras, because flights and turns must not wait for a kernel.
// It reaches into pythreejs 2.4 in few places: the three.js objects of its models (`.obj`), the view of its renderer
// (`.tick()`, `.renderScene()`, `.renderer`), and the event `afterRender` of its scene.

const ICONS = {
  views: "M12 3 20 7.5v9L12 21l-8-4.5v-9L12 3Zm0 9 8-4.5M12 12 4 7.5M12 12v9",
  reset: "M4 4v5h5M4.6 14a8 8 0 1 0 1.6-7.6L4 9",
  orthographic: "M4 8h11v11H4zM9 4h11v11M4 8l5-4M15 8l5-4M15 19l5-4",
  wireframe: "M12 3 21 19H3L12 3Zm0 0v16M7.5 11h9M7.5 11 12 19l4.5-8",
  edges: "M5 7 12 4l7 3v10l-7 3-7-3V7Zm0 0 7 3 7-3M12 10v10",
  box: "M4 6h4M4 6v4M20 6h-4M20 6v4M4 18h4M4 18v-4M20 18h-4M20 18v-4M9 10h6v4H9z",
  axes: "M7 17V4M7 4 5 6.5M7 4l2 2.5M7 17h13M20 17l-2.5-2M20 17l-2.5 2M7 17l-4 4",
  section: "M4 14 14 4l6 6-10 10-6-6ZM3 3l18 18",
  look: "M12 3a9 9 0 1 0 0 18c1.2 0 1.8-.9 1.5-1.9-.4-1.3.3-2.6 1.8-2.6H18a3 3 0 0 0 3-3C21 7.5 17 3 12 3ZM7.5 11.5h.01M10 7.5h.01M15 7.5h.01",
  measuring: "M3 15 15 3l6 6L9 21l-6-6ZM7 11l2 2M10 8l3 3M13 5l2 2",
  marks: "M12 4 21.5 20h-19L12 4ZM12 10v5M12 17.5v.5",
  repaired: "M14.5 6.5a4 4 0 0 0-5.3 5L4 16.7 7.3 20l5.2-5.2a4 4 0 0 0 5-5.3L15 12l-3-3 2.5-2.5Z",
  snapshot: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4V8ZM12 16.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5Z",
  use: "M3 8V4h4M17 4h4v4M21 16v4h-4M7 20H3v-4M8 12.5l3 3 5.5-6",
  panel: "M4 5h16v14H4zM14.5 5v14M17 9h1M17 12h1",
  full: "M9 4H4v5M15 4h5v5M20 15v5h-5M4 15v5h5",
  previous: "M15 5 8 12l7 7",
  next: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6 6 18",
  section_flipped: "M12 4v16M8 8 4 12l4 4M16 8l4 4-4 4",
};
const VIEW_NAMES = {
  "three-quarter": "Three-quarter", front: "Front", back: "Back", left: "Left", right: "Right", top: "Top", bottom: "Bottom",
};
const VIEW_KEYS = { 1: "front", 2: "back", 3: "left", 4: "right", 5: "top", 6: "bottom", 7: "three-quarter" };
const MARKS = { error: ["✗", "bad"], warning: ["!", "doubtful"], info: ["i", "quiet"] };
const PLACES_SHOWN = 8;
const FLIGHT_MS = 350;
const CLICK_PX = 4;
const END_ON_PX = 22;

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function button(name, label, onclick, more = {}) {
  return node("button", { type: "button", class: "tool", "aria-label": label, title: label, "data-tool": name, onclick, ...more }, icon(name));
}

// --- the drawing area: pythreejs, the cameras, and the labels over it ---

class Stage {
  constructor(model, page) {
    this.model = model;
    this.page = page;
    this.labels = node("div", { class: "labels" });
    this.canvasBox = node("div", { class: "canvas" }, this.labels);
    this.el = node(
      "div",
      { class: "stage", tabindex: "0", role: "application", "aria-label": "3D view: arrow keys turn, plus and minus zoom, 1 to 7 choose a side, 0 resets, F fills the screen" },
      this.canvasBox,
    );
    this.flight = 0;
    this.closed = false;
  }

  async open() {
    const manager = this.model.widget_manager;
    const get = (id) => manager.get_model(id);
    this.rendererModel = await get(this.page.renderer);
    this.cameraModels = await Promise.all(this.page.cameras.map(get));
    this.controlModels = await Promise.all(this.page.controls.map(get));
    this.picker = await get(this.page.picker);
    this.view = await manager.create_view(this.rendererModel);
    if (this.closed) return this.view.remove();
    this.canvasBox.prepend(this.view.el);
    this.scene = this.rendererModel.get("scene");
    this.onRender = () => this.placeLabels();
    this.scene.on("afterRender", this.onRender);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(this.el);
    this.listenToPointer();
    this.useCamera();
    this.fit();
    this.go(this.model.get("_aim"), false);
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.flight);
    this.sizes?.disconnect();
    this.scene?.off("afterRender", this.onRender);
    this.view?.remove();
  }

  get which() {
    return this.model.get("orthographic") ? 1 : 0;
  }

  get camera() {
    return this.cameraModels[this.which].obj;
  }

  get controls() {
    return this.controlModels[this.which].obj;
  }

  get canvas() {
    return this.canvasBox.querySelector("canvas");
  }

  get isFull() {
    return document.fullscreenElement?.contains(this.el) ?? false;
  }

  draw() {
    if (this.view && !this.closed) this.view.tick();
  }

  fit() {
    const { width, height } = this.page;
    const room = Math.floor(this.el.clientWidth);
    if (!room || !this.view) return;
    const most = this.isFull ? (this.el.clientHeight * width) / height : width;
    const wide = Math.max(120, Math.floor(Math.min(most, room)));
    const sharp = Math.min(window.devicePixelRatio || 1, 2);
    if (this.view.renderer && this.view.renderer.getPixelRatio() !== sharp) this.view.renderer.setPixelRatio(sharp);
    this.rendererModel.set({ _width: wide, _height: Math.round((wide * height) / width) });
    this.draw();
  }

  // Both cameras always stand at one place; an orthographic one sees as much as the other does at its target.
  useCamera() {
    if (!this.view) return;
    const other = this.controlModels[1 - this.which].obj;
    const target = this.active ? other.target.clone() : null;
    const from = this.cameraModels[1 - this.which].obj;
    this.rendererModel.set({ camera: this.cameraModels[this.which], controls: [this.controlModels[this.which], this.picker] });
    if (target) {
      const seen = this.which ? this.halfHeight(from, target) : from.top / from.zoom;
      this.place(from.position.clone(), target, seen);
    }
    this.active = true;
    this.draw();
  }

  halfHeight(camera, target) {
    if (camera.isOrthographicCamera) return camera.top / camera.zoom;
    return camera.position.distanceTo(target) * Math.tan((camera.fov * Math.PI) / 360);
  }

  place(position, target, halfHeight) {
    const { camera, controls } = this;
    camera.position.copy(position);
    controls.target.copy(target);
    if (camera.isOrthographicCamera) {
      camera.top = halfHeight;
      camera.bottom = -halfHeight;
      camera.right = (halfHeight * this.page.width) / this.page.height;
      camera.left = -camera.right;
      camera.zoom = 1;
      camera.updateProjectionMatrix();
    } else {
      const far = halfHeight / Math.tan((camera.fov * Math.PI) / 360);
      const ahead = position.clone().sub(target);
      camera.position.copy(target).add(ahead.setLength(far));
    }
    controls.update();
    this.draw();
  }

  go(aim, fly) {
    if (!this.view || !aim || !aim.position) return;
    cancelAnimationFrame(this.flight);
    const { camera, controls } = this;
    const vector = (values) => controls.target.clone().fromArray(values);
    const end = { target: vector(aim.target), offset: vector(aim.position).sub(vector(aim.target)), seen: aim.half_height };
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!fly || calm) {
      this.place(end.target.clone().add(end.offset), end.target, end.seen);
      return this.arrived();
    }
    const start = { target: controls.target.clone(), offset: camera.position.clone().sub(controls.target), seen: this.halfHeight(camera, controls.target) };
    const from = angles(start.offset);
    const to = angles(end.offset);
    const turn = ((to.around - from.around + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, (now - began) / FLIGHT_MS);
      const eased = share * share * (3 - 2 * share);
      const up = from.up + (to.up - from.up) * eased;
      const around = from.around + turn * eased;
      const seen = start.seen * (end.seen / start.seen) ** eased;
      const target = start.target.clone().lerp(end.target, eased);
      const offset = vector([Math.sin(around) * Math.cos(up), -Math.cos(around) * Math.cos(up), Math.sin(up)]);
      this.place(target.clone().add(offset.multiplyScalar(end.offset.length())), target, seen);
      if (share < 1) this.flight = requestAnimationFrame(step);
      else this.arrived();
    };
    this.flight = requestAnimationFrame(step);
  }

  arrived() {
    this.el.dataset.arrived = this.model.get("_aim").number ?? 0;
  }

  // What the keys do: turn about the target, move it, come nearer.
  turn(around, up) {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const now = angles(offset);
    const steep = Math.max(-1.5, Math.min(1.5, now.up + up));
    const there = now.around + around;
    const length = offset.length();
    offset.fromArray([Math.sin(there) * Math.cos(steep), -Math.cos(there) * Math.cos(steep), Math.sin(steep)]).setLength(length);
    this.place(offset.add(this.controls.target), this.controls.target.clone(), this.halfHeight(this.camera, this.controls.target));
  }

  shift(right, up) {
    const seen = this.halfHeight(this.camera, this.controls.target);
    const side = this.controls.target.clone().setFromMatrixColumn(this.camera.matrix, 0).multiplyScalar(right * seen);
    side.add(this.controls.target.clone().setFromMatrixColumn(this.camera.matrix, 1).multiplyScalar(up * seen));
    this.place(this.camera.position.clone().add(side), this.controls.target.clone().add(side), seen);
  }

  zoom(factor) {
    const seen = this.halfHeight(this.camera, this.controls.target) * factor;
    this.place(this.camera.position.clone(), this.controls.target.clone(), Math.max(0.002, Math.min(8, seen)));
  }

  get backward() {
    return this.camera.position.clone().sub(this.controls.target).toArray();
  }

  listenToPointer() {
    let down = null;
    this.canvasBox.addEventListener("contextmenu", (event) => {
      event.preventDefault(); // the right button moves the model, and opens no menu
      event.stopPropagation();
    });
    this.canvasBox.addEventListener("pointerdown", (event) => {
      this.el.focus({ preventScroll: true });
      down = event.button === 0 ? [event.clientX, event.clientY] : null;
      this.tellScale();
    });
    this.canvasBox.addEventListener("click", (event) => {
      if (!this.model.get("measuring") || !down || event.target !== this.canvas) return;
      if (Math.hypot(event.clientX - down[0], event.clientY - down[1]) > CLICK_PX) return;
      const where = { clientX: event.clientX, clientY: event.clientY, bubbles: false };
      this.canvas.dispatchEvent(new MouseEvent("stlkit-pick", where));
    });
  }

  // How much a pixel covers, well before a pick: the two travel on different ways, and may overtake each other.
  tellScale() {
    if (!this.view || !this.canvas || !this.model.get("measuring")) return;
    const seen = this.halfHeight(this.camera, this.controls.target);
    this.model.send({ do: "aim", unit_per_px: (2 * seen) / this.canvas.clientHeight });
  }

  placeLabels() {
    const wanted = this.model.get("_labels");
    const { clientWidth: width, clientHeight: height } = this.canvasBox;
    while (this.labels.children.length > wanted.length) this.labels.lastChild.remove();
    const project = (point) => {
      const seen = this.controls.target.clone().fromArray(point).project(this.camera);
      return [((seen.x + 1) / 2) * width, ((1 - seen.y) / 2) * height, seen.z];
    };
    wanted.forEach((label, number) => {
      let shown = this.labels.children[number];
      if (!shown) this.labels.append((shown = node("div", {})));
      const text = label.lines.join("\n");
      if (shown.textContent !== text) shown.replaceChildren(...label.lines.map((line) => node("span", { text: line })));
      shown.dataset.kind = label.kind;
      const [start, end] = (label.span ?? []).map(project);
      shown.hidden = Boolean(start) && Math.hypot(end[0] - start[0], end[1] - start[1]) < END_ON_PX;
      const places = label.points.map(project);
      const middle = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
      // of an edge and its three copies the outermost is free of the model; of two alike the lower one is taken
      const outward = (place) => Math.hypot(place[0] - middle[0], place[1] - middle[1]) + 0.2 * (place[1] - middle[1]);
      const [x, y] = places.reduce((best, place) => (outward(place) > outward(best) ? place : best));
      const inside = (value, size, room) => Math.max(size / 2 + 2, Math.min(room - size / 2 - 2, value));
      const place = [inside(x, shown.offsetWidth, width), inside(y, shown.offsetHeight, height)];
      shown.style.transform = `translate(${place[0]}px, ${place[1]}px) translate(-50%, -50%)`;
    });
  }

  // A picture of what is shown, with its background and its labels.
  async picture() {
    this.view.renderScene();
    const source = this.canvas;
    const sheet = node("canvas", { width: source.width, height: source.height });
    const pen = sheet.getContext("2d");
    const background = this.model.get("background");
    if (background !== "transparent") {
      pen.fillStyle = background;
      pen.fillRect(0, 0, sheet.width, sheet.height);
    }
    pen.drawImage(source, 0, 0);
    const scale = source.width / source.clientWidth;
    const origin = this.canvasBox.getBoundingClientRect();
    for (const label of this.labels.querySelectorAll(":scope > :not([hidden])")) {
      const style = getComputedStyle(label);
      const edge = label.getBoundingClientRect();
      pen.fillStyle = style.backgroundColor;
      pen.fillRect((edge.x - origin.x) * scale, (edge.y - origin.y) * scale, edge.width * scale, edge.height * scale);
      pen.fillStyle = style.color;
      pen.textBaseline = "middle";
      pen.textAlign = "center";
      for (const line of label.children) {
        const own = getComputedStyle(line);
        const box = line.getBoundingClientRect();
        pen.font = `${own.fontWeight} ${parseFloat(own.fontSize) * scale}px ${own.fontFamily}`;
        pen.fillText(line.textContent, (box.x + box.width / 2 - origin.x) * scale, (box.y + box.height / 2 - origin.y) * scale);
      }
    }
    const blob = await new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
    return blob.arrayBuffer();
  }
}

function angles(offset) {
  return { around: Math.atan2(offset.x, -offset.y), up: Math.asin(Math.max(-1, Math.min(1, offset.z / offset.length()))) };
}

// --- the controls around it ---

class Face {
  constructor(model, el) {
    this.model = model;
    this.root = el;
    this.page = model.get("_page");
    this.stage = new Stage(model, this.page);
    this.panelOpen = null;
    this.unfolded = new Set();
    this.watched = [];
  }

  open() {
    this.root.classList.add("stlkit-previewer");
    // Plain keys pressed here are not JupyterLab's, which may look before they get here: this has to be said before.
    this.claimKeys = (event) => {
      this.root.toggleAttribute("data-lm-suppress-shortcuts", false);
      if (!event.ctrlKey && !event.metaKey && !event.altKey) this.root.dataset.lmSuppressShortcuts = "true";
    };
    window.addEventListener("keydown", this.claimKeys, true);
    this.card = node("div", { class: "card", hidden: true });
    this.status = node("div", { class: "status" });
    this.note = node("div", { class: "note", role: "status", "aria-live": "polite" });
    this.side = node("aside", { class: "side", "aria-label": "Findings, measures and repair" });
    this.main = node("div", { class: "main" }, node("div", { class: "picture" }, this.stage.el, this.hud()), this.side);
    this.root.append(this.toolbar(), this.sectionBar(), this.main, this.card, this.status, this.filmstrip());
    this.watchAll();
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.closePopover = (event) => {
      for (const popover of this.root.querySelectorAll(".popover:not([hidden])"))
        if (!popover.parentElement.contains(event.target)) this.fold(popover);
    };
    document.addEventListener("pointerdown", this.closePopover, true);
    this.onFull = () => {
      this.fullButton.setAttribute("aria-pressed", String(this.stage.isFull));
      this.stage.fit();
    };
    document.addEventListener("fullscreenchange", this.onFull);
    this.stage.open();
  }

  close() {
    document.removeEventListener("pointerdown", this.closePopover, true);
    document.removeEventListener("fullscreenchange", this.onFull);
    window.removeEventListener("keydown", this.claimKeys, true);
    for (const [event, listener] of this.watched) this.model.off(event, listener);
    clearTimeout(this.noteTimer);
    this.stage.close();
    this.root.replaceChildren();
  }

  watch(names, show) {
    for (const name of names) {
      this.model.on(`change:${name}`, show);
      this.watched.push([`change:${name}`, show]);
    }
    show();
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  toggle(name, label, hint = "") {
    const made = button(name, label + hint, () => this.set(name, !this.model.get(name)));
    made.setAttribute("aria-label", label);
    this.watch([name], () => made.setAttribute("aria-pressed", String(Boolean(this.model.get(name)))));
    return made;
  }

  popover(name, label, content) {
    const sheet = node("div", { class: "popover", hidden: true, role: "group", "aria-label": label }, content);
    const opener = button(name, label, () => (sheet.hidden ? this.unfold(sheet) : this.fold(sheet)), { "aria-expanded": "false" });
    return node("div", { class: "anchor" }, opener, sheet);
  }

  unfold(sheet) {
    sheet.hidden = false;
    sheet.previousElementSibling.setAttribute("aria-expanded", "true");
    sheet.querySelector("button, select, input")?.focus();
  }

  fold(sheet, focus = false) {
    sheet.hidden = true;
    sheet.previousElementSibling.setAttribute("aria-expanded", "false");
    if (focus) sheet.previousElementSibling.focus();
  }

  toolbar() {
    const group = (label, ...parts) => node("div", { class: "group", role: "group", "aria-label": label }, ...parts);
    const section = button("section", "Section: cut the model open", () => this.set("section", this.model.get("section") ? null : "x"));
    this.watch(["section"], () => section.setAttribute("aria-pressed", String(Boolean(this.model.get("section")))));
    const panel = button("panel", "List of findings, measures and repairs", () => {
      this.panelOpen = this.side.hidden;
      this.showSide();
    });
    this.panelButton = panel;
    this.fullButton = button("full", "Full screen", () => this.toggleFull(), { "aria-pressed": "false", hidden: !document.fullscreenEnabled });
    this.bar = node(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Previewer" },
      group(
        "View",
        this.popover("views", "Standard views", this.viewsSheet()),
        button("reset", "Reset the view", () => this.model.send({ do: "view", name: "three-quarter" })),
        this.toggle("orthographic", "Without perspective"),
      ),
      group(
        "Drawing",
        this.toggle("wireframe", "Wireframe"),
        this.toggle("edges", "Edges"),
        this.toggle("box", "Bounding box with dimensions"),
        this.toggle("axes", "Axes"),
        section,
        this.popover("look", "Material, light and colours", this.lookSheet()),
      ),
      group(
        "Examination",
        this.toggle("measuring", "Measure", ": click two points"),
        this.toggle("marks", "Mark findings on the model"),
        this.toggle("repaired", "Show the repaired model"),
      ),
      node("div", { class: "spring" }),
      group(
        "Results",
        button("snapshot", "Save a picture of this view", () => this.snapshot()),
        button("use", "Use this view for the pictures", () => this.model.send({ do: "use_view", backward: this.stage.backward })),
        panel,
        this.fullButton,
      ),
    );
    return this.bar;
  }

  viewsSheet() {
    const keys = Object.fromEntries(Object.entries(VIEW_KEYS).map(([key, name]) => [name, key]));
    const entries = Object.keys(VIEW_NAMES).map((name) =>
      node(
        "button",
        {
          type: "button",
          class: "entry",
          "data-view": name,
          onclick: (event) => {
            this.model.send({ do: "view", name });
            this.fold(event.currentTarget.closest(".popover"), true);
          },
        },
        node("span", { text: VIEW_NAMES[name] }),
        node("kbd", { text: keys[name] }),
      ),
    );
    return node("div", { class: "entries" }, ...entries);
  }

  lookSheet() {
    const choice = (name, label, values) => {
      const select = node("select", { onchange: (event) => this.set(name, event.target.value) });
      select.append(...values.map((value) => node("option", { value, text: value })));
      this.watch([name], () => (select.value = this.model.get(name)));
      return node("label", {}, node("span", { text: label }), select);
    };
    const color = node("input", { type: "color", oninput: (event) => this.set("color", event.target.value) });
    const own = node("button", { type: "button", class: "plain", text: "own", title: "The file's own colour, or the material's", onclick: () => this.set("color", null) });
    this.watch(["color", "material"], () => {
      color.value = this.model.get("color") ?? this.page.colors[this.model.get("material")];
      own.disabled = this.model.get("color") === null;
    });
    const background = node("input", { type: "color", oninput: (event) => this.set("background", event.target.value) });
    const none = node("button", { type: "button", class: "plain", text: "none", title: "Transparent", onclick: () => this.set("background", "transparent") });
    this.watch(["background"], () => {
      const value = this.model.get("background");
      none.disabled = value === "transparent";
      background.value = none.disabled ? this.page.background : value;
      this.stage.el.style.background = none.disabled ? "" : value;
      this.stage.el.classList.toggle("see-through", none.disabled);
    });
    return node(
      "div",
      { class: "form" },
      choice("material", "Material", this.page.materials),
      choice("lighting", "Light", this.page.lightings),
      node("div", { class: "row" }, node("label", {}, node("span", { text: "Colour" }), color), own),
      node("div", { class: "row" }, node("label", {}, node("span", { text: "Background" }), background), none),
    );
  }

  sectionBar() {
    const name = `section-${Math.random().toString(36).slice(2)}`;
    const axes = ["x", "y", "z"].map((axis) => {
      const radio = node("input", { type: "radio", name, value: axis, onchange: () => this.set("section", axis) });
      return node("label", { class: "radio" }, radio, node("span", { text: axis.toUpperCase() }));
    });
    const slider = node("input", { type: "range", min: 0, max: 1, step: 0.002, "aria-label": "Position of the section" });
    const place = node("output", {});
    const say = () => {
      const plane = this.model.get("_plane");
      if (plane) place.textContent = `${(plane.low_mm + (plane.high_mm - plane.low_mm) * slider.value).toFixed(1)} mm`;
    };
    slider.addEventListener("input", async () => {
      say();
      const plane = this.model.get("_plane");
      if (!plane) return;
      // seen at once; the kernel hears of it when the slider comes to rest
      const found = await this.model.widget_manager.get_model(plane.id);
      if (found.obj) found.obj.constant = -plane.sign * (plane.low + (plane.high - plane.low) * slider.value);
      this.stage.draw();
    });
    slider.addEventListener("change", () => this.set("section_position", Number(slider.value)));
    const flip = this.toggle("section_flipped", "Take the other half away");
    const bar = node("div", { class: "sectionbar", role: "group", "aria-label": "Section" }, node("span", { class: "quiet", text: "Section across" }), ...axes, slider, place, flip);
    this.watch(["section", "section_position", "_plane"], () => {
      const section = this.model.get("section");
      bar.hidden = !section;
      axes.forEach((label) => (label.firstChild.checked = label.firstChild.value === section));
      slider.value = this.model.get("section_position");
      say();
    });
    return bar;
  }

  // words over the drawing area: what is going on, and what to do next
  hud() {
    const busy = node("div", { class: "busy" }, node("span", { class: "spinner", "aria-hidden": "true" }), node("span", {}));
    this.watch(["_busy"], () => {
      busy.hidden = !this.model.get("_busy");
      busy.lastChild.textContent = this.model.get("_busy");
    });
    const hint = node("div", { class: "hint" });
    this.watch(["measuring", "_measures"], () => {
      hint.hidden = !this.model.get("measuring");
      hint.textContent = "Click two points of the model. Corners attract. Esc ends.";
    });
    this.watch(["_note"], () => this.say(this.model.get("_note")));
    return node("div", { class: "hud" }, busy, hint, this.note);
  }

  say(note) {
    clearTimeout(this.noteTimer);
    this.note.textContent = note?.text ?? "";
    this.note.dataset.kind = note?.kind ?? "";
    this.note.hidden = !note?.text;
    if (note?.kind === "good") this.noteTimer = setTimeout(() => (this.note.hidden = true), 6000);
  }

  filmstrip() {
    const go = (index) => this.set("index", index);
    const previous = button("previous", "Previous file", () => go(this.model.get("index") - 1));
    const next = button("next", "Next file", () => go(this.model.get("index") + 1));
    const slider = node("input", { type: "range", min: 0, step: 1, "aria-label": "File", onchange: (event) => go(Number(event.target.value)) });
    const place = node("output", {});
    slider.addEventListener("input", () => (place.textContent = `${Number(slider.value) + 1} of ${this.model.get("_files").count}`));
    const strip = node("div", { class: "filmstrip", role: "group", "aria-label": "Files" }, previous, slider, next, place);
    this.watch(["_files"], () => {
      const { count = 0, index = 0 } = this.model.get("_files");
      strip.hidden = count < 2;
      slider.max = Math.max(0, count - 1);
      slider.value = index;
      previous.disabled = index <= 0;
      next.disabled = index >= count - 1;
      place.textContent = `${index + 1} of ${count}`;
    });
    return strip;
  }

  watchAll() {
    this.watch(["_facts"], () => this.showFacts());
    this.watch(["_findings", "_measures", "_comparison", "repaired"], () => this.showSide());
    const redraw = () => this.stage.draw();
    this.watch(["_labels"], redraw);
    const onAim = () => this.stage.go(this.model.get("_aim"), this.model.get("_aim").fly);
    const onOrthographic = () => this.stage.useCamera();
    const onMessage = (message) => {
      if (message.do === "snapshot") this.snapshot();
      if (message.do === "frame" && this.stage.view) this.model.send({ do: "frame", backward: this.stage.backward });
    };
    const onMeasuring = () => this.stage.tellScale();
    for (const [event, listener] of [["change:measuring", onMeasuring], ["change:_aim", onAim], ["change:orthographic", onOrthographic], ["msg:custom", onMessage]]) {
      this.model.on(event, listener);
      this.watched.push([event, listener]);
    }
  }

  showFacts() {
    const facts = this.model.get("_facts");
    const card = facts.card;
    this.card.hidden = !card;
    this.main.hidden = this.status.hidden = Boolean(card);
    this.root.classList.toggle("empty", Boolean(card));
    for (const tool of this.bar.querySelectorAll("button.tool")) tool.disabled = Boolean(card) && tool !== this.fullButton;
    if (card) {
      this.card.replaceChildren(node("h4", {}, node("bdi", { text: card.title })), ...card.lines.map(line), ...(card.hint ? [node("p", { class: "quiet", text: card.hint })] : []));
      return;
    }
    if (!facts.name) return;
    const parts = [node("b", {}, node("bdi", { text: facts.name })), node("span", { text: `${facts.faces} faces` }), node("span", { text: facts.size.mm }), node("span", { class: "quiet", text: facts.size.inch })];
    if (facts.reduced) {
      const all = node("button", { type: "button", class: "plain", text: "show all", onclick: () => this.set("full", true) });
      parts.push(node("span", { class: "reduced" }, node("span", { text: `showing ${facts.reduced} of ${facts.faces} faces ` }), all));
    }
    this.status.replaceChildren(...parts);
    this.stage.el.dataset.shown = facts.name;
    this.stage.fit();
  }

  showSide() {
    const findings = this.model.get("_findings");
    const measures = this.model.get("_measures");
    const comparison = this.model.get("_comparison");
    const wanted = findings.length + measures.length > 0 || comparison !== null;
    this.side.hidden = this.panelOpen === null ? !wanted : !this.panelOpen;
    this.panelButton.setAttribute("aria-pressed", String(!this.side.hidden));
    this.side.replaceChildren(this.findingsPart(findings), this.measuresPart(measures), ...(comparison ? [this.comparisonPart(comparison)] : []));
    this.stage.fit();
  }

  part(key, title, open, ...content) {
    const folded = this.unfolded.has(`-${key}`);
    const made = node("details", { open: open && !folded }, node("summary", { text: title }), ...content);
    made.addEventListener("toggle", () => (made.open ? this.unfolded.delete(`-${key}`) : this.unfolded.add(`-${key}`)));
    return made;
  }

  findingsPart(findings) {
    const title = `Findings${this.model.get("repaired") ? " after the repair" : ""} (${findings.length})`;
    if (!findings.length) return this.part("findings", title, true, node("p", { class: "quiet", text: "Nothing is wrong with this model." }));
    return this.part("findings", title, true, ...findings.map((finding, number) => this.finding(finding, number)));
  }

  finding(found, number) {
    const made = node("div", { class: "finding" }, line(found));
    if (found.color) made.firstChild.prepend(node("span", { class: "swatch", style: `background: ${found.color}`, title: "Its colour on the model" }));
    if (!found.places.length) return made;
    const key = `places-${number}`;
    const all = this.unfolded.has(key);
    const shown = all ? found.places : found.places.slice(0, PLACES_SHOWN);
    const places = shown.map((label, place) =>
      node("button", { type: "button", class: "place", text: label, title: "Fly there", onclick: () => this.model.send({ do: "fly", finding: number, place }) }),
    );
    const rest = found.place_count - shown.length;
    if (rest > 0 && !all)
      places.push(
        node("button", {
          type: "button",
          class: "plain",
          text: `${rest} more`,
          onclick: () => {
            this.unfolded.add(key);
            this.showSide();
          },
        }),
      );
    else if (rest > 0) places.push(node("span", { class: "quiet", text: `and ${rest} more` }));
    made.append(node("div", { class: "places" }, ...places));
    return made;
  }

  measuresPart(measures) {
    const rows = measures.map((measure, number) =>
      node(
        "div",
        { class: "measure" },
        node("b", { text: measure.mm }),
        node("span", { class: "quiet", text: measure.inch }),
        button("close", "Forget this measure", () => this.model.send({ do: "forget", number })),
        node("span", { class: "quiet along", text: measure.along }),
      ),
    );
    if (rows.length > 1) rows.push(node("button", { type: "button", class: "plain", text: "forget all", onclick: () => this.model.send({ do: "forget", number: null }) }));
    if (!rows.length) rows.push(node("p", { class: "quiet", text: "Choose Measure and click two points." }));
    return this.part("measures", `Measures (${measures.length})`, measures.length > 0, ...rows);
  }

  comparisonPart(comparison) {
    const cell = (tag, text, kind = null) => node(tag, { text, class: kind });
    const rows = comparison.rows.map((row) =>
      node("tr", { class: row.changed ? "changed" : null }, cell("th", row.name), cell("td", row.before), cell("td", row.after)),
    );
    const head = node("tr", {}, cell("th", ""), cell("th", "Before"), cell("th", "After"));
    const said = comparison.refused ? [`The repair was thrown away, because ${comparison.refused}.`] : comparison.changed ? comparison.actions : ["There was nothing to repair."];
    return this.part("repair", "Repair", true, node("table", {}, head, ...rows), ...said.map((text) => node("p", { class: "quiet", text })));
  }

  async toggleFull() {
    try {
      await (this.stage.isFull ? document.exitFullscreen() : this.root.requestFullscreen());
      this.stage.el.focus({ preventScroll: true });
    } catch (error) {
      this.say({ text: `No full screen here: ${error.message}`, kind: "bad" });
    }
  }

  async snapshot() {
    try {
      this.model.send({ do: "snapshot" }, undefined, [await this.stage.picture()]);
    } catch (error) {
      this.say({ text: `No picture: ${error}`, kind: "bad" });
    }
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    if (event.key === "Escape") {
      const open = event.target.closest(".popover") ?? this.root.querySelector(".popover:not([hidden])");
      if (open) return this.fold(open, true);
      if (this.model.get("measuring")) this.set("measuring", false);
      return;
    }
    const inBar = event.target.closest(".toolbar") && event.target.matches(".tool");
    if (inBar && (event.key === "ArrowRight" || event.key === "ArrowLeft")) return this.step(event);
    if (event.target !== this.stage.el) return;
    const act = this.keys(event)[event.key];
    if (!act || !this.stage.view) return;
    event.preventDefault();
    act();
  }

  keys(event) {
    const { stage } = this;
    const step = Math.PI / 24;
    const arrows = event.shiftKey
      ? { ArrowLeft: () => stage.shift(-0.1, 0), ArrowRight: () => stage.shift(0.1, 0), ArrowUp: () => stage.shift(0, 0.1), ArrowDown: () => stage.shift(0, -0.1) }
      : { ArrowLeft: () => stage.turn(-step, 0), ArrowRight: () => stage.turn(step, 0), ArrowUp: () => stage.turn(0, step), ArrowDown: () => stage.turn(0, -step) };
    const look = (name) => () => this.model.send({ do: "view", name });
    const views = Object.fromEntries(Object.entries(VIEW_KEYS).map(([key, name]) => [key, look(name)]));
    return { ...arrows, ...views, f: () => this.toggleFull(), 0: look("three-quarter"), Home: look("three-quarter"), "+": () => stage.zoom(0.85), "=": () => stage.zoom(0.85), "-": () => stage.zoom(1 / 0.85) };
  }

  step(event) {
    const tools = [...this.bar.querySelectorAll(".tool:not(:disabled)")];
    const here = tools.indexOf(event.target);
    const there = here + (event.key === "ArrowRight" ? 1 : -1);
    tools[(there + tools.length) % tools.length]?.focus();
    event.preventDefault();
  }
}

function line(finding) {
  const [mark, kind] = MARKS[finding.severity];
  return node("p", { class: "line" }, node("span", { class: `mark ${kind}`, text: mark, title: finding.severity }), node("span", { text: finding.message }));
}

export default {
  render({ model, el }) {
    const face = new Face(model, el);
    face.open();
    return () => face.close();
  },
};
