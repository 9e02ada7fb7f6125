"""``queue_summary.json``: every model of an output folder, what became of it and where its files are."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from stlkit.files import read_json, size_of
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.times import AwareTime, utc_now
from stlkit.outputs.names import SUMMARY_NAME
from stlkit.outputs.placing import explained, place_json, relative_name
from stlkit.patience import patiently

SUMMARY_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model in the summary; the keys of an entry of ``models``.

    Parameters
    ----------
    name : str
        Base name of its files, unique in the folder.
    stl_path : Path
        Absolute.
    state : JobState
    job_id : str
        The newest job that had this name.
    created_at, completed_at : datetime
        Of that job, UTC.
    validation_passed : bool or None
        None where the file was not judged.
    warnings, errors : tuple of str
    error_message : str or None
        Why it failed or was skipped.
    files : tuple of str
        Relative to the summary's folder, with ``/``; absolute where a file lies outside.
    files_size : int
        Bytes of these files.
    duration : float or None
        Seconds.
    attempts : int
    """

    name: str
    stl_path: Path
    state: JobState
    job_id: str
    created_at: AwareTime
    completed_at: AwareTime | None = None
    validation_passed: bool | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    error_message: str | None = None
    files: tuple[str, ...] = ()
    files_size: int = 0
    duration: float | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryTotals:
    """Sums over the models; ``files_size`` in bytes, ``duration`` in seconds of work, side by side or not."""

    models: int = 0
    files: int = 0
    files_size: int = 0
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSummary:
    """The whole of ``queue_summary.json``; its keys are the fields.

    Parameters
    ----------
    version : str
        ``"1.0"``.
    created_at, last_updated : datetime
        UTC.
    counts : dict of JobState to int
        How many models are in each state; every state is there.
    totals : SummaryTotals
    models : tuple of ModelEntry
        By name.
    """

    version: str = SUMMARY_VERSION
    created_at: AwareTime = field(default_factory=utc_now)
    last_updated: AwareTime = field(default_factory=utc_now)
    counts: dict[JobState, int] = field(default_factory=dict)
    totals: SummaryTotals = SummaryTotals()
    models: tuple[ModelEntry, ...] = ()


def read_summary(base_folder: Path) -> QueueSummary | None:
    """Read the summary of an output folder.

    Parameters
    ----------
    base_folder : Path

    Returns
    -------
    QueueSummary or None
        None where there is none, or none that this version understands.
    """
    try:
        return _read(base_folder / SUMMARY_NAME)
    except (OSError, ValueError):
        return None


def base_of(output_folder: Path) -> Path | None:
    """Return the folder whose summary tells of what was put into a folder: itself, or the one above.

    Parameters
    ----------
    output_folder : Path
        As the history names it: a model's own folder, or the one that holds all.

    Returns
    -------
    Path or None
        None where neither has a summary.
    """
    places = (output_folder, output_folder.parent)
    return next((place for place in places if read_summary(place) is not None), None)


def _read(path: Path) -> QueueSummary:
    summary = from_plain(QueueSummary, read_json(path))
    if summary.version.split(".")[0] != SUMMARY_VERSION.split(".", maxsplit=1)[0]:
        raise ValueError(f"version {summary.version}")
    return summary


def write_summary(base_folder: Path, jobs: Iterable[QueueJob], *, moment: datetime | None = None) -> Path:
    """Bring the summary of an output folder up to date.

    Models of earlier runs stay. Where several jobs have one name, the newest counts. A damaged summary, or one of a
    newer major version, is renamed to ``queue_summary.damaged-N.json`` first.

    Parameters
    ----------
    base_folder : Path
    jobs : iterable of QueueJob
        Those of other base folders are passed over.
    moment : datetime, optional
        Now, unless given.

    Returns
    -------
    Path
        The summary.

    Raises
    ------
    OutputError
        It cannot be written, or the present one cannot be read now; that is unchanged.
    """
    now = moment or utc_now()
    path = base_folder / SUMMARY_NAME
    with explained(path):
        earlier = _take_over(path) or QueueSummary(created_at=now)
    models = {entry.name: entry for entry in earlier.models}
    for job in jobs:
        known = models.get(job.output_name)
        if job.output_base_folder == base_folder and is_news(job, known):
            models[job.output_name] = entry_of(job, known)
    entries = tuple(models[name] for name in sorted(models))
    summary = QueueSummary(
        created_at=earlier.created_at,
        last_updated=now,
        counts=dict.fromkeys(JobState, 0) | Counter(entry.state for entry in entries),
        totals=_totals(entries),
        models=entries,
    )
    return place_json(path, to_plain(summary), within=base_folder)


def is_news(job: QueueJob, known: ModelEntry | None) -> bool:
    """Tell whether a job says more about its model than an entry does, or than None."""
    if known is None:
        return True
    if job.id == known.job_id:
        # Nothing about an ended job changes, and asking the disk about all its files again would be most of the work.
        return not known.state.ended
    if job.retry_of == known.job_id:  # whatever the clock said
        return True
    return (job.created_at, job.id) > (known.created_at, known.job_id)


def entry_of(job: QueueJob, known: ModelEntry | None) -> ModelEntry:
    """Return what the summary says about the model of a job.

    Parameters
    ----------
    job : QueueJob
    known : ModelEntry or None
        What it said before. What earlier jobs made of the same file and is still there stays listed: a second run with
        other options adds to the first.

    Returns
    -------
    ModelEntry
        With sizes from the disk.
    """
    results, base = job.results, job.output_base_folder
    made = tuple(relative_name(path, base) for path in results.files_generated)
    earlier = known.files if known is not None and known.stl_path == job.stl_path else ()
    files = tuple(dict.fromkeys((*made, *(name for name in earlier if os.path.lexists(base / name)))))
    return ModelEntry(
        name=job.output_name,
        stl_path=job.stl_path,
        state=job.state,
        job_id=job.id,
        created_at=job.created_at,
        completed_at=job.completed_at,
        validation_passed=results.validation_passed,
        warnings=results.warnings,
        errors=results.errors,
        error_message=job.error_message,
        files=files,
        files_size=sum(size_of(base / name) for name in files),
        duration=job.actual_duration,
        attempts=job.attempts,
    )


def _totals(entries: tuple[ModelEntry, ...]) -> SummaryTotals:
    return SummaryTotals(
        models=len(entries),
        files=sum(len(entry.files) for entry in entries),
        files_size=sum(entry.files_size for entry in entries),
        duration=round(sum(entry.duration or 0.0 for entry in entries), 3),
    )


def _take_over(path: Path) -> QueueSummary | None:
    """Return what the present summary says; one that is none is put aside."""
    try:
        return patiently(lambda: _read(path))
    except ValueError:
        _set_aside(path)
    except OSError:
        if path.is_file():  # a disk that does not answer, or a file that may not be read: it may be sound
            raise
        if path.exists():
            _set_aside(path)
    return None


def _set_aside(path: Path) -> None:
    aside = next(
        candidate
        for number in itertools.count(1)
        if not (candidate := path.with_name(f"{path.stem}.damaged-{number}.json")).exists()
    )
    path.rename(aside)
