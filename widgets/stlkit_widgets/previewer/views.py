"""Where the camera goes: standard views, framed as the pictures are, and close-ups of places."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from stlkit.rendering.framing import THREE_QUARTER_RAD, VIEW_TANGENT, frame, view_axes
from stlkit.rendering.scene import FloatArray, Geometry
from stlkit_widgets.previewer.marks import Place
from stlkit_widgets.previewer.sight import best_direction

STANDARD_RAD = MappingProxyType(
    {
        "three-quarter": THREE_QUARTER_RAD,
        "front": (0.0, 0.0),
        "right": (np.pi / 2, 0.0),
        "back": (np.pi, 0.0),
        "left": (-np.pi / 2, 0.0),
        "top": (0.0, np.pi / 2),
        "bottom": (0.0, -np.pi / 2),
    }
)
"""Azimuth and elevation by name; see `stlkit.rendering.framing.view_axes`."""

_STEEPEST_RAD = float(np.radians(89.9))
"""Straight above, the controls of the page would not know any more which way is up."""
_HALF_HEIGHTS = (0.07, 0.8)
"""A close-up shows at least and at most so much; a model is 2 across."""
_CLOSE_UP_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aim:
    """Where the camera stands and what it looks at, in model space.

    Parameters
    ----------
    position, target : (3,) float64
    half_height : float
        Half of what is seen at the target from bottom to top: what an orthographic camera needs.
    """

    position: FloatArray
    target: FloatArray
    half_height: float

    def plain(self) -> dict[str, object]:
        """Return it as the page takes it."""
        return {
            "position": self.position.tolist(),
            "target": self.target.tolist(),
            "half_height": self.half_height,
        }


def tangent(width_px: int, height_px: int) -> float:
    """Return the tangent of half the angle of view from bottom to top."""
    return VIEW_TANGENT * height_px / max(width_px, height_px)


def whole_model(positions: npt.NDArray[np.floating], size_px: tuple[int, int], view_rad: tuple[float, float]) -> Aim:
    """Look at a model from a side, framed as in a picture of this shape."""
    azimuth, elevation = view_rad
    steep = float(np.clip(elevation, -_STEEPEST_RAD, _STEEPEST_RAD))
    camera = frame(positions, *size_px, view_rad=(azimuth, steep))
    eye, backward = camera.eye[:3], camera.axes[2]
    # the target is as deep in the picture as the model's centre, which is the origin
    distance = float(eye @ backward)
    return Aim(position=eye, target=eye - distance * backward, half_height=distance * tangent(*size_px))


def close_up(place: Place, center: FloatArray, radius: float, geometry: Geometry, size_px: tuple[int, int]) -> Aim:
    """Look at a place from close by, from where nothing is in the way.

    Parameters
    ----------
    place : Place
    center : (3,) float64
        Of the place, in model space.
    radius : float
        Of the place, in model space.
    geometry : Geometry
    size_px : tuple of int
        Of the drawing area.
    """
    usual = view_axes(*THREE_QUARTER_RAD)[2]
    direction = best_direction(center, place.normal if place.normal.any() else usual, usual, geometry)
    half_height = float(np.clip(radius / _CLOSE_UP_SHARE, *_HALF_HEIGHTS))
    distance = half_height / tangent(*size_px)
    return Aim(position=center + distance * direction, target=center, half_height=half_height)


def angles_of(backward: FloatArray) -> tuple[float, float]:
    """Return azimuth and elevation, in degrees, of the direction from a model to a camera, (3,)."""
    x, y, z = (backward / np.linalg.norm(backward)).tolist()
    return float(np.degrees(np.arctan2(x, -y))), float(np.degrees(np.arcsin(np.clip(z, -1, 1))))
