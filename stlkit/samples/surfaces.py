"""Pieces of surface from which closed models are put together.

Every piece is an (n, 3, 3) float array of triangles. Pieces that share an edge must have the same corners along it,
so that the whole closes without anything being merged; `assemble` takes away what is left of rounding.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LEAST_AREA = 1e-9
_FORBIDDEN = 1e9
_STEP_MM = 1e-4
"""Corners lie on a grid this fine: fine enough for any printer, and equal on every machine."""


def assemble(pieces: Iterable[Floats]) -> Floats:
    """Join pieces into one model that stands on z = 0.

    Parameters
    ----------
    pieces : iterable of (n, 3, 3) float

    Returns
    -------
    (m, 3, 3) float
    """
    triangles = np.concatenate(list(pieces))
    triangles[..., 2] -= triangles[..., 2].min()
    return np.round(triangles / _STEP_MM) * _STEP_MM + 0.0  # adding zero makes -0.0 a plain 0.0


def circle(radius: float, count: int, center: tuple[float, float] = (0.0, 0.0), start: float = 0.0) -> Floats:
    """Return points on a circle, counter-clockwise, (count, 2); `start` in radians."""
    angles = start + np.arange(count) * (2 * np.pi / count)
    return np.column_stack([np.cos(angles), np.sin(angles)]) * radius + center


def at_height(loop: Floats, z: float) -> Floats:
    """Lift plane points to a height: (n, 2) to (n, 3)."""
    return np.column_stack([loop, np.full(len(loop), z)])


def strip(lower: Floats, upper: Floats, *, closed: bool = True) -> Floats:
    """Span quads, as triangle pairs, between two lines of points.

    Parameters
    ----------
    lower, upper : (n, 3) float
        Counter-clockwise seen from above; the surface then faces outwards.
    closed : bool
        Whether the last point meets the first.

    Returns
    -------
    (2 n, 3, 3) float
        Or 2 (n - 1) triangles where it is not closed.
    """
    after_lower, after_upper = np.roll(lower, -1, axis=0), np.roll(upper, -1, axis=0)
    first = np.stack([lower, after_lower, after_upper], axis=1)
    second = np.stack([lower, after_upper, upper], axis=1)
    if not closed:
        first, second = first[:-1], second[:-1]
    return np.concatenate([first, second])


def skin(rows: Floats, *, closed_rows: bool = True, closed_columns: bool = False) -> Floats:
    """Span a surface over a grid of points.

    Parameters
    ----------
    rows : (m, n, 3) float
        Lines of points as `strip` takes them, from below to above.
    closed_rows : bool
        Whether each line meets itself.
    closed_columns : bool
        Whether the last line meets the first, as on a torus.

    Returns
    -------
    (k, 3, 3) float
    """
    uppers = np.roll(rows, -1, axis=0) if closed_columns else rows[1:]
    return np.concatenate([strip(lower, upper, closed=closed_rows) for lower, upper in zip(rows, uppers, strict=False)])


def fan(loop: Floats, apex: Floats) -> Floats:
    """Span triangles from a closed line of points (n, 3) to one point; faces up where the line is counter-clockwise."""
    return np.stack([loop, np.roll(loop, -1, axis=0), np.broadcast_to(apex, loop.shape)], axis=1)


def ring(outer: Floats, inner: Floats) -> Floats:
    """Fill the plane between a loop and a hole in it, facing up, with the shortest edges from one to the other.

    Source: H. Fuchs, Z. Kedem and S. Uselton, *Optimal surface reconstruction from planar contours*, 1977: an edge
    from loop to loop goes once around, and each step moves one of its ends on; the cheapest way is found row by row.
    Only steps whose triangle faces up are allowed, so that the triangles cover the plane once.

    Parameters
    ----------
    outer, inner : (m, 2), (n, 2) float
        Counter-clockwise; every point sees some point of the other loop.

    Returns
    -------
    (m + n, 3, 3) float
        At z = 0.
    """
    distances = np.linalg.norm(outer[:, None] - inner[None], axis=2)
    start, opposite = (int(k) for k in np.unravel_index(np.argmin(distances), distances.shape))
    a, b = _closed_from(outer, start), _closed_from(inner, opposite)
    lengths = np.linalg.norm(a[:, None] - b[None], axis=2)
    on_outer = np.where(_turn(a[:-1, None], a[1:, None], b[None]) > _LEAST_AREA, lengths[1:], _FORBIDDEN)
    on_inner = np.where(_turn(a[:, None], b[None, 1:], b[None, :-1]) > _LEAST_AREA, lengths[:, 1:], _FORBIDDEN)
    along = np.concatenate([np.zeros((len(a), 1)), np.cumsum(on_inner, axis=1)], axis=1)
    cost = along.copy()
    for i in range(1, len(a)):
        cost[i] = along[i] + np.minimum.accumulate(cost[i - 1] + on_outer[i - 1] - along[i])
    triangles = []
    i, j = len(outer), len(inner)
    while i or j:
        if not j or (i and cost[i - 1, j] + on_outer[i - 1, j] <= cost[i, j - 1] + on_inner[i, j - 1]):
            i -= 1
            triangles.append((a[i], a[i + 1], b[j]))
        else:
            j -= 1
            triangles.append((a[i], b[j + 1], b[j]))
    return _flat(np.array(triangles))


def _closed_from(loop: Floats, start: int) -> Floats:
    turned = np.roll(loop, -start, axis=0)
    return np.append(turned, turned[:1], axis=0)


def polygon(loop: Floats) -> Floats:
    """Fill a polygon by clipping ears, facing up.

    Source: G. H. Meisters, *Polygons have ears*, 1975. The polygon may touch itself along a line that leads to a hole
    and back.

    Parameters
    ----------
    loop : (n, 2) float
        Counter-clockwise, without self-intersection.

    Returns
    -------
    (n - 2, 3, 3) float
        At z = 0.
    """
    left = list(range(len(loop)))
    triangles = []
    while len(left) > 3:
        ear = max(range(len(left)), key=lambda k: _ear_quality(loop[left], k))
        triangles.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    triangles.append((left[0], left[1], left[2]))
    return _flat(loop[np.array(triangles)])


def _ear_quality(loop: Floats, k: int) -> float:
    """Area through the square of the longest edge; negative for what is no ear."""
    a, b, c = loop[k - 1], loop[k], loop[(k + 1) % len(loop)]
    area = _turn(a, b, c)
    # The line to a hole and back has its points twice; they are in nobody's way.
    is_corner = np.any([np.all(loop == corner, axis=1) for corner in (a, b, c)], axis=0)
    inside = (_turn(a, b, loop) >= 0) & (_turn(b, c, loop) >= 0) & (_turn(c, a, loop) >= 0)
    if area <= _LEAST_AREA or np.any(inside & ~is_corner):
        return -1.0
    return float(area / max(np.sum((a - b) ** 2), np.sum((b - c) ** 2), np.sum((c - a) ** 2)))


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    """Twice the signed area of triangles a b c, (…, 2) each; positive where they face up."""
    ab, ac = b - a, c - a
    turn: Floats = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
    return turn


def with_hole(outer: Floats, hole: Floats) -> Floats:
    """Join a loop and a hole in it by a line there and back, between the two points that are nearest.

    Parameters
    ----------
    outer, hole : (m, 2), (n, 2) float
        Both counter-clockwise.

    Returns
    -------
    (m + n + 2, 2) float
        A loop for `polygon`.
    """
    distances = np.linalg.norm(outer[:, None] - hole[None], axis=2)
    i, j = np.unravel_index(np.argmin(distances), distances.shape)
    there = np.roll(outer, -int(i), axis=0)
    back = np.roll(hole[::-1], int(j) + 1, axis=0)
    return np.concatenate([there, there[:1], back, back[:1]])


def lifted(flat: Floats, z: float) -> Floats:
    """Move triangles up."""
    raised: Floats = flat + np.array([0.0, 0.0, z])
    return raised


def reversed_faces(triangles: Floats) -> Floats:
    """Turn triangles over."""
    return triangles[:, ::-1]


def tube(path: Floats, outwards: Floats, radius: float, count: int) -> Floats:
    """Sweep a circle along a closed path.

    Parameters
    ----------
    path : (n, 3) float
    outwards : (n, 3) float
        At each point a direction across the path that goes once around with it; need not be unit or exactly square.
    radius : float
    count : int
        Points of the circle.

    Returns
    -------
    (2 n count, 3, 3) float
    """
    along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = outwards - along * np.sum(outwards * along, axis=1, keepdims=True)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    third = np.cross(along, across)
    angles = np.arange(count) * (2 * np.pi / count)
    circles = path[:, None] + radius * (
        np.cos(angles)[None, :, None] * across[:, None] + np.sin(angles)[None, :, None] * third[:, None]
    )
    return skin(circles, closed_columns=True)


def _flat(triangles: Floats) -> Floats:
    return np.concatenate([triangles, np.zeros((len(triangles), 3, 1))], axis=2)
