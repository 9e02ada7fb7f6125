"""How long jobs took that did all their work at once; others say nothing about how long work takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from stlkit.files import decode_json


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTiming:
    """How long a job took that completed at its first attempt and made all its outputs, and what that depends on.

    Parameters
    ----------
    stl_size : int
        Bytes.
    render_options, validation_options : dict
    actual_duration : float
        Seconds.
    faces : int
    stage_durations : dict of str to float
        Seconds by stage.
    concurrency : int or None
        How many jobs ran at its end, itself included.
    """

    stl_size: int
    render_options: dict[str, Any]
    validation_options: dict[str, Any]
    actual_duration: float
    faces: int
    stage_durations: dict[str, float]
    concurrency: int | None


_FIELDS = tuple(field.name for field in fields(JobTiming))
COLUMNS = ("id", "created_at", *_FIELDS)
# Found by time and not by state, whose index the plus keeps out: nearly all jobs completed, the newest are wanted.
CONDITION = (
    "created_at >= '' AND +state = 'completed' AND actual_duration > 0 AND reused_files = 0 AND attempts = 1 "
    "AND faces > 0"
)


def read_timing(row: Mapping[str, Any]) -> JobTiming:
    """Build a timing from a row's values (`COLUMNS`); raises as `stlkit.storage.history.rows.read_record` does."""
    values = {name: row[name] for name in _FIELDS}
    for name in ("render_options", "validation_options", "stage_durations"):
        values[name] = decode_json(values[name].encode())
    return JobTiming(**values)
