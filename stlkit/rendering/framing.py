"""Where the camera stands: fitted to the vertices themselves, so that every model fills the same share of a picture.

Unless somebody chooses another, the view is three-quarter: from the front (-y), somewhat to the right and above, z
up. For a given direction the nearest position from which everything stays inside the margins has a closed form,
because each of the four sides of the view is one linear constraint a vertex. Nothing is iterated, and nothing depends
on the model's size or shape.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.model.options import RenderOptions
from stlkit.rendering.scene import Camera, FloatArray, Region

THREE_QUARTER_RAD = (float(np.radians(32.0)), float(np.radians(24.0)))
"""Azimuth and elevation of the usual view."""
FILL = 0.80
"""Share of the picture's width or height, whichever is the tighter, that the model takes up."""
RAISED = 0.05
"""The model stands higher than the middle of the picture by this share of half its height: its shadow needs room."""
VIEW_TANGENT = 0.20
"""Tangent of half the angle of view along the longer side of the picture: a short telephoto lens, little distortion."""
ISOMETRIC_RAD = (float(np.radians(45.0)), float(np.arctan(np.sqrt(0.5))))
"""Azimuth and elevation at which lengths along x, y and z are all shortened alike (ISO 5456-3)."""
ISOMETRIC_SHORTENING = float(np.sqrt(2.0 / 3.0))

_DEPTH_SLACK = 1e-3
_NEAREST = 0.05
_MARGIN_PX = 2


def view_axes(azimuth_rad: float, elevation_rad: float) -> FloatArray:
    """Return the camera's right, up and backward directions as rows, (3, 3).

    Parameters
    ----------
    azimuth_rad : float
        0 looks along +y, at the front; positive goes to the right, counter-clockwise seen from above.
    elevation_rad : float
        0 is level, pi/2 looks down.
    """
    sin_a, cos_a = np.sin(azimuth_rad), np.cos(azimuth_rad)
    sin_e, cos_e = np.sin(elevation_rad), np.cos(elevation_rad)
    return np.array(
        [
            [cos_a, sin_a, 0.0],
            [-sin_a * sin_e, cos_a * sin_e, cos_e],
            [sin_a * cos_e, -cos_a * cos_e, sin_e],
        ]
    )


def reach(positions: npt.NDArray[np.floating], directions: FloatArray, turn_rad: float = 0.0) -> FloatArray:
    """Return how far a model reaches in some directions while it turns about the vertical axis.

    Parameters
    ----------
    positions : (v, 3) float
        Its vertices as it stands at first.
    directions : (k, 3) float
        Of any length; the result is in units of it.
    turn_rad : float
        How far it turns; the sign says which way.

    Returns
    -------
    (k,) float64
        The greatest dot product of any vertex, at any moment of the turn, with each direction.
    """
    points = positions.astype(np.float64, copy=False)
    if turn_rad == 0.0:
        return np.array([(points @ direction).max() for direction in directions])
    radii = np.hypot(points[:, 0], points[:, 1])
    azimuths = np.arctan2(points[:, 1], points[:, 0])
    result = []
    for x, y, z in directions:
        # A vertex on its circle is furthest where it points along (x, y), if the turn takes it there.
        ahead = (np.arctan2(y, x) - azimuths) * np.sign(turn_rad) % (2 * np.pi)
        beyond = np.minimum(ahead - abs(turn_rad), 2 * np.pi - ahead).clip(0.0, np.pi)
        result.append((radii * np.hypot(x, y) * np.cos(beyond) + points[:, 2] * z).max())
    return np.array(result)


def view_of(options: RenderOptions) -> tuple[float, float]:
    """Return the azimuth and elevation, in radians, from which pictures are taken."""
    return float(np.radians(options.view_azimuth_deg)), float(np.radians(options.view_elevation_deg))


