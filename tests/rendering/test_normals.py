import numpy as np
import pytest
import trimesh

from stlkit.errors import RenderError
from stlkit.model.geometry import TriangleMesh
from stlkit.rendering.normals import prepare_geometry


def mesh_of(vertices, faces, **kwargs):
    return TriangleMesh(vertices=np.array(vertices, float), faces=np.array(faces, np.int32), **kwargs)


def corner_normals(mesh):
    """Return the normals at the corners of every drawn face, (n, 3, 3), and the faces' own, (n, 3)."""
    geometry = prepare_geometry(mesh)
    triangles = geometry.positions[geometry.faces].astype(float)
    facets = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return geometry.normals[geometry.faces], facets / np.linalg.norm(facets, axis=1, keepdims=True)


def from_trimesh(model):
    return mesh_of(model.vertices, model.faces)


def test_a_cube_has_one_normal_a_face(box):
    """Every corner of a cube's face has the face's own normal, on 24 vertices."""
    normals, facets = corner_normals(box())
    np.testing.assert_allclose(normals, np.repeat(facets[:, None], 3, axis=1), atol=1e-6)
    assert len(prepare_geometry(box()).positions) == 24


def test_a_sphere_is_smooth(sphere):
    """A sphere's normals point away from its centre, and no vertex is doubled."""
    geometry = prepare_geometry(sphere(subdivisions=3))
    radial = geometry.positions / np.linalg.norm(geometry.positions, axis=1, keepdims=True)
    assert (np.einsum("ni,ni->n", radial, geometry.normals) > np.cos(np.radians(1.0))).all()
    assert len(geometry.positions) == len(sphere(subdivisions=3).vertices)


def test_a_cylinder_is_smooth_around_and_flat_on_top():
    """Of 16 sides, a cylinder has level radial normals on its wall and upright ones on its caps."""
    normals, facets = corner_normals(from_trimesh(trimesh.creation.cylinder(1.0, 2.0, sections=16)))
    cap = np.abs(facets[:, 2]) > 0.9
    np.testing.assert_allclose(np.abs(normals[cap][..., 2]), 1.0, atol=1e-6)
    np.testing.assert_allclose(normals[~cap][..., 2], 0.0, atol=1e-6)
    turned = np.einsum("nci,ni->nc", normals[~cap], facets[~cap])
    np.testing.assert_allclose(turned, np.cos(np.pi / 16), atol=1e-4)  # half way between two sides


def test_an_octagonal_prism_keeps_its_corners():
    """Edges of 45 degrees are sharp."""
    normals, facets = corner_normals(from_trimesh(trimesh.creation.cylinder(1.0, 2.0, sections=8)))
    np.testing.assert_allclose(normals, np.repeat(facets[:, None], 3, axis=1), atol=1e-6)


def test_a_narrow_bevel_does_not_bend_the_face_beside_it():
    """Where a large face meets a strip that leans by 20 degrees, its shading stays nearly flat."""
    drop, reach = np.sin(np.radians(20)) * 0.02, np.cos(np.radians(20)) * 0.02
    vertices = [[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0], [2 + reach, 0, -drop], [2 + reach, 2, -drop]]
    normals, _ = corner_normals(mesh_of(vertices, [[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]]))
    assert (normals[:2, :, 2] > np.cos(np.radians(1.0))).all()


def test_size_and_place_do_not_matter(box):
    """The same box, tiny or huge and anywhere, is the same geometry; only its measures differ."""
    plain, moved = prepare_geometry(box(2, 3, 4)), prepare_geometry(box(2e6, 3e6, 4e6, (7e6, -8e6, 9e6)))
    np.testing.assert_allclose(plain.positions, moved.positions, atol=1e-6)
    np.testing.assert_allclose(plain.normals, moved.normals, atol=1e-6)
    assert moved.radius_mm == pytest.approx(plain.radius_mm * 1e6)
    np.testing.assert_allclose(moved.center_mm, [8e6, -6.5e6, 11e6])
    assert np.linalg.norm(plain.bounds[1]) == pytest.approx(1.0, abs=1e-6)


def test_a_vertex_that_no_face_uses_does_not_count(box):
    """The bounding box is that of the faces."""
    plain = box()
    stray = mesh_of(np.vstack([plain.vertices, [[1e9, 0, 0]]]), plain.faces)
    assert prepare_geometry(stray).radius_mm == pytest.approx(prepare_geometry(plain).radius_mm)


def test_faces_without_area_are_left_out(box):
    """A face whose corners coincide or are in line is not drawn and bends no normal."""
    plain = box()
    extra = [[0, 0, 1], [2, 2, 2]]
    geometry = prepare_geometry(mesh_of(plain.vertices, np.vstack([plain.faces, extra])))
    assert len(geometry.faces) == len(plain.faces)
    np.testing.assert_allclose(np.linalg.norm(geometry.normals, axis=1), 1.0, atol=1e-6)


def test_faces_wound_against_each_other_keep_their_normals():
    """Two halves of a square, one wound the wrong way, have opposite normals and do not cancel out."""
    normals, _ = corner_normals(mesh_of([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 3, 2]]))
    np.testing.assert_allclose(normals[:, :, 2], [[1, 1, 1], [-1, -1, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        ([[0, 0, 0]], np.empty((0, 3))),
        ([[1, 1, 1]], [[0, 0, 0]]),
        ([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]]),
        ([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], [[0, 1, 2]]),
        ([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]], [[0, 1, 2]]),
    ],
    ids=["no faces", "a point", "a line", "NaN", "infinity"],
)
def test_a_mesh_without_a_surface_is_refused(vertices, faces):
    """Where there is nothing to draw, an error says so."""
    with pytest.raises(RenderError, match="draw"):
        prepare_geometry(mesh_of(vertices, faces))


def test_colors_of_faces_end_at_their_edges():
    """Each face keeps the colour that the file gave it, also where two of them share smooth vertices."""
    colors = np.array([[255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    square = mesh_of([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]], face_colors=colors)
    geometry = prepare_geometry(square)
    np.testing.assert_allclose(geometry.colors[geometry.faces], np.repeat(colors[:, None] / 255, 3, axis=1), atol=1e-6)
