"""Distances between two points that a person has picked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stlkit.rendering.lengths import format_inch, format_mm
from stlkit.rendering.scene import FloatArray, Geometry

SNAP_PX = 10.0
"""A pick that is nearer to a corner than this is meant for the corner."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measure:
    """A distance.

    Parameters
    ----------
    first_mm, second_mm : (3,) float64
    is_approximate : bool
        The points are of a model that was reduced for the screen.
    """

    first_mm: FloatArray
    second_mm: FloatArray
    is_approximate: bool = False

    @property
    def length_mm(self) -> float:
        """How far the points are apart."""
        return float(np.linalg.norm(self.second_mm - self.first_mm))

    def plain(self) -> dict[str, object]:
        """Return it as the page takes it: the distance in both units, and its share along x, y and z."""
        about = "≈ " if self.is_approximate else ""
        along = ", ".join(
            f"{axis} {format_mm(abs(float(length)))}"
            for axis, length in zip("xyz", self.second_mm - self.first_mm, strict=True)
        )
        return {
            "mm": about + format_mm(self.length_mm),
            "inch": about + format_inch(self.length_mm),
            "along": along,
        }


def snapped(point: FloatArray, face: tuple[int, int, int], geometry: Geometry, unit_per_px: float) -> FloatArray:
    """Return the corner of a face that a pick is meant for, or the pick itself where none is near.

    Parameters
    ----------
    point : (3,) float64
        In model space.
    face : tuple of int
        Vertices of the face that was hit.
    geometry : Geometry
    unit_per_px : float
        How much of model space a pixel covers there.
    """
    if max(face) >= len(geometry.positions):
        return point
    corners = geometry.positions[list(face)].astype(np.float64)
    distances = np.linalg.norm(corners - point, axis=1)
    nearest = int(distances.argmin())
    return corners[nearest] if distances[nearest] <= SNAP_PX * unit_per_px else point
