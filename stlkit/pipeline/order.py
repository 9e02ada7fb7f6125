"""What a worker is told about a job, and what it answers.

An order carries all that a job needs and an answer all that it made, in plain JSON values, so that a worker may be
any process that sees the same files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.storage.progress import PlacedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """One attempt at one job.

    Parameters
    ----------
    job_id : str
    stl_path : Path
    output_base_folder : Path
    output_name : str
        Base name of the outputs, unique in the base folder.
    cache_folder : Path
        The job's own, existing, empty but for ``processing_state.json``.
    attempt : int
        1 for the first.
    created_at : datetime
        Of the job; stands in file names that carry a time, so that every attempt writes the same names.
    render, validation, output : options
        Effective ones: the queue's with the job's own on top.
    known : tuple of PlacedFile
        What earlier work placed where this job's outputs go, or made of the same content anywhere.
    """

    job_id: str
    stl_path: Path
    output_base_folder: Path
    output_name: str
    cache_folder: Path
    attempt: int
    created_at: datetime
    render: RenderOptions
    validation: ValidationOptions
    output: OutputSettings
    known: tuple[PlacedFile, ...] = ()


class FailureCause(StrEnum):
    """Whose fault a failure is, and so what is to be done about it."""

    FILE = "file"  # the file itself: another attempt would end the same
    DISK_FULL = "disk_full"  # no room where outputs or temporary files go: the queue waits for room
    OUTPUT_REFUSED = "output_refused"  # the output folder may not be written: a person has to name another
    UNREACHABLE = "unreachable"  # the source, or the output folder, is away: the job waits until it is back
    TIMEOUT = "timeout"  # took too long: tried once more with more time
    OTHER = "other"  # worth another attempt


WAITING_CAUSES = frozenset({FailureCause.DISK_FULL, FailureCause.OUTPUT_REFUSED, FailureCause.UNREACHABLE})
"""Causes that lie outside the job: it has not failed, it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAnswer:
    """How an attempt ended.

    Parameters
    ----------
    job_id : str
    state : JobState
        ``completed``, ``failed``, ``skipped`` or ``cancelled``.
    results : JobResults
    error_message : str or None
    cause : FailureCause
        Where the job failed, or was refused.
    path : Path or None
        What is full, refused or unreachable.
    """

    job_id: str
    state: JobState
    results: JobResults
    error_message: str | None = None
    cause: FailureCause = FailureCause.OTHER
    path: Path | None = None
