import colorsys
import itertools

import numpy as np
import pytest
import trimesh
from PIL import Image

from stlkit.errors import RenderError
from stlkit.model.colors import parse_color
from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import Lighting, Material, Quality, RenderOptions
from stlkit.rendering import exposure
from stlkit.rendering.framing import FILL
from stlkit.rendering.studio import Studio

pytestmark = pytest.mark.gl

BACKGROUND = (236, 238, 241)


def model_of(pixels):
    """Return where a picture on a transparent background shows the model itself."""
    return pixels[..., 3] == 255


@pytest.fixture(scope="session")
def knob():
    """Make a model with flat and round faces, a hollow and an overhang."""
    parts = [
        trimesh.creation.cylinder(20, 6, sections=48),
        trimesh.creation.cylinder(6, 24, sections=48).apply_translation((0, 0, 12)),
        trimesh.creation.box((24, 8, 5)).apply_translation((0, 0, 26)),
        trimesh.creation.annulus(13, 16, 10, sections=48).apply_translation((0, 0, 8)),
    ]
    model = trimesh.util.concatenate(parts)
    return TriangleMesh(vertices=np.asarray(model.vertices, float), faces=np.asarray(model.faces, np.int32))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("name", ["cube", "needle", "plate", "sphere"])
def test_every_model_fills_the_picture_alike(still, shapes, name, scale):
    """Whatever its size and shape, the model spans the same share of the picture and touches no border."""
    layer = still(shapes(scale)[name], background_color="transparent")
    shown = layer[..., :3].any(axis=2)  # its shadow is black
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert max((np.ptp(rows) + 1) / 120, (np.ptp(columns) + 1) / 160) == pytest.approx(FILL, abs=0.02)
    assert not (shown[0] | shown[-1]).any()
    assert not (shown[:, 0] | shown[:, -1]).any()


@pytest.mark.parametrize("quality", Quality)
def test_size_does_not_change_the_picture(still, shapes, quality):
    """A model and the same a million times larger make the same picture."""
    small, large = (still(shapes(size)["cube"], quality=quality).astype(int) for size in (1.0, 1e6))
    assert np.abs(small - large).mean() < 0.1


def test_corners_show_the_background(still, knob):
    """Whatever the model, light and quality, the picture's border is the background, exactly."""
    for quality in Quality:
        picture = still(knob, quality=quality, lighting="dramatic")
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert (border == (*BACKGROUND, 255)).all()


def test_a_cubes_faces_are_flat(still, shapes):
    """Across a cube, colours hardly change on a face, and change in one step from face to face."""
    pixels = still(shapes()["cube"], background_color="transparent", quality="draft")
    across = pixels[66, model_of(pixels)[66]][:, :3].astype(int)
    down = pixels[model_of(pixels)[:, 82], 82][:, :3].astype(int)
    for line in (across, down):
        steps = np.abs(np.diff(line, axis=0)).max(axis=1)
        assert np.sort(steps)[-1] > 15
        assert np.sort(steps)[-2] <= 6


def test_a_sphere_is_smooth(still, sphere):
    """Across a sphere of few triangles colours change gradually, in the middle of the picture nowhere by a step."""
    pixels = still(sphere(subdivisions=3), material="wood", background_color="transparent", quality="draft")
    plain = still(sphere(subdivisions=3), background_color="transparent", quality="draft")
    for row in (45, 60, 75):
        across = plain[row, 50:110, :3].astype(int)
        assert np.abs(np.diff(across, axis=0)).max() <= 14
    assert not np.array_equal(pixels, plain)


def test_the_face_towards_the_light_is_brightest(still, shapes):
    """In the studio the key light comes from above on the left: the top and left faces are brighter than the right."""
    pixels = still(shapes()["cube"]).astype(int)
    left, right, top = (pixels[y, x, :3].sum() for x, y in ((66, 75), (101, 75), (82, 28)))
    assert top > left > right


def difference(one, other):
    return np.abs(one.astype(int) - other).mean(axis=2)


def clearly_differ(pictures, *, least):
    """Whether each two pictures differ by so many levels on average, where either shows anything but background."""
    for (name, one), (other_name, other) in itertools.combinations(pictures.items(), 2):
        shown = (one[..., :3] != BACKGROUND).any(axis=2) | (other[..., :3] != BACKGROUND).any(axis=2)
        found = difference(one, other)[shown].mean()
        assert found > least, f"{name} and {other_name} differ by {found:.2f}"


