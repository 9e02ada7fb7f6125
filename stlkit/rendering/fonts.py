"""Fonts that come with the dependencies, and whatever the system has for letters that they lack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

ELLIPSIS = "…"

# Package that brings the font, and where in it. Found without importing the package, which would take a while.
_BUNDLED = {
    False: (("pyrender", "fonts/OpenSans-Regular.ttf"), ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")),
    True: (("pyrender", "fonts/OpenSans-Semibold.ttf"), ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf")),
}


def font_for(text: str, size_px: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return a font that has every letter of a text, or most of them.

    Parameters
    ----------
    text : str
    size_px : int
        Height of an em.
    bold : bool

    Returns
    -------
    PIL.ImageFont.FreeTypeFont
        One of the bundled fonts if possible, else the first font of the system that has all letters, else the one
        with the most of them; see `without_boxes`.
    """
    wanted = frozenset(map(ord, text.replace("\u00a0", " ")))
    try:
        return ImageFont.truetype(_font_path(wanted, bold), size_px)
    except OSError:  # a font of coloured bitmaps, which comes in one size only
        return ImageFont.truetype(list(_bundled_fonts(bold))[-1], size_px)


@lru_cache(maxsize=64)
def _font_path(wanted: frozenset[int], bold: bool) -> Path:
    bundled = list(_bundled_fonts(bold))
    if all(letter < 0x80 for letter in wanted):  # every font has these; looking would take half a second
        return bundled[0]
    candidates = (*bundled, *_system_fonts())
    whole = next((path for path in candidates if wanted <= _letters(path)), None)
    return whole or max(candidates, key=lambda path: len(wanted & _letters(path)))


def _bundled_fonts(bold: bool) -> Iterator[Path]:
    for package, name in _BUNDLED[bold]:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder, name)
            if path.is_file():
                yield path


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[Path, ...]:
    from matplotlib.font_manager import findSystemFonts  # noqa: PLC0415 - slow to import, and rarely needed

    return tuple(sorted(map(Path, findSystemFonts())))


@lru_cache(maxsize=256)
def _letters(path: Path) -> frozenset[int]:
    """Return the code points that a font has glyphs for."""
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        return frozenset(FT2Font(str(path)).get_charmap())
    except (RuntimeError, OSError):  # what is among the fonts, but is none
        return frozenset()


def without_boxes(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Return a text without the letters for which a font would draw boxes."""
    if text.isascii():
        return text
    letters = _letters(Path(str(font.path)))
    return " ".join("".join(letter for letter in text if ord(letter) in letters).split())


def one_line(text: str) -> str:
    """Make a text fit for drawing: one line, nothing that cannot be shown."""
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in shown).split())


def shortened(text: str, font: ImageFont.FreeTypeFont, most_px: float) -> str:
    """Cut a text in its middle, where it is wider than there is room, so that its ending stays.

    Parameters
    ----------
    text : str
    font : PIL.ImageFont.FreeTypeFont
    most_px : float
        Room there is.

    Returns
    -------
    str
    """
    if font.getlength(text) <= most_px:
        return text
    low, high = 0, len(text)
    while low < high:  # the most letters that fit
        kept = (low + high + 1) // 2
        if font.getlength(_cut(text, kept)) <= most_px:
            low = kept
        else:
            high = kept - 1
    return _cut(text, low)


def _cut(text: str, kept: int) -> str:
    tail = kept // 3
    return text[: kept - tail].rstrip() + ELLIPSIS + text[len(text) - tail :].lstrip()
