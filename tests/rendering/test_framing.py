import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stlkit.model.options import RenderOptions
from stlkit.rendering.framing import (
    FILL,
    ISOMETRIC_RAD,
    ISOMETRIC_SHORTENING,
    THREE_QUARTER_RAD,
    frame,
    light_camera,
    reach,
    region_of,
    view_axes,
    view_of,
)
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import turn_matrix

SIZES = [(160, 120), (120, 160), (400, 30), (30, 400), (16, 16)]


def share(camera, positions):
    """Return the share of the picture's width and height that some points span."""
    span = np.ptp(camera.project(positions), axis=0)
    return span / (camera.width_px, camera.height_px)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("name", ["cube", "needle", "plate", "sphere"])
def test_every_model_fills_the_same_share(shapes, name, scale):
    """The tighter of width and height is filled to the same share, whatever the model's size and shape."""
    positions = prepare_geometry(shapes(scale)[name]).positions
    for width, height in SIZES:
        assert share(frame(positions, width, height), positions).max() == pytest.approx(FILL, rel=1e-4)


def test_nothing_is_clipped(shapes):
    """All of a model is inside the picture and between the near and the far plane."""
    for mesh in shapes().values():
        positions = prepare_geometry(mesh).positions.astype(np.float64)
        for width, height in SIZES:
            camera = frame(positions, width, height)
            clip = np.insert(positions, 3, 1.0, axis=1) @ camera.world_to_clip.T
            assert (np.abs(clip[:, :3]) <= clip[:, 3:]).all()


def test_a_line_towards_the_camera_is_in_front_of_it():
    """A model that is a line along the line of sight does not reach the camera."""
    line = np.outer([-1.0, 1.0], view_axes(np.radians(32), np.radians(24))[2])
    camera = frame(line, 100, 100)
    clip = np.insert(line, 3, 1.0, axis=1) @ camera.world_to_clip.T
    assert (clip[:, 3] > 0).all()
    assert (np.abs(clip[:, :3]) <= clip[:, 3:]).all()


@given(
    points=st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=6),
    direction=st.tuples(*[st.floats(-1, 1)] * 3),
    turn=st.floats(-7, 7),
)
@settings(max_examples=60, deadline=None)
def test_reach_is_the_furthest_of_all_moments(points, direction, turn):
    """How far a turning model reaches is the furthest it is at any moment of the turn."""
    positions, directions = np.array(points), np.array([direction])
    moments = [positions @ turn_matrix(angle).T @ directions[0] for angle in np.linspace(0, turn, 721)]
    found = reach(positions, directions, turn)[0]
    assert np.max(moments) - 1e-9 <= found <= np.max(moments) + 1e-4


@pytest.mark.parametrize("degrees", [360.0, 90.0, -40.0, 0.0])
def test_a_turning_model_stays_inside_the_margins(shapes, degrees):
    """At every angle the model is inside of the margins, and at some angle it touches them."""
    positions = prepare_geometry(shapes()["plate"]).positions.astype(np.float64)
    camera = frame(positions, 160, 120, turn_rad=np.radians(degrees))
    half = np.array([80.0, 60.0])
    offsets = [
        np.abs(camera.project(positions @ turn_matrix(angle).T) - half).max(axis=0) / half
        for angle in np.linspace(0, np.radians(degrees), 361)
    ]
    assert np.max(offsets) <= FILL + 0.1  # the looser side is not centred exactly, the tighter one is
    tight = np.argmax(np.max(offsets, axis=0))
    assert np.max(offsets, axis=0)[tight] == pytest.approx(FILL, abs=5e-3)


def test_the_region_holds_every_pixel_of_a_turning_model(shapes):
    """The part of the picture that is drawn holds the model at every angle."""
    positions = prepare_geometry(shapes()["cube"]).positions.astype(np.float64)
    camera = frame(positions, 160, 120, turn_rad=2 * np.pi)
    left, top, right, bottom = region_of(positions, camera, turn_rad=2 * np.pi)
    for angle in np.linspace(0, 2 * np.pi, 73):
        pixels = camera.project(positions @ turn_matrix(angle).T)
        assert (pixels >= (left, top)).all()
        assert (pixels <= (right, bottom)).all()


