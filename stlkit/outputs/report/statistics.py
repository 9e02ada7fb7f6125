"""The run in figures."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stlkit.model.jobs import JobState
from stlkit.model.reports import Severity
from stlkit.outputs.report.model import ModelCard

_MOST_COMMON = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Sums and quantiles over the models of a page.

    Parameters
    ----------
    counts : dict of JobState to int
        Only the states that occur, in the order of their declaration.
    with_warnings, repaired, watertight : int
        Models.
    measured : int
        Models of which it is known whether they are watertight.
    files, files_size_bytes : int
    faces : int
    volume_mm3 : float
        Of the models that have one.
    duration_s : float
        Of all work, side by side or not.
    median_duration_s : float or None
    longest : ModelCard or None
        The model that took longest.
    meanings : tuple of (str, int)
        The commonest meanings of warnings, and how many models each concerns.
    """

    counts: dict[JobState, int]
    with_warnings: int
    repaired: int
    watertight: int
    measured: int
    files: int
    files_size_bytes: int
    faces: int
    volume_mm3: float
    duration_s: float
    median_duration_s: float | None
    longest: ModelCard | None
    meanings: tuple[tuple[str, int], ...]


def statistics_of(cards: Sequence[ModelCard]) -> Statistics:
    """Sum up the models of a page."""
    counts = Counter(card.state for card in cards)
    durations = [card.duration_s for card in cards if card.duration_s is not None]
    known = [card.measures.watertight for card in cards if card.measures.watertight is not None]
    return Statistics(
        counts={state: counts[state] for state in JobState if counts[state]},
        with_warnings=sum(card.warnings > 0 for card in cards),
        repaired=sum(bool(card.repairs) for card in cards),
        watertight=sum(known),
        measured=len(known),
        files=sum(len(card.files) for card in cards),
        files_size_bytes=sum(card.files_size_bytes for card in cards),
        faces=sum(card.measures.faces or 0 for card in cards),
        volume_mm3=sum(card.measures.volume_mm3 or 0.0 for card in cards),
        duration_s=sum(durations),
        median_duration_s=statistics.median(durations) if durations else None,
        longest=max((card for card in cards if card.duration_s is not None), key=_duration, default=None),
        meanings=tuple(_meanings(cards).most_common(_MOST_COMMON)),
    )


def _duration(card: ModelCard) -> float:
    return card.duration_s or 0.0


def _meanings(cards: Sequence[ModelCard]) -> Counter[str]:
    return Counter(
        meaning
        for card in cards
        for meaning in dict.fromkeys(r.meaning for r in card.remarks if r.severity is not Severity.INFO)
        if meaning
    )
