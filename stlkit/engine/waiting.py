"""Jobs that wait for something outside: for a person to name another folder, or for a drive to be back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stlkit.engine.changes import JobChanges
from stlkit.engine.drives import folders_of
from stlkit.engine.watcher import Watcher
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob

_WHICH = "which other output folder? Name one by queue.set_output or 'stlkit resume --output'"
_RESUME = "resume the job when that is over"
GOES_ON = "the job goes on by itself when that is over"  # as long as somebody keeps the queue open


class WaitingJobs:
    """Pauses jobs with a question, and lets them go on. The queue's condition is held by whoever calls.

    Parameters
    ----------
    changes : JobChanges
    watcher : Watcher
    is_ending : callable
        Takes the id of a job, and returns whether its end is being recorded now.
    """

    def __init__(self, changes: JobChanges, watcher: Watcher, is_ending: Callable[[str], bool]) -> None:
        self._changes = changes
        self._watcher = watcher
        self._is_ending = is_ending

    def for_a_first_folder(self, job: QueueJob) -> None:
        """Have a person say where a job's outputs go; an edited state told nothing that could be meant."""
        self._ask(job, f"nobody said where its outputs go: {_WHICH}")

    def for_another_folder(self, job: QueueJob, place: Path | None, **changes: Any) -> None:
        """Have a person name another folder than the one that refused a job's outputs."""
        shown = printable(place or job.output_base_folder)
        self._ask(job, f"{shown} may not be written: {_WHICH}, or mend this one and resume the job", **changes)

    def for_a_drive(self, job: QueueJob, place: Path, *, stays_paused: bool, **changes: Any) -> None:
        """Have a job go on once what could not be reached is back; one that a person paused, when they say so."""
        if not stays_paused:
            places = "\0".join(map(str, folders_of(job)))
            self._watcher.expect(job.id, lambda: _is_back(job), lambda: self._back_again(job.id), place=places)
        self._ask(
            job,
            f"{printable(place)} cannot be reached, or is locked; {_RESUME if stays_paused else GOES_ON}",
            **changes,
        )

    def stay_paused(self, job: QueueJob) -> None:
        """Have a job that waits already go on only when a person says so."""
        self.forget(job.id)
        if job.question is not None and job.question.endswith(GOES_ON):
            self._ask(job, f"{job.question.removesuffix(GOES_ON)}{_RESUME}")

    def let_go_on(self, job_id: str) -> None:
        """Put a paused job that nobody has in hand back into the queue."""
        self.forget(job_id)
        self._changes.move(job_id, JobState.PENDING, question=None, error_message=None)

    def forget(self, job_id: str) -> None:
        """Wait for nothing any more."""
        self._watcher.forget(job_id)

    def _ask(self, job: QueueJob, question: str, **changes: Any) -> None:
        self._changes.move(job.id, JobState.PAUSED, message=question, question=question, **changes)

    def _back_again(self, job_id: str) -> None:
        with self._changes.condition:
            job = self._changes.book.get(job_id) if job_id in self._changes.book else None
            if job is None or job.state is not JobState.PAUSED or self._is_ending(job_id):
                return
            if job.question is not None and job.question.endswith(GOES_ON):  # nobody has paused it meanwhile
                self.let_go_on(job_id)


def _is_back(job: QueueJob) -> bool:
    base = job.output_base_folder
    # os.path: the methods of Path raise an error where a drive says that it cannot tell
    return os.path.exists(job.stl_path) and (os.path.isdir(base) or os.path.isdir(base.parent))  # noqa: PTH110, PTH112
