"""Pictures made small for a page."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from stlkit.files import open_regular_file
from stlkit.storage.config import LARGEST_IMAGE_BYTES


def reduced_picture(path: Path, most_px: int) -> bytes | None:
    """Return a picture as a PNG that is at most so wide and high; None where it cannot be read.

    Parameters
    ----------
    path : Path
        A PNG.
    most_px : int

    Returns
    -------
    bytes or None
    """
    try:
        with (
            open_regular_file(path, limit_bytes=LARGEST_IMAGE_BYTES) as stream,
            Image.open(stream, formats=["PNG"]) as image,
        ):
            image.thumbnail((most_px, most_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
            target = io.BytesIO()
            image.save(target, "PNG")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return None
    return target.getvalue()
