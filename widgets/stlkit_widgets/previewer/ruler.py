"""Picking points of a model, and what lies between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from stlkit.rendering.scene import FloatArray
from stlkit_widgets.previewer import ink
from stlkit_widgets.previewer.loading import Picture
from stlkit_widgets.previewer.measures import Measure, snapped
from stlkit_widgets.previewer.overlays import cross
from stlkit_widgets.previewer.scene import Scene


class Ruler:
    """The measures of one model, drawn on it.

    Parameters
    ----------
    scene : Scene
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._pending: FloatArray | None = None
        self.unit_per_px = 0.0
        self.measures: tuple[Measure, ...] = ()

    def pick(self, hit: dict[str, Any], picture: Picture) -> None:
        """Take a point; every second one completes a measure.

        Parameters
        ----------
        hit : dict
            What pythreejs's picker says about it.
        picture : Picture
            That was hit.
        """
        point = np.array(hit["point"], dtype=np.float64)
        if not picture.is_reduced:
            a, b, c = (int(vertex) for vertex in hit["face"])
            point = snapped(point, (a, b, c), picture.geometry, self.unit_per_px)
        if self._pending is None:
            self._pending = point
        else:
            first, second = picture.in_mm(self._pending), picture.in_mm(point)
            measure = Measure(first_mm=first, second_mm=second, is_approximate=picture.is_reduced)
            self.measures, self._pending = (*self.measures, measure), None
        self.draw(picture)

    def forget(self, picture: Picture | None, number: int | None = None) -> None:
        """Forget one measure, or all of them."""
        self._pending = None
        self.measures = () if number is None else self.measures[:number] + self.measures[number + 1 :]
        if picture is not None:
            self.draw(picture)

    def draw(self, picture: Picture) -> None:
        """Draw the measures over a model."""
        self._scene.lift("measure")
        lines = [picture.in_model_space(np.stack([m.first_mm, m.second_mm])) for m in self.measures]
        if lines:
            self._scene.lay("measure:lines", ink.MEASURE, segments=np.stack(lines))
        ends = [end for line in lines for end in line] + ([] if self._pending is None else [self._pending])
        if ends:
            crosses = np.concatenate([cross(end, 0.0) for end in ends])
            self._scene.lay("measure:ends", ink.MEASURE, segments=crosses)
