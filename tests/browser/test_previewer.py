"""The previewer in a real page: every control changes the pixels as it should."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from stlkit.mesh.merging import merge_vertices
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.options import RenderOptions
from stlkit.rendering.backends import open_backend
from stlkit.rendering.compositing import to_image
from stlkit.rendering.framing import frame
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.stage import Stage
from stlkit.rendering.still import take_still
from stlkit.samples.collection import sample_bytes
from stlkit.samples.mechanical import calibration_cube, gear
from stlkit.samples.turned import torus_knot

BACKGROUND = np.array([236, 238, 241])
SIZE = (800, 450)
_PATIENCE_S = 30


class Viewer:
    """The one previewer of a page, as a person uses it."""

    def __init__(self, page):
        self.page = page
        self.root = page.locator(".stlkit-previewer")
        self.stage = self.root.locator(".stage")

    def tool(self, name):
        return self.root.locator(f".toolbar [data-tool={name}]")

    def ready(self):
        """Wait until a model is drawn and examined."""
        self.root.locator(".stage[data-arrived]").wait_for(timeout=60_000)
        expect(self.root.locator(".busy")).to_be_hidden(timeout=60_000)
        return self

    def picture(self):
        """Return the drawing area as it is now, (h, w, 3), without the frame of the focus."""
        box = self.root.locator("canvas").bounding_box()
        clip = {key: round(value) for key, value in box.items()}
        shown = np.asarray(Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")).astype(int)
        for frame_part in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
            shown[frame_part] = shown[10, 10]
        return shown

    def settled(self, differs_from=None):
        """Wait until the picture stands still, and, if that is asked, is another one; return it."""
        deadline, before = time.monotonic() + _PATIENCE_S, None
        while time.monotonic() < deadline:
            now = self.picture()
            is_new = differs_from is None or differs_from.shape != now.shape or (differs_from != now).any()
            if is_new and before is not None and before.shape == now.shape and (before == now).all():
                return now
            before = now
            self.page.wait_for_timeout(100)
        raise AssertionError("the picture did not change, or did not come to rest")

    def press(self, name, before):
        """Press a tool; return the picture once it differs from the one before."""
        self.tool(name).click()
        return self.settled(before)

    def arrived_after(self, act):
        """Do something that sends the camera somewhere; return the picture once it is there."""
        number = int(self.stage.get_attribute("data-arrived"))
        act()
        self.page.wait_for_function(
            "number => Number(document.querySelector('.stlkit-previewer .stage').dataset.arrived) > number",
            arg=number,
            timeout=_PATIENCE_S * 1000,
        )
        return self.settled()

    def look(self, name):
        """Choose a standard view."""
        self.tool("views").click()
        return self.arrived_after(self.root.locator(f"[data-view={name}]").click)

    def choose(self, label, value, before):
        """Choose a material or a light."""
        self.tool("look").click()
        self.root.get_by_role("combobox", name=label).select_option(value)
        self.page.keyboard.press("Escape")
        return self.settled(before)


def model_in(picture):
    """Where a picture shows something other than its background or a shadow, (h, w)."""
    return np.ptp(picture, axis=2) > 24


def spans(picture):
    """Width and height of what is shown."""
    shown = model_in(picture)
    return [int(np.ptp(np.flatnonzero(shown.any(axis=axis)))) for axis in (0, 1)]


@pytest.fixture
def page(new_page):
    """Wide enough for the whole drawing area beside JupyterLab's own panels."""
    return new_page(width=1500, height=1000)


@pytest.fixture
def viewer(notebook, page, lab):
    """Give the function that opens a previewer of files, by name and content, in a notebook."""

    def open_viewer(files, options="", *more):
        names = []
        for name, content in files.items():
            (lab.notebooks / name).write_bytes(content)
            names.append(name)
        shown = json.dumps(names[0] if len(names) == 1 else names)
        notebook(f"from stlkit_widgets import Previewer\np = Previewer({shown}{options})\np", *more)
        return Viewer(page).ready()

    return open_viewer


