"""The smallest box around points when the box may be turned, in bounded time.

The exact algorithm (O'Rourke, 1985) takes the cube of the number of hull vertices. Here boxes with one side flush
with a large face of the hull are tried and the best are turned about each of their axes in turn until they shrink
no more, each turn being solved exactly in the plane by rotating calipers (Toussaint, 1983); compare Chang, Gorissen
and Melchior, *Fast oriented bounding box optimization on the rotation group SO(3, R)*, 2011. The result always holds
every point and is never larger than the box along the axes; it need not be the very smallest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from stlkit.mesh.plain import MM_PER_INCH, right_handed, vector, vectors
from stlkit.model.reports import MinimalBox

Points = npt.NDArray[np.float64]
Axes = npt.NDArray[np.float64]

_MOST_POINTS = 2000
_DIRECTIONS = 600
_CANDIDATES = 200
_REFINED = 5
_ROUNDS = 10
_WORTH_TURNING = 1e-4
_FLAT = 1e-6
"""Relative to the longest spread: what is thinner is taken as a plane or a line."""


def minimal_box(points: Points) -> MinimalBox:
    """Find a small box around points.

    Parameters
    ----------
    points : (n, 3) float64
        At least one, in millimetres.

    Returns
    -------
    MinimalBox
        Along the coordinate axes unless turning it saves more than a ten-thousandth of the volume.
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = float(np.ptp(points, axis=0).max()) or 1.0
    unit = (points - middle) / scale
    axes = _best_axes(unit)
    if not _smaller(unit, axes):
        axes = np.eye(3)
    lengths = np.ptp(unit @ axes.T, axis=0)
    axes = right_handed(axes[np.argsort(-lengths, kind="stable")])
    laid = unit @ axes.T
    low, high = laid.min(axis=0), laid.max(axis=0)
    size = (high - low) * scale
    return MinimalBox(
        size_mm=vector(size),
        size_inch=vector(size / MM_PER_INCH),
        volume_mm3=float(size.prod()),
        center_mm=vector(middle + (low + high) / 2 @ axes * scale),
        axes=vectors(axes),
    )


def _smaller(points: Points, axes: Axes) -> bool:
    """Tell whether a box is worth turning; flat ones are compared by their two longer sides."""
    turned, straight = (np.sort(np.ptp(points @ frame.T, axis=0)) for frame in (axes, np.eye(3)))
    if straight[0] <= _FLAT * straight[2] and turned[0] <= _FLAT * turned[2]:
        turned, straight = turned[1:], straight[1:]
    return bool(turned.prod() < (1 - _WORTH_TURNING) * straight.prod())


def _best_axes(points: Points) -> Axes:
    spread = points - points.mean(axis=0)
    principal = np.linalg.eigh(spread.T @ spread).eigenvectors.T[::-1]
    reach = np.ptp(points @ principal.T, axis=0)
    if reach[2] <= _FLAT * reach[0]:
        return principal if reach[1] <= _FLAT * reach[0] else _turned(points, principal, about=2)
    chosen = _outermost(points, principal / np.maximum(reach, _FLAT)[:, None])
    axes = _search(chosen, principal)
    # Points that a reduced set left out may stick out of its best box: they join, until none does by much.
    for _ in range(_ROUNDS if len(chosen) < len(points) else 0):
        laid = points @ axes.T
        outer = np.concatenate([points[laid.argmax(axis=0)], points[laid.argmin(axis=0)]])
        beyond = np.ptp(outer @ axes.T, axis=0) - np.ptp(chosen @ axes.T, axis=0)
        if beyond.max() <= _WORTH_TURNING:
            break
        chosen = np.concatenate([chosen, outer])
        axes = _refined(chosen, axes)
    return axes


def _outermost(points: Points, whitening: npt.NDArray[np.float64]) -> Points:
    """Keep the points that lie furthest in many directions, evened out so that thin models keep both sides."""
    if len(points) <= _MOST_POINTS:
        return points
    whole = (points @ whitening.T).astype(np.float32)
    directions = _directions(_DIRECTIONS)
    kept: set[int] = set()
    for start in range(0, _DIRECTIONS, 8):  # few at a time: the product has a column for each
        heights = directions[start : start + 8] @ whole.T
        kept.update(heights.argmax(axis=1).tolist(), heights.argmin(axis=1).tolist())
    return points[sorted(kept)]


def _directions(count: int) -> npt.NDArray[np.float32]:
    """Spread directions evenly over half a sphere, along a Fibonacci spiral, (count, 3)."""
    steps = np.arange(count) + 0.5
    height = steps / count
    turn = np.pi * (1 + np.sqrt(5)) * steps
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1).astype(np.float32)


def _search(points: Points, principal: Axes) -> Axes:
    try:
        hull = ConvexHull(points)
    except QhullError:  # too flat for a hull, if not for the test above
        return _refined(points, principal)
    corners = points[hull.vertices]
    boxes = [np.eye(3), principal]
    for normal in _large_faces(points, hull):
        frame = np.stack([*_across(normal), normal])
        boxes.append(_turned(corners, frame, about=2))
    boxes.sort(key=lambda axes: _volume(corners, axes))
    return min((_refined(corners, axes) for axes in boxes[:_REFINED]), key=lambda axes: _volume(corners, axes))


def _large_faces(points: Points, hull: ConvexHull) -> npt.NDArray[np.float64]:
    """Return the normals of the largest faces of a hull; triangles of one plane and opposite planes count as one."""
    corners = points[hull.simplices]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    normals = hull.equations[:, :3]
    normals = normals * np.where(normals[np.arange(len(normals)), np.abs(normals).argmax(axis=1)] < 0, -1, 1)[:, None]
    _, first, plane = np.unique(np.round(normals, 6), axis=0, return_index=True, return_inverse=True)
    totals = np.bincount(plane.ravel(), weights=areas)
    chosen: npt.NDArray[np.float64] = normals[first[np.argsort(-totals, kind="stable")[:_CANDIDATES]]]
    return chosen


def _refined(points: Points, axes: Axes) -> Axes:
    volume = _volume(points, axes)
    for _ in range(_ROUNDS):
        before = volume
        for about in range(3):
            turned = _turned(points, axes, about=about)
            if _volume(points, turned) < volume:
                axes, volume = turned, _volume(points, turned)
        if volume >= before * (1 - _WORTH_TURNING / 10):
            break
    return axes


def _turned(points: Points, axes: Axes, *, about: int) -> Axes:
    """Turn a box about one of its axes to where its cross-section is smallest."""
    first, second = (about + 1) % 3, (about + 2) % 3
    flat = points @ axes[[first, second]].T
    try:
        outline = flat[ConvexHull(flat).vertices]
    except QhullError:
        return axes
    edges = np.roll(outline, -1, axis=0) - outline
    edges /= np.linalg.norm(edges, axis=1, keepdims=True)
    across = np.stack([-edges[:, 1], edges[:, 0]], axis=1)
    areas = np.ptp(outline @ edges.T, axis=0) * np.ptp(outline @ across.T, axis=0)
    best = int(areas.argmin())
    turned = axes.copy()
    turned[first] = edges[best] @ axes[[first, second]]
    turned[second] = across[best] @ axes[[first, second]]
    return turned


def _volume(points: Points, axes: Axes) -> float:
    return float(np.ptp(points @ axes.T, axis=0).prod())


def _across(normal: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return two unit vectors that make a right-handed system with a normal."""
    first = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    first /= np.linalg.norm(first)
    return first, np.cross(normal, first)
