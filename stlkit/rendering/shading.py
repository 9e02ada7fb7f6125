"""The look, as formulas: what colour a point of a surface has. Every backend draws exactly this.

Light comes from far away, so what a surface sends back depends only on directions. Matt light is a function of the
normal: Lambert's law with an optional wrap around the terminator, and the room as a hemisphere. Mirrored light is a
function of the reflected ray: the room and its softboxes, blurred by the roughness. Both are worked out here once per
picture and handed to the backends as maps (`LightMaps`), which only have to look them up and add them:

    light = base (1 - metallic) matt(normal) near(normal) + (head_on scale + offset) mirrored(ray) near(ray)

with ``head_on`` the reflectance, or the base colour for a metal, ``scale`` and ``offset`` the environment term of
B. Karis, *Physically Based Shading on Mobile*, 2014, and ``near`` what is left of light from below close to the floor,
which lies in the model's own shadow there. A shoulder rolls highlights off below white.

`shade` is the same for a few points without maps: the reference that the self-check holds backends against.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from stlkit.rendering.color import linear_to_srgb
from stlkit.rendering.scene import FloatArray, Illumination, Light, Room, Surface

SHOULDER = 0.78
"""Linear light above this is compressed, so that nothing burns out."""
MAP_CELLS = 192
"""Cells of a light map each way, without its border of one cell on each side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LightMaps:
    """Light by direction, on the unit octahedron folded out into a square.

    A direction (x, y, z) divided by |x| + |y| + |z| falls on (x, y); where z is negative, on
    ((1 - |y|) sign x, (1 - |x|) sign y). The square from -1 to 1 is `MAP_CELLS` cells wide, values stand at the
    middles of cells, and one more cell on each side repeats what is across the fold, for interpolation. Source:
    Z. Cigolle et al., *A survey of efficient representations for independent unit vectors*, 2014.

    Parameters
    ----------
    matt : (k, k, 3) float32
        Linear light that a matt white surface sends back, by its normal; row by y.
    mirrored : (k, k, 3) float32
        Linear light that a mirror of the surface's roughness shows, by the reflected ray; row by y.
    """

    matt: npt.NDArray[np.float32]
    mirrored: npt.NDArray[np.float32]


@lru_cache(maxsize=8)
def light_maps(illumination: Illumination, roughness: float, softness: float) -> LightMaps:
    """Work out the light from all directions.

    Parameters
    ----------
    illumination : Illumination
    roughness, softness : float
        Of the surface.

    Returns
    -------
    LightMaps
    """
    directions = _map_directions()
    shape = (MAP_CELLS + 2, MAP_CELLS + 2, 3)
    return LightMaps(
        matt=matt_light(illumination, softness, directions).astype(np.float32).reshape(shape),
        mirrored=mirrored_light(illumination, roughness, directions).astype(np.float32).reshape(shape),
    )


def shade(
    surface: Surface, illumination: Illumination, normals: FloatArray, to_eye: FloatArray, heights: FloatArray
) -> FloatArray:
    """Compute the colours of opaque surface points without wood grain.

    Parameters
    ----------
    surface : Surface
    illumination : Illumination
    normals : (n, 3) float64
        Unit normals, on the side that is seen.
    to_eye : (n, 3) float64
        Unit vectors to the camera.
    heights : (n,) float64
        Above the floor, in units of model space.

    Returns
    -------
    (n, 3) float64
        sRGB, 0 to 1.
    """
    facing = np.einsum("ni,ni->n", normals, to_eye).clip(0.0, 1.0)[:, None]
    rays = 2 * facing * normals - to_eye
    base = np.array(surface.color)
    matt = base * (1 - surface.metallic) * matt_light(illumination, surface.softness, normals)
    matt *= _near_floor(normals[:, 2:], heights[:, None])
    head_on = (1 - surface.metallic) * surface.reflectance + surface.metallic * base
    scale, offset = _environment_term(surface.roughness, facing)
    gloss = (head_on * scale + offset) * mirrored_light(illumination, surface.roughness, rays)
    gloss *= _near_floor(rays[:, 2:], heights[:, None])
    return linear_to_srgb(roll_off(matt + gloss))


def roll_off(light: FloatArray) -> FloatArray:
    """Compress linear light above `SHOULDER` smoothly to below 1."""
    room = 1 - SHOULDER
    over = np.maximum(light - SHOULDER, 0.0) / room
    return np.minimum(light, SHOULDER) + room * over / (1 + over)


