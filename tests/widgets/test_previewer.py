import numpy as np
import pytest
from ipywidgets import Widget
from traitlets import TraitError

from stlkit.errors import OptionError
from stlkit.model.geometry import HEADER_BYTES, STL_RECORD, encode_binary_stl
from stlkit.model.options import RenderOptions
from stlkit.samples.mechanical import calibration_cube
from stlkit_widgets import Previewer
from stlkit_widgets.previewer import loading

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


@pytest.fixture
def open_box(tmp_path):
    """The file of the box without one face of its bottom."""
    path = tmp_path / "open.stl"
    path.write_bytes(encode_binary_stl(BOX[1:]))
    return path


def meshes(previewer):
    """The meshes of the model in the scene."""
    found, waiting = [], [previewer._scene.renderer.scene]
    while waiting:
        part = waiting.pop()
        waiting += part.children
        if type(part).__name__ == "Mesh" and type(part.material).__name__ == "ShaderMaterial":
            found.append(part)
    return found


def drawn(previewer):
    """The mesh of an opaque model."""
    (mesh,) = meshes(previewer)
    return mesh


def open_widgets():
    """Ids of all widgets that ipywidgets keeps."""
    return set(Widget.get_manager_state()["state"])


def card(previewer):
    """The words of the card that says why there is nothing to show; None where there is something."""
    found = previewer._facts.get("card")
    return found and " ".join([found["title"], found["hint"], *(line["message"] for line in found["lines"])])


def say(previewer, **message):
    """Have the page send a message."""
    previewer._on_message(previewer, message, [])


def pick(previewer, point, face=(0, 1, 2)):
    """Have the page report a click on a point of model space."""
    previewer._on_pick({"new": [{"point": list(point), "face": list(face)}]})


def test_a_box_is_drawn_with_flat_sides_in_small_buffers(box):
    """Twelve faces over 24 vertices, each with the normal of its own side, as float32 and uint32."""
    attributes = drawn(Previewer(box)).geometry.attributes
    position, normal, index = (attributes[name].array for name in ("position", "normal", "index"))
    assert (position.shape, normal.shape, index.shape) == ((24, 3), (24, 3), (36,))
    assert (position.dtype, normal.dtype, index.dtype) == (np.float32, np.float32, np.uint32)
    corners = position[index].reshape(12, 3, 3)
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", outward, normal[index].reshape(12, 3, 3)[:, 0]) > 0).all()


def test_name_faces_and_size_are_said(box):
    """In millimetres and inches."""
    facts = Previewer(box)._facts
    assert (facts["name"], facts["faces"]) == ("box.stl", "12")
    assert facts["size"] == {"mm": "40 × 20 × 10\u00a0mm", "inch": "1.575 × 0.7874 × 0.3937\u00a0in"}


def test_the_next_file_takes_the_place_of_the_one_before(box, tmp_path):
    """One renderer for all; what the one before took is given free."""
    cube = tmp_path / "cube.stl"
    cube.write_bytes(encode_binary_stl(calibration_cube()))
    previewer = Previewer(box, edges=True, box=True, axes=True)
    renderer, before = previewer._scene.renderer, drawn(previewer)
    widgets = len(open_widgets())
    previewer.show(cube)
    assert previewer._scene.renderer is renderer
    assert len(drawn(previewer).geometry.attributes["index"].array) == 3 * len(calibration_cube())
    assert before.geometry.comm is None
    assert len(open_widgets()) == widgets


def test_a_file_without_a_model_gives_a_card_that_says_why(models, box):
    """Nothing is drawn; the next sound file is drawn again."""
    previewer = Previewer(models / "page.stl")
    assert meshes(previewer) == []
    assert "page.stl cannot be shown" in card(previewer)
    assert "web page" in card(previewer)
    previewer.show(box)
    assert len(meshes(previewer)) == 1
    assert card(previewer) is None


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
    assert meshes(previewer) == []
    assert any(line["severity"] == "error" for line in previewer._facts["card"]["lines"])


def test_what_the_checks_find_is_listed_and_marked(open_box):
    """A box without one face is shown as it is, with its three open edges drawn and one place to fly to."""
    previewer = Previewer(open_box)
    assert len(drawn(previewer).geometry.attributes["index"].array) == 33
    (listed,) = previewer._findings
    assert listed["code"] == "open_edges"
    assert listed["places"] == ["3 open edges"]
    assert previewer._scene.overlays == ("mark:0",)
    previewer.marks = False
    assert previewer._scene.overlays == ()


