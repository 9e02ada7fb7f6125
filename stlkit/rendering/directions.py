"""Directions spread evenly, always the same ones: pictures do not change from run to run."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.rendering.scene import FloatArray, Light
from stlkit.rendering.shading import softbox_axes

GOLDEN_RAD = np.pi * (3 - np.sqrt(5))


def sphere_directions(count: int) -> FloatArray:
    """Return unit vectors in all directions, (count, 3), on a Fibonacci lattice.

    Source: Á. González, *Measurement of areas on a sphere using Fibonacci and latitude-longitude lattices*, 2010.
    """
    index = np.arange(count) + 0.5
    height = 1 - 2 * index / count
    return _around(height, index)


def sky_directions(count: int, *, widest_rad: float) -> FloatArray:
    """Return unit vectors up to an angle from straight up, (count, 3), denser the more light a level ground gets.

    Light on the ground goes with the cosine of the angle, so the directions are even over the disc below the sky.
    """
    index = np.arange(count) + 0.5
    sine = np.sin(widest_rad) * np.sqrt(index / count)
    return _around(np.sqrt(1 - sine * sine), index)


def softbox_directions(light: Light, count: int) -> FloatArray:
    """Return unit vectors to points spread over a softbox, (count, 3), on a rank-1 lattice."""
    index = np.arange(count) + 0.5
    across, along = softbox_axes(np.array(light.direction))
    u = 2 * (index / count) - 1
    v = 2 * (index * (np.sqrt(5) - 1) / 2 % 1) - 1
    points = np.array(light.direction) + np.outer(u * light.half_width, across) + np.outer(v * light.half_height, along)
    unit: FloatArray = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit


def disc_points(count: int) -> FloatArray:
    """Return points spread evenly over the unit disc, (count, 2), on Vogel's spiral."""
    index = np.arange(count) + 0.5
    radius, angle = np.sqrt(index / count), GOLDEN_RAD * index
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _around(height: FloatArray, index: npt.NDArray[np.floating]) -> FloatArray:
    radius, angle = np.sqrt(1 - height * height), GOLDEN_RAD * index
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
