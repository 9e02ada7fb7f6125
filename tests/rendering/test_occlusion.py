import numpy as np
import pytest

from stlkit.model.geometry import TriangleMesh
from stlkit.rendering.directions import disc_points, sky_directions, softbox_directions, sphere_directions
from stlkit.rendering.framing import orthographic_camera
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.occlusion import find_surface, light_reaching, probing_camera
from stlkit.rendering.scene import Light

pytestmark = pytest.mark.gl


def join(*meshes):
    """Put meshes into one."""
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return TriangleMesh(
        vertices=np.vstack([mesh.vertices for mesh in meshes]),
        faces=np.vstack([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)]).astype(np.int32),
    )


@pytest.fixture
def seen_from_above(backend):
    """Load a mesh; return the geometry and the surface that a camera straight above sees, 100 x 100 pixels."""

    def look(mesh):
        geometry = prepare_geometry(mesh)
        backend.load(geometry)
        camera = orthographic_camera(np.eye(3), np.zeros(2), np.array([1.0, 1.0]), (-1.0, 1.0), (100, 100))
        return geometry, find_surface(backend, camera)

    return look


def test_the_surface_is_found(seen_from_above, sphere):
    """Points lie on the sphere that is seen, and normals point away from its middle."""
    geometry, surface = seen_from_above(sphere(subdivisions=5))
    radius = geometry.bounds[1, 2]
    distances = np.linalg.norm(surface.points, axis=0)
    np.testing.assert_allclose(distances, radius, atol=5e-3)
    agreement = np.einsum("in,in->n", surface.points / distances, surface.normals)
    assert np.percentile(agreement, 5) > 0.98


def test_a_convex_body_shades_nothing_of_itself(backend, seen_from_above, sphere, box):
    """On a sphere and on a box all of the light arrives: there is no speckle."""
    for mesh in (sphere(subdivisions=5), box(30, 20, 10)):
        _, surface = seen_from_above(mesh)
        light = light_reaching(backend, surface, sphere_directions(48))
        assert light[surface.seen].min() > 0.97


def test_half_of_the_sky_reaches_the_foot_of_a_wall(backend, seen_from_above, box):
    """On a floor close to a high wall half of the light arrives, far away from it nearly all."""
    floor, wall = box(100, 100, 1, (-50, -50, -1)), box(1, 100, 60, (0, -50, 0))
    geometry, surface = seen_from_above(join(floor, wall))
    light = light_reaching(backend, surface, sphere_directions(200))
    pixels_per_mm = 50 / geometry.radius_mm
    row, foot = 50, round(50 + 3 * pixels_per_mm)
    assert light[row, foot] == pytest.approx(0.5, abs=0.1)
    assert light[row, round(50 - 48 * pixels_per_mm)] > 0.75


def test_a_light_is_blocked_by_what_is_in_its_way(backend, seen_from_above, box):
    """Light from the side does not reach the floor behind a wall, and does reach it in front."""
    floor, wall = box(100, 100, 1, (-50, -50, -1)), box(1, 100, 30, (0, -50, 0))
    geometry, surface = seen_from_above(join(floor, wall))
    light = light_reaching(backend, surface, np.array([[0.8, 0.0, 0.6]]))
    pixels_per_mm = 50 / geometry.radius_mm
    assert light[50, round(50 - 20 * pixels_per_mm)] < 0.05
    assert light[50, round(50 - 45 * pixels_per_mm)] > 0.95  # the wall's shadow is 40 mm long
    assert light[50, round(50 + 20 * pixels_per_mm)] > 0.95


def test_single_shadows_cannot_be_told_apart(backend, box):
    """Few directions give a smooth gradient on the floor before a wall, not as many steps."""
    floor, wall = box(100, 100, 1, (-50, -50, -1)), box(1, 100, 60, (0, -50, 0))
    geometry = prepare_geometry(join(floor, wall))
    backend.load(geometry)
    camera = orthographic_camera(np.eye(3), np.zeros(2), np.array([1.0, 1.0]), (-1.0, 1.0), (1000, 1000))
    light = light_reaching(backend, find_surface(backend, camera), sphere_directions(56))
    pixels_per_mm = 500 / geometry.radius_mm
    on_floor = light[500, round(500 - 45 * pixels_per_mm) : round(500 - 5 * pixels_per_mm)]
    assert np.ptp(on_floor) > 0.2
    assert np.abs(np.diff(on_floor)).max() < 0.009


def test_large_pictures_are_probed_at_a_lower_resolution():
    """The view is the same, with no more pixels than are worth it."""
    camera = orthographic_camera(np.eye(3), np.zeros(2), np.array([2.0, 1.0]), (-1.0, 1.0), (8000, 4000))
    small = probing_camera(camera)
    assert small.width_px * small.height_px < 3e6
    np.testing.assert_array_equal(small.world_to_clip, camera.world_to_clip)


@pytest.mark.parametrize("count", [32, 96])
def test_directions_are_even(count):
    """Directions over the sphere balance out; those over the sky average to straight up, as Lambert's law weighs."""
    sphere_of = sphere_directions(count)
    np.testing.assert_allclose(np.linalg.norm(sphere_of, axis=1), 1.0)
    np.testing.assert_allclose(sphere_of.mean(axis=0), 0.0, atol=0.03)
    sky = sky_directions(count, widest_rad=np.pi / 2)
    np.testing.assert_allclose(sky.mean(axis=0), [0, 0, 2 / 3], atol=0.03)
    assert (sky[:, 2] > 0).all()


def test_points_of_a_disc_are_even():
    """They lie in the unit circle, balance out, and half of them lie in half of its area."""
    points = disc_points(16)
    radii = np.hypot(*points.T)
    assert radii.max() < 1
    assert (radii < np.sqrt(0.5)).sum() == 8
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=0.05)


def test_directions_to_a_softbox_hit_it():
    """Every direction to a softbox lies inside of its edges, and they are spread over all of it."""
    light = Light(direction=(0.6, 0.0, 0.8), color=(1, 1, 1), half_width=0.3, half_height=0.1, glare=1.0)
    directions = softbox_directions(light, 64)
    ahead = directions @ np.array(light.direction)
    across = directions[:, 1] / ahead
    assert np.abs(across).max() <= 0.3
    assert np.ptp(across) > 0.5
