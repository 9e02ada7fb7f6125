"""Layers of a picture, laid over each other: backdrop, shadow, model, lettering.

Pixels are ``uint8``, ``(h, w, 4)``, sRGB multiplied by alpha; an opaque backdrop may be ``(h, w, 3)``, which is what
a video needs. Source of the operator: T. Porter and T. Duff, *Compositing digital images*, 1984 (``over``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def lay_over(canvas: Pixels, layer: Pixels, left: int = 0, top: int = 0) -> None:
    """Lay a layer over a part of a canvas, in place.

    Parameters
    ----------
    canvas : (h, w, 3 or 4) uint8
    layer : (m, n, 4) uint8
        Colour multiplied by alpha.
    left, top : int
        Where its top left corner goes; all of it must lie inside.
    """
    height, width = layer.shape[:2]
    below = canvas[top : top + height, left : left + width]
    alpha = layer[..., 3]
    # Nearly all pixels of a model are opaque or empty, and are copied or left; its outline and glass are blended.
    opaque, mixed = alpha == 255, np.nonzero(alpha - np.uint8(1) < 254)
    blended = layer[mixed][:, : canvas.shape[2]] + _scaled(below[mixed], 255 - alpha[mixed][:, None])
    for channel in range(canvas.shape[2]):  # one by one: NumPy is many times slower with a broadcast mask
        np.copyto(below[..., channel], layer[..., channel], where=opaque)
    below[mixed] = blended


def darken(canvas: Pixels, shadow: Pixels, left: int = 0, top: int = 0) -> None:
    """Lay a black shadow over a part of a canvas, in place.

    Parameters
    ----------
    canvas : (h, w, 3 or 4) uint8
    shadow : (m, n) uint8
        Opacity of the shadow.
    left, top : int
        Where its top left corner goes; all of it must lie inside.
    """
    height, width = shadow.shape
    below = canvas[top : top + height, left : left + width]
    left_over = 255 - shadow
    for channel in range(canvas.shape[2]):
        below[..., channel] = _scaled(below[..., channel], left_over)
    if canvas.shape[2] == 4:
        below[..., 3] += shadow


def _scaled(values: Pixels, by: Pixels) -> Pixels:
    """Return values * by / 255, rounded. Source: J. Blinn, *Three wrongs make a right*, 1995."""
    product = np.multiply(values, by, dtype=np.uint16)
    product += 128
    product += product >> 8
    product >>= 8
    return product.astype(np.uint8)


def to_image(pixels: Pixels) -> Image.Image:
    """Return pixels as an image with straight alpha, or without alpha where all is opaque."""
    if pixels.shape[2] == 4 and (pixels[..., 3] < 255).any():
        height, width = pixels.shape[:2]
        return Image.frombuffer("RGBa", (width, height), np.ascontiguousarray(pixels), "raw", "RGBa", 0, 1).convert(
            "RGBA"
        )
    return Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
