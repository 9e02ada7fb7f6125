"""Pictures made small for a page."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from stlkit.files import open_regular_file
from stlkit.storage.config import LARGEST_IMAGE_BYTES

_FRAME_WITHIN_S = 30
_QUALITY = 82  # of WEBP; PNG has none


def reduced_picture(path: Path, most_px: int, *, form: str = "PNG") -> bytes | None:
    """Return a picture that is at most so wide and high; None where it cannot be read.

    Parameters
    ----------
    path : Path
        A PNG.
    most_px : int
    form : str
        ``PNG`` or ``WEBP`` of the result.

    Returns
    -------
    bytes or None
    """
    try:
        with (
            open_regular_file(path, limit_bytes=LARGEST_IMAGE_BYTES) as stream,
            Image.open(stream, formats=["PNG"]) as image,
        ):
            return _reduced(image, most_px, form)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return None


def first_frame(path: Path, most_px: int, *, form: str = "PNG") -> bytes | None:
    """Return the first picture of a video, as `reduced_picture` does; None where it cannot be read.

    Parameters
    ----------
    path : Path
        An MP4.
    most_px : int
    form : str

    Returns
    -------
    bytes or None
    """
    reading = ["-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-i", f"file:{path.absolute()}"]
    writing = ["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-"]
    try:
        shown = subprocess.run(
            [get_ffmpeg_exe(), *reading, *writing], capture_output=True, timeout=_FRAME_WITHIN_S, check=True
        )
        with Image.open(io.BytesIO(shown.stdout), formats=["PNG"]) as image:
            return _reduced(image, most_px, form)
    except (OSError, ValueError, SyntaxError, RuntimeError, subprocess.SubprocessError, Image.DecompressionBombError):
        return None  # RuntimeError: there is no ffmpeg


def _reduced(image: Image.Image, most_px: int, form: str) -> bytes:
    image.thumbnail((most_px, most_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    target = io.BytesIO()
    image.save(target, form, quality=_QUALITY)
    return target.getvalue()
