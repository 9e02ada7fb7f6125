"""Centre of mass and principal axes of a solid or of its surface."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stlkit.mesh.examination import Examination
from stlkit.mesh.plain import right_handed, vector, vectors
from stlkit.model.reports import MassBasis, MassProperties

_NO_VOLUME = 1e-12
"""Relative to the size of the model; below it rounding is all there is."""


def mass_properties(examination: Examination) -> MassProperties | None:
    """Compute centre and principal axes.

    Of the solid where the mesh is closed and consistently wound, else of the surface as a sheet of even
    thickness. Everything is computed about the middle of the model and in units of its size, so that neither
    its place nor its scale costs precision.

    Parameters
    ----------
    examination : Examination

    Returns
    -------
    MassProperties or None
        None where every face is without area. Sources: Eberly, *Polyhedral mass properties (revisited)*, 2009,
        for the solid; the same integrals over triangles for the surface.
    """
    low, high = examination.bounds_mm
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    if size == 0:
        return None
    corners = (examination.mesh.triangles - middle) / size
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    if examination.volume_mm3 is not None:
        # Six times the volume of the tetrahedron between each face and the middle.
        weights = np.einsum("ij,ij->i", a, np.cross(b, c))
        volume = float(weights.sum())
        if abs(volume) > _NO_VOLUME:
            center, axes, moments = _principal(corners, weights * np.sign(volume), dimensions=3)
            return MassProperties(
                basis=MassBasis.VOLUME,
                center_mm=vector(middle + center * size),
                principal_axes=vectors(axes),
                principal_moments_mm5=vector(moments * size**5),
            )
    weights = np.linalg.norm(np.cross(b - a, c - a), axis=1)  # twice the area of each face
    if not weights.any():
        return None
    center, axes, moments = _principal(corners, weights, dimensions=2)
    return MassProperties(
        basis=MassBasis.SURFACE,
        center_mm=vector(middle + center * size),
        principal_axes=vectors(axes),
        principal_moments_mm4=vector(moments * size**4),
    )


def _principal(
    corners: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], *, dimensions: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Integrate over simplices: triangles, or tetrahedra whose fourth corner is the origin.

    Parameters
    ----------
    corners : (n, 3, 3) float64
    weights : (n,) float64
        Measure of each simplex times the factorial of its dimension.
    dimensions : int
        2 for triangles, 3 for tetrahedra.

    Returns
    -------
    center : (3,) float64
    axes : (3, 3) float64
        Rows.
    moments : (3,) float64
        Of inertia at density 1, ascending.
    """
    sums = corners.sum(axis=1)
    total = weights.sum() / math.factorial(dimensions)
    center = weights @ sums / math.factorial(dimensions + 1) / total
    points = np.concatenate([corners[:, 0], corners[:, 1], corners[:, 2], sums])
    second = (points * np.tile(weights, 4)[:, None]).T @ points / math.factorial(dimensions + 2)
    spread = second - total * np.outer(center, center)
    moments, columns = np.linalg.eigh(np.trace(spread) * np.eye(3) - spread)
    return center, right_handed(columns.T), np.maximum(moments, 0.0)
