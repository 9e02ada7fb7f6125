"""What a repair mends, what it leaves alone, and what it refuses."""

import numpy as np
import pytest

from stlkit.mesh import repair as repair_module
from stlkit.mesh.examination import Examination
from stlkit.mesh.removing import drop_degenerate
from stlkit.mesh.repair import repair
from stlkit.mesh.surface import Step
from stlkit.model.geometry import TriangleMesh
from stlkit.model.reports import RepairAction

RNG = np.random.default_rng(11)


def repaired(mesh):
    return repair(Examination(mesh))


def actions(result):
    return {action.code: action.count for action in result.report.actions}


def assert_sound(result, *, volume, bodies=1):
    """Check that a repair left a closed mesh of known volume."""
    assert result.report.changed
    assert result.report.refused is None
    after = result.report.after
    assert after.watertight
    assert after.bodies == bodies
    assert after.volume_mm3 == pytest.approx(volume, rel=1e-6)
    assert (after.degenerate_faces, after.duplicate_faces, after.inconsistent_edges, after.open_edges) == (0, 0, 0, 0)


@pytest.mark.parametrize("shape", ["box", "tetrahedron", "sphere"])
def test_a_sound_mesh_is_left_alone(shapes, shape):
    """A repair of a sound mesh changes nothing and says so."""
    examination = Examination(shapes.mesh(getattr(shapes, shape)()))
    result = repair(examination)
    assert not result.report.changed
    assert result.report.actions == ()
    assert result.report.before == result.report.after
    assert result.examination is examination


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_a_missing_side_is_closed(shapes, scale):
    """A box without its underside gets it back, whatever its size."""
    result = repaired(shapes.mesh(shapes.box()[2:] * scale))
    assert actions(result) == {"closed_holes": 1}
    assert_sound(result, volume=scale**3)
    assert result.report.before.open_edges == 4
    assert (result.report.before.volume_mm3, result.report.after.faces) == (None, 12)
    assert (result.origin[-2:] < 0).all()


def test_a_missing_triangle_is_closed(shapes):
    """A sphere without four faces, two of them neighbours, is whole again."""
    triangles = shapes.sphere()
    whole = Examination(shapes.mesh(triangles)).summary
    result = repaired(shapes.mesh(np.delete(triangles, [100, 700, 2620, 1500], axis=0)))
    assert actions(result) == {"closed_holes": 3}
    assert_sound(result, volume=whole.volume_mm3)


def test_holes_that_share_a_vertex(shapes):
    """Two holes that touch in one vertex are two loops."""
    triangles = shapes.sphere(columns=64, rows=32)
    cap = len(triangles) - 128  # from here on 64 faces lie around one pole
    result = repaired(shapes.mesh(np.delete(triangles, [cap, cap + 10], axis=0)))
    assert actions(result) == {"closed_holes": 2}
    assert_sound(result, volume=Examination(shapes.mesh(triangles)).summary.volume_mm3)


@pytest.mark.parametrize(
    "name",
    ["a sheet", "a tube", "half a sphere", "a vase without thickness", "a ring missing between two walls"],
)
def test_large_openings_stay(shapes, name):
    """What is open by its nature stays open: closing it would make another model of it."""
    sphere = shapes.sphere()
    tall, bore = shapes.box((3, 3, 9)), shapes.inside_out(shapes.box((1, 1, 9), at=(1, 1, 0)))
    parts = {
        "a sheet": [shapes.box()[:2]],
        "a tube": [shapes.box()[4:]],
        "half a sphere": [sphere[sphere[:, :, 2].min(axis=1) > -1e-6]],
        "a vase without thickness": [sphere[sphere[:, :, 2].max(axis=1) < 0.8]],
        "a ring missing between two walls": [tall[4:], bore[4:], _ring(9.0)],
    }[name]
    mesh = shapes.mesh(*parts)
    result = repaired(mesh)
    assert result.report.after.open_edges > 0
    assert "closed_holes" not in actions(result)


def _ring(z):
    """The square ring at height `z` between the walls from 0 to 3 and those from 1 to 2."""
    outer = np.array([(0, 0, z), (3, 0, z), (3, 3, z), (0, 3, z)], dtype=float)
    inner = np.array([(1, 1, z), (2, 1, z), (2, 2, z), (1, 2, z)], dtype=float)
    quads = [(outer[i - 1], outer[i], inner[i], inner[i - 1]) for i in range(4)]
    return np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])


