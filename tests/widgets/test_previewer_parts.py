import numpy as np
import pytest

from stlkit.mesh.codes import CheckCode
from stlkit.mesh.examination import Examination
from stlkit.mesh.merging import merge_vertices
from stlkit.rendering.framing import FILL
from stlkit.rendering.normals import prepare_geometry
from stlkit.samples.turned import torus_knot
from stlkit_widgets.previewer.looks import Look, fragment_shader
from stlkit_widgets.previewer.marks import MOST_PLACES, mark
from stlkit_widgets.previewer.reduction import reduced
from stlkit_widgets.previewer.sight import best_direction, free_distance
from stlkit_widgets.previewer.views import STANDARD_RAD, angles_of, tangent, whole_model


@pytest.fixture(scope="module")
def knot():
    """Triangles of a trefoil knot, (n, 3, 3)."""
    return np.asarray(torus_knot(), dtype=np.float32)


def examined(triangles):
    return Examination(merge_vertices(np.asarray(triangles, dtype=np.float32)))


def test_each_hole_is_a_place(knot):
    """Two faces cut out far apart make two places of three edges each, where the faces were."""
    triangles = np.delete(knot, [0, len(knot) // 2], axis=0)
    found = mark(CheckCode.OPEN_EDGES.value, examined(triangles))
    assert [place.label for place in found.places] == ["3 open edges", "3 open edges"]
    assert found.segments_mm.shape == (6, 2, 3)
    for face in (0, len(knot) // 2):
        middle = (knot[face].min(axis=0) + knot[face].max(axis=0)) / 2
        assert min(np.linalg.norm(place.center_mm - middle) for place in found.places) < 1e-4


def test_a_flipped_face_is_the_one_that_is_marked(knot):
    """Not its neighbours, which also lie at the doubtful edges; and it is seen from where its outside should be."""
    triangles = knot.copy()
    triangles[7] = triangles[7][::-1]
    found = mark(CheckCode.INCONSISTENT_WINDING.value, examined(triangles))
    assert found.triangles_mm.shape == (1, 3, 3)
    outside = np.cross(knot[7, 1] - knot[7, 0], knot[7, 2] - knot[7, 0])
    assert found.places[0].normal @ outside > 0


def test_doubled_and_collapsed_faces_have_places(knot):
    """Each with its lines, so that even a face without area is seen."""
    collapsed = np.stack([knot[5, 0], knot[5, 0], knot[5, 1]])
    examination = examined(np.concatenate([knot, knot[3:4], collapsed[None]]))
    for code, label in (
        (CheckCode.DUPLICATE_FACES, "1 repeated face"),
        (CheckCode.DEGENERATE_FACES, "1 face without area"),
    ):
        found = mark(code.value, examination)
        assert [place.label for place in found.places] == [label]
        assert found.segments_mm.shape == (3, 2, 3)


def test_of_very_many_places_the_largest_are_listed(knot):
    """All are drawn and counted."""
    kept = np.ones(len(knot), dtype=bool)
    kept[:: len(knot) // 150] = False
    kept[len(knot) - 40 : len(knot) - 38] = False  # two neighbours, the last hole of all
    found = mark(CheckCode.OPEN_EDGES.value, examined(knot[kept]))
    assert len(found.places) == MOST_PLACES
    assert found.place_count > MOST_PLACES
    sizes = [int(place.label.split()[0]) for place in found.places]
    assert sizes == sorted(sizes, reverse=True)


def test_what_has_no_place_has_no_mark(knot):
    """Such as several bodies, or something about the file."""
    assert mark("multiple_bodies", examined(knot)) is None
    assert mark("truncated_binary", examined(knot)) is None


def test_a_reduced_model_stays_within_a_cell_of_the_whole(knot):
    """Fewer faces, the same extent to within one part in a hundred, and nothing without area but what collapsed."""
    mesh = reduced(knot, None, faces=len(knot) // 4)
    assert 0 < len(mesh.faces) <= 1.2 * len(knot) // 4
    whole = np.stack([knot.reshape(-1, 3).min(axis=0), knot.reshape(-1, 3).max(axis=0)])
    assert np.abs(mesh.bounds_mm - whole).max() < 0.02 * np.ptp(whole, axis=0).max()


def test_reduction_keeps_the_colours_of_the_faces_that_stay(knot):
    """One colour a face."""
    colors = np.zeros((len(knot), 3), dtype=np.uint8)
    mesh = reduced(knot, colors, faces=len(knot) // 4)
    assert mesh.face_colors.shape == (len(mesh.faces), 3)


@pytest.mark.parametrize("name", STANDARD_RAD)
def test_a_view_is_framed_as_a_picture_is(knot, name):
    """The model fills the same share of the drawing area, the target is on the line of sight, and depth is right."""
    positions = knot.reshape(-1, 3) / np.abs(knot).max()
    aim = whole_model(positions, (800, 450), STANDARD_RAD[name])
    backward = (aim.position - aim.target) / np.linalg.norm(aim.position - aim.target)
    right = np.cross([0, 0, 1], backward)
    right /= np.linalg.norm(right)
    up = np.cross(backward, right)
    seen = positions - aim.position
    depth = -(seen @ backward)
    spans = np.array([np.ptp((seen @ right) / depth), np.ptp((seen @ up) / depth)])
    share = spans / (2 * tangent(800, 450) * np.array([800 / 450, 1]))
    assert max(share) == pytest.approx(FILL, rel=1e-3)
    assert aim.half_height == pytest.approx(np.linalg.norm(aim.position - aim.target) * tangent(800, 450))


def test_a_place_is_looked_at_past_what_is_in_the_way():
    """Over a table hangs a shelf: the middle of the table is looked at from beside the shelf."""
    table, shelf = (
        np.array([[[-w, -w, z], [w, -w, z], [w, w, z]], [[-w, -w, z], [w, w, z], [-w, w, z]]])
        for w, z in ((4, 0), (1, 1))
    )
    geometry = prepare_geometry(merge_vertices(np.concatenate([table, shelf]).astype(np.float32)))
    place = (np.array([0.0, 0.0, 0.0]) - geometry.center_mm) / geometry.radius_mm
    up, usual = np.array([0.0, 0.0, 1.0]), np.array([0.5, -0.77, 0.4])
    assert free_distance(place, up, geometry) == pytest.approx(1 / geometry.radius_mm, rel=1e-4)
    direction = best_direction(place, up, usual / np.linalg.norm(usual), geometry)
    assert free_distance(place, direction, geometry) == np.inf
    assert direction[2] > 0.5
    assert direction[0] > 0


def test_angles_are_those_of_the_options():
    """0 is the front, 90 the right side and straight above."""
    assert angles_of(np.array([0.0, -3.0, 0.0])) == (0.0, 0.0)
    assert angles_of(np.array([2.0, 0.0, 0.0]))[0] == pytest.approx(90)
    assert angles_of(np.array([0.0, 0.0, 1.0]))[1] == pytest.approx(90)


def test_the_page_draws_with_the_pictures_own_shader(knot):
    """The shared part is there, word by word, and no name of a map or a picture's uniform is left."""
    text = fragment_shader(Look(), prepare_geometry(merge_vertices(knot)))
    assert "vec3 encoded(vec3 light)" in text
    assert "SOFTBOXES" not in text.replace("`SOFTBOXES`", "")
    assert "textureLod" not in text
    assert text.count("total += softbox(") == 3
