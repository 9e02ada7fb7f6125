"""What is known of waiting jobs: which are up to date, and which must wait for one of the same content."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Iterable

from stlkit.engine.assignments import AssignmentMaker
from stlkit.engine.reuse import Lookup, Reuse
from stlkit.model.jobs import QueueJob

_log = logging.getLogger(__name__)

LOOK_AHEAD = 100  # jobs that are looked up, and may be found up to date, together


class Lookups:
    """Lookups of waiting jobs. The condition is held by whoever calls, except for `find`.

    Parameters
    ----------
    reuse : Reuse
    assignments : AssignmentMaker
        Knows the effective options of a job.
    """

    def __init__(self, reuse: Reuse, assignments: AssignmentMaker) -> None:
        self._reuse = reuse
        self._assignments = assignments
        self._found: dict[str, Lookup] = {}
        self._sought: set[str] = set()
        self._running: dict[str, str] = {}  # checksum of the source of each running job
        self._held: set[str] = set()  # running jobs that nobody waits for
        self._made_at: dict[str, float] = {}  # when a job of a content was last over

    def get(self, job: QueueJob) -> Lookup | None:
        """Return what was found of a job; None where it has changed since, or was not looked up."""
        lookup = self._found.get(job.id)
        return lookup if lookup is not None and self.holds(lookup, job) else None

    def holds(self, lookup: Lookup, job: QueueJob) -> bool:
        """Whether nothing about a job has changed since it was looked up."""
        return lookup.holds_for(job, self._assignments.options_of(job))

    def may_begin(self, job: QueueJob) -> bool:
        """Whether a job is neither being looked up, nor has a twin: what that one makes need not be made twice."""
        lookup = self._found.get(job.id)
        has_twin = lookup is not None and any(
            content == lookup.stl_checksum for other, content in self._running.items() if other not in self._held
        )
        return job.id not in self._sought and not has_twin

    def choose(self, first: QueueJob, waiting: Iterable[QueueJob]) -> tuple[QueueJob, ...]:
        """Choose jobs to look up together, so that many that are up to date end in one transaction."""
        others = (job for job in waiting if job.id not in self._found and job.id != first.id)
        chosen = (first, *itertools.islice(others, LOOK_AHEAD - 1))
        self._sought.update(job.id for job in chosen)
        return chosen

    def find(self, jobs: Iterable[QueueJob]) -> list[Lookup]:
        """Look jobs up until one is not up to date, because that is to be begun; reads sources."""
        found = []
        for job in jobs:
            found.append(self._look_up(job))
            if found[-1].finished is None:
                break
        return found

    def _look_up(self, job: QueueJob) -> Lookup:
        try:
            return self._reuse.look_up(job)
        except Exception:  # a defect of ours must cost what could have been reused, not the job
            _log.exception("earlier work for job %s could not be looked up", job.id)
            return Lookup(job=job, options=self._assignments.options_of(job))

    def give_back(self, sought: tuple[QueueJob, ...]) -> None:
        """Let chosen jobs begin, or be looked up by others."""
        self._sought.difference_update(job.id for job in sought)

    def keep(self, lookup: Lookup) -> None:
        """Keep what was found of a job; not where another of its content came to its end meanwhile."""
        if lookup.moment > self._made_at.get(lookup.stl_checksum or "", -math.inf):
            self._found[lookup.job.id] = lookup

    def begin(self, job_id: str) -> None:
        """Have others of a job's content wait for it."""
        content = self._found[job_id].stl_checksum
        if content is not None:
            self._running[job_id] = content

    def hold(self, job_id: str) -> None:
        """Let others of a job's content go on: nobody knows how long it is held."""
        self._held.add(job_id)

    def go_on(self, job_id: str) -> None:
        """Have others of a job's content wait for it again; one that has begun meanwhile goes on."""
        self._held.discard(job_id)

    def forget(self, job_id: str) -> None:
        """Drop what was found of a job that is over, or does not wait any more.

        Where it ran, others of its content are looked up anew: what it made may help them.
        """
        self._held.discard(job_id)
        self._found.pop(job_id, None)
        if (content := self._running.pop(job_id, None)) is not None:
            self._made_at[content] = time.monotonic()
            for other_id in [i for i, lookup in self._found.items() if lookup.stl_checksum == content]:
                del self._found[other_id]
