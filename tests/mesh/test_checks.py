"""What the checks find in meshes whose faults are known."""

import numpy as np
import pytest

from stlkit.mesh.checks import check
from stlkit.mesh.examination import Examination
from stlkit.mesh.shells import winding_number
from stlkit.model.options import ValidationLevel
from stlkit.model.reports import Severity

BASIC, STANDARD, STRICT = ValidationLevel.BASIC, ValidationLevel.STANDARD, ValidationLevel.STRICT


def found(mesh, level=STRICT):
    return {f.code: (f.count, f.faces) for f in check(Examination(mesh), level)}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_sound_bodies(shapes, scale):
    """A box, a tetrahedron and a sphere have no fault, whatever their size."""
    for triangles in (shapes.box(), shapes.tetrahedron(), shapes.sphere()):
        assert found(shapes.mesh(triangles * scale)) == {}


def test_figures_of_a_cube(shapes):
    """A cube has 8 vertices, 18 edges, 12 faces, area 6 and volume 1."""
    examination = Examination(shapes.mesh(shapes.box()))
    summary = examination.summary
    assert (summary.faces, summary.vertices, summary.bodies) == (12, 8, 1)
    assert len(examination.topology.edges.ends) == 18
    assert (summary.area_mm2, summary.volume_mm3) == (pytest.approx(6), pytest.approx(1))
    assert summary.bounds_mm == ((0, 0, 0), (1, 1, 1))
    assert summary.watertight


def test_open_edges(shapes):
    """A box without its underside is open at four edges, which belong to its four walls."""
    mesh = shapes.mesh(shapes.box()[2:])
    count, faces = found(mesh)["open_edges"]
    assert count == 4
    assert len(faces) == 4
    summary = Examination(mesh).summary
    assert not summary.watertight
    assert summary.volume_mm3 is None


def test_inconsistent_winding(shapes):
    """One turned face of a box disagrees with its three neighbours, and there is no volume."""
    triangles = shapes.box()
    triangles[4] = triangles[4][::-1]
    mesh = shapes.mesh(triangles)
    count, faces = found(mesh)["inconsistent_winding"]
    assert (count, len(faces)) == (3, 4)
    assert 4 in faces
    assert Examination(mesh).summary.volume_mm3 is None


def test_inverted_normals(shapes):
    """A body wound inside-out is found; the sound one beside it is not blamed."""
    mesh = shapes.mesh(shapes.box(), shapes.inside_out(shapes.box(at=(3, 0, 0))))
    assert found(mesh)["inverted_normals"] == (1, tuple(range(12, 24)))


def test_a_cavity_is_not_inverted(shapes):
    """The inner wall of a hollow body faces inward rightly; its volume is taken off and it is no body of its own."""
    hollow = shapes.mesh(shapes.box((3, 3, 3)), shapes.inside_out(shapes.box(at=(1, 1, 1))))
    assert found(hollow) == {}
    assert Examination(hollow).summary.volume_mm3 == pytest.approx(26)


def test_a_body_inside_a_cavity(shapes):
    """Inside a cavity an inside-out body is a fault again."""
    parts = (shapes.box((9, 9, 9)), shapes.inside_out(shapes.box((5, 5, 5), at=(2, 2, 2))))
    kernel = shapes.box(at=(4, 4, 4))
    assert "inverted_normals" not in found(shapes.mesh(*parts, kernel))
    assert found(shapes.mesh(*parts, shapes.inside_out(kernel)))["inverted_normals"][0] == 1


def test_a_body_in_the_box_around_another_is_not_inside_it(shapes):
    """An inside-out body before the slope of a tetrahedron lies within its bounds but not inside it."""
    mesh = shapes.mesh(9 * shapes.tetrahedron(), shapes.inside_out(shapes.box(at=(6, 6, 6))))
    assert found(mesh)["inverted_normals"][0] == 1


def test_degenerate_faces(shapes):
    """Faces with two corners alike, or three on a line, are found."""
    line = [[[0, 0, 0], [1, 1, 1], [3, 3, 3]]]
    assert found(shapes.mesh(shapes.box(), shapes.box()[:1, [0, 1, 1]], line))["degenerate_faces"] == (2, (12, 13))


def test_duplicate_faces(shapes):
    """A repeated face is found wherever its corners begin, and turned over too where it crowds its edges."""
    triangles = shapes.box()
    for copy in (triangles[3:4], triangles[3:4, [1, 2, 0]], triangles[3:4, ::-1]):
        assert found(shapes.mesh(triangles, copy))["duplicate_faces"] == (1, (12,))


