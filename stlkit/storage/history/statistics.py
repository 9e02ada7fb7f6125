"""Figures about the jobs of a period: how many, how well, how fast, and what went wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stlkit.storage.history.presentation import as_html, as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCount:
    """A warning or an error, with ``#`` for every number and ``<path>`` for every path in it.

    Parameters
    ----------
    message : str
    jobs : int
        Jobs that had it, once or more often.
    """

    message: str
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """The jobs of one STL file.

    Parameters
    ----------
    stl_path : str
    jobs, failed : int
    mean_duration_s : float or None
        Of its completed jobs that were not up to date.
    """

    stl_path: str
    jobs: int
    failed: int
    mean_duration_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigures:
    """The completed jobs that worked with one value of one option; those that were up to date are left out.

    Parameters
    ----------
    option, value : str
    jobs : int
    total_duration_s, mean_duration_s : float
    """

    option: str
    value: str
    jobs: int
    total_duration_s: float
    mean_duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTotals:
    """What one period is compared with another by.

    Parameters
    ----------
    by_state : dict of str to int
    total_duration_s : float
        Working time of all jobs.
    mean_duration_s : float or None
        Of completed jobs that were not up to date.
    bytes_processed, faces_processed : int
        Of completed jobs.
    files_generated : int
        Those that were there already are left out.
    """

    by_state: dict[str, int] = field(default_factory=dict)
    total_duration_s: float = 0.0
    mean_duration_s: float | None = None
    bytes_processed: int = 0
    faces_processed: int = 0
    files_generated: int = 0

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.by_state.values())

    @property
    def judged(self) -> int:
        """Jobs that completed or failed: a person's cancelling says nothing about success."""
        return _judged(self.by_state)

    @property
    def success_rate(self) -> float | None:
        """Completed jobs of all that completed or failed, 0 to 1; None where there is none."""
        return self.by_state.get("completed", 0) / self.judged if self.judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStats:
    """Figures about the jobs that were created in a period.

    Parameters
    ----------
    days : int
        Length of the period, up to `until`.
    since, until : datetime
    total : int
    by_state : dict of str to int
    success_rate : float or None
        Completed jobs of all that completed or failed, 0 to 1; None where there is none.
    success_interval : tuple of float or None
        95 % confidence interval of `success_rate`, see `wilson_interval`.
    jobs_per_day : float
        Jobs that ended, by day of the period.
    jobs_per_hour : float or None
        Jobs that ended, by hour in which one or more of them ran; None where none ran.
    total_duration_s : float
        Working time of all jobs.
    mean_duration_s : float or None
        Of completed jobs that were not up to date.
    duration_quantiles_s : dict of float to float
        Of the same, by share: 0.05, 0.25, 0.5, 0.75 and 0.95; empty where there is none.
    stage_durations_s : dict of str to float
        Working time of all jobs by stage, the longest first.
    by_option : tuple of OptionFigures
        By material and by quality.
    bytes_processed, faces_processed : int
        In the STL files of completed jobs.
    output_bytes, files_generated : int
        What was made: nothing by a job that was up to date. The bytes of a job that made some of its files are those
        of all of them.
    reused_files : int
        Outputs that were there already.
    saved_s : float
        Working time that this saved.
    warnings, errors : tuple of MessageCount
        The most frequent ones first. Each finding that strict validation refused a file for is an error of its own.
    slowest, most_failing : tuple of ModelFigures
        Files whose completed jobs took longest on average, unless they were up to date, and those that failed
        most often.
    before : PeriodTotals
        The period of the same length before.
    """

    days: int
    since: datetime
    until: datetime
    total: int
    by_state: dict[str, int]
    success_rate: float | None
    success_interval: tuple[float, float] | None
    jobs_per_day: float
    jobs_per_hour: float | None
    total_duration_s: float
    mean_duration_s: float | None
    duration_quantiles_s: Mapping[float, float]
    stage_durations_s: dict[str, float]
    by_option: tuple[OptionFigures, ...]
    bytes_processed: int
    faces_processed: int
    output_bytes: int
    files_generated: int
    reused_files: int
    saved_s: float
    warnings: tuple[MessageCount, ...]
    errors: tuple[MessageCount, ...]
    slowest: tuple[ModelFigures, ...]
    most_failing: tuple[ModelFigures, ...]
    before: PeriodTotals

    @property
    def judged(self) -> int:
        """Jobs that completed or failed, which `success_rate` is of."""
        return _judged(self.by_state)

    @property
    def trend(self) -> dict[str, float]:
        """Changes against the period before; what cannot be compared is missing.

        ``jobs``, ``mean_duration``, ``bytes_processed`` and ``faces_processed`` are relative (0.25 is a quarter more),
        ``success_rate`` is a difference.
        """
        before = self.before
        pairs: dict[str, tuple[float | None, float | None]] = {
            "jobs": (self.total, before.total),
            "mean_duration": (self.mean_duration_s, before.mean_duration_s),
            "bytes_processed": (self.bytes_processed, before.bytes_processed),
            "faces_processed": (self.faces_processed, before.faces_processed),
        }
        changes = {name: new / old - 1 for name, (new, old) in pairs.items() if new is not None and old}
        if self.success_rate is not None and before.success_rate is not None:
            changes["success_rate"] = self.success_rate - before.success_rate
        return changes

    def __str__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float] | None:
    """Return the confidence interval of a share.

    Parameters
    ----------
    successes, trials : int
    z : float
        Quantile of the normal distribution; 95 % unless given.

    Returns
    -------
    tuple of float or None
        Lower and upper bound; None without trials. Source: Wilson, *Probable inference, the law of succession, and
        statistical inference*, 1927, without correction for continuity.
    """
    if not trials:
        return None
    share, square = successes / trials, z * z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _judged(by_state: Mapping[str, int]) -> int:
    return by_state.get("completed", 0) + by_state.get("failed", 0)
