"""Polygons in the plane."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlkit.mesh.polygons import contains, is_simple, triangulate

SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float)
COMB = np.array([(0, 0), (7, 0), (7, 5), (6, 5), (6, 1), (4, 1), (4, 5), (3, 5), (3, 1), (1, 1), (1, 5), (0, 5)], float)
BOW_TIE = np.array([(0, 0), (2, 2), (2, 0), (0, 2)], dtype=float)


def areas(polygon, triangles):
    a, b, c = np.moveaxis(polygon[np.array(triangles)], 1, 0)
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def shoelace(polygon):
    x, y = polygon.T
    return (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2


@st.composite
def stars(draw):
    """Polygons around the origin, as jagged as they like."""
    radii = draw(st.lists(st.floats(0.1, 1.0), min_size=3, max_size=40))
    turn = np.arange(len(radii)) * 2 * np.pi / len(radii)
    return np.array(radii)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)


@given(stars())
def test_triangles_cover_a_polygon_once(polygon):
    """A simple polygon of k corners is cut into k - 2 triangles that face up and have its area."""
    triangles = triangulate(polygon)
    assert len(triangles) == len(polygon) - 2
    cut = areas(polygon, triangles)
    assert (cut > 0).all()
    assert cut.sum() == pytest.approx(shoelace(polygon))


def test_deep_notches():
    """A comb is cut along its teeth."""
    assert areas(COMB, triangulate(COMB)).sum() == pytest.approx(shoelace(COMB))


def test_corners_on_a_straight_side():
    """Corners on a straight side are used, and no triangle is without area."""
    side = np.linspace(0, 1, 5)[:-1]
    polygon = np.concatenate([np.stack([side, 0 * side], 1), np.stack([1 + 0 * side, side], 1), [(1, 1), (0, 1)]])
    cut = areas(polygon, triangulate(polygon))
    assert (cut > 1e-6).all()
    assert cut.sum() == pytest.approx(1)


def test_a_polygon_that_crosses_itself():
    """A polygon that crosses or touches itself is not cut."""
    assert not is_simple(BOW_TIE)
    assert triangulate(BOW_TIE) is None
    touching = np.array([(0, 0), (4, 0), (4, 2), (2, 0), (0, 2)], dtype=float)
    assert triangulate(touching) is None


def test_a_polygon_on_a_line():
    """A polygon without area is not cut."""
    assert triangulate(np.array([(0, 0), (1, 0), (3, 0)], dtype=float)) is None


def test_inside_and_outside():
    """A point inside a notch is outside the polygon."""
    assert contains(SQUARE, np.array([0.5, 0.25]))
    assert not contains(SQUARE, np.array([1.5, 0.25]))
    assert contains(COMB, np.array([0.5, 4.0]))
    assert not contains(COMB, np.array([2.0, 4.0]))
