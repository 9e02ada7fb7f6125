import numpy as np
import pytest

from stlkit.rendering.plane import Box, apart

SQUARE = Box(left=0, top=0, right=2, bottom=2)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (SQUARE.moved(np.array([3, 0])).corners, True),
        (SQUARE.moved(np.array([2, 0])).corners, True),
        (SQUARE.moved(np.array([1, 1])).corners, False),
        (np.array([[0.5, 0.5], [1.5, 1.5]]), False),
        (np.array([[-1.0, 1.0], [3.0, 1.0]]), False),
        (np.array([[3.0, 0.5], [0.5, 3.0]]), False),
        (np.array([[4.0, 0.5], [0.5, 4.0]]), True),
        (np.array([[1.0, 1.0], [1.0, 1.0]]), False),
        (np.array([[5.0, 5.0], [5.0, 5.0]]), True),
        (np.array([[4.0, 0.0], [8.0, 4.0], [4.0, 8.0], [0.0, 4.0]]), True),
        (np.array([[3.9, 0.0], [7.9, 4.0], [3.9, 8.0], [0.0, 3.9]]), False),
    ],
)
def test_convex_polygons_are_apart_or_not(other, expected):
    """Boxes, slanted lines, points and diamonds are told apart from a square, or not; touching counts as apart."""
    assert apart(SQUARE.corners, other) is expected
    assert apart(other, SQUARE.corners) is expected


def test_boxes_touch_or_do_not():
    """Two boxes touch where they have more than a border in common; a margin grows on all sides."""
    assert SQUARE.touches(SQUARE.moved(np.array([1.9, -1.9])))
    assert not SQUARE.touches(SQUARE.moved(np.array([2.0, 0.0])))
    assert SQUARE.grown(0.1).touches(SQUARE.moved(np.array([2.0, 0.0])))
