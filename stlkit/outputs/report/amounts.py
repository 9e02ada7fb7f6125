"""Amounts as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stlkit.model.times import in_utc

THIN = "\N{NARROW NO-BREAK SPACE}"
TIMES = f"{THIN}×{THIN}"
_CM3_PER_MM3 = 1e-3
_LONGEST_S = 1e12  # what is more was not measured but written by somebody with an editor


def whole(number: int) -> str:
    """Write a count: ``12,345``."""
    return f"{number:,}"


def seconds_text(duration_s: float) -> str:
    """Write a duration: ``4.2 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(min(duration_s, _LONGEST_S)), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def lengths_text(lengths: Sequence[float], unit: str) -> str:
    """Write width, depth and height: ``62 × 41.3 × 18 mm``."""
    return f"{TIMES.join(_length(length, 2 if unit == 'in' else 1) for length in lengths)} {unit}"


def volume_text(volume_mm3: float) -> str:
    """Write a volume in the unit that fits: ``840 mm³``, ``12.4 cm³``, ``1,250 cm³``."""
    volume_cm3 = volume_mm3 * _CM3_PER_MM3
    return f"{_rounded(volume_cm3)} cm³" if abs(volume_cm3) >= 1 else f"{_rounded(volume_mm3)} mm³"


def mass_text(mass_g: float) -> str:
    """Write a mass: ``7.3 g``, ``1.25 kg``."""
    return f"{mass_g / 1000:,.2f} kg" if mass_g >= 1000 else f"{_rounded(mass_g)} g"


def moment_text(moment: datetime) -> str:
    """Write a time to the minute, with its clock: ``15 January 2026, 10:30 UTC``."""
    moment = in_utc(moment)
    return f"{moment.day} {moment:%B} {moment.year}, {moment:%H:%M} UTC"


def days_text(first: datetime, last: datetime) -> str:
    """Write a day, or from which to which: ``15 January 2026``, ``15 to 17 January 2026``."""
    first, last = in_utc(first), in_utc(last)
    end = f"{last.day} {last:%B} {last.year}"
    if first.date() == last.date():
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    return f"{first.day} {first:%B} {first.year} to {end}"


def _length(value: float, decimals: int) -> str:
    if not 0.1 <= abs(value) < 1e6:
        return f"{value:.3g}"
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".")


def _rounded(value: float) -> str:
    size = abs(value)
    return f"{value:,.0f}" if 100 <= size < 1e9 else f"{value:.3g}"