def test_up_is_up_and_the_front_is_seen_from_the_right(shapes):
    """In the picture z points up, x to the right, and y away to the right."""
    camera = frame(prepare_geometry(shapes()["cube"]).positions, 100, 100)
    origin, x, y, z = camera.project(np.vstack([np.zeros(3), np.eye(3)]))
    assert z[0] == pytest.approx(origin[0], abs=0.5)
    assert z[1] < origin[1]
    assert x[0] > origin[0]
    assert y[0] > origin[0]
    assert y[1] < origin[1]


def test_a_cropped_camera_sees_the_same_pixels(shapes):
    """What falls on a pixel falls on the same pixel of a cropped picture, counted from its corner."""
    positions = prepare_geometry(shapes()["cube"]).positions
    camera = frame(positions, 160, 120)
    cropped = camera.cropped((30, 20, 130, 90))
    np.testing.assert_allclose(cropped.project(positions), camera.project(positions) - (30, 20), atol=1e-9)


def test_unproject_undoes_project():
    """A pixel's depth leads back to the point that was seen there."""
    camera = light_camera(np.array([0.3, -0.5, 0.8]), 32)
    depth = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    points = camera.unproject(depth).astype(np.float64)
    rows, columns = np.indices((32, 32)) + 0.5
    np.testing.assert_allclose(camera.project(points), np.stack([columns, rows], axis=-1), atol=1e-3)


def test_isometric_lengths_are_shortened_alike():
    """In isometric projection a unit along x, y and z has the same length on paper."""
    projected = view_axes(*ISOMETRIC_RAD)[:2]
    np.testing.assert_allclose(np.linalg.norm(projected, axis=0), ISOMETRIC_SHORTENING)


def test_the_usual_view_is_exactly_the_three_quarter_one():
    """Who chooses no view gets the same camera as ever, to the last bit."""
    points = np.random.default_rng(1).uniform(-0.5, 0.5, (50, 3))
    usual, chosen = frame(points, 160, 120), frame(points, 160, 120, view_rad=view_of(RenderOptions()))
    assert view_of(RenderOptions()) == THREE_QUARTER_RAD == (np.radians(32.0), np.radians(24.0))
    assert usual.world_to_clip.tobytes() == chosen.world_to_clip.tobytes()


@pytest.mark.parametrize("degrees", [(0, 0), (90, 0), (180, 10), (-75, -40), (0, 90), (32, -90)])
def test_from_every_side_a_model_fills_the_same_share(shapes, degrees):
    """Whatever view is chosen, the tighter of width and height is filled to the same share, and nothing is clipped."""
    view = view_of(RenderOptions(view_azimuth_deg=degrees[0], view_elevation_deg=degrees[1]))
    for name in ("cube", "plate", "sphere"):
        positions = prepare_geometry(shapes()[name]).positions.astype(np.float64)
        camera = frame(positions, 160, 120, view_rad=view)
        clip = np.insert(positions, 3, 1.0, axis=1) @ camera.world_to_clip.T
        assert share(camera, positions).max() == pytest.approx(FILL, rel=1e-4)
        assert (np.abs(clip[:, :3]) <= clip[:, 3:]).all()


def test_azimuth_goes_around_and_elevation_up(shapes):
    """At azimuth 0 the front is seen, at 90 the right side, at elevation 90 the top."""
    positions = prepare_geometry(shapes()["cube"]).positions
    sides = {(0, 0): (0, -1, 0), (90, 0): (1, 0, 0), (0, 90): (0, 0, 1), (0, -90): (0, 0, -1)}
    for degrees, seen in sides.items():
        camera = frame(positions, 100, 100, view_rad=(np.radians(degrees[0]), np.radians(degrees[1])))
        np.testing.assert_allclose(camera.axes[2], seen, atol=1e-12)
