"""What stands behind the model: a colour, nothing, or a photograph."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from stlkit.errors import BackgroundError
from stlkit.files import open_regular_file
from stlkit.model.colors import parse_color
from stlkit.rendering.compositing import Pixels, lay_over

TRANSPARENT = "transparent"

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")
# The most pixels that Pillow takes without a warning have about as many bytes, uncompressed.
_LARGEST_BYTES = 1 << 28


def make_backdrop(color: str, image_path: str | None, width_px: int, height_px: int) -> Pixels:
    """Paint a backdrop.

    Parameters
    ----------
    color : str
        A colour as `stlkit.model.colors.parse_color` takes it, or ``transparent``.
    image_path : str or None
        A picture over the colour: it covers everything, keeps its proportions, and is cut at the edges.
    width_px, height_px : int

    Returns
    -------
    (h, w, 4) uint8
        sRGB multiplied by alpha.

    Raises
    ------
    BackgroundError
        The picture cannot be read.
    """
    backdrop = np.zeros((height_px, width_px, 4), dtype=np.uint8)
    if color != TRANSPARENT:
        backdrop[:] = (*parse_color(color, field="background_color"), 255)
    if image_path is not None:
        lay_over(backdrop, _covering(Path(image_path), width_px, height_px))
    return backdrop


def _covering(path: Path, width_px: int, height_px: int) -> Pixels:
    try:
        # Only these formats: Pillow's EPS reader, for one, would run Ghostscript. And a few bytes can claim to be a
        # picture that fills the memory; Pillow warns of it.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with (
                open_regular_file(path, limit_bytes=_LARGEST_BYTES) as stream,
                Image.open(stream, formats=_FORMATS) as image,
            ):
                image.draft("RGB", (width_px, height_px))
                ImageOps.exif_transpose(image, in_place=True)
                image.load()
                # A picture of that size is held once, not three times: converted only where it has to be.
                wanted = "RGBA" if image.has_transparency_data else "RGB"
                upright = image if image.mode == wanted else image.convert(wanted)
        fitted = ImageOps.fit(upright, (width_px, height_px), Image.Resampling.LANCZOS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BackgroundError(f"background_image: {path} is too large: {error}") from error
    except UnidentifiedImageError as error:
        raise BackgroundError(
            f"background_image: {path} is not a picture that can be read (PNG, JPEG, WebP …)"
        ) from error
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's readers raise all of these for damaged files
        raise BackgroundError(f"background_image: {path} cannot be read: {error}") from error
    return np.array(fitted.convert("RGBa"))