def softbox_axes(direction: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the level and the upright axis of a softbox, as the model sees it."""
    across = np.array([-direction[1], direction[0], 0.0])
    if not across.any():  # straight above, any direction is level
        across[0] = 1.0
    across /= np.linalg.norm(across)
    return across, np.cross(direction, across)


def matt_light(illumination: Illumination, softness: float, normals: FloatArray) -> FloatArray:
    """Compute the linear light that a matt white surface sends back.

    Parameters
    ----------
    illumination : Illumination
    softness : float
        Of the surface.
    normals : (n, 3) float64
        Unit normals.

    Returns
    -------
    (n, 3) float64
    """
    total = _room_light(illumination.room, normals[:, 2:], 1.0)
    for light in illumination.lights:
        cosine = normals @ np.array(light.direction)
        wrapped = ((cosine + softness) / (1 + softness)).clip(0.0, 1.0)
        total = total + wrapped[:, None] * np.array(light.color)
    return total


def mirrored_light(illumination: Illumination, roughness: float, rays: FloatArray) -> FloatArray:
    """Compute the linear light that a mirror of some roughness shows.

    Parameters
    ----------
    illumination : Illumination
    roughness : float
        Of the surface.
    rays : (n, 3) float64
        Unit vectors from the surface, after reflection.

    Returns
    -------
    (n, 3) float64
    """
    total = _room_light(illumination.mirrored_room, rays[:, 2:], roughness)
    for light in illumination.lights:
        total = total + _mirror_image(light, roughness, rays)[:, None] * (light.glare * np.array(light.color))
    return total


def _room_light(room: Room, height: FloatArray, blur: float) -> FloatArray:
    """Return the room's light along rays of some height (sine of the elevation), blurred from 0 to 1."""
    sky, horizon, ground = (np.array(part) for part in (room.sky, room.horizon, room.ground))
    width = 0.08 + 0.92 * blur
    above = ground + (horizon - ground) * _smoothstep(-width, 0.5 * width, height)
    light: FloatArray = above + (sky - horizon) * _smoothstep(0.0, 1.0, height)
    return light


def _near_floor(upward: FloatArray, height: FloatArray) -> FloatArray:
    """Return what is left of light from a direction, given as its sine, at a height above the floor."""
    downward = 1 - _smoothstep(-0.5, 0.3, upward)
    return 1 - 0.75 * downward / (1 + 12 * height * height)


def _mirror_image(light: Light, roughness: float, rays: FloatArray) -> FloatArray:
    """Return how much of a softbox is seen along each ray, 0 to 1, its edges blurred by the roughness."""
    across, along = softbox_axes(np.array(light.direction))
    ahead = rays @ np.array(light.direction)
    safe = np.maximum(ahead, 1e-3)
    blur = 0.04 + 1.4 * roughness * roughness
    x = _blurred_box(rays @ across / safe, light.half_width, blur)
    y = _blurred_box(rays @ along / safe, light.half_height, blur)
    image: FloatArray = np.where(ahead > 0, x * y, 0.0)
    return image


def _blurred_box(offset: FloatArray, half: float, blur: float) -> FloatArray:
    return _smoothstep(-blur, blur, offset + half) - _smoothstep(-blur, blur, offset - half)


def _environment_term(roughness: float, facing: FloatArray) -> tuple[FloatArray, FloatArray]:
    first = 1 - roughness
    second = 0.0425 - 0.0275 * roughness
    grazing = np.minimum(first * first, np.exp2(-9.28 * facing)) * first + second
    scale = 1.04 - 0.572 * roughness - 1.04 * grazing
    offset = np.maximum(0.022 * roughness - 0.04 + 1.04 * grazing, 0.0)
    return scale, offset


def _smoothstep(low: float, high: float, value: FloatArray) -> FloatArray:
    t = ((value - low) / (high - low)).clip(0.0, 1.0)
    step: FloatArray = t * t * (3 - 2 * t)
    return step


def _map_directions() -> FloatArray:
    """Return the direction at the middle of each cell of a map, (k * k, 3), its border included."""
    middle = (np.arange(-1, MAP_CELLS + 1) + 0.5) / MAP_CELLS * 2 - 1
    x, y = np.meshgrid(middle, middle)
    x, y = _across_the_fold(x, y)
    y, x = _across_the_fold(y, x)
    z = 1 - np.abs(x) - np.abs(y)
    below = z < 0
    x, y = (
        np.where(below, (1 - np.abs(y)) * np.copysign(1.0, x), x),
        np.where(below, (1 - np.abs(x)) * np.copysign(1.0, y), y),
    )
    directions = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    unit: FloatArray = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return unit


def _across_the_fold(coordinate: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where a coordinate leaves the square, the neighbour is on the same edge, mirrored about its middle."""
    outside = np.abs(coordinate) > 1
    inside = np.copysign(2.0, coordinate) - coordinate
    return np.where(outside, inside, coordinate), np.where(outside, -other, other)
