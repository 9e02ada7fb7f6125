"""How much light reaches each pixel of the model: ambient occlusion and soft shadows, made above the backends.

The surface is probed towards many directions. For each of them the backend measures the depth of the model as seen
from there, and a point that lies behind that depth is in shade (L. Williams, *Casting curved shadows on curved
surfaces*, 1978). Averaged over the whole sphere this is ambient occlusion, averaged over a softbox it is its shadow.

Each direction throws a shadow with a hard edge, and a few dozen of them would be seen as steps. So the pixels of a
small tile look at different places of a patch around their points, and the tile is averaged afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve1d, maximum_filter

from stlkit.rendering.backends import Backend
from stlkit.rendering.directions import disc_points
from stlkit.rendering.framing import light_camera
from stlkit.rendering.scene import Camera, FloatArray

Floats = npt.NDArray[np.float32]

_LEAST_MAP_PX, _MOST_MAP_PX = 256, 1024
_MOST_PIXELS = 2_500_000
"""Larger pictures are probed at a lower resolution; shade is soft, and nobody sees it."""
_BIAS = 2.0
"""Points are lifted off the surface by so many cells of a depth map, or the surface would shade itself."""
_DEPTH_BIAS = np.float32(1e-4)
"""And may lie so much deeper than the map says, for rounding."""
_GRAZING = 0.06
"""Light whose cosine with the normal is less is left out: depth maps tell nothing of it."""
_PATCH_RADIUS = np.float32(0.05)
_PATCH_LIFT = np.float32(0.25)
"""Places of a patch are lifted by this share of their distance from its middle: the surface may be hollow there."""
_TILE_PX = 4
_TILE_MEAN = np.array([1, 2, 2, 2, 1], dtype=np.float32) / 8
"""Averages a tile wherever it begins, and is symmetric: each place of a patch gets the same weight."""
_BATCH = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurfacePoints:
    """What a camera sees of the model, pixel by pixel.

    Parameters
    ----------
    seen : (h, w) bool
        Whether there is anything.
    points, normals : (3, m) float32
        Of each such pixel, row by row of the picture; normals are of unit length and look at the camera.
    probes : (3, m) float32
        Where light is measured for each such pixel: close to its point, somewhat off the surface.
    """

    seen: npt.NDArray[np.bool_]
    points: Floats
    normals: Floats
    probes: Floats


def find_surface(backend: Backend, camera: Camera) -> SurfacePoints:
    """Find the points of the model behind the pixels of a camera.

    Parameters
    ----------
    backend : Backend
        With the model loaded.
    camera : Camera

    Returns
    -------
    SurfacePoints
    """
    depth = backend.measure_depth(camera)
    positions = camera.unproject(depth)
    seen = depth < 1.0
    normals = np.cross(_slope(positions, depth, axis=0), _slope(positions, depth, axis=1))[seen]
    points = positions[seen]
    to_eye = camera.eye[:3].astype(np.float32) - np.float32(camera.eye[3]) * points
    away = np.einsum("ni,ni->n", normals, to_eye) < 0
    normals[away] *= -1
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-20))
    points, normals = np.ascontiguousarray(points.T), np.ascontiguousarray(normals.T)
    return SurfacePoints(seen=seen, points=points, normals=normals, probes=_probes(camera, depth, points, normals))


def _probes(camera: Camera, depth: Floats, points: Floats, normals: Floats) -> Floats:
    """Return where light is measured, (3, m): each pixel of a tile at another place of the patch around its point."""
    row, column = np.nonzero(depth < 1.0)
    places = disc_points(_TILE_PX * _TILE_PX).astype(np.float32) * _PATCH_RADIUS
    place = row % _TILE_PX * _TILE_PX + column % _TILE_PX
    u, v = places[place].T
    across, along = _tangents(normals)
    bias = np.float32(_BIAS * 2 / _map_px(depth.shape))
    lift = bias + _PATCH_LIFT * np.hypot(*places.T)[place]
    probes: Floats = points + across * u + along * v + normals * lift
    # What lies behind something, or inside of it, is no place of this surface.
    hidden = ~_in_view(camera, depth, probes)
    probes[:, hidden] = points[:, hidden] + normals[:, hidden] * bias
    return probes


def _tangents(normals: Floats) -> tuple[Floats, Floats]:
    """Return two unit vectors, (3, m) each, perpendicular to the normals and to each other.

    Source: T. Duff et al., *Building an orthonormal basis, revisited*, 2017.
    """
    x, y, z = normals
    sign = np.copysign(np.float32(1.0), z)
    a = -1 / (sign + z)
    b = x * y * a
    return np.stack([1 + sign * x * x * a, sign * b, -sign * x]), np.stack([b, sign + y * y * a, -y])


def _in_view(camera: Camera, depth: Floats, points: Floats) -> npt.NDArray[np.bool_]:
    """Tell which points, (3, m), lie no deeper than what a camera sees first."""
    x, y, z, w = (_combined(row, points) for row in camera.world_to_clip)
    column = ((x / w + 1) * (camera.width_px / 2)).astype(np.int32).clip(0, camera.width_px - 1)
    row = ((1 - y / w) * (camera.height_px / 2)).astype(np.int32).clip(0, camera.height_px - 1)
    in_view: npt.NDArray[np.bool_] = (z / w + 1) / 2 <= depth[row, column] + _DEPTH_BIAS
    return in_view


def _slope(positions: Floats, depth: Floats, *, axis: int) -> Floats:
    """Return the step to the neighbour, (h, w, 3), on the side where the depth changes less: the same face, likely."""
    ahead = np.diff(positions, axis=axis, append=np.take(positions, [-1], axis=axis))
    change = np.abs(np.diff(depth, axis=axis, append=np.float32(2.0)))
    behind, change_behind = np.roll(ahead, 1, axis=axis), np.roll(change, 1, axis=axis)
    step: Floats = np.where((change <= change_behind)[..., None], ahead, behind)
    return step


def light_reaching(backend: Backend, surface: SurfacePoints, directions: FloatArray) -> Floats:
    """Return the share of light from some directions that reaches each point, weighted by Lambert's law.

    Parameters
    ----------
    backend : Backend
        With the model loaded.
    surface : SurfacePoints
    directions : (k, 3) float64
        Unit vectors towards the light.

    Returns
    -------
    (h, w) float32
        0 to 1; 1 where the camera sees nothing.
    """
    map_px = _map_px(surface.seen.shape)
    probes = surface.probes
    got, possible = np.zeros((2, probes.shape[1]), dtype=np.float32)
    for direction in directions:
        camera = light_camera(direction, map_px)
        depths = backend.measure_depth(camera)
        for start in range(0, probes.shape[1], _BATCH):  # in pieces that stay in the processor's cache
            part = slice(start, start + _BATCH)
            cosine = _combined(direction, surface.normals[:, part])
            cosine *= cosine > _GRAZING
            possible[part] += cosine
            cosine *= _lit(camera, depths, probes[:, part])
            got[part] += cosine
    share = np.divide(got, possible, out=np.ones_like(got), where=possible > 0)
    return _spread(surface.seen, share)


def _map_px(shape: tuple[int, ...]) -> int:
    return int(np.clip(max(shape), _LEAST_MAP_PX, _MOST_MAP_PX))


def _lit(camera: Camera, depths: Floats, points: Floats) -> npt.NDArray[np.bool_]:
    """Tell which points, (3, m), lie no deeper than what a light sees first. All are inside of its picture."""
    width, height = camera.width_px, camera.height_px
    to_map = np.array([[0.5, 0, 0, 0.5], [0, -0.5, 0, 0.5], [0, 0, 0.5, 0.5]]) @ camera.world_to_clip
    column = (_combined(width * to_map[0], points)).astype(np.int32)
    row = (_combined(height * to_map[1], points)).astype(np.int32)
    lit: npt.NDArray[np.bool_] = _combined(to_map[2], points) <= depths.ravel()[row * width + column] + _DEPTH_BIAS
    return lit


def _combined(factors: FloatArray, points: Floats) -> Floats:
    """Return the sum of coordinates, (3, m), times factors, and of a fourth factor; faster than a matrix product."""
    first, second, third, *constant = factors.astype(np.float32)
    result: Floats = first * points[0]
    result += second * points[1]
    result += third * points[2]
    for value in constant:
        result += value
    return result


def _spread(seen: npt.NDArray[np.bool_], share: Floats) -> Floats:
    """Put the shares where their pixels are, average tiles, and carry them over the model's outline."""
    grid = np.zeros(seen.shape, dtype=np.float32)
    grid[seen] = share
    smooth = _tile_mean(grid) / np.maximum(_tile_mean(seen.astype(np.float32)), np.float32(1e-6))
    inside: Floats = np.where(seen, smooth, np.float32(0.0))
    around = maximum_filter(inside, size=3)
    result: Floats = np.where(seen, inside, np.where(around > 0, around, np.float32(1.0)))
    return result


def _tile_mean(grid: Floats) -> Floats:
    mean: Floats = convolve1d(convolve1d(grid, _TILE_MEAN, axis=0, mode="constant"), _TILE_MEAN, mode="constant")
    return mean


def probing_camera(camera: Camera) -> Camera:
    """Return the same view with no more pixels than are worth probing."""
    reduction = np.sqrt(camera.width_px * camera.height_px / _MOST_PIXELS)
    if reduction <= 1:
        return camera
    return camera.resized(max(1, round(camera.width_px / reduction)), max(1, round(camera.height_px / reduction)))
