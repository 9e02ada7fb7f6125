"""From waiting jobs to attempts: what a supervisor gets to do next."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from stlkit.engine.admission import Admission
from stlkit.engine.assignments import AssignmentMaker
from stlkit.engine.changes import JobChanges
from stlkit.engine.drives import DriveFacts, Drives, folders_of
from stlkit.engine.endings import Endings
from stlkit.engine.limits import full_disk
from stlkit.engine.lookups import Lookups
from stlkit.engine.retries import Retries
from stlkit.engine.reuse import Lookup, Reuse
from stlkit.engine.supervisor import Assignment, Seat
from stlkit.engine.switch import QueueSwitch
from stlkit.engine.waiting import WaitingJobs
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.pipeline.plan import Stage
from stlkit.pipeline.size import measure_model
from stlkit.storage.history import JobEnd

ASKED_AT_ONCE = 20  # jobs of one place; a thread for each would take as long as looking it up

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A job that may begin, and when that was found: after how many changes, and at which moment.

    With what its drives have said already, where they answered late.
    """

    lookup: Lookup
    changes: int
    moment: float
    facts: DriveFacts | None


class JobTaker:
    """Takes jobs in their order, once they are known not to be up to date and there is memory and room for them.

    The condition is held by whoever calls, except for `take`.

    Parameters
    ----------
    changes : JobChanges
    state : callable
        Returns the present `QueueState`, for settings and options.
    switch : QueueSwitch
    endings : Endings
    waiting : WaitingJobs
    assignments : AssignmentMaker
    reuse : Reuse

    Attributes
    ----------
    retries : Retries
    """

    def __init__(
        self,
        changes: JobChanges,
        state: Callable[[], QueueState],
        switch: QueueSwitch,
        endings: Endings,
        waiting: WaitingJobs,
        assignments: AssignmentMaker,
        reuse: Reuse,
    ) -> None:
        self._changes = changes
        self._changed = changes.condition
        self._book = changes.book
        self._state = state
        self._switch = switch
        self._endings = endings
        self._waiting = waiting
        self._assignments = assignments
        self.retries = Retries()
        self._lookups = Lookups(reuse, assignments)
        self._drives = Drives(changes)
        self._admission = Admission(state)
        self._is_beginning = False  # whether a supervisor asks if there is room for a job
        self._late_facts: dict[str, tuple[Lookup, DriveFacts]] = {}  # of jobs whose drives answered late

    def reserve(self, job_id: str) -> bool:
        """Keep a waiting job from being taken until it is committed; False where it is reserved already."""
        self._waiting.forget(job_id)  # a job that is being ended waits for nothing any more
        return self._endings.reserve(job_id)

    def forget(self, job_id: str) -> None:
        """Drop what is known of a job that does not wait any more, or is over; others of its content may begin."""
        self.retries.forget(job_id)
        self._lookups.forget(job_id)
        self._late_facts.pop(job_id, None)

    @property
    def running_count(self) -> int:
        """How many jobs are running."""
        return self._admission.running_count

    def hold(self, job_id: str) -> None:
        """Let others of a held job's content begin: nobody knows how long it is held."""
        self._lookups.hold(job_id)
        self._changes.touch()

    def go_on(self, job_id: str) -> None:
        """Have others of a job's content wait again, because it is held no longer."""
        self._lookups.go_on(job_id)

    def give_back(self, job_id: str) -> None:
        """Give back the memory of a job that does not run any more."""
        self._admission.end(job_id)
        self._changes.touch()

    def pause_for_room(self, job: QueueJob, what: str) -> None:
        """Pause the queue until there is room for a job again."""
        self._switch.pause_for_room(
            what, self._assignments.folders_of(job), self._state().queue_settings.min_free_disk_mb
        )

    def take(self, seat: Seat) -> Assignment | None:
        """Wait for a job; None tells the supervisor in this seat to go home."""
        while True:
            with self._changed:
                step = self._wait_for_step(seat)
            # without the lock: drives are asked, sources are read, and what has ended is written down
            if step is None:
                return None
            if isinstance(step, tuple):
                self._look_up(step, seat)
                continue
            begun = self._begin(step, seat)
            if isinstance(begun, Assignment):
                return begun
            if begun is not None:
                self._endings.try_to_commit(begun)

    def _wait_for_step(self, seat: Seat) -> _Chosen | tuple[QueueJob, ...] | None:
        """Return what a supervisor has to do next: to begin a job, to look jobs up, or to go home."""
        while self._is_taken(seat):
            now = time.monotonic()  # one moment for both questions: no retry may fall due between them
            job = None if self._switch.paused else next(self._jobs_that_may_begin(now), None)
            if job is not None:
                if not job.output_base_folder.is_absolute():  # of an edited state; nobody knows what is meant
                    self._waiting.for_a_first_folder(job)
                    continue
                if (lookup := self._lookups.get(job)) is None:
                    return self._lookups.choose(job, self._jobs_that_may_begin(now))
                if not self._is_beginning:  # one after the other, so that a small job does not overtake a large one
                    self._is_beginning = True
                    found_for, facts = self._late_facts.pop(job.id, (None, None))
                    return _Chosen(lookup, self._changes.count, now, facts if found_for is lookup else None)
            self._changed.wait(self._time_to_next_retry(now))
        return None

    def _is_taken(self, seat: Seat) -> bool:
        """Whether a supervisor is to stay in its seat; once it is not, it never is again."""
        if not self._switch.running or seat.number >= self._state().queue_settings.max_concurrent_jobs:
            seat.given_up = True
        return not seat.given_up

    def _begin(self, chosen: _Chosen, seat: Seat) -> Assignment | JobEnd | None:
        """Return an attempt at a job, or its end where it can never fit; None where there is something else to do."""
        lookup, job_id = chosen.lookup, chosen.lookup.job.id
        folders, min_free_mb = self._assignments.folders_of(lookup.job), self._state().queue_settings.min_free_disk_mb

        def ask() -> DriveFacts:
            return DriveFacts(size=measure_model(lookup.job.stl_path), full=full_disk(folders, min_free_mb))

        facts, defect = None, None
        try:
            facts = chosen.facts or self._drives.ask(lookup.job, ask, late=partial(self._keep_late_facts, lookup))
        except Exception as error:  # must cost neither the supervisor nor the others
            defect = error
        with self._changed:
            self._is_beginning = False
            may_begin = self._is_taken(seat) and not self._switch.paused and self._may_still_begin(lookup)
            if may_begin and facts is not None:
                try:
                    step = self._try_assign(self._book.get(job_id), lookup, facts)
                except Exception as error:  # as above
                    defect = error
                else:
                    if step is None:
                        self._wait_for_a_change(chosen)
                    elif isinstance(step, JobEnd):  # it may take long to write down; another one is the first now
                        self._changes.touch()
                    return step
            if may_begin and defect is not None:
                _log.error("job %s could not be begun", job_id, exc_info=defect)
                self.give_back(job_id)
                self._endings.give_up(job_id, defect)
            self._changes.touch()  # another one may be the first now
            return None

    def _wait_for_a_change(self, chosen: _Chosen) -> None:
        """Wait where a job does not fit, unless something has changed while the drives were asked.

        Else nobody is told: the others would only find out the same.
        """
        now = time.monotonic()
        if self._changes.count == chosen.changes and not self.retries.fell_due(chosen.moment, now):
            self._changed.wait(self._time_to_next_retry(now))

    def _look_up(self, jobs: tuple[QueueJob, ...], seat: Seat) -> None:
        """Look jobs up until one is to be begun, or does not answer; end those that are up to date."""
        found: list[Lookup] = []
        for group in _of_one_place(jobs):
            answer = self._drives.ask(group[0], partial(self._lookups.find, group), late=self._keep_late)
            found += answer or ()
            if answer is None or answer[-1].finished is None or seat.given_up:
                break
        with self._changed:
            self._lookups.give_back(jobs)
            # one that is up to date, but was changed meanwhile, is looked up anew
            ends = [lookup.up_to_date() for lookup in found if lookup.finished is not None and self._claims(lookup)]
            self._keep(lookup for lookup in found if lookup.finished is None)
            self._changes.touch()
        if ends:
            self._endings.try_to_commit(*ends)

    def _keep(self, found: Iterable[Lookup]) -> None:
        for lookup in found:
            if lookup.job.id in self._book:
                self._lookups.keep(lookup)

    def _keep_late(self, found: Iterable[Lookup]) -> Callable[[], object]:
        """Use what was found late: at once, as a source may change; what cannot be used now is looked up anew."""
        ends = []
        for lookup in found:
            if lookup.finished is None:
                self._keep([lookup])
            elif not self._switch.paused and self._claims(lookup):
                ends.append(lookup.up_to_date())
        return partial(self._endings.try_to_commit, *ends)

    def _keep_late_facts(self, lookup: Lookup, facts: DriveFacts) -> None:
        if self._may_still_begin(lookup) and not self._switch.paused:
            self._late_facts[lookup.job.id] = lookup, facts

    def _claims(self, lookup: Lookup) -> bool:
        """Reserve a job that is to end as up to date, unless somebody changed it meanwhile."""
        job_id = lookup.job.id
        if not self._switch.running or job_id not in self._book:
            return False
        job = self._book.get(job_id)
        return job.state is JobState.PENDING and self._lookups.holds(lookup, job) and self.reserve(job_id)

    def _jobs_that_may_begin(self, now: float) -> Iterator[QueueJob]:
        for job in self._book:
            if self.retries.is_due(job.id, now) and self._may_begin(job):
                yield job

    def _may_still_begin(self, lookup: Lookup) -> bool:
        job = self._book.get(lookup.job.id) if lookup.job.id in self._book else None
        return job is not None and self._lookups.get(job) is lookup and self._may_begin(job)

    def _may_begin(self, job: QueueJob) -> bool:
        waits = job.state is JobState.PENDING and not self._endings.is_reserved(job.id)
        return waits and not self._drives.are_silent(job) and self._lookups.may_begin(job)

    def _time_to_next_retry(self, now: float) -> float | None:
        return None if self._switch.paused else self.retries.time_to_next(now)

    def _try_assign(self, job: QueueJob, lookup: Lookup, facts: DriveFacts) -> Assignment | JobEnd | None:
        needs = self._assignments.needs_of(job, facts.size, self._concurrency())
        if (refusal := self._admission.refusal(needs)) is not None:
            self.reserve(job.id)
            refused = replace(job, state=JobState.FAILED, completed_at=utc_now(), error_message=refusal)
            return self._assignments.end_of(refused)
        if not self._admission.fits(needs):
            return None
        if facts.full is not None:
            folder, free_mb = facts.full
            self.pause_for_room(job, f"the disk of {printable(folder)} has {free_mb:.0f} MB left")
            return None
        try:
            assignment = self._assignments.make(job, needs, lookup.known)
        except OSError as error:  # the cache folder cannot be written: that is not the job's fault
            self._endings.pause_for_storage(f"no job can be started: {error}")
            return None
        self.retries.forget(job.id)
        self._admission.begin(job.id, needs)
        self._lookups.begin(job.id)
        self._changes.move(
            job.id,
            JobState.VALIDATING,
            attempts=assignment.order.attempt,
            stage=Stage.INTAKE.value,
            progress=0.0,
            started_at=job.started_at or utc_now(),
            estimated_duration=needs.duration_s,
        )
        return assignment

    def _concurrency(self) -> int:
        """Return how many jobs will run side by side once another is taken."""
        open_jobs = sum(1 for job in self._book if job.state is JobState.PENDING or job.state.running)
        return min(open_jobs, self._state().queue_settings.max_concurrent_jobs)


def _of_one_place(jobs: Iterable[QueueJob]) -> Iterator[tuple[QueueJob, ...]]:
    """Part jobs into runs of the same folders, which answer or hang together, and of bounded length."""
    for _, run in itertools.groupby(jobs, folders_of):
        while group := tuple(itertools.islice(run, ASKED_AT_ONCE)):
            yield group