def test_a_place_is_flown_to(open_box):
    """The camera looks at the hole in the bottom from below, from close by, and a cross marks it."""
    previewer = Previewer(open_box)
    before = previewer._aim
    say(previewer, do="fly", finding=0, place=0)
    aim = previewer._aim
    np.testing.assert_allclose(previewer._picture.in_mm(np.array(aim["target"])), (20, 10, 0), atol=1e-4)
    assert aim["position"][2] < aim["target"][2]
    assert aim["half_height"] < 1.5 * before["half_height"]
    assert aim["fly"]
    assert "here" in previewer._scene.overlays


def test_the_colours_of_a_file_are_kept_until_another_is_chosen(tmp_path):
    """VisCAM colours come through as they are in the file."""
    records = np.zeros(12, dtype=STL_RECORD)
    records["corners"] = BOX
    records["attribute"] = 0x8000 | 31 << 10  # pure red, VisCAM order
    path = tmp_path / "red.stl"
    path.write_bytes(b"\0" * HEADER_BYTES + (12).to_bytes(4, "little") + records.tobytes())
    previewer = Previewer(path)
    assert np.allclose(drawn(previewer).geometry.attributes["color"].array, (1, 0, 0), atol=1e-6)
    assert "#define COLOR_0_LOC 1" in drawn(previewer).material.fragmentShader
    previewer.color = "blue"
    assert "#define COLOR_0_LOC 1" not in drawn(previewer).material.fragmentShader


def test_material_light_and_colour_change_what_is_drawn_with(box):
    """Each choice makes another shader, without sending the model again."""
    previewer = Previewer(box)
    geometry, seen = drawn(previewer).geometry, {drawn(previewer).material.fragmentShader}
    for name, value in (("material", "wood"), ("lighting", "dramatic"), ("color", "#00ff00")):
        setattr(previewer, name, value)
        seen.add(drawn(previewer).material.fragmentShader)
        assert drawn(previewer).geometry is geometry
    assert len(seen) == 4


def test_glass_is_drawn_in_layers(box):
    """Every layer behind the others, then where the nearest is, then what it mirrors; and back again."""
    previewer = Previewer(box, material="glass")
    assert len(meshes(previewer)) == 3
    previewer.material = "metal"
    assert len(meshes(previewer)) == 1


def test_a_colour_has_names_and_a_wrong_one_is_refused(box):
    """As in the options; the colour before stays."""
    previewer = Previewer(box, color="tomato")
    assert previewer.color == "#ff6347"
    with pytest.raises(TraitError, match="is not a colour"):
        previewer.color = "no such colour"
    assert previewer.color == "#ff6347"
    previewer.background = "transparent"


def test_a_section_plane_cuts_and_shows_the_cut(box):
    """A quarter along x: the plane stands at 10 mm, and the inside of the solid box is hatched."""
    previewer = Previewer(box, section="x", section_position=0.25)
    plane = drawn_planes(previewer)
    assert plane.normal == (-1, 0, 0)
    assert previewer._picture.in_mm(np.array([plane.constant, 0, 0]))[0] == pytest.approx(10, abs=1e-4)
    assert any("#define HATCHED 1" in mesh.material.fragmentShader for mesh in meshes(previewer))
    previewer.section_flipped = True
    assert drawn_planes(previewer).normal == (1, 0, 0)
    previewer.section = None
    assert drawn(previewer).material.clippingPlanes == ()


def drawn_planes(previewer):
    """The one plane that cuts every mesh of the model."""
    (plane,) = {planes for mesh in meshes(previewer) for planes in mesh.material.clippingPlanes}
    return plane


def test_the_bounding_box_has_its_dimensions(box):
    """Twelve edges, and each length in both units."""
    previewer = Previewer(box, box=True)
    assert [label["lines"] for label in previewer._labels] == [
        ["40\u00a0mm", "1.575\u00a0in"], ["20\u00a0mm", "0.7874\u00a0in"], ["10\u00a0mm", "0.3937\u00a0in"]
    ]  # fmt: skip
    assert previewer._scene.overlays == ("box",)
    previewer.box = False
    assert (previewer._labels, previewer._scene.overlays) == ([], ())


