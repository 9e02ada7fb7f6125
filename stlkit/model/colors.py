"""Colours by name or number."""

from __future__ import annotations

import re

from PIL import ImageColor

from stlkit.errors import OptionError

# The names a seller's palette starts with are tuned to look like filament on a light page:
# pure #ff0000 or #000000 has no shading left in it. Every other CSS name means what CSS says.
FILAMENT_COLORS: dict[str, str] = {
    "red": "#c8322b",
    "blue": "#2a62b8",
    "green": "#2f9151",
    "yellow": "#f0bc23",
    "black": "#2b2d31",
    "white": "#f2f2ef",
}

_NAMED = re.compile(r"(?P<name>[^=#]+)=(?P<value>#[0-9a-fA-F]{6})")


def parse_color(text: str, *, field: str = "color") -> tuple[int, int, int]:
    """Read one colour.

    Parameters
    ----------
    text : str
        A CSS colour name, ``#rrggbb``, or ``own name=#rrggbb``.
    field : str
        The option it came from, for the error.

    Returns
    -------
    tuple of int
        Red, green and blue, 0 to 255, sRGB.

    Raises
    ------
    OptionError
        There is no such colour.
    """
    named = _NAMED.fullmatch(text.strip())
    value = named["value"] if named else text.strip().lower()
    value = FILAMENT_COLORS.get(value, value)
    try:
        if not value.startswith("#") and not value.isalpha():
            raise ValueError(value)
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        raise OptionError(
            f"{field}: {text!r} is not a colour; use a CSS name such as 'teal', or '#rrggbb', or 'my name=#rrggbb'",
            field=field,
        ) from None
    return red, green, blue


def color_name(text: str) -> str:
    """Return the name that stands in a file name for one palette entry.

    Parameters
    ----------
    text : str
        A palette entry as `parse_color` takes it.

    Returns
    -------
    str
        ``red`` for ``red``, ``ff8800`` for ``#FF8800``, ``coral`` for ``coral=#ff7f50``.
    """
    named = _NAMED.fullmatch(text.strip())
    if named:
        return named["name"].strip()
    return text.strip().lower().lstrip("#")
