"""The queue as its supervisors see it: where jobs are taken from and answers are left."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from stlkit.engine.assignments import AssignmentMaker, JobNeeds
from stlkit.engine.book import JobBook
from stlkit.engine.events import EventKind, EventPublisher, QueueEvent
from stlkit.engine.forecast import Forecaster
from stlkit.engine.limits import full_disk, memory_budget_bytes
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Lookup, Reuse
from stlkit.engine.stores import Stores
from stlkit.engine.supervisor import Assignment, Seat, Wish
from stlkit.engine.verdict import Next, decide
from stlkit.engine.watcher import Watcher
from stlkit.errors import StorageError
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.pipeline.order import FailureCause, JobAnswer
from stlkit.pipeline.plan import Stage
from stlkit.storage.history import JobEnd
from stlkit.storage.partials import remove_partial_outputs
from stlkit.storage.progress import FILE_NAME as PROGRESS_FILE_NAME
from stlkit.storage.progress import load_processing_state

_log = logging.getLogger(__name__)

RETRY_WAIT_S = 0.5  # doubled with each further attempt
LONGEST_RETRY_WAIT_S = 30.0
MIN_PROGRESS_STEP = 0.5  # percent; smaller steps within a stage are not worth an event
LOOK_AHEAD = 100  # jobs that are looked up, and may be found up to date, together
_ROOM_AGAIN = 1.1  # so much more room than the least there must be before work goes on
GOES_ON = "the job goes on by itself when that is over"  # as long as somebody keeps the queue open
_DISK, _STORAGE = "disk", "storage"


class SupervisorDesk:
    """Gives jobs to supervisors and settles what they bring back.

    Thread-safe: everything that changes is behind one condition, which the queue shares.

    Parameters
    ----------
    changed : threading.Condition
        Guards the book and is notified of every change.
    book : JobBook
    state : callable
        Returns the present `QueueState`, for settings and options.
    recorder : JobRecorder
    stores : Stores
    events : EventPublisher
    save : callable
        Schedules the queue's state to be written.
    """

    def __init__(
        self,
        changed: threading.Condition,
        book: JobBook,
        state: Callable[[], QueueState],
        recorder: JobRecorder,
        stores: Stores,
        events: EventPublisher,
        save: Callable[[], None],
    ) -> None:
        self._changed = changed
        self._book = book
        self._state = state
        self._recorder = recorder
        self._cache = stores.cache
        self._events = events
        self._save = save
        self.assignments = AssignmentMaker(state, stores.cache, Forecaster(stores.costs))
        self._reuse = Reuse(stores.outputs, self.assignments.options_of)
        self.watcher = Watcher()
        self.running = False
        self.paused = False
        self.pause_reason: str | None = None
        self._hold: set[str] = set()
        self._end_as: dict[str, JobState] = {}
        self._not_before: dict[str, float] = {}
        self._reserved: set[str] = set()
        self._unrecorded: dict[str, JobEnd] = {}
        self._reporting = 0  # threads that have ended jobs, and are on their way to tell the output folders
        self._memory_bytes: dict[str, int] = {}  # forecast of each running job
        self._lookups: dict[str, Lookup] = {}  # of waiting jobs
        self._looking: set[str] = set()  # jobs that are being looked up now
        self._contents: dict[str, str] = {}  # checksum of the source of each running job

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
        if job_id in self._reserved:
            return False
        self._reserved.add(job_id)
        self.watcher.forget(job_id)  # a job that is being ended waits for nothing any more
        return True

    def is_ending(self, job_id: str) -> bool:
        """Whether the end of a waiting job is being recorded now."""
        return job_id in self._reserved

    def await_reports(self) -> None:
        """Wait until every job that has ended is on its way into its folder's log and summary."""
        self._changed.wait_for(lambda: not self._reporting)

    def forget(self, job_id: str) -> None:
        """Drop what is kept of a job that was taken out of the queue."""
        self._not_before.pop(job_id, None)
        self._unrecorded.pop(job_id, None)
        self._lookups.pop(job_id, None)
        self.watcher.forget(job_id)
        self._cache.cleanup_job_cache(job_id)

    def in_hand(self, job: QueueJob) -> bool:
        """Whether a supervisor has the job: it is running, or on hold between two stages."""
        return job.state.running or (job.state is JobState.PAUSED and job.stage is not None)

    def pause(self, reason: str | None = None) -> None:
        """Take no more jobs and have running ones hold; `reason` where the queue does so by itself."""
        self.paused, self.pause_reason = True, reason
        self.watcher.forget(_DISK)

    def resume(self) -> None:
        """Take jobs again."""
        self.paused, self.pause_reason = False, None
        self.watcher.forget(_DISK)

    def let_go_on(self, job_id: str) -> None:
        """Put a paused job that nobody has in hand back into the queue."""
        self.watcher.forget(job_id)
        self._move(job_id, JobState.PENDING, question=None, error_message=None)

    # --- what supervisors call (`stlkit.engine.supervisor.Desk`) ---

    def take(self, seat: Seat) -> Assignment | None:
        """Wait for a job; None tells the supervisor in this seat to go home."""
        while True:
            with self._changed:
                step = self._wait_for_step(seat)
            # without the lock: sources are read, and what is refused is written down
            if isinstance(step, JobEnd):
                self.commit(step)
            elif isinstance(step, tuple):
                self._look_up(step)
            else:
                return step

    def _wait_for_step(self, seat: Seat) -> Assignment | JobEnd | tuple[QueueJob, ...] | None:
        """Return what a supervisor has to do next: a job, one that is refused, jobs to look up, or to go home."""
        while True:
            if not self.running or seat.number >= self._state().queue_settings.max_concurrent_jobs:
                seat.given_up = True
            if seat.given_up:
                return None
            job = None if self.paused else self._next_pending()
            if job is not None:
                if not self._is_looked_up(job):
                    return self._to_look_up(job)
                if (assignment := self._try_assign(job)) is not None:
                    return assignment
            self._changed.wait(self._time_to_next_retry())

    def _is_looked_up(self, job: QueueJob) -> bool:
        lookup = self._lookups.get(job.id)
        return lookup is not None and lookup.holds_for(job, self.assignments.options_of(job))

    def _to_look_up(self, first: QueueJob) -> tuple[QueueJob, ...]:
        """Choose jobs to look up together, so that many that are up to date end in one transaction."""
        now = time.monotonic()
        others = (job for job in self._book if job.id not in self._lookups and self._may_begin(job, now))
        chosen = (first, *itertools.islice((job for job in others if job.id != first.id), LOOK_AHEAD - 1))
        self._looking.update(job.id for job in chosen)
        return chosen

    def _look_up(self, jobs: tuple[QueueJob, ...]) -> None:
        """End the jobs that are up to date; the first that is not ends the search, because it is to be begun."""
        lookups = []
        for job in jobs:
            lookups.append(self._reuse.look_up(job))
            if lookups[-1].finished is None:
                break
        with self._changed:
            self._looking.difference_update(job.id for job in jobs)
            ends = [lookup.up_to_date() for lookup in lookups if lookup.finished is not None and self._claims(lookup)]
            # one that is up to date, but was changed meanwhile, is looked up anew
            begun = (lookup for lookup in lookups if lookup.finished is None and lookup.job.id in self._book)
            self._lookups.update((lookup.job.id, lookup) for lookup in begun)
            self._changed.notify_all()
        if ends:
            self.commit(*ends)

    def _claims(self, lookup: Lookup) -> bool:
        """Reserve a job that is to end as up to date, unless somebody changed it meanwhile."""
        job_id = lookup.job.id
        if not self.running or job_id not in self._book:
            return False
        job = self._book.get(job_id)
        holds = job.state is JobState.PENDING and lookup.holds_for(job, self.assignments.options_of(job))
        return holds and self.reserve(job_id)

    def wish(self, job_id: str) -> Wish:
        """Return what a person wants of a running job now."""
        with self._changed:
            if job_id in self._end_as:
                return Wish.END
            return Wish.HOLD if self.paused or job_id in self._hold else Wish.RUN

    def progressed(self, job_id: str, stage: str, progress: float) -> None:
        """Note how far a job has come; it becomes ``processing`` once it is past its validation."""
        with self._changed:
            job = self._book.get(job_id)
            working = JobState.VALIDATING if stage in (Stage.INTAKE, Stage.VALIDATION) else JobState.PROCESSING
            if job.state is not working:
                self._move(job_id, working, stage=stage, progress=progress)
            elif job.stage != stage or progress - job.progress >= MIN_PROGRESS_STEP:
                job = self._book.change(job_id, stage=stage, progress=progress)
                self._events.publish(QueueEvent(kind=EventKind.PROGRESS, job=job))

    def held(self, job_id: str) -> None:
        """Note that a job waits between two stages."""
        with self._changed:
            self._contents.pop(job_id, None)  # nobody knows how long; others of its content need not wait with it
            self._move(job_id, JobState.PAUSED)

    def settle(self, assignment: Assignment, answer: JobAnswer, working_s: float) -> None:
        """Take an attempt's answer: try again, put back, wait, or end the job."""
        job_id = assignment.order.job_id
        # what is in its place already need not be made again by the next attempt
        self._cache.trim_job_cache(job_id, keep=PROGRESS_FILE_NAME)
        if answer.state is not JobState.COMPLETED:  # its worker may have been killed in the middle of a file
            remove_partial_outputs(self._book.get(job_id).output_folder, assignment.order.output_base_folder)
        with self._changed:
            self._hold.discard(job_id)
            concurrency = len(self._memory_bytes)
            self._free(job_id)
            wanted = self._end_as.pop(job_id, None)
            job = self._book.change(job_id, actual_duration=(self._book.get(job_id).actual_duration or 0) + working_s)
            verdict = decide(job, answer, wanted, self._state().queue_settings)
            if verdict.next is Next.AGAIN:
                self._try_again(job, answer)
            elif verdict.next is Next.WAIT:
                self._let_wait(job, answer)
            elif verdict.next is not Next.END:
                if verdict.next is Next.PUT_BACK_AND_PAUSE_QUEUE:
                    self._pause_for_room(job, f"the disk of {_shown(answer.path, job)} is full")
                self._put_back(job)
            if verdict.state is None:
                return
        order = assignment.order
        self.commit(
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
            if job_id in self._book and not self._book.get(job_id).state.ended:
                self._move(job_id, JobState.PAUSED, stage=None, progress=0.0, error_message=f"not settled: {error}")

    def commit(self, *ends: JobEnd) -> None:
        """End jobs: in the history, then in the queue, then in the output folder.

        Parameters
        ----------
        *ends : JobEnd
            The jobs as they are to be after their end; no supervisor has them in hand any more.
        """
        ends = tuple(map(self._recorder.complete, ends))
        try:
            for end in ends:
                self._reuse.record(end, load_processing_state(self._cache.job_folder(end.job.id)))
            self._recorder.commit(*ends)
        except StorageError as error:
            with self._changed:
                for end in ends:
                    self._reserved.discard(end.job.id)
                    self._move(end.job.id, JobState.PAUSED, stage=None, progress=0.0, question=None)
                    self._unrecorded[end.job.id] = end
                self._pause_for_storage(f"the end of job {ends[0].job.id} could not be recorded: {error}")
            return
        for end in ends:
            self._cache.cleanup_job_cache(end.job.id)
        with self._changed:
            for ended in (end.job for end in ends):
                self._reserved.discard(ended.id)
                self._not_before.pop(ended.id, None)
                self._lookups.pop(ended.id, None)
                self._book.replace(ended.id, ended)
                self._announce(ended)
            self._reporting += 1
        try:
            self._recorder.report(*(end.job for end in ends))
        finally:
            with self._changed:
                self._reporting -= 1
                self._changed.notify_all()

    def _free(self, job_id: str) -> None:
        """Give back what a running job took: memory, and the right to be the only one of its content."""
        self._memory_bytes.pop(job_id, None)
        if (content := self._contents.pop(job_id, None)) is not None:
            for other_id in [i for i, lookup in self._lookups.items() if lookup.stl_checksum == content]:
                del self._lookups[other_id]  # what it made may help them

    def _next_pending(self) -> QueueJob | None:
        now = time.monotonic()
        return next((job for job in self._book if self._may_begin(job, now)), None)

    def _may_begin(self, job: QueueJob, now: float) -> bool:
        if job.state is not JobState.PENDING or job.id in self._reserved or job.id in self._looking:
            return False
        return self._not_before.get(job.id, now) <= now and not self._has_twin(job)

    def _has_twin(self, job: QueueJob) -> bool:
        """Whether a job of the same content runs now; what that one makes need not be made twice."""
        lookup = self._lookups.get(job.id)
        return lookup is not None and lookup.stl_checksum in self._contents.values()

    def _time_to_next_retry(self) -> float | None:
        waiting = self._not_before.values()
        return max(0.01, min(waiting) - time.monotonic()) if waiting and not self.paused else None

    def _try_assign(self, job: QueueJob) -> Assignment | JobEnd | None:
        """Return an attempt at a job, or its end where it cannot fit at all; None where it has to wait."""
        lookup = self._lookups[job.id]
        try:
            needs = self.assignments.needs_of(job, self._concurrency())
            if (refusal := self._refusal(job, needs)) is not None:
                self.reserve(job.id)
                return refusal
            if not self._fits(needs) or not self._has_room(job):
                return None
            assignment = self.assignments.make(job, needs, lookup.known)
        except OSError as error:  # the cache folder cannot be written: that is not the job's fault
            self._pause_for_storage(f"no job can be started: {error}")
            return None
        self._not_before.pop(job.id, None)
        self._memory_bytes[job.id] = needs.memory_bytes
        if lookup.stl_checksum is not None:
            self._contents[job.id] = lookup.stl_checksum
        self._move(
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

    def _refusal(self, job: QueueJob, needs: JobNeeds) -> JobEnd | None:
        """Return the end of a job that needs more memory than there is; None where it can fit."""
        budget = memory_budget_bytes(self._state().queue_settings)
        if needs.memory_bytes <= budget:
            return None
        message = (
            f"needs about {needs.memory_bytes / 1e6:.0f} MB of memory, more than the {budget / 1e6:.0f} MB there "
            "are for all jobs; reduce the model, or raise memory_budget_mb"
        )
        return self.assignments.end_of(
            replace(job, state=JobState.FAILED, completed_at=utc_now(), error_message=message)
        )

    def _fits(self, needs: JobNeeds) -> bool:
        """Whether a job fits beside the running ones."""
        budget = memory_budget_bytes(self._state().queue_settings)
        return not self._memory_bytes or sum(self._memory_bytes.values()) + needs.memory_bytes <= budget

    def _has_room(self, job: QueueJob) -> bool:
        min_free_mb = self._state().queue_settings.min_free_disk_mb
        full = full_disk(self._folders_of(job), min_free_mb)
        if full is not None:
            self._pause_for_room(job, f"the disk of {printable(full[0])} has {full[1]:.0f} MB left")
        return full is None

    def _folders_of(self, job: QueueJob) -> tuple[Path, ...]:
        return job.output_base_folder, self._cache.job_cache

    def _pause_for_room(self, job: QueueJob, what: str) -> None:
        least_mb = self._state().queue_settings.min_free_disk_mb
        wanted = f"{least_mb:.0f} MB are free" if least_mb >= 1 else "there is room again"
        self._pause_because(f"{what}; the queue goes on by itself when {wanted}")
        folders = self._folders_of(job)
        self.watcher.expect(_DISK, lambda: full_disk(folders, least_mb * _ROOM_AGAIN) is None, self._room_again)

    def _room_again(self) -> None:
        with self._changed:
            if self.paused and self.pause_reason is not None:
                self.resume()
                self._events.publish(QueueEvent(kind=EventKind.NOTICE, message="there is room again"))
                self._changed.notify_all()

    def _pause_for_storage(self, what: str) -> None:
        self._pause_because(f"{what}; the queue goes on by itself when that works again")
        self.watcher.expect(_STORAGE, self._storage_works, self._go_on)

    def _storage_works(self) -> bool:
        try:
            self._recorder.check()
        except StorageError as error:
            _log.debug("not yet: %s", error)
            return False
        self._cache.check()
        return True

    def _go_on(self) -> None:
        """Record what could not be recorded, and let the queue go on where it paused by itself."""
        with self._changed:
            unrecorded, self._unrecorded = self._unrecorded, {}
            if self.paused and self.pause_reason is not None:
                self.resume()
                self._events.publish(QueueEvent(kind=EventKind.NOTICE, message="what failed works again"))
            # a person may have removed a job meanwhile, or had it begin again
            waiting = {
                job_id
                for job_id in unrecorded
                if job_id in self._book and not self._has_gone_on(self._book.get(job_id))
            }
            for job_id in waiting:
                self._reserved.add(job_id)
            self._changed.notify_all()
        for job_id in waiting:
            self.commit(unrecorded[job_id])

    def _has_gone_on(self, job: QueueJob) -> bool:
        return job.state is not JobState.PAUSED or self.in_hand(job) or job.id in self._reserved

    def _let_wait(self, job: QueueJob, answer: JobAnswer) -> None:
        """Pause a job until a person names another folder, or a drive is back."""
        place = _shown(answer.path, job)
        question = (
            f"{place} may not be written: which other output folder? Name one by queue.set_output or "
            "'stlkit resume --output', or mend this one and resume the job"
        )
        if answer.cause is FailureCause.UNREACHABLE:
            question = f"{place} cannot be reached, or is locked; {GOES_ON}"
            self.watcher.expect(job.id, lambda: _is_back(job), lambda: self._back_again(job.id))
        attempts = self.assignments.take_back(job)
        changes = {"stage": None, "progress": 0.0, "attempts": attempts, "question": question}
        self._move(job.id, JobState.PAUSED, message=question, error_message=answer.error_message, **changes)

    def _back_again(self, job_id: str) -> None:
        with self._changed:
            if job_id in self._book and self._waits_for_the_world(self._book.get(job_id)):
                self.let_go_on(job_id)

    def _waits_for_the_world(self, job: QueueJob) -> bool:
        return job.state is JobState.PAUSED and job.question is not None and job.id not in self._reserved

    def _put_back(self, job: QueueJob) -> None:
        # that attempt was not the job's fault
        self._move(job.id, JobState.PENDING, stage=None, progress=0.0, attempts=self.assignments.take_back(job))

    def _try_again(self, job: QueueJob, answer: JobAnswer) -> None:
        wait_s = min(RETRY_WAIT_S * 2 ** (job.attempts - 1), LONGEST_RETRY_WAIT_S)
        self._not_before[job.id] = time.monotonic() + wait_s
        warning = f"attempt {job.attempts} failed and was repeated: {answer.error_message}"
        results = replace(job.results, warnings=(*job.results.warnings, warning))
        timeouts = job.timeouts + (answer.cause is FailureCause.TIMEOUT)
        changes = {"stage": None, "progress": 0.0, "results": results, "timeouts": timeouts}
        self._move(job.id, JobState.PENDING, message=warning, **changes)

    def _pause_because(self, reason: str) -> None:
        _log.warning("the queue pauses: %s", reason)
        self.pause(reason)
        self._events.publish(QueueEvent(kind=EventKind.NOTICE, message=reason))
        self._changed.notify_all()

    def _move(self, job_id: str, state: JobState, *, message: str = "", **changes: Any) -> None:
        if self._book.get(job_id).state is state:
            self._announce(self._book.change(job_id, **changes), message)
        else:
            self._announce(self._book.move_to(job_id, state, **changes), message)

    def _announce(self, job: QueueJob, message: str = "") -> None:
        self._events.publish(QueueEvent(kind=EventKind.CHANGED, job=job, message=message))
        self._save()
        self._changed.notify_all()


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


def _shown(path: Path | None, job: QueueJob) -> str:
    return printable(path or job.output_base_folder)


def _is_back(job: QueueJob) -> bool:
    base = job.output_base_folder
    # os.path: the methods of Path raise an error where a name is too long for any file
    return os.path.exists(job.stl_path) and (os.path.isdir(base) or os.path.isdir(base.parent))  # noqa: PTH110, PTH112
