"""The pieces from which the demonstration models are made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stlkit.samples.surfaces import at_height, circle, fan, polygon, ring, skin, strip, tube, with_hole

COMB = np.array([(0, 0), (7, 0), (7, 5), (6, 5), (6, 1), (4, 1), (4, 5), (3, 5), (3, 1), (1, 1), (1, 5), (0, 5)], float)


def area_of(loop):
    """Shoelace formula."""
    x, y = loop.T
    return 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))


def facing_up(flat):
    """Signed area of triangles in the plane; negative ones are turned over."""
    edges = flat[:, 1:, :2] - flat[:, :1, :2]
    return 0.5 * (edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])


def test_polygon_is_filled_once():
    """A polygon with deep notches is filled by n - 2 triangles that face up and have its area."""
    areas = facing_up(polygon(COMB))
    assert len(areas) == len(COMB) - 2
    assert np.all(areas > 0)
    assert areas.sum() == pytest.approx(area_of(COMB))


def test_polygon_with_a_hole():
    """A hole is left open, and its points all stay corners."""
    outer, hole = circle(10.0, 4), circle(3.0, 7, (1.0, -1.0))
    flat = polygon(with_hole(outer, hole))
    assert facing_up(flat).sum() == pytest.approx(area_of(outer) - area_of(hole))
    assert len(flat) == len(outer) + len(hole)
    assert {tuple(point) for point in hole} <= {tuple(point) for point in flat[..., :2].reshape(-1, 2)}


@settings(deadline=None)  # a busy machine is no defect
@given(
    many=st.integers(3, 60),
    few=st.integers(3, 60),
    x=st.floats(-2, 2),
    y=st.floats(-2, 2),
    start=st.floats(0, 6),
)
def test_ring_between_any_two_loops(many, few, x, y, start):
    """Between two loops with any numbers of points, every triangle faces up and the areas add up."""
    outer, inner = circle(10.0, many, start=start), circle(1.0, few, (x, y))
    areas = facing_up(ring(outer, inner))
    assert len(areas) == many + few
    assert np.all(areas > 0)
    assert areas.sum() == pytest.approx(area_of(outer) - area_of(inner))


def volume_of(triangles):
    """Divergence theorem."""
    return np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6


def test_prism_has_its_volume():
    """Walls face outwards, fans close both ends: area times height."""
    loop = circle(5.0, 11)
    low, high = at_height(loop, -1.0), at_height(loop, 3.0)
    triangles = np.concatenate(
        [strip(low, high), fan(high, np.array([0, 0, 3.0])), fan(low, np.array([0, 0, -1.0]))[:, ::-1]]
    )
    assert volume_of(triangles) == pytest.approx(4.0 * area_of(loop))


def test_open_strip_has_one_quad_less():
    """A strip that does not close leaves the last quad out."""
    loop = circle(5.0, 11)
    assert len(strip(at_height(loop, 0), at_height(loop, 1))) == 22
    assert len(strip(at_height(loop, 0), at_height(loop, 1), closed=False)) == 20
    assert len(skin(np.stack([at_height(loop, z) for z in range(3)]))) == 44


def test_tube_has_the_volume_of_a_torus():
    """A tube along a circle has the volume 2 pi^2 R r^2, Pappus's theorem, but for its facets."""
    path = at_height(circle(10.0, 400), 0.0)
    assert volume_of(tube(path, path, 2.0, 200)) == pytest.approx(2 * np.pi**2 * 10 * 4, rel=5e-4)