def test_edges_are_those_that_a_person_would_draw(box):
    """Of a box its twelve, and none of the diagonals."""
    previewer = Previewer(box, edges=True)
    (lines,) = previewer._scene._overlays["edges"]
    assert len(lines.geometry.attributes["position"].array) == 2 * 12


def test_two_picks_are_measured(box):
    """From corner to corner, in both units; a pick near a corner is meant for it."""
    previewer = Previewer(box, measuring=True)
    picture = previewer._picture
    say(previewer, do="aim", unit_per_px=0.005)
    corner, opposite = picture.geometry.bounds
    vertex = {tuple(position): number for number, position in enumerate(picture.geometry.positions.tolist())}
    faces = [(vertex[tuple(np.float32(end).tolist())],) * 3 for end in (corner, opposite)]
    pick(previewer, corner + 0.02, faces[0])
    assert previewer.measures == ()
    pick(previewer, opposite, faces[1])
    (measure,) = previewer.measures
    assert measure.length_mm == pytest.approx(np.linalg.norm([40, 20, 10]), abs=1e-4)
    assert previewer._measures[0] == {
        "mm": "45.83\u00a0mm", "inch": "1.804\u00a0in", "along": "x 40\u00a0mm, y 20\u00a0mm, z 10\u00a0mm"
    }  # fmt: skip
    assert previewer._labels[0]["lines"] == ["45.83\u00a0mm", "1.804\u00a0in"]
    say(previewer, do="forget", number=0)
    assert (previewer.measures, previewer._labels, previewer._scene.overlays) == ((), [], ())


def test_clicks_are_not_picks_unless_one_measures_nor_where_the_model_is_cut_away(box):
    """A click on what the section plane has taken hits what is behind it."""
    previewer = Previewer(box, section="x")
    pick(previewer, (0, 0, 0))
    assert previewer._scene.overlays == ()
    previewer.measuring = True
    gone, kept = [0.5, 0, 0], [-0.5, 0, 0]
    previewer._on_pick({"new": [{"point": point, "face": [0, 1, 2]} for point in (gone, kept)]})
    np.testing.assert_allclose(previewer._ruler._pending, kept)


def test_repaired_and_back(open_box):
    """The hole is closed, the figures stand side by side, and the file as it is comes back."""
    previewer = Previewer(open_box)
    previewer.repaired = True
    assert len(drawn(previewer).geometry.attributes["index"].array) == 36
    assert previewer._findings == []
    figures = {row["name"]: (row["before"], row["after"], row["changed"]) for row in previewer._comparison["rows"]}
    assert figures["Open edges"] == ("3", "0", True)
    assert figures["Closed"] == ("no", "yes", True)
    assert figures["Volume"] == ("none", "8\u00a0cm³", True)
    assert figures["Bodies"] == ("1", "1", False)
    previewer.repaired = False
    assert len(drawn(previewer).geometry.attributes["index"].array) == 33
    assert [listed["code"] for listed in previewer._findings] == ["open_edges"]


@pytest.mark.parametrize(
    ("name", "backward"),
    [("front", (0, -1, 0)), ("back", (0, 1, 0)), ("left", (-1, 0, 0)), ("right", (1, 0, 0)),
     ("top", (0, 0, 1)), ("bottom", (0, 0, -1)), ("three-quarter", (0.484, -0.775, 0.407))],
)  # fmt: skip
def test_standard_views(box, name, backward):
    """The camera stands on the side that is named."""
    previewer = Previewer(box)
    say(previewer, do="view", name=name)
    away = np.subtract(previewer._aim["position"], previewer._aim["target"])
    np.testing.assert_allclose(away / np.linalg.norm(away), backward, atol=2e-3)


def test_an_unknown_view_is_refused(box):
    """By a call with an error, by the page with a note."""
    previewer = Previewer(box)
    with pytest.raises(OptionError, match="three-quarter"):
        previewer.view("inside")
    say(previewer, do="view", name="inside")
    assert previewer._note["kind"] == "bad"


