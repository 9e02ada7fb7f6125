"""Doubts about the units of a file: STL has none, millimetres are assumed."""

from __future__ import annotations

from dataclasses import dataclass

from stlkit.mesh.plain import MM_PER_INCH

SMALLEST_USUAL_MM = 3.0
LARGEST_USUAL_MM = 2000.0
_LIKELY_MM = (5.0, 1500.0)


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str
    mm: float


_UNITS = (
    _Unit("inches", MM_PER_INCH),
    _Unit("centimetres", 10.0),
    _Unit("metres", 1000.0),
    _Unit("micrometres", 0.001),
)


def doubt_units(largest_extent_mm: float) -> str | None:
    """Say why a model may not be in millimetres.

    Parameters
    ----------
    largest_extent_mm : float
        Its longest side along an axis, read as millimetres.

    Returns
    -------
    str or None
        A sentence with what other units would make of it; None from 3 mm to 2 m.
    """
    if SMALLEST_USUAL_MM <= largest_extent_mm <= LARGEST_USUAL_MM:
        return None
    size = "small" if largest_extent_mm < SMALLEST_USUAL_MM else "large"
    readings = [
        f"{largest_extent_mm * unit.mm:.4g} mm if it was drawn in {unit.name}"
        for unit in _UNITS
        if _LIKELY_MM[0] <= largest_extent_mm * unit.mm <= _LIKELY_MM[1]
    ]
    reasons = f"it would be {', '.join(readings)}" if readings else "no usual unit makes a usual size of it"
    return f"the longest side is {largest_extent_mm:.4g} mm, unusually {size} for a printed model; {reasons}"
