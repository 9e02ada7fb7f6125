"""The queue as its supervisors see it: where jobs are taken from and answers are left."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stlkit.engine.admission import Admission
from stlkit.engine.assignments import AssignmentMaker
from stlkit.engine.changes import JobChanges
from stlkit.engine.drives import DriveFacts, Drives
from stlkit.engine.endings import Endings
from stlkit.engine.events import EventKind, EventPublisher, QueueEvent
from stlkit.engine.forecast import Forecaster
from stlkit.engine.limits import full_disk
from stlkit.engine.lookups import Lookups
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Lookup, Reuse
from stlkit.engine.stores import Stores
from stlkit.engine.supervisor import Assignment, Seat, Wish
from stlkit.engine.switch import QueueSwitch
from stlkit.engine.verdict import Next, decide
from stlkit.engine.waiting import WaitingJobs
from stlkit.engine.watcher import Watcher
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.pipeline.order import FailureCause, JobAnswer
from stlkit.pipeline.plan import Stage
from stlkit.pipeline.size import measure_model
from stlkit.storage.history import JobEnd
from stlkit.storage.partials import remove_partial_outputs
from stlkit.storage.progress import FILE_NAME as PROGRESS_FILE_NAME

_log = logging.getLogger(__name__)

RETRY_WAIT_S = 0.5  # doubled with each further attempt
LONGEST_RETRY_WAIT_S = 30.0
MIN_PROGRESS_STEP = 0.5  # percent; smaller steps within a stage are not worth an event


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A job that may begin, and when that was found: after how many changes, and at which moment."""

    lookup: Lookup
    changes: int
    moment: float


