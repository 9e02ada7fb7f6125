"""From where a place of a model can be seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stlkit.rendering.scene import FloatArray, Geometry

_SLANTS = (0.6, 0.0, 1.5)
"""Head-on, a hole in a plain wall would have no depth: somewhat from the side is better, where that can be."""
_AROUND_RAD = np.radians([0, 60, -60, 120, -120, 180])
_STEEPEST = 0.9999
_TOUCHING = 0.02
"""What is nearer to the place than this belongs to it."""


def best_direction(center: FloatArray, outward: FloatArray, usual: FloatArray, geometry: Geometry) -> FloatArray:
    """Return the direction, (3,), from which a place is seen with the least in the way.

    Parameters
    ----------
    center : (3,) float
        Of the place, in model space.
    outward : (3,) float
        Unit vector away from the surface there.
    usual : (3,) float
        Unit vector to the camera's usual place; where there is a choice, the view comes from near there.
    geometry : Geometry
        What may be in the way.
    """
    farthest, best = -1.0, outward
    for direction in _candidates(outward, usual):
        free = free_distance(center, direction, geometry)
        if free > farthest:
            farthest, best = free, direction
        if np.isinf(free):
            break
    return best


def free_distance(start: FloatArray, direction: FloatArray, geometry: Geometry) -> float:
    """Return how far a ray goes until it meets a model; infinity where it leaves it.

    Source: T. Möller and B. Trumbore, *Fast, minimum storage ray-triangle intersection*, 1997.

    Parameters
    ----------
    start : (3,) float
    direction : (3,) float
        Unit length.
    geometry : Geometry
    """
    first, second, third = (geometry.positions[geometry.faces[:, corner]] for corner in range(3))
    ray, origin = direction.astype(np.float32), start.astype(np.float32)
    one, two, away = second - first, third - first, origin - first
    across = np.cross(ray, two)
    with np.errstate(divide="ignore", invalid="ignore"):  # faces along the ray are not met
        scale = 1 / np.einsum("ij,ij->i", one, across)
        u = np.einsum("ij,ij->i", away, across) * scale
        over = np.cross(away, one)
        v = over @ ray * scale
        distance = np.einsum("ij,ij->i", two, over) * scale
        met = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > _TOUCHING)
    return float(distance[met].min(initial=np.inf))


def _candidates(outward: FloatArray, usual: FloatArray) -> Iterator[FloatArray]:
    side = usual - (usual @ outward) * outward
    if np.linalg.norm(side) < 1e-6:
        side = np.cross(outward, np.eye(3)[int(np.abs(outward).argmin())])
    side /= np.linalg.norm(side)
    other = np.cross(outward, side)
    for slant in _SLANTS:
        for angle in _AROUND_RAD if slant else (0.0,):
            direction = outward + slant * (np.cos(angle) * side + np.sin(angle) * other)
            direction /= np.linalg.norm(direction)
            if abs(direction[2]) > _STEEPEST:  # straight from above, the page would not know which way is up
                direction = direction + np.array([0.0, -0.02, 0.0])
                direction /= np.linalg.norm(direction)
            yield direction
