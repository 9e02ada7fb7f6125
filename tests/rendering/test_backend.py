import dataclasses
import threading

import numpy as np
import pytest

from stlkit.errors import RenderError
from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import Lighting, Material
from stlkit.rendering.framing import frame, light_camera, region_of
from stlkit.rendering.lights import RIGS
from stlkit.rendering.materials import surface_of
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import Shot
from stlkit.rendering.shading import shade

pytestmark = pytest.mark.gl

WIDTH, HEIGHT = 160, 120


def shot_of(geometry, *, material=Material.PLASTIC, lighting=Lighting.STUDIO, **changes):
    camera = frame(geometry.positions, WIDTH, HEIGHT)
    return Shot(
        camera=camera,
        surface=surface_of(material),
        illumination=RIGS[lighting].seen_by(camera),
        **changes,
    )


@pytest.fixture
def drawn(backend):
    """Load a mesh and draw it: colour times alpha, (h, w, 4)."""

    def draw(mesh, **changes):
        geometry = prepare_geometry(mesh)
        backend.load(geometry)
        return backend.draw(shot_of(geometry, **changes))

    return draw


def polygon_area(points):
    following = np.roll(points, -1, axis=0)
    return abs(np.sum(points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0])) / 2


@pytest.mark.parametrize("samples", [1, 4])
def test_a_cube_covers_the_area_of_its_outline(drawn, box, samples):
    """The sum of alpha is the area of the hexagon that a cube is seen as."""
    pixels = drawn(box(), samples=samples)
    geometry = prepare_geometry(box())
    low, high = geometry.bounds
    corners = np.where(
        np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1], [0, 0, 1]], dtype=bool), high, low
    )
    area = polygon_area(frame(geometry.positions, WIDTH, HEIGHT).project(corners))
    assert pixels[..., 3].sum() / 255 == pytest.approx(area, rel=0.01)


def test_nothing_is_drawn_outside_of_the_model(drawn, box):
    """Where the model is not, all four channels are 0; no colour is above alpha."""
    pixels = drawn(box())
    assert not pixels[pixels[..., 3] == 0].any()
    assert not pixels[0].any()
    assert (pixels[..., :3] <= pixels[..., 3:]).all()


@pytest.mark.parametrize("lighting", Lighting)
@pytest.mark.parametrize("material", [Material.PLASTIC, Material.METAL, Material.RESIN, Material.CERAMIC])
def test_pixels_have_the_colors_of_the_formula(backend, sphere, material, lighting):
    """On a sphere, whose normals are known everywhere, each pixel has the colour that the reference works out."""
    geometry = prepare_geometry(sphere(subdivisions=6))
    backend.load(geometry)
    shot = shot_of(geometry, material=material, lighting=lighting, samples=1)
    pixels, depth = backend.draw(shot), backend.measure_depth(shot.camera)
    points = shot.camera.unproject(depth)[depth < 1].astype(np.float64)
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    to_eye = shot.camera.eye[:3] - points
    to_eye /= np.linalg.norm(to_eye, axis=1, keepdims=True)
    inner = np.einsum("ni,ni->n", normals, to_eye) > 0.25  # at the rim the depth of a pixel's centre is a guess
    heights = points[:, 2] - geometry.bounds[0, 2]
    expected = shade(shot.surface, shot.illumination, normals[inner], to_eye[inner], heights[inner]) * 255
    difference = np.abs(pixels[depth < 1][inner][:, :3] - expected)
    assert np.percentile(difference, 99) < 4
    assert difference.mean() < 1


def test_a_cropped_picture_is_a_piece_of_the_whole(backend, box):
    """A region drawn alone has the pixels that it has in the whole picture."""
    geometry = prepare_geometry(box())
    backend.load(geometry)
    shot = shot_of(geometry, samples=1)
    left, top, right, bottom = region = region_of(geometry.positions, shot.camera)
    piece = backend.draw(dataclasses.replace(shot, camera=shot.camera.cropped(region)))
    whole = backend.draw(shot)
    assert np.abs(piece.astype(int) - whole[top:bottom, left:right]).max() <= 1
    assert (right - left) * (bottom - top) < 0.6 * WIDTH * HEIGHT


def test_faces_that_cannot_be_seen_make_no_difference(backend, box, sphere):
    """Leaving out the faces that look away changes nothing but a sample or two on the very outline."""
    for mesh in (box(), sphere()):
        geometry = prepare_geometry(mesh)
        assert geometry.solid
        backend.load(geometry)
        fast = backend.draw(shot_of(geometry))
        backend.load(dataclasses.replace(geometry, solid=False))
        assert (fast != backend.draw(shot_of(geometry))).any(axis=2).mean() < 5e-4