def test_a_view_goes_into_the_options_of_the_job(workspace, models):
    """Of the job that is shown, beside what it had of its own, and of no other."""
    (models / "page.stl").unlink()
    (models / "second.stl").write_bytes(encode_binary_stl(BOX))
    jobs = workspace.queue.add(models, render_options={"width": 640}).jobs
    previewer = Previewer(workspace)
    previewer.index = 1
    say(previewer, do="use_view", backward=[1.0, 0.0, 1.0])
    first, second = (workspace.queue.job(job).render_options for job in jobs)
    assert first == {"width": 640}
    assert second == {"width": 640, "view_azimuth_deg": 90.0, "view_elevation_deg": 45.0}
    assert "90° around and 45° up" in previewer._note["text"]


def test_a_view_of_a_file_is_kept_for_the_options(box):
    """Without a queue it can be read where a notebook wants it."""
    previewer = Previewer(box)
    say(previewer, do="use_view", backward=[0.0, -2.0, 0.0])
    assert RenderOptions().merged(previewer.view_options).view_elevation_deg == 0


def test_the_files_of_a_queue_are_gone_through(workspace, models):
    """The list is looked at anew, so jobs that were added meanwhile are there."""
    workspace.queue.add(models / "cube.stl")
    previewer = Previewer(workspace)
    assert previewer._files == {"count": 1, "index": 0}
    workspace.queue.add(models / "page.stl")
    previewer.index = 1
    assert previewer.path == models / "page.stl"
    assert previewer._files == {"count": 2, "index": 1}


def test_an_empty_queue_shows_a_card(workspace):
    """And no error."""
    assert "Nothing to show yet" in card(Previewer(workspace))


def test_a_large_model_is_reduced_and_says_so(monkeypatch, tmp_path):
    """It looks like the whole one, has fewer faces, and all of them on request."""
    monkeypatch.setattr(loading, "LARGE_FACES", 200)
    monkeypatch.setattr(loading, "SHOWN_FACES", 150)
    path = tmp_path / "cube.stl"
    path.write_bytes(encode_binary_stl(calibration_cube()))
    previewer = Previewer(path)
    faces = len(drawn(previewer).geometry.attributes["index"].array) // 3
    assert faces < len(calibration_cube())
    assert previewer._facts["reduced"] == str(faces)
    assert previewer._facts["faces"] == str(len(calibration_cube()))
    assert repr(previewer).endswith(f"{len(calibration_cube())} faces>")
    previewer.full = True
    assert len(drawn(previewer).geometry.attributes["index"].array) == 3 * len(calibration_cube())
    assert previewer._facts["reduced"] == ""


def test_a_snapshot_is_saved_where_it_was_asked_for(box, tmp_path, monkeypatch):
    """Under the name that was given; from the page's own button under a free name in the notebook's folder."""
    monkeypatch.chdir(tmp_path)
    previewer = Previewer(box)
    previewer.save_snapshot(tmp_path / "mine.png")
    for _ in range(3):
        previewer._on_message(previewer, {"do": "snapshot"}, [memoryview(b"png")])
    assert {path.name for path in tmp_path.glob("*.png")} == {"mine.png", "box_view_1.png", "box_view_2.png"}
    previewer.save_snapshot(tmp_path / "no" / "such.png")
    previewer._on_message(previewer, {"do": "snapshot"}, [memoryview(b"png")])
    assert previewer._note["kind"] == "bad"


def test_hostile_names_cannot_turn_the_line_they_stand_in(tmp_path):
    """Controls and direction marks are shown as escapes; markup is left to the page, which shows text as text."""
    path = tmp_path / "a\u202eb\nc<b>.stl"
    path.write_bytes(encode_binary_stl(BOX))
    assert Previewer(path)._facts["name"] == "a\\u202eb\\nc<b>.stl"


def test_closing_leaves_no_widget(box, open_box):
    """Whatever was switched on, shown and closed is gone; twice is harmless."""
    before = open_widgets()
    previewer = Previewer([box, open_box], edges=True, box=True, axes=True, section="y", material="glass")
    previewer.index = 1
    previewer.repaired = True
    previewer.color = "red"
    previewer.close()
    previewer.close()
    assert open_widgets() == before


def test_it_has_a_text_form(box, models):
    """Where no widget can be shown, it says what it would show."""
    assert repr(Previewer()) == "<Previewer: nothing to show yet>"
    assert repr(Previewer(box)) == f"<Previewer of {box}: 12 faces>"
    assert repr(Previewer(models / "page.stl")) == f"<Previewer of {models / 'page.stl'}: cannot be shown>"
