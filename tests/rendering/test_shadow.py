import numpy as np
import pytest

from stlkit.rendering.framing import frame, orthographic_camera
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.shadow import GroundShadow


def from_above(geometry, turn_rad=0.0, size=200):
    """Return the shadow on the floor, (size, size), of a square of 4 by 4 units, seen from above, y upwards."""
    camera = orthographic_camera(np.eye(3), np.zeros(2), np.array([2.0, 2.0]), (-1.0, 1.0), (size, size))
    hidden, (left, top, right, bottom) = GroundShadow(geometry).seen_by(camera, turn_rad)
    floor = np.zeros((size, size))
    floor[top:bottom, left:right] = hidden / 255
    return floor


def test_a_plate_on_the_floor_hides_what_is_under_it(box):
    """Under a thin plate the whole sky is hidden, a little away from it nothing is."""
    geometry = prepare_geometry(box(100, 60, 1))
    floor = from_above(geometry)
    half = geometry.bounds[1] / 4 * 200  # in pixels
    rows, columns = np.indices(floor.shape) - 99.5
    inside = (np.abs(columns) < half[0] - 8) & (np.abs(rows) < half[1] - 8)
    outside = (np.abs(columns) > half[0] + 8) | (np.abs(rows) > half[1] + 8)
    assert floor[inside].min() > 0.85
    assert floor[inside].mean() > 0.95
    assert floor[outside].max() < 0.05


def test_a_sphere_hides_most_where_it_touches(sphere):
    """A sphere's shadow is round, deepest in the middle and fades away from there."""
    floor = from_above(prepare_geometry(sphere()))
    assert floor[100, 100] > 0.9
    profile = floor[100, 100:160:6]
    assert (np.diff(profile) <= 0.02).all()
    for degrees in range(0, 360, 45):
        angle = np.radians(degrees)
        there = floor[round(100 + 25 * np.sin(angle)), round(100 + 25 * np.cos(angle))]
        assert there == pytest.approx(floor[100, 125], abs=0.08)


def test_the_shadow_turns_with_the_model(box):
    """Turned by a quarter, the shadow of a long plate lies across."""
    geometry = prepare_geometry(box(100, 20, 1))
    straight, turned = from_above(geometry), from_above(geometry, np.pi / 2)
    assert straight[100, 60] > straight[60, 100] + 0.8
    assert turned[60, 100] > turned[100, 60] + 0.8


def test_the_shadow_lies_where_the_model_stands(box):
    """In a picture, the deepest shadow is where the model's foot is seen."""
    geometry = prepare_geometry(box(20, 20, 60))
    camera = frame(geometry.positions, 160, 120)
    hidden, (left, top, _, _) = GroundShadow(geometry).seen_by(camera)
    row, column = np.unravel_index(hidden.argmax(), hidden.shape)
    foot = camera.project(np.array([0.0, 0.0, geometry.bounds[0, 2]]))
    assert np.hypot(column + left - foot[0], row + top - foot[1]) < 12


def test_the_shadow_is_the_same_every_time(sphere):
    """Nothing about a shadow is left to chance."""
    geometry = prepare_geometry(sphere())
    np.testing.assert_array_equal(from_above(geometry), from_above(geometry))


def test_from_below_there_is_no_shadow(box):
    """The floor would stand in front of the model, so nothing of it is shown."""
    geometry = prepare_geometry(box(20, 20, 20))
    hidden, _ = GroundShadow(geometry).seen_by(frame(geometry.positions, 160, 120, view_rad=(0.5, -0.6)))
    assert not hidden.any()