def test_a_body_is_closed_wholly_or_not_at_all(shapes):
    """A body with a hole too large to close keeps its small one too; the body beside it is closed."""
    two_holes = np.delete(shapes.box((4, 4, 1)), [0, 1, 4], axis=0)
    result = repaired(shapes.mesh(two_holes, shapes.box(at=(9, 0, 0))[1:]))
    assert actions(result) == {"closed_holes": 1}
    assert result.report.after.open_edges == result.report.before.open_edges - 3


def test_new_faces_have_the_color_beside_them(shapes):
    """A face that closes a hole takes the colour of a face at its rim."""
    mesh = shapes.mesh(shapes.box()[2:])
    colors = np.full((10, 3), [9, 8, 7], dtype=np.uint8)
    mesh = TriangleMesh(vertices=mesh.vertices, faces=mesh.faces, face_colors=colors)
    assert repaired(mesh).examination.mesh.face_colors.tolist() == [[9, 8, 7]] * 12


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_cracks_are_welded(shapes, scale):
    """Corners that differ by rounding are one vertex again, whatever the model's size."""
    triangles = shapes.sphere() * scale
    cracked = triangles + RNG.normal(scale=1e-7 * scale, size=triangles.shape)
    result = repaired(shapes.mesh(cracked))
    assert "welded_vertices" in actions(result)
    assert result.report.after.watertight
    assert result.report.after.bodies == 1
    assert result.report.after.volume_mm3 == pytest.approx(
        Examination(shapes.mesh(triangles)).summary.volume_mm3, rel=1e-5
    )


def test_a_gap_that_is_no_rounding_error_stays(shapes):
    """Two halves that stand a thousandth of their size apart are not pulled together."""
    left, right = shapes.box(), shapes.box(at=(1.001, 0, 0))
    apart = np.concatenate([np.delete(left, [6, 7], axis=0), np.delete(right, [10, 11], axis=0)])
    result = repaired(shapes.mesh(apart))
    assert "welded_vertices" not in actions(result)
    assert result.report.after.bodies == 2


def test_winding_is_aligned(shapes):
    """Faces that were turned over are turned back, the fewer ones."""
    triangles = shapes.sphere()
    wrong = RNG.random(len(triangles)) < 0.3
    triangles[wrong] = triangles[wrong][:, ::-1]
    result = repaired(shapes.mesh(triangles))
    assert actions(result) == {"aligned_winding": np.count_nonzero(wrong)}
    assert_sound(result, volume=Examination(shapes.mesh(shapes.sphere())).summary.volume_mm3)


def test_a_strip_with_one_side_is_left_alone(shapes):
    """A Moebius strip cannot be wound consistently, and stays as it is."""
    turn = np.arange(24) * 2 * np.pi / 24
    middle = np.stack([3 * np.cos(turn), 3 * np.sin(turn), 0 * turn], axis=1)
    across = np.stack([np.cos(turn) * np.cos(turn / 2), np.sin(turn) * np.cos(turn / 2), np.sin(turn / 2)], axis=1)
    upper, lower = np.float32(middle + across), np.float32(middle - across)
    next_upper = np.concatenate([upper[1:], lower[:1]])
    next_lower = np.concatenate([lower[1:], upper[:1]])
    strip = np.concatenate([np.stack([lower, next_lower, upper], 1), np.stack([upper, next_lower, next_upper], 1)])
    assert not repaired(shapes.mesh(strip)).report.changed


def test_an_inverted_body_is_turned(shapes):
    """Of two bodies, the one that is inside-out is turned."""
    result = repaired(shapes.mesh(shapes.box(), shapes.inside_out(shapes.box((2, 2, 2), at=(3, 0, 0)))))
    assert actions(result) == {"turned_outward": 1}
    assert_sound(result, volume=9, bodies=2)


def test_a_hollow_body_stays_hollow(shapes):
    """A hollow body that is inside-out as a whole is turned with its cavity; one that is right is left alone."""
    hollow = np.concatenate([shapes.box((3, 3, 3)), shapes.inside_out(shapes.box(at=(1, 1, 1)))])
    assert not repaired(shapes.mesh(hollow)).report.changed
    result = repaired(shapes.mesh(shapes.inside_out(hollow)))
    assert actions(result) == {"turned_outward": 2}
    assert_sound(result, volume=26, bodies=2)


