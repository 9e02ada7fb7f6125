"""Pictures as files."""

from __future__ import annotations

import zlib
from pathlib import Path

from stlkit.errors import RenderError
from stlkit.rendering.compositing import Pixels, to_image

# Runs of equal bytes are what a render compresses by: half the time of zlib's usual strategy, a fifth larger.
_COMPRESSION = {"compress_level": 2, "compress_type": zlib.Z_RLE}


def write_png(pixels: Pixels, path: Path) -> None:
    """Write a picture as PNG, with alpha only where something is transparent.

    Parameters
    ----------
    pixels : (h, w, 4) uint8
        sRGB multiplied by alpha.
    path : Path
        Replaced where it exists.

    Raises
    ------
    RenderError
        The file cannot be written.
    """
    try:
        to_image(pixels).save(path, format="PNG", **_COMPRESSION)
    except OSError as error:
        raise RenderError(f"The picture {path} cannot be written: {error}") from error
