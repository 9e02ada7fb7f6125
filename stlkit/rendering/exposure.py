"""From a shot to the finished pixels of the model: only where it is seen, in pieces that fit, refined, shaded.

Everything here is above the backends and the same for each of them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from stlkit.rendering.backends import Backend
from stlkit.rendering.directions import softbox_directions, sphere_directions
from stlkit.rendering.occlusion import find_surface, light_reaching, probing_camera
from stlkit.rendering.quality import Effort
from stlkit.rendering.scene import Camera, Light, Region, Shot

Pixels = npt.NDArray[np.uint8]

_MOST_SAMPLES = 20_000_000
"""Drawn at once: 8 bytes a sample, for colour and depth, keep this at 160 MB whatever the size of the picture."""
_SKY_STRENGTH = 0.85
"""Where no light of the room gets in, so much of the brightness is taken away; some light always strays."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shade:
    """What is in the way of the light, as seen by one camera.

    Parameters
    ----------
    sky : (h, w) float32
        Share of the room's light that reaches each pixel.
    key : (h, w) float32 or None
        Share of the key light; None where its shadow is not wanted.
    """

    sky: npt.NDArray[np.float32]
    key: npt.NDArray[np.float32] | None


def probe_shade(backend: Backend, camera: Camera, key_light: Light, effort: Effort) -> Shade | None:
    """Find what is in the way of the light.

    Parameters
    ----------
    backend : Backend
        With the model loaded.
    camera : Camera
        Of the pixels that count.
    key_light : Light
    effort : Effort

    Returns
    -------
    Shade or None
        None where this effort does without.
    """
    if not effort.sky_directions:
        return None
    surface = find_surface(backend, probing_camera(camera))
    size = (camera.width_px, camera.height_px)
    sky = light_reaching(backend, surface, sphere_directions(effort.sky_directions))
    key = None
    if effort.key_directions:
        key = light_reaching(backend, surface, softbox_directions(key_light, effort.key_directions))
    return Shade(sky=_resized(sky, size), key=None if key is None else _resized(key, size))


def _resized(values: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    if values.shape == size[::-1]:
        return values
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))


def expose(backend: Backend, shot: Shot, effort: Effort, shade: Shade | None = None) -> Pixels:
    """Draw a shot with all the care that an effort asks for.

    Parameters
    ----------
    backend : Backend
        With the model loaded.
    shot : Shot
        Its camera has the pixels that are kept.
    effort : Effort
    shade : Shade, optional
        Of the shot's camera.

    Returns
    -------
    (h, w, 4) uint8
        sRGB multiplied by alpha.
    """
    pixels = _draw(backend, shot, effort)
    if shade is None or shot.surface.opacity < 1:  # light goes through glass
        return pixels
    colors = pixels[..., :3].astype(np.float32)
    if shade.key is not None:
        key_light, *others = shot.illumination.lights
        off = dataclasses.replace(key_light, color=(0.0, 0.0, 0.0))
        dark = dataclasses.replace(shot.illumination, lights=(off, *others))
        unlit = _draw(backend, dataclasses.replace(shot, illumination=dark), effort)[..., :3].astype(np.float32)
        colors = unlit + (colors - unlit) * shade.key[..., None]
    # The room's share is applied to encoded values: a gamma of about 2 is undone by the square root.
    colors *= (1 - _SKY_STRENGTH + _SKY_STRENGTH * np.sqrt(shade.sky))[..., None]
    pixels[..., :3] = colors.round()
    return pixels


def _draw(backend: Backend, shot: Shot, effort: Effort) -> Pixels:
    """Draw in horizontal bands, each with more pixels than are kept, and reduce them."""
    camera, factor = shot.camera, effort.supersampling
    band_height = max(1, _MOST_SAMPLES // (camera.width_px * factor * factor * effort.samples))
    bands = []
    for top in range(0, camera.height_px, band_height):
        bottom = min(top + band_height, camera.height_px)
        whole: Region = (0, top, camera.width_px, bottom)
        part = camera.cropped(whole) if bottom - top < camera.height_px else camera
        large = part.resized(part.width_px * factor, part.height_px * factor)
        pixels = backend.draw(dataclasses.replace(shot, camera=large, samples=effort.samples))
        bands.append(_reduced(pixels, factor))
    return bands[0] if len(bands) == 1 else np.concatenate(bands)


def _reduced(pixels: Pixels, factor: int) -> Pixels:
    if factor == 1:
        return pixels
    # Pillow's RGBa is colour multiplied by alpha: its four channels are averaged alike.
    height, width = pixels.shape[:2]
    image = Image.frombuffer("RGBa", (width, height), pixels, "raw", "RGBa", 0, 1)
    return np.array(image.reduce(factor))
