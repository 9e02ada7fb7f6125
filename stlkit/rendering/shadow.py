"""The soft shadow on the ground, made above the backends: points of the surface, thrown onto the floor by the sky.

The floor touches the model's lowest point. For each of many directions of the sky the floor's cells that the model
hides are marked, and the marks are averaged, which is what a uniform sky does. The shadow lies in the model's own
coordinates and turns with it: a turntable needs it once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter

from stlkit.rendering.compositing import Pixels
from stlkit.rendering.directions import sky_directions
from stlkit.rendering.scene import Camera, Geometry, Region, turn_matrix

_CELLS = 144
_HALF_SIZE = 1.9
"""The floor that is looked at reaches this far from the centre; the model reaches at most 1."""
_DIRECTIONS = 144
_WIDEST_RAD = float(np.radians(44.0))
_POINTS = 10_000
_SOFTEN_CELLS = 1.5
_UNSEEN = 0.10
"""Shares of the sky that nobody misses; without them the shadow would have no end."""
_DEPTH_GAMMA = 1.4
_WARPED_PX = 400
"""A shadow has no detail: it is put into perspective at this size and then enlarged."""


class GroundShadow:
    """What the model hides of the sky, for every place of the floor.

    Parameters
    ----------
    geometry : Geometry
    """

    def __init__(self, geometry: Geometry) -> None:
        self._floor_z = float(geometry.bounds[0, 2])
        hidden = _hidden_sky(_surface_points(geometry, _POINTS), self._floor_z)
        self._map = Image.fromarray((hidden * 255).round().astype(np.uint8))

    def seen_by(self, camera: Camera, turn_rad: float = 0.0) -> tuple[Pixels, Region]:
        """Return how much of the sky is hidden at each pixel of a camera's floor.

        Parameters
        ----------
        camera : Camera
        turn_rad : float
            How far the model is turned.

        Returns
        -------
        hidden : (h, w) uint8
            0 to 255.
        region : tuple of int
            The part of the picture that it is for; elsewhere it is nothing.
        """
        if camera.is_below(self._floor_z):
            return np.zeros((1, 1), dtype=np.uint8), (0, 0, 1, 1)
        reduction = max(1, max(camera.width_px, camera.height_px) // _WARPED_PX)
        width, height = -(-camera.width_px // reduction), -(-camera.height_px // reduction)
        to_cells = self._pixels_to_cells(camera, turn_rad) @ np.diag([reduction, reduction, 1.0])
        coefficients = (to_cells / to_cells[2, 2]).ravel()[:8].tolist()
        warped = self._map.transform(
            (width, height), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR
        )
        left, top, right, bottom = warped.getbbox() or (0, 0, 1, 1)
        region = (
            left * reduction,
            top * reduction,
            min(right * reduction, camera.width_px),
            min(bottom * reduction, camera.height_px),
        )
        size = region[2] - region[0], region[3] - region[1]
        box = (left, top, left + size[0] / reduction, top + size[1] / reduction)
        return np.asarray(warped.resize(size, Image.Resampling.BILINEAR, box=box)), region

    def _pixels_to_cells(self, camera: Camera, turn_rad: float) -> npt.NDArray[np.float64]:
        """Return the homography, (3, 3), from pixels of the picture to cells of the map."""
        on_floor = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, self._floor_z], [0.0, 0.0, 1.0]])
        to_clip = (camera.world_to_clip @ on_floor)[[0, 1, 3]]
        half_width, half_height = camera.width_px / 2, camera.height_px / 2
        to_pixels = np.array([[half_width, 0, half_width], [0, -half_height, half_height], [0, 0, 1.0]])
        back = turn_matrix(-turn_rad)
        half = _CELLS / 2
        to_cells = np.array([[half / _HALF_SIZE, 0, half], [0, half / _HALF_SIZE, half], [0, 0, 1.0]])
        result: npt.NDArray[np.float64] = to_cells @ back @ np.linalg.inv(to_pixels @ to_clip)
        return result


def _surface_points(geometry: Geometry, count: int) -> npt.NDArray[np.float32]:
    """Return points spread over the surface by area, (count, 3), the same ones every time."""
    corners = geometry.positions[geometry.faces]
    sides = corners[:, 1:] - corners[:, :1]
    areas = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    reached = np.cumsum(areas, dtype=np.float64)
    where = (np.arange(count) + 0.5) / count * reached[-1]
    face = np.searchsorted(reached, where).clip(max=len(areas) - 1)
    u, v = np.random.default_rng(0).random((2, count, 1), dtype=np.float32)
    folded = u + v > 1
    u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
    points: npt.NDArray[np.float32] = corners[face, 0] + u * sides[face, 0] + v * sides[face, 1]
    return points


def _hidden_sky(points: npt.NDArray[np.float32], floor_z: float) -> npt.NDArray[np.float64]:
    directions = sky_directions(_DIRECTIONS, widest_rad=_WIDEST_RAD).astype(np.float32)
    slopes = directions[:, :2] / directions[:, 2:]
    heights = points[:, 2] - np.float32(floor_z)
    cells_per_unit = np.float32(_CELLS / (2 * _HALF_SIZE))
    hidden = np.zeros(_CELLS * _CELLS)
    for batch in np.array_split(slopes, _DIRECTIONS // 12):
        # (directions, points): where the shadow of each point falls; what falls outside is marked at the rim
        column, row = (
            ((points[:, axis] - batch[:, axis, None] * heights + np.float32(_HALF_SIZE)) * cells_per_unit)
            .astype(np.int32)
            .clip(0, _CELLS - 1)
            for axis in (0, 1)
        )
        marked = np.zeros((len(batch), _CELLS * _CELLS), dtype=bool)
        marked[np.arange(len(batch))[:, None], row * _CELLS + column] = True
        hidden += marked.sum(axis=0)
    soft = gaussian_filter(hidden.reshape(_CELLS, _CELLS) / _DIRECTIONS, _SOFTEN_CELLS)
    deep = ((soft - _UNSEEN) / (1 - _UNSEEN)).clip(0.0, 1.0) ** _DEPTH_GAMMA
    faded: npt.NDArray[np.float64] = deep * _fade_out()
    return faded


def _fade_out() -> npt.NDArray[np.float64]:
    """Return a window that lets the shadow end before the floor does."""
    offset = (np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1
    distance = np.hypot(offset[:, None], offset[None, :])
    t = ((1 - distance) / 0.35).clip(0.0, 1.0)
    window: npt.NDArray[np.float64] = t * t * (3 - 2 * t)
    return window
