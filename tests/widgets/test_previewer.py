import numpy as np
import pytest
from ipywidgets import Widget

from stlkit.model.geometry import HEADER_BYTES, STL_RECORD, encode_binary_stl
from stlkit.samples.mechanical import calibration_cube
from stlkit_widgets import Previewer
from stlkit_widgets.loading import load

BOX = np.array(
    [[[0, 0, 0], [0, 1, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [1, 0, 0]],
     [[0, 0, 1], [1, 0, 1], [1, 1, 1]], [[0, 0, 1], [1, 1, 1], [0, 1, 1]],
     [[0, 0, 0], [1, 0, 0], [1, 0, 1]], [[0, 0, 0], [1, 0, 1], [0, 0, 1]],
     [[0, 1, 0], [0, 1, 1], [1, 1, 1]], [[0, 1, 0], [1, 1, 1], [1, 1, 0]],
     [[0, 0, 0], [0, 0, 1], [0, 1, 1]], [[0, 0, 0], [0, 1, 1], [0, 1, 0]],
     [[1, 0, 0], [1, 1, 0], [1, 1, 1]], [[1, 0, 0], [1, 1, 1], [1, 0, 1]]], dtype=np.float32,
) * (40, 20, 10)  # fmt: skip
"""A closed box of 40 x 20 x 10 mm."""


@pytest.fixture
def box(tmp_path):
    """Its file."""
    path = tmp_path / "box.stl"
    path.write_bytes(encode_binary_stl(BOX))
    return path


def drawn(previewer):
    """The mesh in the scene."""
    return next(child for child in previewer.renderer.scene.children if type(child).__name__ == "Mesh")


def open_widgets():
    """Ids of all widgets that ipywidgets keeps."""
    return set(Widget.get_manager_state()["state"])


def shown(previewer):
    return previewer.renderer.layout.display != "none"


def test_a_box_is_drawn_with_flat_sides_in_small_buffers(box):
    """Twelve faces over 24 vertices, each with the normal of its own side, as float32 and uint32."""
    attributes = drawn(Previewer(box)).geometry.attributes
    position, normal, index = (attributes[name].array for name in ("position", "normal", "index"))
    assert (position.shape, normal.shape, index.shape) == ((24, 3), (24, 3), (36,))
    assert (position.dtype, normal.dtype, index.dtype) == (np.float32, np.float32, np.uint32)
    assert np.allclose(np.abs(normal).max(axis=1), 1)
    corners = position[index].reshape(12, 3, 3)
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", outward, normal[index].reshape(12, 3, 3)[:, 0]) > 0).all()


def test_name_faces_and_size_are_said(box):
    """The line below the model has them, in millimetres."""
    text = Previewer(box).card.value
    assert "box.stl" in text
    assert "12 faces · 40 × 20 × 10 mm" in text


def test_the_camera_stands_to_the_front_right_and_above_with_z_up(box):
    """The three-quarter view of the pictures, with the whole model inside."""
    previewer = Previewer(box)
    camera = previewer.renderer.camera
    x, y, z = camera.position
    assert (x > 0, y < 0, z > 0) == (True, True, True)
    assert camera.up == (0, 0, 1)
    forward = np.array(previewer.renderer.controls[0].target) - camera.position
    right = np.cross(forward, camera.up)
    axes = np.stack([right, np.cross(right, forward), forward]) / np.linalg.norm(
        [right, np.cross(right, forward), forward], axis=1, keepdims=True
    )
    mesh = drawn(previewer)
    seen = (mesh.geometry.attributes["position"].array + mesh.position - camera.position) @ axes.T
    tangent = np.tan(np.radians(camera.fov) / 2)
    spread = np.abs(seen[:, :2] / seen[:, 2:]).max(axis=0) / (tangent * camera.aspect, tangent)
    assert 0.79 < spread.max() < 0.81


def test_the_next_file_takes_the_place_of_the_one_before(box, tmp_path):
    """One drawing area for all; what the one before took in the browser is given free."""
    cube = tmp_path / "cube.stl"
    cube.write_bytes(encode_binary_stl(calibration_cube()))
    previewer = Previewer(box)
    renderer, before = previewer.renderer, drawn(previewer)
    widgets = len(open_widgets())
    previewer.show(cube)
    assert previewer.renderer is renderer
    assert len(drawn(previewer).geometry.attributes["index"].array) == 3 * len(calibration_cube())
    assert before.geometry.comm is None
    assert len(open_widgets()) == widgets


def test_a_file_without_a_model_gives_a_card_that_says_why(models, box):
    """Nothing is drawn; the next sound file is drawn again."""
    previewer = Previewer(models / "page.stl")
    assert not shown(previewer)
    assert "page.stl</bdi> cannot be shown" in previewer.card.value
    assert "web page" in previewer.card.value
    previewer.show(box)
    assert shown(previewer)
    assert "cannot be shown" not in previewer.card.value


@pytest.mark.parametrize("kind", ["missing", "empty", "folder", "point"])
def test_nothing_that_a_path_may_name_raises(tmp_path, kind):
    """A missing file, an empty one, a folder, and a model without any extent all give a card with a reason."""
    path = tmp_path / "it.stl"
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "point":
        path.write_bytes(encode_binary_stl(np.ones((4, 3, 3))))
    previewer = Previewer(path)
    assert not shown(previewer)
    assert "mark bad" in previewer.card.value


def test_what_the_checks_find_is_listed_below_the_model(tmp_path):
    """A box without one face is shown as it is, open."""
    path = tmp_path / "open.stl"
    path.write_bytes(encode_binary_stl(BOX[1:]))
    previewer = Previewer(path)
    assert shown(previewer)
    assert "3 edges belong to one face only" in previewer.card.value
    assert {finding.code for finding in previewer.findings} == {"open_edges"}


def test_the_colours_of_a_file_are_kept(tmp_path):
    """VisCAM colours come through as they are in the file, and the colour box has no say."""
    records = np.zeros(12, dtype=STL_RECORD)
    records["corners"] = BOX
    records["attribute"] = 0x8000 | 31 << 10  # pure red, VisCAM order
    path = tmp_path / "red.stl"
    path.write_bytes(b"\0" * HEADER_BYTES + (12).to_bytes(4, "little") + records.tobytes())
    previewer = Previewer(path)
    mesh = drawn(previewer)
    assert mesh.material.vertexColors == "VertexColors"
    assert np.allclose(mesh.geometry.attributes["color"].array, (1, 0, 0), atol=1e-6)
    assert previewer.color_box.disabled


def test_the_colour_can_be_chosen_before_and_after(box):
    """A name or a number at first, the colour box later."""
    previewer = Previewer(box, color="tomato")
    assert drawn(previewer).material.color == "#ff6347"
    previewer.color_box.value = "#00ff00"
    assert drawn(previewer).material.color == "#00ff00"


def test_a_large_model_says_so(monkeypatch, box):
    """Who waits for it knows why."""
    monkeypatch.setattr("stlkit_widgets.loading.LARGE_FACES", 11)
    assert "large: 12 faces" in Previewer(box).card.value


def test_hostile_names_stay_text(tmp_path):
    """Of files that can be shown, and of files that cannot."""
    for content in (encode_binary_stl(BOX), b""):
        path = tmp_path / "<img src=x onerror=alert(1)>.stl"
        path.write_bytes(content)
        assert "<img" not in Previewer(path).card.value


def test_closing_leaves_no_widget(box):
    """Everything it has opened in the browser is closed; twice is harmless."""
    before = open_widgets()
    previewer = Previewer(box)
    previewer.close()
    previewer.close()
    assert open_widgets() == before


def test_it_has_a_text_form(box, models):
    """Where no widget can be shown, it says what it would show."""
    assert repr(Previewer()) == "<Previewer: nothing to show yet>"
    assert repr(Previewer(box)) == f"<Previewer of {box}: 12 faces>"
    assert repr(Previewer(models / "page.stl")) == f"<Previewer of {models / 'page.stl'}: cannot be shown>"


def test_a_file_is_shown_unmended(tmp_path):
    """What a repair would change is there to be seen."""
    path = tmp_path / "twice.stl"
    path.write_bytes(encode_binary_stl(np.concatenate([BOX, BOX[:2]])))
    assert len(load(path).geometry.faces) == 14
