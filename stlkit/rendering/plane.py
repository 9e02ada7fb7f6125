"""Points, boxes and polygons in the plane of a picture, in pixels, y downwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stlkit.rendering.scene import FloatArray

Point = tuple[float, float]
Segment = tuple[Point, Point]


def as_point(values: FloatArray) -> Point:
    """Return two numbers of an array as a point."""
    return float(values[0]), float(values[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, margin: float) -> Box:
        """Return the rectangle with a margin on all sides."""
        return Box(
            left=self.left - margin, top=self.top - margin, right=self.right + margin, bottom=self.bottom + margin
        )

    def touches(self, other: Box) -> bool:
        """Whether two rectangles have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    @property
    def corners(self) -> FloatArray:
        """Its corners, (4, 2)."""
        return np.array(
            [[self.left, self.top], [self.right, self.top], [self.right, self.bottom], [self.left, self.bottom]]
        )

    def moved(self, by: FloatArray) -> Box:
        """Return the rectangle somewhere else."""
        x, y = float(by[0]), float(by[1])
        return Box(left=self.left + x, top=self.top + y, right=self.right + x, bottom=self.bottom + y)


def apart(one: FloatArray, two: FloatArray) -> bool:
    """Tell whether two convex polygons have nothing but border in common (separating axis theorem).

    Parameters
    ----------
    one, two : (n, 2) float
        Corners in order; two make a line, and corners may coincide.
    """
    for polygon in (one, two):
        sides = np.roll(polygon, -1, axis=0) - polygon
        normals = np.stack([-sides[:, 1], sides[:, 0]])
        first, second = one @ normals, two @ normals
        between = (first.max(axis=0) <= second.min(axis=0)) | (second.max(axis=0) <= first.min(axis=0))
        if (between & normals.any(axis=0)).any():
            return True
    return False
