"""From a job to a row of the table, as the browser gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from stlkit.files import one_line, printable
from stlkit.model.jobs import QueueJob

LONGEST_NOTE = 300
_TRUST_OWN_PACE_FROM = 20.0  # percent; before that a job's own pace says little


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job. Times are in seconds, sizes in bytes; every text can be shown as it is.

    Parameters
    ----------
    id : str
    state : str
    stage : str or None
    progress : float
        0 to 100.
    file, folder : str
    size : int or None
    faces : int or None
    left : float or None
        How long a running job will still take.
    took : float or None
        How long an ended job took.
    note : str
        What is most worth reading: the error, the question, else the first warning.
    notes : int
        How many warnings and errors there are.
    held : bool
        Whether the job is paused between two stages, so that a worker has it in hand.
    picture : bool
        Whether there may be a thumbnail.
    """

    id: str
    state: str
    stage: str | None
    progress: float
    file: str
    folder: str
    size: int | None
    faces: int | None
    left: float | None
    took: float | None
    note: str
    notes: int
    held: bool
    picture: bool


def row_of(job: QueueJob, size_bytes: int | None, now: datetime) -> Row:
    """Return the row of a job.

    Parameters
    ----------
    job : QueueJob
    size_bytes : int or None
        Of its file, where the job does not know that yet.
    now : datetime
        UTC.

    Returns
    -------
    Row
    """
    results = job.results
    texts = [text for text in (job.question, job.error_message) if text] or list(results.warnings)
    return Row(
        id=job.id,
        state=job.state.value,
        stage=None if job.stage is None or job.state.ended else job.stage.replace("_", " "),
        progress=round(job.progress, 1),
        file=one_line(job.stl_path.name),
        folder=one_line(printable(job.stl_path.parent)),
        size=size_bytes if results.stl_size is None else results.stl_size,
        faces=results.faces,
        left=time_left_s(job, now),
        took=job.actual_duration if job.state.ended else None,
        note=one_line(texts[0][:LONGEST_NOTE]) if texts else "",
        notes=len(results.warnings) + (job.error_message is not None),
        held=job.held,
        picture=bool(results.stl_checksum and results.files_generated),
    )


def time_left_s(job: QueueJob, now: datetime) -> float | None:
    """Estimate how long a running job will still take; None where that cannot be said.

    First from the forecast made when it began, then more and more from the pace it has shown.
    """
    if not job.state.running:
        return None
    left = None
    if job.estimated_duration is not None:
        left = job.estimated_duration * (100.0 - job.progress) / 100.0
    if job.started_at is not None and job.progress >= _TRUST_OWN_PACE_FROM:
        elapsed = (now - job.started_at).total_seconds() - (job.actual_duration or 0.0)  # without earlier attempts
        own = max(0.0, elapsed) * (100.0 - job.progress) / job.progress
        weight = job.progress / 100.0
        left = own if left is None else weight * own + (1.0 - weight) * left
    return left


def encode_rows(rows: list[Row], order: list[str] | None, *, whole: bool) -> bytes:
    """Write what the table is to show as one JSON document.

    Parameters
    ----------
    rows : list of Row
        New or changed.
    order : list of str or None
        Ids of all jobs, where the order or their number changed.
    whole : bool
        Whether everything that was there before is to be forgotten.

    Returns
    -------
    bytes
    """
    return msgspec.json.encode({"rows": rows, "order": order, "whole": whole})
