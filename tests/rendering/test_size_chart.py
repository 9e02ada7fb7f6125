import dataclasses
import itertools

import numpy as np
import pytest
from PIL import Image

from stlkit.model.options import RenderOptions
from stlkit.rendering.chart_layout import Axis
from stlkit.rendering.compositing import to_image
from stlkit.rendering.framing import ISOMETRIC_SHORTENING
from stlkit.rendering.lettering import ink_for
from stlkit.rendering.plane import Box
from stlkit.rendering.quality import EFFORTS
from stlkit.rendering.size_chart import draw_chart, plan_chart
from stlkit.rendering.stage import Stage

pytestmark = pytest.mark.gl

SIZES = [(800, 600), (3840, 2160), (600, 900), (1000, 300)]
MODELS = {
    "cube": (20, 20, 20),
    "needle": (0.6, 0.6, 120),
    "needle along x": (120, 0.6, 0.6),
    "needle along y": (0.6, 120, 0.6),
    "plate": (120, 80, 1.5),
    "wall": (120, 1.5, 80),
    "side": (1.5, 120, 80),
    "tiny": (0.001, 0.002, 0.0015),
    "huge": (1e6, 123456, 5e5),
    "sheet": (100, 60, 0),
}


@pytest.fixture
def stage(backend, box, sphere):
    """Put a model on the stage, by name."""

    def put(name):
        if name == "sphere":
            return Stage(backend, sphere())
        if name == "sheet":
            flat = box(100, 60, 1)
            upper = flat.triangles[..., 2].min(axis=1) == 1
            return Stage(backend, type(flat)(vertices=flat.vertices, faces=flat.faces[upper]))
        return Stage(backend, box(*MODELS[name]))

    return put


def crosses(box, segment):
    """Whether a segment comes into a rectangle, by sampling it densely."""
    along = np.linspace(0, 1, 2000)[:, None]
    points = (1 - along) * np.array(segment[0]) + along * np.array(segment[1])
    inside = (points > (box.left, box.top)) & (points < (box.right, box.bottom))
    return bool(inside.all(axis=1).any())


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", [*MODELS, "sphere"])
def test_nothing_overlaps(stage, backend, name, width, height):
    """Labels are apart from each other, from every line and from the model, and everything is inside the picture."""
    model = stage(name)
    chart = plan_chart(model, width, height)
    dimensions = chart.layout.dimensions
    for one, other in itertools.combinations(dimensions, 2):
        assert not one.label.touches(other.label), (one.axis, other.axis)
    picture = Box(left=0, top=0, right=width, bottom=height)
    for dimension in dimensions:
        label = dimension.label
        assert picture.left <= label.left < label.right <= picture.right
        assert picture.top <= label.top < label.bottom <= picture.bottom
        for line in dimensions:
            for segment in (line.reach, *line.extensions):
                assert not crosses(label, segment), (dimension.axis, line.axis)
    silhouette = drawn_alone(model, backend, chart)
    for dimension in dimensions:
        label = dimension.label
        rows, columns = (
            slice(int(low), int(high) + 1) for low, high in ((label.top, label.bottom), (label.left, label.right))
        )
        assert not silhouette[rows, columns].any()


def drawn_alone(model, backend, chart):
    options = RenderOptions(width=chart.camera.width_px, height=chart.camera.height_px)
    shot = model.shot(options, chart.camera, (0, 0, options.width, options.height))
    backend.load(model.geometry)
    return backend.draw(dataclasses.replace(shot, samples=1))[..., 3] > 0


@pytest.mark.parametrize("name", ["cube", "needle", "plate", "sphere"])
@pytest.mark.parametrize(("width", "height"), [(800, 600), (300, 400)])
def test_no_ink_is_on_the_model(stage, backend, name, width, height):
    """Not a pixel of any line, arrow or letter lies on the model: it looks as if it had been drawn alone."""
    model = stage(name)
    options = RenderOptions(width=width, height=height)
    plain = model.backdrop(options, width, height)
    chart = plan_chart(model, width, height)
    model.lay_model(plain, options, chart.camera, EFFORTS[options.quality])
    with_ink = draw_chart(model, options, "title")
    silhouette = drawn_alone(model, backend, chart)
    inner = silhouette & np.roll(silhouette, 1, 0) & np.roll(silhouette, -1, 0)
    inner &= np.roll(silhouette, 1, 1) & np.roll(silhouette, -1, 1)
    np.testing.assert_array_equal(with_ink[inner], plain[inner])


@pytest.mark.parametrize("name", ["cube", "plate", "sphere", "tiny", "huge"])
def test_lines_measure_what_they_say(stage, name):
    """A dimension line is as long on paper as its length, shortened as isometric projection does, all to one scale."""
    model = stage(name)
    layout = plan_chart(model, 800, 600).layout
    extents = np.diff(model.geometry.bounds, axis=0)[0]
    for dimension, extent in zip(layout.dimensions, extents, strict=True):
        length = np.linalg.norm(np.subtract(*dimension.line))
        assert length == pytest.approx(extent * layout.px_per_unit * ISOMETRIC_SHORTENING, rel=1e-6)


