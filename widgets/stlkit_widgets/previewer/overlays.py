"""What is laid over a model, in model space: the bounding box, axes, crosses, and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from stlkit.rendering.lengths import format_inch, format_mm
from stlkit.rendering.scene import FloatArray
from stlkit_widgets.previewer.loading import Picture
from stlkit_widgets.previewer.measures import Measure

_AXIS_COLORS = {"x": "#d92d20", "y": "#2e7d32", "z": "#1565c0"}
_AXIS_LENGTH = 0.3
_SMALLEST_CROSS = 0.012


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """One axis: a line from the model's lowest corner."""

    color: str
    segments: FloatArray


def corners(picture: Picture) -> FloatArray:
    """Return the corners of the bounding box, (2, 2, 2, 3): low and high along x, y and z."""
    low, high = picture.in_model_space(picture.bounds_mm)
    grid = np.array(list(product(*zip(low, high, strict=True))))
    return grid.reshape(2, 2, 2, 3)


def box(picture: Picture) -> FloatArray:
    """Return the twelve edges of the bounding box, (12, 2, 3)."""
    grid = corners(picture)
    return np.concatenate([_along(grid, axis) for axis in range(3)])


def _along(grid: FloatArray, axis: int) -> FloatArray:
    """Return the four edges of a box along an axis, (4, 2, 3)."""
    return np.moveaxis(grid, axis, 2).reshape(4, 2, 3)


def axes(picture: Picture) -> dict[str, Axis]:
    """Return the three axes, from the lowest corner of the box."""
    low = corners(picture)[0, 0, 0]
    return {
        name: Axis(color=color, segments=np.stack([low, low + _AXIS_LENGTH * np.eye(3)[number]])[None])
        for number, (name, color) in enumerate(_AXIS_COLORS.items())
    }


def cross(center: FloatArray, radius: float) -> FloatArray:
    """Return three short lines that cross at a place, (3, 2, 3)."""
    arms = np.eye(3) * max(radius * 0.15, _SMALLEST_CROSS)
    return np.stack([center - arms, center + arms], axis=1)


def size_labels(picture: Picture) -> list[dict[str, object]]:
    """Return the dimensions as labels; the page writes each at the outermost of its four edges, unless it is end-on."""
    grid = corners(picture)
    lengths = np.diff(picture.bounds_mm, axis=0)[0].tolist()
    return [
        {
            "kind": "size",
            "lines": [format_mm(length), format_inch(length)],
            "points": _along(grid, axis).mean(axis=1).tolist(),
            "span": _along(grid, axis)[0].tolist(),
        }
        for axis, length in enumerate(lengths)
    ]


def axis_labels(picture: Picture) -> list[dict[str, object]]:
    """Return the names of the axes, each at its end."""
    return [
        {
            "kind": name,
            "lines": [name.upper()],
            "points": [axis.segments[0, 1].tolist()],
            "span": axis.segments[0].tolist(),
        }
        for name, axis in axes(picture).items()
    ]


def measure_label(measure: Measure, picture: Picture) -> dict[str, object]:
    """Return the length of a measure, in the middle of its line."""
    words = measure.plain()
    middle = picture.in_model_space((measure.first_mm + measure.second_mm) / 2)
    return {"kind": "measure", "lines": [words["mm"], words["inch"]], "points": [middle.tolist()]}