def test_materials_differ(still, knob):
    """No two materials look alike, even in one colour."""
    clearly_differ({name: still(knob, material=name) for name in Material}, least=8)
    clearly_differ({name: still(knob, material=name, color="#777777") for name in Material}, least=3)


def test_lightings_differ(still, knob):
    """No two lightings look alike."""
    clearly_differ({name: still(knob, lighting=name) for name in Lighting}, least=5)


def test_qualities_differ(still, knob):
    """Each quality looks different from each other one: edges, shadow on the ground, shade in hollows, cast shadows."""
    clearly_differ({name: still(knob, quality=name) for name in Quality}, least=1.0)


def test_draft_has_hard_edges_and_no_shadow(still, knob):
    """In draft quality a pixel is model or background, in standard quality it is either, both, or shadow."""
    draft = still(knob, quality="draft", background_color="transparent")[..., 3]
    standard = still(knob, quality="standard", background_color="transparent")[..., 3]
    assert set(np.unique(draft)) == {0, 255}
    assert len(np.unique(standard)) > 50


def test_high_quality_shades_hollows(still, knob):
    """In high quality the model is darker where less light gets in, and nowhere brighter."""
    standard, high = (still(knob, quality=name, background_color="transparent") for name in ("standard", "high"))
    both = model_of(standard) & model_of(high)
    darker = standard.astype(int)[both][:, :3].mean(axis=1) - high[both][:, :3].mean(axis=1)
    assert np.percentile(darker, 95) > 25
    assert np.percentile(darker, 2) > -12


def test_a_transparent_background_keeps_the_shadow(still, knob):
    """Where nothing is, alpha is 0; where the model is, 255; its shadow is black and in between."""
    pixels = still(knob, background_color="transparent")
    assert pixels[0, 0].tolist() == [0, 0, 0, 0]
    below = pixels[108]
    assert 0 < below[..., 3].max() < 255
    assert below[..., :3].max() == 0