def test_duplicates_are_removed(shapes):
    """Of faces that are there twice, in any winding, one is left."""
    triangles = shapes.box()
    result = repaired(shapes.mesh(triangles, triangles[:3], triangles[5:7, ::-1], triangles[2:3]))
    assert actions(result)["removed_duplicate_faces"] == 6
    assert_sound(result, volume=1)


def test_degenerate_faces_are_removed(shapes):
    """Faces without area that nothing hangs on are removed."""
    collapsed = shapes.box()[:2, [0, 1, 1]]
    loose = np.array([[[5, 5, 5], [6, 6, 6], [8, 8, 8]]])
    result = repaired(shapes.mesh(shapes.box(), collapsed))
    assert actions(result) == {"removed_degenerate_faces": 2}
    assert_sound(result, volume=1)
    thinned = drop_degenerate(repair_module.Surface(Examination(shapes.mesh(shapes.box(), loose)), np.arange(13)))
    assert len(thinned.surface.mesh.faces) == 12


@pytest.mark.parametrize("count", [2, 5])
def test_slivers_are_flipped(shapes, count):
    """Slivers that fill a crack between sound faces get an area; the surface stays closed and as it was."""
    cuts = [(x, 0, 0) for x in np.linspace(0, 1, count + 1)]
    # The underside is cut at these points, the wall in front is not; slivers lie between the two.
    underside = [((0, 1, 0), cuts[i + 1], cuts[i]) for i in range(count)]
    slivers = [(cuts[0], cuts[i], cuts[i + 1]) for i in range(1, count)]
    mesh = shapes.mesh(shapes.box()[2:], np.array([((0, 1, 0), (1, 1, 0), (1, 0, 0)), *underside, *slivers]))
    before = Examination(mesh).summary
    assert (before.degenerate_faces, before.watertight) == (count - 1, True)
    result = repaired(mesh)
    assert actions(result) == {"flipped_sliver_edges": count - 1}
    assert_sound(result, volume=1)
    assert result.report.after.faces == before.faces


def test_needles_are_merged_away(shapes):
    """Faces with an edge too short for 32-bit floats go by merging its ends, and nothing opens."""
    triangles = shapes.sphere(columns=64, rows=32)
    cap = triangles[-128:-64]  # around the pole, in order
    pole, beside = cap[0, 0].copy(), cap[0, 0] + (3e-8, 0, 0)
    cap[32:, 0] = beside
    needles = [(pole, cap[32, 1], beside), (beside, cap[0, 1], pole)]
    mesh = shapes.mesh(triangles, np.array(needles))
    before = Examination(mesh).summary
    assert (before.degenerate_faces, before.watertight) == (2, True)
    result = repaired(mesh)
    assert actions(result) == {"removed_degenerate_faces": 2}
    assert_sound(result, volume=Examination(shapes.mesh(shapes.sphere())).summary.volume_mm3)


def test_loose_triangles_are_left_alone(shapes):
    """A soup of triangles without a common edge stays a soup."""
    soup = RNG.normal(size=(2000, 3, 3))
    result = repaired(shapes.mesh(soup))
    assert not result.report.changed
    assert result.report.after.bodies == 2000


def broken(surface_of):
    """Turn a function of the surface into a step of a repair."""

    def step(surface):
        return Step(surface_of(surface), RepairAction(code="broken", message="did harm", count=1))

    return step


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda surface: surface.keeping(surface.origin < 12), "lost 1 of 2 bodies"),
        (lambda surface: surface.keeping(surface.origin > 0), "open edges"),
        (
            lambda surface: repair_module.Surface(
                Examination(TriangleMesh(vertices=surface.mesh.vertices * 1.02, faces=surface.mesh.faces)),
                surface.origin,
            ),
            "moved the bounds",
        ),
    ],
)
def test_a_repair_that_does_harm_is_refused(shapes, monkeypatch, harm, reason):
    """A repair that loses a body, opens edges or moves the bounds is thrown away, and the original goes on."""
    monkeypatch.setattr(repair_module, "_STEPS", (broken(harm),))
    examination = Examination(shapes.mesh(shapes.box(), shapes.box(at=(3, 0, 0))))
    result = repair(examination)
    assert not result.report.changed
    assert reason in result.report.refused
    assert result.examination is examination
    assert result.report.before != result.report.after
