"""Small pictures inside a page, within a budget."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from stlkit.files import open_regular_file

_LARGEST_PICTURE_BYTES = 1 << 28
_FORMATS = ("PNG",)
# Width in pixels and WebP quality, from the best to the smallest that still shows something.
_STEPS = ((640, 82), (640, 65), (480, 65), (360, 55), (240, 45), (120, 35))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small copy of a picture.

    Parameters
    ----------
    data_url : str
        WebP, as a ``data:`` address.
    width_px, height_px : int
    aspect : float
        Width over height of the picture itself.
    """

    data_url: str
    width_px: int
    height_px: int
    aspect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A picture to make small.

    Parameters
    ----------
    path : Path
    widest_px : int
    limit_bytes : int
        Of the small copy, before it is written as text.
    """

    path: Path
    widest_px: int
    limit_bytes: int


def make_thumbnails(wanted: Sequence[Wanted]) -> Iterator[Thumbnail | str]:
    """Make small copies, several at a time.

    Parameters
    ----------
    wanted : sequence of Wanted

    Yields
    ------
    Thumbnail or str
        In the same order; where there can be none, why.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        # Set here and not in the threads, which share one list of filters: a few bytes can claim to be a picture
        # that fills the memory, and Pillow merely warns of it.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield from pool.map(_thumbnail, wanted)


def _thumbnail(wanted: Wanted) -> Thumbnail | str:
    try:
        with (
            open_regular_file(wanted.path, limit_bytes=_LARGEST_PICTURE_BYTES) as stream,
            Image.open(stream, formats=_FORMATS) as image,
        ):
            return _small_copy(image, wanted)
    except FileNotFoundError:
        return "it is not there any more"
    except UnidentifiedImageError:
        return "it is not a PNG picture"
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return "it is too large"
    except (OSError, ValueError, SyntaxError, MemoryError) as error:  # Pillow raises these for damaged files
        return f"it cannot be read: {error}"


def _small_copy(image: Image.Image, wanted: Wanted) -> Thumbnail | str:
    aspect = image.width / image.height
    small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    for widest_px, quality in _STEPS:
        width_px = min(widest_px, wanted.widest_px)
        # Twice as high at most, so that a tower of a picture does not outgrow its card.
        small.thumbnail((width_px, 2 * width_px), Image.Resampling.LANCZOS, reducing_gap=1.2)
        buffer = io.BytesIO()
        small.save(buffer, format="WEBP", quality=quality, method=4)
        if buffer.tell() <= wanted.limit_bytes:
            text = base64.b64encode(buffer.getvalue()).decode("ascii")
            return Thumbnail(
                data_url=f"data:image/webp;base64,{text}", width_px=small.width, height_px=small.height, aspect=aspect
            )
    return "it does not fit into the page"