@pytest.fixture(scope="module")
def picture_of():
    """Give the function that draws the picture which a job would make."""

    def draw(triangles, **options):
        stage = Stage(open_backend(), merge_vertices(np.asarray(triangles, dtype=np.float32)))
        pixels = take_still(stage, RenderOptions(width=SIZE[0], height=SIZE[1], **options))
        return np.asarray(to_image(pixels).convert("RGB")).astype(int)

    return draw


def test_side_by_side_with_the_picture_no_difference_is_seen(viewer, picture_of, shot):
    """Outlines overlap and colours differ by a level or two, in every material and light, also from another side."""
    triangles = gear()
    seen = viewer({"gear.stl": encode_binary_stl(triangles)})
    shown = seen.settled()
    assert shown.shape == (SIZE[1], SIZE[0], 3)
    looks = [("Material", name) for name in ("metal", "resin", "ceramic", "wood", "glass", "plastic")]
    looks += [("Light", name) for name in ("natural", "dramatic", "soft", "studio")]
    for kind, value in looks:
        shown = seen.choose(kind, value, shown)
        option = {"Material": "material", "Light": "lighting"}[kind]
        assert_alike(shown, picture_of(triangles, **{option: value}), value)
    shot(seen.root, "studio")
    top = seen.look("left")
    assert_alike(top, picture_of(triangles, view_azimuth_deg=-90, view_elevation_deg=0), "left")


def assert_alike(shown, picture, what):
    one, two = (np.abs(image - BACKGROUND).max(axis=2) > 40 for image in (shown, picture))
    overlap = (one & two).sum() / (one | two).sum()
    assert overlap > 0.96, f"{what}: {overlap:.3f}"
    assert np.abs(shown[one].mean(axis=0) - picture[two].mean(axis=0)).max() < 2, what
    assert np.abs(shown - picture).mean() < 1.5, what


def test_what_is_drawn_over_the_model(viewer, shot):
    """Wireframe, edges, box and axes: each is seen, and undone where it is switched off again."""
    seen = viewer({"knob.stl": sample_bytes("gear.stl")})
    first = seen.settled()

    net = seen.press("wireframe", first)
    assert model_in(net).sum() < 0.9 * model_in(first).sum()
    shot(seen.root, "wireframe")
    assert (seen.press("wireframe", net) == first).all()

    edges = seen.press("edges", first)
    assert 0.002 < (edges.sum(axis=2) < 150).mean() - (first.sum(axis=2) < 150).mean() < 0.1
    assert (seen.press("edges", edges) == first).all()

    boxed = seen.arrived_after(seen.tool("box").click)
    assert spans(boxed)[0] < spans(first)[0]  # the whole box has to be seen
    assert seen.root.locator(".labels [data-kind=size]:visible").all_inner_texts() == [
        "52\u00a0mm\n2.047\u00a0in", "52\u00a0mm\n2.047\u00a0in", "14\u00a0mm\n0.5512\u00a0in"
    ]  # fmt: skip
    axes = seen.press("axes", boxed)
    red, green, blue = (axes[..., channel] for channel in range(3))
    assert ((red > 180) & (green < 90) & (blue < 90)).any()
    assert ((blue > 150) & (red < 80)).any()
    shot(seen.root, "box-and-axes")
    seen.press("axes", axes)
    seen.press("box", axes)

    assert (seen.arrived_after(seen.tool("reset").click) == first).all()


