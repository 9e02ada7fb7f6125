"""The jobs of a queue in memory: their order, and the one gate through which they change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from stlkit.errors import JobError
from stlkit.model.jobs import TRANSITIONS, JobState, QueueJob


class JobBook:
    """Frozen jobs by id, in the order in which they run.

    Not thread-safe: the queue that owns it guards it with its lock.

    Parameters
    ----------
    jobs : iterable of QueueJob
    """

    def __init__(self, jobs: Iterable[QueueJob] = ()) -> None:
        self._jobs = {job.id: job for job in jobs}

    def __iter__(self) -> Iterator[QueueJob]:
        return iter(self._jobs.values())

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def get(self, job_id: str) -> QueueJob:
        """Return a job.

        Raises
        ------
        JobError
            There is none of that id.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise JobError(f"there is no job {job_id} in the queue", job_id=job_id) from None

    def add(self, job: QueueJob) -> None:
        """Put a job at the end."""
        self._jobs[job.id] = job

    def change(self, job_id: str, **changes: Any) -> QueueJob:
        """Change anything but the state of a job, and return it as it is now."""
        job = dataclasses.replace(self.get(job_id), **changes)
        self._jobs[job_id] = job
        return job

    def move_to(self, job_id: str, state: JobState, **changes: Any) -> QueueJob:
        """Move a job to another state.

        Raises
        ------
        JobError
            The table of legal moves does not have this one.
        """
        _require_legal(self.get(job_id), state)
        return self.change(job_id, state=state, **changes)

    def remove(self, job_id: str) -> QueueJob:
        """Take a job out and return it."""
        job = self.get(job_id)
        del self._jobs[job_id]
        return job

    def replace(self, old_id: str, new: QueueJob) -> None:
        """Put a job into the place of another, or of itself as it was.

        Raises
        ------
        JobError
            There is none of that id, or the job may not move from its state to the new one.
        """
        old = self.get(old_id)
        if new.id == old_id:
            if new.state is not old.state:
                _require_legal(old, new.state)
            self._jobs[old_id] = new
            return
        self._jobs = {job.id: job for job in (new if job.id == old_id else job for job in self)}

    def reorder(self, job_ids: Iterable[str]) -> None:
        """Put the given jobs first, in the given order; the others follow as they were.

        Raises
        ------
        JobError
            An id is unknown.
        """
        first = {job_id: self.get(job_id) for job_id in job_ids}
        self._jobs = first | {job.id: job for job in self if job.id not in first}


def _require_legal(job: QueueJob, state: JobState) -> None:
    if state not in TRANSITIONS[job.state]:
        raise JobError(f"job {job.id} is {job.state} and cannot become {state}", job_id=job.id)