def frame(
    positions: npt.NDArray[np.floating],
    width_px: int,
    height_px: int,
    *,
    view_rad: tuple[float, float] = THREE_QUARTER_RAD,
    turn_rad: float = 0.0,
) -> Camera:
    """Place a perspective camera.

    Parameters
    ----------
    positions : (v, 3) float
        Vertices in model space.
    width_px, height_px : int
        Size of the picture.
    view_rad : tuple of float
        Azimuth and elevation; see `view_axes`.
    turn_rad : float
        The model stays inside the margins while it turns so far about the vertical axis.

    Returns
    -------
    Camera
        The model takes up `FILL` of the picture's width or height, whichever is the tighter.
    """
    axes = view_axes(*view_rad)
    right, up, backward = axes
    tangents = VIEW_TANGENT * np.array([width_px, height_px]) / max(width_px, height_px)
    across, upward, downward = tangents[0] * FILL, tangents[1] * (FILL + RAISED), tangents[1] * (FILL - RAISED)
    # x - cx <= slope (d - z) for every point means: the reach along (right + slope backward) is at most cx + slope d.
    sides = (right + across * backward, across * backward - right, up + upward * backward, downward * backward - up)
    limits = reach(positions, np.stack([*sides, backward, -backward]), turn_rad)
    distance = float(((limits[[0, 2]] + limits[[1, 3]]) / (2 * tangents * FILL)).max())
    distance = max(distance, limits[4] + _NEAREST)  # only a line towards the camera asks for less
    center = (limits[[0, 2]] - limits[[1, 3]]) / 2 - (0.0, tangents[1] * RAISED * distance)
    near, far = max(distance - limits[4] - _DEPTH_SLACK, _NEAREST / 2), distance + limits[5] + _DEPTH_SLACK
    eye = np.append(center, distance) @ axes
    return _camera(axes, eye, _perspective(tangents, near, far), (width_px, height_px), orthographic=False)


def orthographic_camera(
    axes: FloatArray,
    center: FloatArray,
    half_size: FloatArray,
    depth_range: tuple[float, float],
    size_px: tuple[int, int],
) -> Camera:
    """Build a camera without perspective.

    Parameters
    ----------
    axes : (3, 3) float
        Right, up and backward directions.
    center : (2,) float
        Middle of the picture along right and up.
    half_size : (2,) float
        Half of the picture's width and height, in world units.
    depth_range : tuple of float
        Lowest and highest coordinate along backward that has to be seen.
    size_px : tuple of int
        Width and height of the picture.
    """
    low, high = depth_range[0] - _DEPTH_SLACK, depth_range[1] + _DEPTH_SLACK
    eye = np.append(center, high) @ axes
    projection = np.diag([1 / half_size[0], 1 / half_size[1], -2 / (high - low), 1.0])
    projection[2, 3] = -1.0
    return _camera(axes, eye, projection, size_px, orthographic=True)


def light_camera(direction: FloatArray, size_px: int) -> Camera:
    """Build the orthographic camera that sees all of model space from a direction, for depth maps."""
    backward = direction / np.linalg.norm(direction)
    helper = np.array([0.0, 0.0, 1.0]) if abs(backward[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(helper, backward)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(backward, right), backward])
    extent = np.array([1.04, 1.04])
    return orthographic_camera(axes, np.zeros(2), extent, (-1.0, 1.0), (size_px, size_px))


def _perspective(tangents: FloatArray, near: float, far: float) -> FloatArray:
    # The matrix of glFrustum (OpenGL 2.1 reference), for a symmetric view.
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 1 / tangents
    projection[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    projection[3, 2] = -1.0
    return projection


def _camera(
    axes: FloatArray, eye: FloatArray, projection: FloatArray, size_px: tuple[int, int], *, orthographic: bool
) -> Camera:
    view = np.eye(4)
    view[:3, :3], view[:3, 3] = axes, -axes @ eye
    return Camera(
        axes=axes,
        eye=np.append(axes[2], 0.0) if orthographic else np.append(eye, 1.0),
        world_to_clip=projection @ view,
        width_px=size_px[0],
        height_px=size_px[1],
    )


def region_of(positions: npt.NDArray[np.floating], camera: Camera, *, turn_rad: float = 0.0) -> Region:
    """Return the part of the picture that a model is seen in, a little larger, cut at the picture's borders.

    Parameters
    ----------
    positions : (v, 3) float
        Vertices in the world.
    camera : Camera
    turn_rad : float
        How far the model turns; where it does, the upright cylinder around it is taken.
    """
    points = _cylinder_around(positions) if turn_rad else positions
    pixels = camera.project(points)
    low = np.floor(pixels.min(axis=0)).astype(int) - _MARGIN_PX
    high = np.ceil(pixels.max(axis=0)).astype(int) + _MARGIN_PX
    left, top = np.clip(low, 0, (camera.width_px - 1, camera.height_px - 1)).tolist()
    right, bottom = np.clip(high, (left + 1, top + 1), (camera.width_px, camera.height_px)).tolist()
    return left, top, right, bottom


def _cylinder_around(positions: npt.NDArray[np.floating]) -> FloatArray:
    sides = 64
    radius = np.hypot(positions[:, 0], positions[:, 1]).max() / np.cos(np.pi / sides)
    angles = np.linspace(0.0, 2 * np.pi, sides, endpoint=False)
    circle = np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)
    heights = (positions[:, 2].min(), positions[:, 2].max())
    return np.concatenate([np.insert(circle, 2, height, axis=1) for height in heights])
