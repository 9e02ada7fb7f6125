"""Cutting a simple polygon in the plane into triangles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Corners = tuple[int, int, int]
Point = tuple[float, float]


def triangulate(polygon: npt.NDArray[np.float64]) -> list[Corners] | None:
    """Cut a simple polygon into triangles by clipping ears, the best-shaped first.

    Parameters
    ----------
    polygon : (k, 2) float64
        Counter-clockwise. Corners on a straight side are welcome.

    Returns
    -------
    list of (int, int, int) or None
        k - 2 counter-clockwise triangles as indices into `polygon`; None where the polygon crosses or touches
        itself. Source: Meisters, *Polygons have ears*, 1975.
    """
    if not is_simple(polygon):
        return None
    points: list[Point] = [(x, y) for x, y in polygon.tolist()]
    ring = list(range(len(points)))
    # How good an ear at each corner is; changes only at the two neighbours of a corner that was cut.
    worth = {corner: _worth(points, ring, place) for place, corner in enumerate(ring)}
    triangles: list[Corners] = []
    while len(ring) > 3:
        best = max(ring, key=worth.__getitem__)
        if worth[best] <= 0:
            return None
        place = ring.index(best)
        before, after = ring[place - 1], ring[(place + 1) % len(ring)]
        triangles.append((before, best, after))
        del ring[place]
        for corner in (before, after):
            worth[corner] = _worth(points, ring, ring.index(corner))
    a, b, c = ring
    return [*triangles, (a, b, c)] if _cross(points[a], points[b], points[c]) > 0 else None


def is_simple(polygon: npt.NDArray[np.float64]) -> bool:
    """Tell whether no side of a polygon crosses or touches another one but its neighbours.

    Parameters
    ----------
    polygon : (k, 2) float64

    Returns
    -------
    bool
    """
    count = len(polygon)
    start, end = polygon, np.roll(polygon, -1, axis=0)
    # Where the ends of side j lie relative to the line through side i, (k, k).
    side_of_start = _sides(start, end, start)
    side_of_end = _sides(start, end, end)
    straddles = side_of_start * side_of_end <= 0
    boxes_meet = np.ones((count, count), dtype=np.bool_)
    for axis in range(2):
        low = np.minimum(start[:, axis], end[:, axis])
        high = np.maximum(start[:, axis], end[:, axis])
        boxes_meet &= (low[:, None] <= high) & (low <= high[:, None])
    meets = straddles & straddles.T & boxes_meet
    gap = np.abs(np.arange(count)[:, None] - np.arange(count))
    apart = (gap > 1) & (gap < count - 1)
    return not bool((meets & apart).any())


def contains(polygon: npt.NDArray[np.float64], point: npt.NDArray[np.float64]) -> bool:
    """Tell whether a point lies inside a polygon, by the number of sides to its right.

    Parameters
    ----------
    polygon : (k, 2) float64
    point : (2,) float64

    Returns
    -------
    bool
    """
    start, end = polygon, np.roll(polygon, -1, axis=0)
    spans = (start[:, 1] > point[1]) != (end[:, 1] > point[1])
    start, end = start[spans], end[spans]
    share = (point[1] - start[:, 1]) / (end[:, 1] - start[:, 1])
    return bool(np.count_nonzero(start[:, 0] + share * (end[:, 0] - start[:, 0]) > point[0]) % 2)


def _sides(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    along = (end - start)[:, None, :]
    towards = points[None, :, :] - start[:, None, :]
    return np.sign(along[..., 0] * towards[..., 1] - along[..., 1] * towards[..., 0])


def _cross(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _worth(points: list[Point], ring: list[int], place: int) -> float:
    """Rate the ear at a corner: its area over its longest side squared, or 0 where it is no ear."""
    ear = (ring[place - 1], ring[place], ring[(place + 1) % len(ring)])
    a, b, c = (points[corner] for corner in ear)
    area = _cross(a, b, c)
    longest = max((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 for p, q in ((a, b), (b, c), (c, a)))
    if area <= 1e-9 * longest:
        return 0.0
    for corner in ring:
        p = points[corner]
        if corner not in ear and _cross(a, b, p) >= 0 and _cross(b, c, p) >= 0 and _cross(c, a, p) >= 0:
            return 0.0
    return area / longest
