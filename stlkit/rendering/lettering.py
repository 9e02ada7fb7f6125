"""Lines, arrow heads and text over a picture: sharp at every size, legible on every background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from stlkit.rendering.color import luminance, srgb_to_linear
from stlkit.rendering.compositing import Pixels, lay_over
from stlkit.rendering.plane import Point
from stlkit.rendering.scene import FloatArray

Mask = npt.NDArray[np.uint8]

_DARK, _LIGHT = (38, 42, 48), (246, 247, 249)
_INKS = (_DARK, _LIGHT, (0, 0, 0), (255, 255, 255))  # in order of preference; one of the last two is always legible
_LEAST_CONTRAST = 4.5
_MOST_MASK_PIXELS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """What is written with.

    Parameters
    ----------
    color : tuple of int
        sRGB.
    halo : tuple of int or None
        Colour of a rim around every stroke, where the background is not one colour.
    """

    color: tuple[int, int, int]
    halo: tuple[int, int, int] | None


def ink_for(backdrop: Pixels) -> Ink:
    """Choose the ink that stands out from a backdrop.

    Parameters
    ----------
    backdrop : (h, w, 4) uint8
        sRGB multiplied by alpha.

    Returns
    -------
    Ink
        Dark on bright and bright on dark; with a rim where the backdrop is a picture or is transparent, since then
        it may be bright in one place and dark in another.
    """
    sample = backdrop[:: max(1, len(backdrop) // 64), :: max(1, backdrop.shape[1] // 64)].reshape(-1, 4)
    seen_on_white = luminance(srgb_to_linear((sample[:, :3] + (255 - sample[:, 3:])) / 255))
    legible = (ink for ink in _INKS if _contrast(ink, seen_on_white) >= _LEAST_CONTRAST)
    color = next(legible, _INKS[0])
    uniform = bool((sample[:, 3] == 255).all() and (np.ptp(sample, axis=0) <= 8).all())
    dark = luminance(srgb_to_linear(np.array(color) / 255)) < 0.5
    return Ink(color=color, halo=None if uniform else _LIGHT if dark else _DARK)


def _contrast(ink: tuple[int, int, int], background: float) -> float:
    """Return the contrast ratio of two colours. Source: WCAG 2.1, *relative luminance* and *contrast ratio*."""
    low, high = sorted((luminance(srgb_to_linear(np.array(ink) / 255)), background))
    return (high + 0.05) / (low + 0.05)


class Lettering:
    """A transparent sheet to draw on, laid over the picture when it is finished.

    Parameters
    ----------
    width_px, height_px : int
    ink : Ink
    """

    def __init__(self, width_px: int, height_px: int, ink: Ink) -> None:
        self._size = (width_px, height_px)
        self._ink = ink
        # Pillow's lines have hard edges: drawn several times larger and reduced, they have soft ones.
        self._factor = int(np.clip(np.sqrt(_MOST_MASK_PIXELS / (width_px * height_px)), 1, 4))
        self._lines = self._empty(self._factor)
        self._line_halo = self._empty(self._factor)
        self._text = self._empty(1)
        self._text_halo = self._empty(1)

    def line(self, start: Point, end: Point, thickness: float) -> None:
        """Draw a straight line with flat ends."""
        ends = np.array([start, end])
        along = ends[1] - ends[0]
        length = float(np.hypot(*along))
        if length == 0:
            return
        across = np.array([-along[1], along[0]]) / length
        half = across * thickness / 2
        self._polygon(np.stack([ends[0] + half, ends[1] + half, ends[1] - half, ends[0] - half]), thickness)

    def arrow_head(self, tip: Point, direction: FloatArray, length: float) -> None:
        """Draw a filled arrow head whose tip points in a direction of unit length."""
        across = np.array([-direction[1], direction[0]])
        base = np.array(tip) - direction * length
        half = across * length * 0.29
        self._polygon(np.stack([np.array(tip), base + half, base - half]), length / 10)

    def text(self, corner: Point, text: str, font: ImageFont.FreeTypeFont) -> None:
        """Write a line of text; its box, from ascender to descender, has its top left corner there."""
        ImageDraw.Draw(self._text).text(corner, text, font=font, fill=255)
        if self._ink.halo is not None:
            rim = max(1, round(font.size / 9))
            ImageDraw.Draw(self._text_halo).text(corner, text, font=font, fill=255, stroke_width=rim)

    def lay_over(self, canvas: Pixels, *, opacity: float = 1.0) -> None:
        """Lay everything that was drawn over a picture, in place."""
        if self._ink.halo is not None:
            lay_over(canvas, _tinted(self._merged(self._line_halo, self._text_halo), self._ink.halo, opacity))
        lay_over(canvas, _tinted(self._merged(self._lines, self._text), self._ink.color, opacity))

    def _polygon(self, corners: FloatArray, rim: float) -> None:
        scaled = [(float(x), float(y)) for x, y in corners * self._factor - 0.5]
        ImageDraw.Draw(self._lines).polygon(scaled, fill=255)
        if self._ink.halo is not None:
            draw = ImageDraw.Draw(self._line_halo)
            draw.polygon(scaled, fill=255)
            draw.line([*scaled, scaled[0], scaled[1]], fill=255, width=round(2.4 * rim * self._factor), joint="curve")

    def _merged(self, lines: Image.Image, text: Image.Image) -> Mask:
        small = lines.reduce(self._factor) if self._factor > 1 else lines
        both: Mask = np.maximum(np.asarray(small), np.asarray(text))
        return both

    def _empty(self, factor: int) -> Image.Image:
        width, height = self._size
        return Image.new("L", (width * factor, height * factor))


def _tinted(mask: Mask, color: tuple[int, int, int], opacity: float) -> Pixels:
    """Return a layer of one colour, as opaque as a mask."""
    tables = np.arange(256)[:, None] * (opacity / 255) * np.array([*color, 255])
    layer: Pixels = tables.round().astype(np.uint8)[mask]
    return layer
