"""How something that is laid over a model looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """How lines and faces are drawn.

    Parameters
    ----------
    color : str
        ``#rrggbb``.
    width_px : float
        Of lines.
    opacity : float
        Of lines one pixel wide.
    through : float
        Opacity with which lines are seen through the model; 0 for not at all.
    is_cut : bool
        Whether the section plane takes its part of it.
    on_top : bool
        Whether nothing hides it.
    """

    color: str
    width_px: float = 1.0
    opacity: float = 1.0
    through: float = 0.0
    is_cut: bool = False
    on_top: bool = False


EDGES = Ink(color="#1b1f24", opacity=0.85, is_cut=True)
BOX = Ink(color="#5b6470", opacity=0.8)
HERE = Ink(color="#ffd400", width_px=3, on_top=True)
MEASURE = Ink(color="#0b63ce", width_px=3, on_top=True)


def axis(color: str) -> Ink:
    """Return how an axis is drawn."""
    return Ink(color=color, width_px=3, through=0.35)


def mark(color: str) -> Ink:
    """Return how a finding is marked."""
    return Ink(color=color, width_px=3, through=0.45, is_cut=True)
