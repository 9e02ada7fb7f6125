"""Arrays as the plain tuples that reports are made of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.model.reports import Spread, Vector

MM_PER_INCH = 25.4


def vector(values: npt.NDArray[np.floating]) -> Vector:
    """Return three numbers as a tuple."""
    x, y, z = values.tolist()
    return x, y, z


def vectors(rows: npt.NDArray[np.floating]) -> tuple[Vector, Vector, Vector]:
    """Return a 3 by 3 matrix as a tuple of its rows."""
    first, second, third = rows
    return vector(first), vector(second), vector(third)


def bounds(low: npt.NDArray[np.floating], high: npt.NDArray[np.floating]) -> tuple[Vector, Vector]:
    """Return two corners as a tuple."""
    return vector(low), vector(high)


def spread(values: npt.NDArray[np.floating]) -> Spread | None:
    """Return how values are distributed; None where there are none."""
    if not len(values):
        return None
    return Spread(
        min=float(values.min()), mean=float(values.mean()), median=float(np.median(values)), max=float(values.max())
    )


def right_handed(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give three perpendicular unit vectors the signs that make them the same on every run.

    Parameters
    ----------
    axes : (3, 3) float64
        Rows; each may point either way.

    Returns
    -------
    (3, 3) float64
        The largest component of the first two is positive, the third makes the system right-handed.
    """
    first, second = (axis * np.copysign(1.0, axis[np.abs(axis).argmax()]) for axis in axes[:2])
    return np.stack([first, second, np.cross(first, second)])