class SupervisorDesk:
    """Gives jobs to supervisors and settles what they bring back.

    Thread-safe: everything that changes is behind one condition, which the queue shares.

    Parameters
    ----------
    changes : JobChanges
    state : callable
        Returns the present `QueueState`, for settings and options.
    events : EventPublisher
    recorder : JobRecorder
    stores : Stores
    """

    def __init__(
        self,
        changes: JobChanges,
        state: Callable[[], QueueState],
        events: EventPublisher,
        recorder: JobRecorder,
        stores: Stores,
    ) -> None:
        self._changes = changes
        self._changed = changes.condition
        self._book = changes.book
        self._state = state
        self._events = events
        self._cache = stores.cache
        self.watcher = Watcher()
        self.switch = QueueSwitch(changes, self.watcher)
        self.assignments = AssignmentMaker(state, stores.cache, Forecaster(stores.costs))
        reuse = Reuse(stores.outputs, self.assignments.options_of)
        self.endings = Endings(changes, self.switch, recorder, reuse, stores.cache, self._forget_waiting)
        self.waiting = WaitingJobs(changes, self.watcher, self.endings.is_reserved)
        self._lookups = Lookups(reuse, self.assignments)
        self._drives = Drives(changes)
        self._admission = Admission(state)
        self._hold: set[str] = set()
        self._end_as: dict[str, JobState] = {}
        self._not_before: dict[str, float] = {}
        self._is_beginning = False  # whether a supervisor asks if there is room for a job

    # --- what the queue asks of running jobs; the condition is held ---

    def hold(self, job_id: str) -> None:
        """Have a running job hold after its stage."""
        self._hold.add(job_id)

    def release(self, job_id: str) -> None:
        """Have a held job go on."""
        self._hold.discard(job_id)

    def end(self, job_id: str, state: JobState) -> None:
        """Have a running job end as `state`; ``pending`` puts it back into the queue."""
        if state is JobState.PENDING:  # a person's wish to end the job for good goes before the queue's to put it back
            self._end_as.setdefault(job_id, state)
        else:
            self._end_as[job_id] = state

    def reserve(self, job_id: str) -> bool:
        """Keep a waiting job from being taken until it is committed; False where it is reserved already."""
        self.waiting.forget(job_id)  # a job that is being ended waits for nothing any more
        return self.endings.reserve(job_id)

    def forget(self, job_id: str) -> None:
        """Drop what is kept of a job that was taken out of the queue."""
        self._forget_waiting(job_id)
        self.endings.drop(job_id)
        self.waiting.forget(job_id)
        self._cache.cleanup_job_cache(job_id)

    # --- what supervisors call (`stlkit.engine.supervisor.Desk`) ---

    def take(self, seat: Seat) -> Assignment | None:
        """Wait for a job; None tells the supervisor in this seat to go home."""
        while True:
            with self._changed:
                step = self._wait_for_step(seat)
            # without the lock: drives are asked, sources are read, and what has ended is written down
            if step is None:
                return None
            if isinstance(step, tuple):
                self._look_up(step)
                continue
            begun = self._begin(step, seat) if isinstance(step, _Chosen) else step
            if isinstance(begun, Assignment):
                return begun
            if begun is not None:
                self._commit(begun)

    def _wait_for_step(self, seat: Seat) -> _Chosen | JobEnd | tuple[QueueJob, ...] | None:
        """Return what a supervisor has to do next: to begin a job or to end one, to look jobs up, or to go home."""
        while self._is_taken(seat):
            now = time.monotonic()  # one moment for both questions: no retry may fall due between them
            job = None if self.switch.paused else next(self._jobs_that_may_begin(now), None)
            if job is not None:
                if not job.output_base_folder.is_absolute():  # of an edited state; nobody knows what is meant
                    self.waiting.for_a_first_folder(job)
                    continue
                if (lookup := self._lookups.get(job)) is None:
                    return self._lookups.choose(job, self._jobs_that_may_begin(now))
                if lookup.finished is not None and self._claims(lookup):
                    return lookup.up_to_date()
                if not self._is_beginning:  # one after the other, so that a small job does not overtake a large one
                    self._is_beginning = True
                    return _Chosen(lookup, self._changes.count, now)
            self._changed.wait(self._time_to_next_retry(now))
        return None

    def _is_taken(self, seat: Seat) -> bool:
        """Whether a supervisor is to stay in its seat; once it is not, it never is again."""
        if not self.switch.running or seat.number >= self._state().queue_settings.max_concurrent_jobs:
            seat.given_up = True
        return not seat.given_up

    def _begin(self, chosen: _Chosen, seat: Seat) -> Assignment | JobEnd | None:
        """Return an attempt at a job, or its end where it can never fit; None where there is something else to do."""
        lookup, job_id = chosen.lookup, chosen.lookup.job.id
        folders, min_free_mb = self._folders_of(lookup.job), self._state().queue_settings.min_free_disk_mb

        def ask() -> DriveFacts:
            return DriveFacts(size=measure_model(lookup.job.stl_path), full=full_disk(folders, min_free_mb))

        try:
            facts = self._drives.ask(lookup.job, ask)
            with self._changed:
                self._is_beginning = False
                if facts is None or not self._is_taken(seat) or not self._may_still_begin(lookup):
                    self._changes.touch()  # another one may be the first now
                    return None
                step = self._try_assign(self._book.get(job_id), lookup, facts)
                if step is None:
                    self._wait_for_a_change(chosen)
                return step
        except Exception as error:  # a defect of ours must not cost the supervisor
            _log.exception("job %s could not be begun", job_id)
            with self._changed:
                self._is_beginning = False
                self._changes.touch()
            self.give_up(job_id, error)
            return None

    def _wait_for_a_change(self, chosen: _Chosen) -> None:
        """Wait where a job does not fit, unless something has changed while the drives were asked.

        Else nobody is told: the others would only find out the same.
        """
        now = time.monotonic()
        fell_due = any(chosen.moment < moment <= now for moment in self._not_before.values())
        if self._changes.count == chosen.changes and not fell_due:
            self._changed.wait(self._time_to_next_retry(now))

    def _look_up(self, jobs: tuple[QueueJob, ...]) -> None:
        """Look jobs up until one is to be begun, or does not answer; end those that are up to date."""
        found: list[Lookup] = []
        try:
            for job in jobs:
                lookup = self._drives.ask(job, partial(self._lookups.find, job), late=self._keep)
                if lookup is None:
                    break
                found.append(lookup)
                if lookup.finished is None:
                    break
        finally:
            with self._changed:
                self._lookups.give_back(jobs)
                # one that is up to date, but was changed meanwhile, is looked up anew
                ends = [lookup.up_to_date() for lookup in found if lookup.finished is not None and self._claims(lookup)]
                for lookup in found:
                    if lookup.finished is None:
                        self._keep(lookup)
                self._changes.touch()
        if ends:
            self._commit(*ends)

    def _keep(self, lookup: Lookup) -> None:
        if lookup.job.id in self._book:
            self._lookups.keep(lookup)

    def _commit(self, *ends: JobEnd) -> None:
        with contextlib.suppress(Exception):  # the jobs were given up, and it stands in the log
            self.endings.commit(*ends)

    def _claims(self, lookup: Lookup) -> bool:
        """Reserve a job that is to end as up to date, unless somebody changed it meanwhile."""
        job_id = lookup.job.id
        if not self.switch.running or job_id not in self._book:
            return False
        job = self._book.get(job_id)
        return job.state is JobState.PENDING and self._lookups.holds(lookup, job) and self.reserve(job_id)

    def wish(self, job_id: str) -> Wish:
        """Return what a person wants of a running job now."""
        with self._changed:
            if job_id in self._end_as:
                return Wish.END
            return Wish.HOLD if self.switch.paused or job_id in self._hold else Wish.RUN

    def progressed(self, job_id: str, stage: str, progress: float) -> None:
        """Note how far a job has come; it becomes ``processing`` once it is past its validation."""
        with self._changed:
            job = self._book.get(job_id)
            working = JobState.VALIDATING if stage in (Stage.INTAKE, Stage.VALIDATION) else JobState.PROCESSING
            if job.state is not working:
                self._changes.move(job_id, working, stage=stage, progress=progress)
            elif job.stage != stage or progress - job.progress >= MIN_PROGRESS_STEP:
                job = self._book.change(job_id, stage=stage, progress=progress)
                self._events.publish(QueueEvent(kind=EventKind.PROGRESS, job=job))

    def held(self, job_id: str) -> None:
        """Note that a job waits between two stages."""
        with self._changed:
            self._lookups.hold(job_id)
            self._changes.move(job_id, JobState.PAUSED)

    def settle(self, assignment: Assignment, answer: JobAnswer, working_s: float) -> None:
        """Take an attempt's answer: try again, put back, wait, or end the job."""
        job_id = assignment.order.job_id
        with contextlib.suppress(OSError):  # what cannot be removed now is removed later, and changes no verdict
            # what is in its place already need not be made again by the next attempt
            self._cache.trim_job_cache(job_id, keep=PROGRESS_FILE_NAME)
        if answer.state is not JobState.COMPLETED:  # its worker may have been killed in the middle of a file
            remove_partial_outputs(self._book.get(job_id).output_folder, assignment.order.output_base_folder)
        with self._changed:
            stays_paused = job_id in self._hold  # a person paused it, and it did not come to hold
            wanted = self._end_as.get(job_id)
            concurrency = self._admission.running_count
            self._free(job_id)
            job = self._book.change(job_id, actual_duration=(self._book.get(job_id).actual_duration or 0) + working_s)
            verdict = decide(job, answer, wanted, self._state().queue_settings)
            if verdict.next is Next.AGAIN:
                self._try_again(job, answer)
            elif verdict.next is Next.WAIT:
                self._let_wait(job, answer, stays_paused=stays_paused)
            elif verdict.next is not Next.END:
                if verdict.next is Next.PUT_BACK_AND_PAUSE_QUEUE:
                    self._pause_for_room(job, f"the disk of {printable(answer.path or job.output_base_folder)} is full")
                self._put_back(job)
            if verdict.state is None:
                if stays_paused and self._book.get(job_id).state is JobState.PENDING:
                    self._changes.move(job_id, JobState.PAUSED)
                return
        order = assignment.order
        self.endings.commit(
            JobEnd(
                job=_ended(job, answer, verdict.state),
                render=order.render,
                validation=order.validation,
                output=order.output,
                concurrency=concurrency,
            )
        )

    def give_up(self, job_id: str, error: Exception) -> None:
        """Take back a job that could not be settled, because of an error nobody foresaw; a person may resume it."""
        with self._changed:
            self._free(job_id)
            self.endings.give_up(job_id, error)

    def _free(self, job_id: str) -> None:
        """Give back what a running job took: memory, and the right to be the only one of its content."""
        self._drop_wishes(job_id)
        self._admission.end(job_id)
        self._lookups.end(job_id)

    def _forget_waiting(self, job_id: str) -> None:
        self._not_before.pop(job_id, None)
        self._lookups.forget(job_id)
        self._drop_wishes(job_id)

    def _drop_wishes(self, job_id: str) -> None:
        """Forget what a person wanted of a running job, when it does not run any more."""
        self._hold.discard(job_id)
        self._end_as.pop(job_id, None)

    def _jobs_that_may_begin(self, now: float) -> Iterator[QueueJob]:
        for job in self._book:
            if self._not_before.get(job.id, now) <= now and self._may_begin(job):
                yield job

    def _may_still_begin(self, lookup: Lookup) -> bool:
        job = self._book.get(lookup.job.id) if lookup.job.id in self._book else None
        return job is not None and self._lookups.get(job) is lookup and self._may_begin(job)

    def _may_begin(self, job: QueueJob) -> bool:
        waits = job.state is JobState.PENDING and not self.endings.is_reserved(job.id)
        if self._drives.are_silent(job):
            return False
        return waits and self._lookups.may_begin(job)

    def _time_to_next_retry(self, now: float) -> float | None:
        later = [moment for moment in self._not_before.values() if moment > now]
        return min(later) - now if later and not self.switch.paused else None

    def _try_assign(self, job: QueueJob, lookup: Lookup, facts: DriveFacts) -> Assignment | JobEnd | None:
        needs = self.assignments.needs_of(job, facts.size, self._concurrency())
        if (refusal := self._admission.refusal(needs)) is not None:
            self.reserve(job.id)
            refused = replace(job, state=JobState.FAILED, completed_at=utc_now(), error_message=refusal)
            return self.assignments.end_of(refused)
        if not self._admission.fits(needs):
            return None
        if facts.full is not None:
            folder, free_mb = facts.full
            self._pause_for_room(job, f"the disk of {printable(folder)} has {free_mb:.0f} MB left")
            return None
        try:
            assignment = self.assignments.make(job, needs, lookup.known)
        except OSError as error:  # the cache folder cannot be written: that is not the job's fault
            self.endings.pause_for_storage(f"no job can be started: {error}")
            return None
        self._not_before.pop(job.id, None)
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

    def _folders_of(self, job: QueueJob) -> tuple[Path, ...]:
        return job.output_base_folder, self._cache.job_cache

    def _pause_for_room(self, job: QueueJob, what: str) -> None:
        self.switch.pause_for_room(what, self._folders_of(job), self._state().queue_settings.min_free_disk_mb)

    def _let_wait(self, job: QueueJob, answer: JobAnswer, *, stays_paused: bool) -> None:
        attempts = self.assignments.take_back(job)
        changes = {"stage": None, "progress": 0.0, "attempts": attempts, "error_message": answer.error_message}
        if answer.cause is FailureCause.UNREACHABLE:
            place = answer.path or job.output_base_folder
            self.waiting.for_a_drive(job, place, stays_paused=stays_paused, **changes)
        else:
            self.waiting.for_another_folder(job, answer.path, **changes)

    def _put_back(self, job: QueueJob) -> None:
        # that attempt was not the job's fault
        self._changes.move(job.id, JobState.PENDING, stage=None, progress=0.0, attempts=self.assignments.take_back(job))

    def _try_again(self, job: QueueJob, answer: JobAnswer) -> None:
        wait_s = min(RETRY_WAIT_S * 2 ** (job.attempts - 1), LONGEST_RETRY_WAIT_S)
        self._not_before[job.id] = time.monotonic() + wait_s
        warning = f"attempt {job.attempts} failed and was repeated: {answer.error_message}"
        results = replace(job.results, warnings=(*job.results.warnings, warning))
        timeouts = job.timeouts + (answer.cause is FailureCause.TIMEOUT)
        changes = {"stage": None, "progress": 0.0, "results": results, "timeouts": timeouts}
        self._changes.move(job.id, JobState.PENDING, message=warning, **changes)


def _ended(job: QueueJob, answer: JobAnswer, state: JobState) -> QueueJob:
    results = replace(answer.results, warnings=(*job.results.warnings, *answer.results.warnings))
    return replace(
        job,
        state=state,
        stage=None,
        progress=100.0,
        completed_at=utc_now(),
        results=results,
        error_message=answer.error_message if state is answer.state else None,
        question=None,
    )