def test_sides_section_and_colours(viewer, shot):
    """Perspective or not, from the front and from above, cut open, and in other colours."""
    seen = viewer({"knob.stl": sample_bytes("gear.stl")})
    whole = seen.settled()
    flat = seen.press("orthographic", whole)
    assert abs(spans(flat)[0] - spans(whole)[0]) < 0.15 * spans(whole)[0]
    front = seen.look("front")
    top = seen.look("top")
    assert spans(front)[1] < 0.4 * spans(front)[0]
    assert spans(top)[1] > 0.9 * spans(top)[0]
    seen.press("orthographic", top)
    whole = seen.arrived_after(seen.tool("reset").click)

    cut = seen.press("section", whole)
    shot(seen.root, "section")
    assert model_in(cut).sum() < 0.8 * model_in(whole).sum()
    slider = seen.root.get_by_label("Position of the section")
    slider.focus()
    seen.page.keyboard.press("Home")
    assert model_in(seen.settled(cut)).sum() < 0.02 * model_in(whole).sum()
    seen.page.keyboard.press("End")
    uncut = seen.settled(cut)
    assert model_in(uncut).sum() > 0.95 * model_in(whole).sum()
    seen.press("section", uncut)

    before = seen.settled()
    seen.tool("look").click()
    seen.root.locator("input[type=color]").nth(0).fill("#2255cc")
    blue = seen.settled(before)
    seen.root.locator("input[type=color]").nth(1).fill("#101418")
    dark = seen.settled(blue)
    seen.page.keyboard.press("Escape")
    shown = seen.settled()
    assert shown[model_in(shown)][:, 2].mean() > shown[model_in(shown)][:, 0].mean()
    assert dark[2, 2].tolist() == [16, 20, 24]


def test_turning_zooming_moving_by_mouse_and_keys(viewer):
    """Drag, wheel and right button as well as arrows, plus and shift; reset brings the first view back."""
    seen = viewer({"cube.stl": encode_binary_stl(calibration_cube())})
    first, mouse = seen.settled(), seen.page.mouse
    before = first
    box = seen.root.locator("canvas").bounding_box()
    middle = (box["x"] + 400, box["y"] + 225)

    def drag(button, by):
        mouse.move(*middle)
        mouse.down(button=button)
        mouse.move(middle[0] + by[0], middle[1] + by[1], steps=4)
        mouse.up(button=button)

    def by_key(*keys):
        seen.stage.focus()
        for key in keys:
            seen.page.keyboard.press(key)

    acts = {
        "turn": lambda: drag("left", (120, 20)),
        "move": lambda: drag("right", (90, 0)),
        "zoom": lambda: (mouse.move(*middle), mouse.wheel(0, 300), mouse.wheel(0, 300)),
        "turn by key": lambda: by_key("ArrowLeft", "ArrowUp"),
        "move by key": lambda: by_key("Shift+ArrowRight"),
        "zoom by key": lambda: by_key("-", "-"),
    }
    for name, act in acts.items():
        act()
        now = seen.settled(before)
        columns = np.flatnonzero(model_in(now).any(axis=0))
        if name.startswith("zoom"):
            assert spans(now)[1] < 0.9 * spans(first)[1], name
        if name.startswith("move"):
            assert abs(columns.mean() - np.flatnonzero(model_in(first).any(axis=0)).mean()) > 20, name
        before = seen.arrived_after(seen.tool("reset").click)
        assert np.abs(before - first).mean() < 0.1, name


