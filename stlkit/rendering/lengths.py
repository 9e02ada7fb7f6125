"""Lengths as people read them."""

from __future__ import annotations

import math

MM_PER_INCH = 25.4
_FIGURES = 4
_SPACE = "\u00a0"  # keeps a number and its unit in one piece


def format_mm(length_mm: float) -> str:
    """Write a length in millimetres: four figures, no needless zeros, thousands apart."""
    return f"{_number(length_mm)}{_SPACE}mm"


def format_inch(length_mm: float) -> str:
    """Write a length in inches."""
    return f"{_number(length_mm / MM_PER_INCH)}{_SPACE}in"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -7:
        return f"{value:.3g}"
    text = f"{value:,.{max(0, _FIGURES - 1 - magnitude)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", _SPACE)


def round_length(most_mm: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that is not above a length, for a scale bar."""
    power = 10.0 ** math.floor(math.log10(most_mm))
    step = max((step for step in (1, 2, 5) if step * power <= most_mm), default=0.5)
    return step * power