def test_an_open_model_shows_its_inside(drawn, box):
    """Without its top, a box shows its inside where the top was, lit like an outside."""
    whole = box()
    bottomless = TriangleMesh(vertices=whole.vertices, faces=whole.faces[whole.triangles[..., 2].min(axis=1) < 20])
    assert len(bottomless.faces) == 10
    pixels, closed = drawn(bottomless), drawn(whole)
    np.testing.assert_array_equal(pixels[..., 3] == 255, closed[..., 3] == 255)
    assert pixels[pixels[..., 3] == 255][:, :3].max(axis=1).min() > 40


def test_glass_does_not_depend_on_the_order_of_faces(drawn, sphere):
    """Layers of glass look the same in whatever order the file has them, and let the background through."""
    mesh = sphere()
    shuffled = TriangleMesh(vertices=mesh.vertices, faces=np.random.default_rng(3).permutation(mesh.faces))
    first, second = drawn(mesh, material=Material.GLASS), drawn(shuffled, material=Material.GLASS)
    assert np.abs(first.astype(int) - second).max() <= 1
    middle = first[HEIGHT // 2, WIDTH // 2, 3]
    assert 30 < middle < 225


def test_depth_is_that_of_the_surface(backend, box):
    """Seen straight from above, the whole top of a box is equally far away, and nothing is around it."""
    geometry = prepare_geometry(box())
    backend.load(geometry)
    camera = light_camera(np.array([0.0, 0.0, 1.0]), 64)
    depth = backend.measure_depth(camera)
    points = camera.unproject(depth)
    np.testing.assert_allclose(points[depth < 1][:, 2], geometry.bounds[1, 2], atol=1e-3)
    assert (depth < 1).mean() == pytest.approx((geometry.bounds[1, 0] / 1.01) ** 2, rel=0.05)


def test_a_model_turns_counterclockwise(drawn, box):
    """Turned by a quarter, a box stands as if it had been made that way."""
    turned = drawn(box(10, 30, 20, (-5, -15, -10)), turn_rad=np.pi / 2)
    made_so = drawn(box(30, 10, 20, (-15, -5, -10)))
    assert not np.array_equal(turned, drawn(box(10, 30, 20, (-5, -15, -10))))
    columns = np.flatnonzero(turned[..., 3].any(axis=0))
    assert np.ptp(columns) == pytest.approx(np.ptp(np.flatnonzero(made_so[..., 3].any(axis=0))), rel=0.2)


def test_colors_of_the_file_are_drawn_when_asked_for(drawn, box):
    """Faces take the colours that the mesh brings, or the surface's, as the shot says."""
    plain = box()
    blue = np.tile(np.array([[20, 40, 200]], dtype=np.uint8), (len(plain.faces), 1))
    mesh = TriangleMesh(vertices=plain.vertices, faces=plain.faces, face_colors=blue)
    own, chosen = (drawn(mesh, vertex_colors=wanted)[HEIGHT // 2, WIDTH // 2] for wanted in (True, False))
    assert own[2] > own[0] + 50
    assert chosen[0] > chosen[2] + 50


def test_a_backend_without_a_model_says_so(backend, box):
    """Drawing before a model is loaded, or after it was let go, is an error."""
    geometry = prepare_geometry(box())
    backend.load(geometry)
    backend.unload()
    with pytest.raises(RenderError, match="No model"):
        backend.draw(shot_of(geometry))


def test_a_backend_belongs_to_its_thread(backend, box):
    """Another thread gets an error instead of a crash."""
    geometry = prepare_geometry(box())
    backend.load(geometry)
    raised = []

    def try_to_draw():
        try:
            backend.draw(shot_of(geometry))
        except RenderError as error:
            raised.append(error)

    thread = threading.Thread(target=try_to_draw)
    thread.start()
    thread.join()
    assert "thread" in str(raised[0])


def test_many_sizes_and_models_leave_nothing_behind(backend, shapes):
    """Buffers of pictures and models that are over are freed; the renderer draws on as before."""
    first = prepare_geometry(shapes()["cube"])
    backend.load(first)
    before = backend.draw(shot_of(first))
    for number in range(12):
        geometry = prepare_geometry(shapes()["sphere"])
        backend.load(geometry)
        backend.draw(dataclasses.replace(shot_of(geometry), camera=frame(geometry.positions, 50 + number, 40)))
    assert len(backend._targets) <= 3
    backend.load(first)
    np.testing.assert_array_equal(before, backend.draw(shot_of(first)))