def test_a_picture_stands_behind_the_model(still, knob, tmp_path):
    """A background picture is seen around the model, and shines through glass but not through plastic."""
    stripes = np.zeros((120, 160, 3), dtype=np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = (0, 200, 0)
    path = tmp_path / "stripes.png"
    Image.fromarray(stripes).save(path)
    solid = still(knob, background_image=str(path))
    np.testing.assert_array_equal(solid[:4, :, :3], stripes[:4])
    glass = still(knob, background_image=str(path), material="glass")
    contrast = [
        abs(np.corrcoef(picture[84:94, 50:110, 1].mean(axis=0), stripes[0, 50:110, 1])[0, 1])
        for picture in (solid, glass)
    ]
    assert contrast[0] < 0.3
    assert contrast[1] > 0.6


def test_glass_is_clear_in_the_middle_and_dense_at_its_rim(still, sphere):
    """A glass ball lets the background through where one looks straight into it, and has a dark, coloured rim."""
    options = {"background_color": "white", "material": "glass", "color": "red", "quality": "draft"}
    picture = still(sphere(), width=200, height=200, **options).astype(int)
    across = picture[94, :, :3]  # the ball's middle: it stands above that of the picture
    middle, darkest = across[100], across[across[:, 1].argmin()]
    assert middle.min() > 170
    assert darkest[1] < middle[1] - 40
    assert darkest[0] > darkest[1] + 30


def test_a_broken_background_is_an_error(still, knob, tmp_path):
    """A background picture that cannot be read ends the picture with an error that names it."""
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(RenderError, match=r"broken\.jpg"):
        still(knob, background_image=str(path))


@pytest.mark.parametrize("entry", ["red", "blue", "green", "yellow", "teal", "#8833cc", "own=#ff7700"])
def test_a_variation_has_the_hue_of_its_color(still, knob, entry):
    """The model has the hue that was asked for, and is the same otherwise."""
    pixels = still(knob, color=entry, background_color="transparent")
    plain = still(knob, background_color="transparent")
    np.testing.assert_array_equal(model_of(pixels), model_of(plain))
    seen = np.median(pixels[model_of(pixels)][:, :3], axis=0) / 255
    wanted = np.array(parse_color(entry)) / 255
    apart = abs(colorsys.rgb_to_hsv(*seen)[0] - colorsys.rgb_to_hsv(*wanted)[0])
    assert min(apart, 1 - apart) < 0.03


def test_black_and_white_keep_their_form(still, knob):
    """A black and a white model show light and shade, and are neither pure black nor burnt out."""
    for entry, low, high in (("black", 8, 140), ("white", 60, 254)):
        pixels = still(knob, color=entry, background_color="transparent")
        values = pixels[model_of(pixels)][:, 1]
        assert np.percentile(values, 1) > low
        assert np.percentile(values, 99) <= high
        assert values.std() > 8


def test_a_variation_wins_over_the_color_of_the_options(backend, knob, tmp_path):
    """The palette's entry replaces the chosen colour."""
    studio = Studio(backend, knob)
    for color in ("red", "blue"):
        studio.draw_color_variation(RenderOptions(width=64, height=48, color=color), "green", tmp_path / f"{color}.png")
    assert (tmp_path / "red.png").read_bytes() == (tmp_path / "blue.png").read_bytes()


def test_colors_of_the_file_are_kept_unless_a_color_is_chosen(still, box):
    """A file's own colours show in the main picture; a chosen colour or a variation replaces them."""
    plain = box()
    blue = np.tile(np.array([[20, 40, 200]], dtype=np.uint8), (len(plain.faces), 1))
    mesh = TriangleMesh(vertices=plain.vertices, faces=plain.faces, face_colors=blue)
    own, varied = still(mesh)[75, 66], still(mesh, color="red")[75, 66]
    assert own[2] > own[0] + 50
    assert varied[0] > varied[2] + 50


@pytest.mark.parametrize(("width", "height"), [(16, 16), (161, 121), (500, 20), (20, 500)])
def test_any_size_can_be_drawn(still, shapes, width, height):
    """Pictures of every size and proportion come out in that size, in each quality."""
    for quality in Quality:
        picture = still(shapes()["cube"], width=width, height=height, quality=quality)
        assert picture.shape == (height, width, 4)
        assert (picture[..., :3] != BACKGROUND).any()


def test_large_pictures_are_drawn_in_bands(still, knob, monkeypatch):
    """A picture that is too large to be drawn at once is put together from bands, without a seam."""
    whole = still(knob, quality="high")
    monkeypatch.setattr(exposure, "_MOST_SAMPLES", 40_000)
    assert np.abs(still(knob, quality="high").astype(int) - whole).max() <= 2


def test_one_studio_draws_everything_and_the_next_one_takes_over(backend, knob, box, tmp_path):
    """Two studios on one renderer, used in turns, each draw their own model; a closed one harms nobody."""
    options = RenderOptions(width=64, height=48)
    first, second = Studio(backend, knob), Studio(backend, box())
    for name, studio in (("a", first), ("b", second), ("c", first)):
        studio.draw_still(options, tmp_path / f"{name}.png")
    first.close()
    second.draw_color_variation(options, "red", tmp_path / "d.png")
    second.close()
    pictures = {path.stem: np.asarray(Image.open(path)) for path in tmp_path.glob("*.png")}
    np.testing.assert_array_equal(pictures["a"], pictures["c"])
    assert difference(pictures["a"], pictures["b"]).max() > 30
    assert pictures["d"].shape == (48, 64, 3)


def test_a_picture_that_cannot_be_written_is_an_error(backend, box, tmp_path):
    """A path that cannot be written to is named."""
    with pytest.raises(RenderError, match="nowhere"):
        Studio(backend, box()).draw_still(RenderOptions(width=32, height=32), tmp_path / "nowhere" / "a.png")


@pytest.mark.parametrize(("azimuth", "elevation", "wide"), [(0, 0, True), (90, 0, False), (0, 90, True)])
def test_the_chosen_side_is_drawn(still, box, azimuth, elevation, wide):
    """A box of 40 x 10 x 20 is wide from the front and from above, and narrow from its side."""
    layer = still(
        box(40, 10, 20), background_color="transparent", view_azimuth_deg=azimuth, view_elevation_deg=elevation
    )
    rows, columns = (np.flatnonzero(model_of(layer).any(axis=axis)) for axis in (1, 0))
    assert (np.ptp(columns) > np.ptp(rows)) == wide


def test_the_underside_is_lit_when_it_is_what_is_seen(still, box):
    """Seen from straight below, a model stands on nothing and is about as bright as from the front."""
    below, front = (
        still(box(), background_color="transparent", view_azimuth_deg=0, view_elevation_deg=elevation)
        for elevation in (-90, 0)
    )
    means = [layer[model_of(layer)][:, :3].mean() for layer in (below, front)]
    assert means[0] > 0.7 * means[1]