def test_touching_walls_are_no_duplicates(shapes):
    """Two boxes that share a whole wall have it twice, once from each side, and keep both."""
    mesh = shapes.mesh(shapes.box(), shapes.box(at=(1, 0, 0)))
    assert "duplicate_faces" not in found(mesh)
    assert Examination(mesh).summary.volume_mm3 == pytest.approx(2)


def test_several_bodies(shapes):
    """Several bodies are worth knowing at standard and a warning at strict."""
    examination = Examination(shapes.mesh(shapes.box(), shapes.box(at=(3, 0, 0)), shapes.box(at=(6, 0, 0))))
    for level, severity in ((STANDARD, Severity.INFO), (STRICT, Severity.WARNING)):
        (finding,) = check(examination, level)
        assert (finding.code, finding.count, finding.severity) == ("multiple_bodies", 3, severity)


def test_non_manifold_edge(shapes):
    """Two boxes that touch along one edge make it belong to four faces; only strict minds."""
    mesh = shapes.mesh(shapes.box(), shapes.box(at=(1, 1, 0)))
    assert found(mesh)["non_manifold_edges"][0] == 1
    assert "non_manifold_edges" not in found(mesh, STANDARD)
    assert Examination(mesh).summary.watertight


def test_three_faces_at_an_edge(shapes):
    """A fin on an edge makes it belong to three faces and leaves the fin's other edges open."""
    fin = [[[0, 0, 0], [1, 0, 0], [0.5, -1, -1]]]
    mesh = shapes.mesh(shapes.box(), fin)
    assert found(mesh)["non_manifold_edges"][0] == 1
    assert found(mesh)["open_edges"] == (2, (12,))
    assert not Examination(mesh).summary.watertight


def test_a_wall_inside_is_not_watertight(shapes):
    """A membrane across the inside opens no edge, but three faces meet at its rim; standard minds that too."""
    lower, upper = shapes.box(), shapes.box(at=(0, 0, 1))
    mesh = shapes.mesh(lower, upper[2:])  # the wall between them is there once
    assert found(mesh, STANDARD)["non_manifold_edges"][0] == 4
    assert not Examination(mesh).summary.watertight
    assert Examination(mesh).summary.volume_mm3 is None


def test_non_manifold_vertex(shapes):
    """Two tetrahedra that touch with their tips share one vertex and no edge; only strict minds."""
    tip = shapes.tetrahedron()
    mesh = shapes.mesh(tip, -tip[:, ::-1])
    assert Examination(mesh).topology.body_count == 2
    count, faces = found(mesh)["non_manifold_vertices"]
    assert (count, len(faces)) == (1, 6)
    assert "non_manifold_vertices" not in found(mesh, STANDARD)


def test_vertices_of_open_surfaces_are_manifold(shapes):
    """A vertex on a boundary has one fan of faces and is sound."""
    assert "non_manifold_vertices" not in found(shapes.mesh(shapes.box()[2:]))


def test_basic_asks_nothing_of_the_mesh(shapes):
    """At basic even an open, crossed and doubled mesh has no finding."""
    assert found(shapes.mesh(shapes.box()[3:], shapes.box()[5:9]), BASIC) == {}


def test_faces_count_as_in_the_file(shapes):
    """Findings speak of the numbers that faces have in the file."""
    mesh = shapes.mesh(shapes.box(), shapes.box()[:1])
    origin = np.arange(100, 113)
    (finding,) = [f for f in check(Examination(mesh), STANDARD, origin) if f.code == "duplicate_faces"]
    assert finding.faces == (112,)


def test_volume_far_from_the_origin(shapes):
    """Neither place nor scale costs the volume its precision."""
    for scale in (1e-3, 1.0, 1e3):
        mesh = shapes.mesh((shapes.box() + 1000) * scale)
        assert Examination(mesh).summary.volume_mm3 == pytest.approx(scale**3, rel=1e-4)


def test_winding_number(shapes):
    """A closed surface winds once around a point inside, not at all around one outside, and inversely inside-out."""
    triangles = shapes.sphere()
    assert winding_number(triangles, np.array([0.3, 0.2, 0.1])) == pytest.approx(1)
    assert winding_number(triangles, np.array([3.0, 0.2, 0.1])) == pytest.approx(0, abs=1e-9)
    assert winding_number(triangles[:, ::-1], np.array([0.3, 0.2, 0.1])) == pytest.approx(-1)