def test_the_model_stands_inside_its_outline(stage, backend):
    """The model is drawn where the layout has its bounding box, and touches the box's edges."""
    model = stage("cube")
    chart = plan_chart(model, 800, 600)
    rows, columns = np.nonzero(drawn_alone(model, backend, chart))
    outline = np.array(chart.layout.outline)
    low, high = outline.min(axis=0), outline.max(axis=0)
    assert [columns.min(), rows.min()] == pytest.approx(low.tolist(), abs=1.5)
    assert [columns.max() + 1, rows.max() + 1] == pytest.approx(high.tolist(), abs=1.5)


def test_numbers_are_in_millimetres_and_inches(stage):
    """Each label names its dimension and has the length in both units."""
    labels = plan_chart(stage("plate"), 800, 600).labels
    texts = {axis: [text.replace("\u00a0", " ") for text, _ in label.lines] for axis, label in labels.items()}
    assert texts == {
        Axis.WIDTH: ["width", "120 mm", "4.724 in"],
        Axis.DEPTH: ["depth", "80 mm", "3.15 in"],
        Axis.HEIGHT: ["height", "1.5 mm", "0.05906 in"],
    }


@pytest.mark.parametrize(("width", "height", "least"), [(800, 600, 14), (3840, 2160, 60)])
def test_numbers_are_legible(stage, width, height, least):
    """The letters of the numbers grow with the picture."""
    for label in plan_chart(stage("needle"), width, height).labels.values():
        assert label.lines[1][1].size >= least


@pytest.mark.parametrize("name", ["cube", "needle", "plate", "tiny", "huge"])
def test_the_scale_bar_is_true_for_the_models_edges(stage, name):
    """The bar is as long on paper as an edge of the model of the length that stands above it, and fits its corner."""
    chart = plan_chart(stage(name), 800, 600)
    width_mm = MODELS[name][0]
    edge_px = np.linalg.norm(np.subtract(*chart.layout.dimensions[0].line))
    assert chart.scale_bar.length_px / chart.scale_bar.length_mm == pytest.approx(edge_px / width_mm)
    assert 40 < chart.scale_bar.length_px <= 0.16 * 800


@pytest.mark.parametrize("title", ["", "x" * 5000, "line\nbreak", "\ud800 half a pair", "歯車 ⚙️ عربى", "\x00"])
@pytest.mark.parametrize("background", ["#101010", "transparent"])
def test_any_title_can_be_written(stage, title, background):
    """Titles of every length and script are drawn in the space there is."""
    pixels = draw_chart(stage("cube"), RenderOptions(width=200, height=150, background_color=background), title)
    assert pixels.shape == (150, 200, 4)


@pytest.mark.parametrize("background", ["#ffffff", "#000000", "#777777", "#c8322b", "transparent"])
def test_ink_stands_out_from_every_background(stage, background):
    """The title has a contrast of at least 4.5 to 1 with a background of any colour (WCAG 2.1, 1.4.3)."""
    options = RenderOptions(width=400, height=300, background_color=background)
    image = to_image(draw_chart(stage("cube"), options, "MMMM")).convert("RGBA")
    for paper in ("black", "white") if background == "transparent" else ("black",):
        page = Image.new("RGBA", image.size, paper)
        page.alpha_composite(image)
        strip = np.asarray(page.convert("RGB"))[8:24] / 255
        linear = np.where(strip <= 0.04045, strip / 12.92, ((strip + 0.055) / 1.055) ** 2.4)
        luminance = linear @ (0.2126, 0.7152, 0.0722)
        assert (luminance.max() + 0.05) / (luminance.min() + 0.05) >= 4.5


def test_a_rim_is_drawn_where_the_background_is_not_one_color():
    """On one colour letters need no rim; on a photograph and on nothing they have one."""
    plain = np.full((20, 20, 4), 255, dtype=np.uint8)
    photograph = plain.copy()
    photograph[:, :10, :3] = 0
    assert ink_for(plain).halo is None
    assert ink_for(photograph).halo is not None
    assert ink_for(np.zeros((20, 20, 4), dtype=np.uint8)).halo is not None


@pytest.mark.parametrize(("width", "height"), [(16, 16), (40, 500), (500, 40), (64, 48)])
def test_pictures_too_small_for_letters_are_drawn_anyway(stage, width, height):
    """Where there is no room for a chart, a picture of the right size comes out."""
    assert draw_chart(stage("plate"), RenderOptions(width=width, height=height), "title").shape == (height, width, 4)