def test_keys_stay_in_the_previewer(viewer, page):
    """What JupyterLab takes for 'delete this cell' is nothing here; the digits choose sides; Escape closes."""
    seen = viewer({"cube.stl": encode_binary_stl(calibration_cube())})
    seen.stage.focus()
    for key in ("d", "d", "a", "b", "x", "m"):
        page.keyboard.press(key)
    assert page.locator(".jp-CodeCell").count() == 1
    front = seen.arrived_after(lambda: page.keyboard.press("1"))
    assert abs(spans(front)[0] - spans(front)[1]) < 12
    seen.tool("views").focus()
    page.keyboard.press("Enter")
    expect(seen.root.locator("[data-view=three-quarter]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(seen.tool("views")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(seen.tool("reset")).to_be_focused()


def test_findings_are_marked_listed_and_flown_to(viewer, shot):
    """Each place fills the middle of the picture with the colour of its mark; a repair takes the marks away."""
    triangles = np.asarray(torus_knot(), dtype=np.float32).copy()
    triangles[7000] = triangles[7000][::-1]
    hurt = np.delete(triangles, [2000, 2001, 2002, 2003], axis=0)
    seen = viewer({"hurt.stl": encode_binary_stl(hurt)})
    expect(seen.root.locator(".finding")).to_have_count(2)
    open_edges, flipped = (seen.root.locator(".finding").nth(number) for number in range(2))
    expect(flipped.locator(".place")).to_have_text(["1 flipped face"])
    first = seen.settled()
    shot(seen.root, "findings")
    marked = {"red": (229, 25, 75), "pink": (224, 0, 122)}

    def amount(picture, color):
        height, width = picture.shape[:2]
        middle = picture[height // 4 : -height // 4, width // 4 : -width // 4]
        return (np.abs(middle - marked[color]).max(axis=2) < 70).mean()

    hole = seen.arrived_after(open_edges.locator(".place").first.click)
    assert amount(hole, "red") > 5 * amount(first, "red") + 0.002
    shot(seen.root, "fly-to")
    face = seen.arrived_after(flipped.locator(".place").click)
    assert amount(face, "pink") > 0.01
    assert amount(seen.press("marks", face), "pink") < 0.002
    seen.tool("marks").click()

    seen.tool("repaired").click()
    expect(seen.root.locator("summary").first).to_have_text("Findings after the repair (0)", timeout=_PATIENCE_S * 1000)
    expect(seen.root.locator("tr", has_text="Open edges").locator("td").last).to_have_text("0")
    shot(seen.root, "repaired")
    seen.tool("repaired").click()
    expect(seen.root.locator("summary").first).to_have_text("Findings (2)", timeout=_PATIENCE_S * 1000)


def test_two_clicks_measure_from_corner_to_corner(viewer, shot):
    """Clicks beside two corners of a 20 mm cube's top are drawn to them; a drag is no click."""
    cube = np.asarray(BOX_20, dtype=np.float32)
    seen = viewer({"cube.stl": encode_binary_stl(cube)})
    seen.settled()
    geometry = prepare_geometry(merge_vertices(cube))
    camera = frame(geometry.positions, *SIZE)
    low, high = geometry.bounds
    ends = camera.project(np.array([[low[0], low[1], high[2]], [high[0], low[1], high[2]]]))
    seen.tool("measuring").click()
    box = seen.root.locator("canvas").bounding_box()
    mouse = seen.page.mouse
    mouse.move(box["x"] + 400, box["y"] + 200)
    mouse.down()
    mouse.move(box["x"] + 401, box["y"] + 240, steps=3)
    mouse.move(box["x"] + 400, box["y"] + 200, steps=3)
    mouse.move(box["x"] + 440, box["y"] + 200, steps=3)
    mouse.up()
    seen.arrived_after(seen.tool("reset").click)
    middle = ends.mean(axis=0) + np.array([0, 40])
    for end in ends:
        beside = end + 5 * (middle - end) / np.linalg.norm(middle - end)
        mouse.click(box["x"] + beside[0], box["y"] + beside[1])
    expect(seen.root.locator(".measure b")).to_have_text("20 mm", timeout=_PATIENCE_S * 1000)
    expect(seen.root.locator(".labels [data-kind=measure]")).to_contain_text("0.7874 in")
    shot(seen.root, "measure")
    seen.root.get_by_role("button", name="Forget this measure").click()
    expect(seen.root.locator(".measure")).to_have_count(0)


def test_it_fills_the_screen_and_goes_back(viewer, page, shot):
    """As large as its proportions allow, with everything that belongs to it; F and Esc lead out again."""
    seen = viewer({"full.stl": encode_binary_stl(gear())}, ", box=True")
    before = seen.root.locator("canvas").bounding_box()
    picture = seen.settled()
    seen.tool("full").click()
    expect(seen.tool("full")).to_have_attribute("aria-pressed", "true")
    large = seen.settled(picture)
    shot(page, "full-screen")
    room, canvas = seen.root.bounding_box(), seen.root.locator("canvas").bounding_box()
    assert (room["x"], room["y"], room["width"], room["height"]) == (0, 0, 1500, 1000)
    assert canvas["width"] > 1.2 * before["width"]
    assert canvas["width"] / canvas["height"] == pytest.approx(before["width"] / before["height"], rel=0.01)
    assert model_in(large).mean() == pytest.approx(model_in(picture).mean(), rel=0.1), "the same is seen, only larger"
    expect(seen.root.locator(".status")).to_be_in_viewport()
    page.keyboard.press("f")
    expect(seen.tool("full")).to_have_attribute("aria-pressed", "false")
    seen.settled(large)
    assert seen.root.locator("canvas").bounding_box() == before


def test_a_snapshot_is_what_is_seen(viewer, lab):
    """The button writes a PNG beside the notebook, of the same pixels, with its background and its labels."""
    seen = viewer({"gear.stl": encode_binary_stl(gear())}, ", box=True")
    shown = seen.settled()
    seen.tool("snapshot").click()
    expect(seen.root.locator(".note")).to_contain_text("gear_view_1.png", timeout=_PATIENCE_S * 1000)
    path = lab.notebooks / "gear_view_1.png"
    saved = np.asarray(Image.open(path).convert("RGB")).astype(int)
    path.unlink()
    assert saved.shape == shown.shape
    assert np.abs(saved - shown).mean() < 1.5


def test_a_view_is_handed_to_the_job_that_is_shown(notebook, page, lab):
    """From the top, the job's options say so, and the next picture is taken from there."""
    (lab.notebooks / "queued.stl").write_bytes(encode_binary_stl(calibration_cube()))
    notebook(
        "import stlkit\nfrom stlkit_widgets import Previewer\nws = stlkit.Workspace('view-home', output='view-out')\n"
        "ws.queue.add('queued.stl')\nPreviewer(ws)",
    )
    seen = Viewer(page).ready()
    seen.look("right")
    seen.tool("use").click()
    expect(seen.root.locator(".note")).to_contain_text("This job's pictures are taken from 90° around and 0° up")


def test_files_are_gone_through_and_hostile_names_stay_text(viewer, page, shot):
    """The slider shows file after file, a damaged one with a card that says what is wrong, in one drawing area."""
    hostile = "<img src=x onerror=window.hurt=1>.stl"
    files = {
        "a.stl": sample_bytes("gear.stl"),
        hostile: sample_bytes("bracket.stl"),
        "web.stl": sample_bytes("web_page.stl"),
    }
    seen = viewer(files)
    page.evaluate("document.querySelector('.stlkit-previewer canvas').dataset.mine = 'yes'")
    gear_shown = seen.settled()
    seen.root.get_by_role("button", name="Next file").click()
    expect(seen.root.locator(".status b")).to_have_text(hostile, timeout=_PATIENCE_S * 1000)
    seen.settled(gear_shown)
    seen.root.get_by_role("button", name="Next file").click()
    expect(seen.root.locator(".card")).to_contain_text("web.stl cannot be shown", timeout=_PATIENCE_S * 1000)
    expect(seen.root.locator(".card")).to_contain_text("web page")
    shot(seen.root, "card")
    seen.root.get_by_role("button", name="Previous file").click()
    expect(seen.root.locator(".status b")).to_have_text(hostile, timeout=_PATIENCE_S * 1000)
    assert page.evaluate("document.querySelector('.stlkit-previewer canvas').dataset.mine") == "yes"
    assert page.evaluate("window.hurt") is None


def test_a_page_that_is_opened_again_shows_the_same(viewer, page):
    """The kernel lives on, and with it the model, what is drawn over it, and the side it was last sent to."""
    seen = viewer({"gear.stl": sample_bytes("gear.stl")}, ", material='wood', edges=True, orthographic=True")
    before = seen.look("top")
    seen.stage.focus()
    page.keyboard.press("Control+s")  # one of the keys that JupyterLab keeps
    expect(page.locator(".jp-mod-dirty")).to_have_count(0, timeout=_PATIENCE_S * 1000)
    page.reload()
    seen.ready()
    assert np.abs(seen.settled() - before).mean() < 1.5
    assert spans(seen.look("front"))[1] < 0.5 * spans(before)[1]


def test_nothing_is_left_when_cells_are_run_again(lab, notebook, page):
    """However often, there is one canvas and one WebGL context, and as many widgets as after one run."""
    page.add_init_script(
        "const make = HTMLCanvasElement.prototype.getContext; window.contexts = new Set();"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  if (String(kind).includes('webgl') && this.width > 300) window.contexts.add(this);"
        "  return make.call(this, kind, ...rest); };"
    )
    (lab.notebooks / "again.stl").write_bytes(encode_binary_stl(calibration_cube()))
    opened = notebook(
        "import ipywidgets\nfrom stlkit_widgets import Previewer\n"
        "def count(): return len(ipywidgets.Widget.get_manager_state()['state'])\n"
        "p = None",
        "p = Previewer('again.stl', edges=True, section='x')\np",
        "print('widgets:', count())",
    )
    seen = Viewer(page).ready()
    counted = page.locator(".jp-OutputArea-output", has_text="widgets:")
    once = counted.text_content()
    for _ in range(5):
        page.evaluate("document.querySelector('.stlkit-previewer').dataset.old = 'yes'")
        opened.run_all()
        page.locator(".stlkit-previewer:not([data-old]) .stage[data-arrived]").wait_for(timeout=60_000)
        seen.ready()
    assert page.locator(".stlkit-previewer canvas").count() == 1
    assert page.evaluate("window.contexts.size") <= 1
    expect(counted).to_have_text(once)


def test_half_a_million_faces_are_shown_whole(viewer):
    """And the status line says how many there are."""
    fine = np.linspace(0, 2 * np.pi, 501)[:-1]
    ring, tube = np.meshgrid(fine, fine, indexing="ij")
    grid = np.stack(
        [(3 + np.cos(tube)) * np.cos(ring), (3 + np.cos(tube)) * np.sin(ring), np.sin(tube)], axis=-1
    ).astype(np.float32)
    corner = [grid, np.roll(grid, -1, 0), np.roll(grid, (-1, -1), (0, 1)), np.roll(grid, -1, 1)]
    faces = np.concatenate([np.stack([corner[0], corner[k], corner[k + 1]], axis=2).reshape(-1, 3, 3) for k in (1, 2)])
    seen = viewer({"fine.stl": encode_binary_stl(faces)})
    expect(seen.root.locator(".status")).to_contain_text("500 000 faces")
    expect(seen.root.locator(".status")).not_to_contain_text("showing")
    assert model_in(seen.settled()).mean() > 0.1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_those_who_do_not_see_it(viewer, page, scheme, shot):
    """axe-core finds nothing serious, with everything open, on light and on dark pages."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - few test runs need it

    seen = viewer({"open.stl": sample_bytes("open_box.stl")}, ", box=True, section='x', measuring=True, repaired=False")
    if scheme == "dark":
        page.locator("#jp-MainMenu").get_by_role("menuitem", name="Settings", exact=True).click()
        page.locator(".lm-Menu").get_by_text("Theme", exact=True).hover()
        page.locator(".lm-Menu").get_by_role("menuitem", name="JupyterLab Dark", exact=True).click()
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    seen.tool("repaired").click()
    expect(seen.root.locator("table")).to_be_visible(timeout=_PATIENCE_S * 1000)
    seen.settled()
    shot(seen.root, scheme)
    seen.tool("look").click()
    found = Axe().run(page, ".stlkit-previewer").response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in {"serious", "critical"}]
    assert serious == []


_QUADS = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
_CORNERS = np.array([[x, y, z] for z in (0, 20) for x, y in ((0, 0), (20, 0), (20, 20), (0, 20))])
BOX_20 = [_CORNERS[[a, *pair]] for a, b, c, d in _QUADS for pair in ((b, c), (c, d))]
