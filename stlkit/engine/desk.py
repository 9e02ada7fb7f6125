"""The queue as its supervisors see it: where jobs are taken from and answers are left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from stlkit.engine.assignments import AssignmentMaker
from stlkit.engine.changes import JobChanges
from stlkit.engine.endings import Endings
from stlkit.engine.events import EventKind, EventPublisher, QueueEvent
from stlkit.engine.forecast import Forecaster
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Reuse
from stlkit.engine.stores import Stores
from stlkit.engine.supervisor import Assignment, Seat, Wish
from stlkit.engine.switch import QueueSwitch
from stlkit.engine.taking import JobTaker
from stlkit.engine.verdict import Next, decide
from stlkit.engine.waiting import WaitingJobs
from stlkit.engine.watcher import Watcher
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.pipeline.order import FailureCause, JobAnswer
from stlkit.pipeline.plan import Stage
from stlkit.storage.history import JobEnd
from stlkit.storage.partials import remove_partial_outputs
from stlkit.storage.progress import FILE_NAME as PROGRESS_FILE_NAME

MIN_PROGRESS_STEP = 0.5  # percent; smaller steps within a stage are not worth an event


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
        self._taker = JobTaker(changes, state, self.switch, self.endings, self.waiting, self.assignments, reuse)
        self._hold: set[str] = set()
        self._end_as: dict[str, JobState] = {}

    # --- what the queue asks of running jobs; the condition is held ---

    def hold(self, job_id: str) -> None:
        """Have a running job hold after its stage."""
        self._hold.add(job_id)
        if self._book.get(job_id).held:  # with the whole queue, until now
            self._taker.hold(job_id)

    def release(self, job_id: str) -> None:
        """Have a held job go on."""
        self._hold.discard(job_id)
        self._taker.go_on(job_id)

    def end(self, job_id: str, state: JobState) -> None:
        """Have a running job end as `state`; ``pending`` puts it back into the queue."""
        if state is JobState.PENDING:  # a person's wish to end the job for good goes before the queue's to put it back
            self._end_as.setdefault(job_id, state)
        else:
            self._end_as[job_id] = state

    def reserve(self, job_id: str) -> bool:
        """Keep a waiting job from being taken until it is committed; False where it is reserved already."""
        return self._taker.reserve(job_id)

    def forget(self, job_id: str) -> None:
        """Drop what is kept of a job that was taken out of the queue."""
        self._forget_waiting(job_id)
        self.endings.drop(job_id)
        self.waiting.forget(job_id)
        self._cache.cleanup_job_cache(job_id)

    # --- what supervisors call (`stlkit.engine.supervisor.Desk`) ---

    def take(self, seat: Seat) -> Assignment | None:
        """Wait for a job; None tells the supervisor in this seat to go home."""
        return self._taker.take(seat)

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
            if job_id in self._hold:  # else the queue is paused as a whole, and others of its content with it
                self._taker.hold(job_id)
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
            concurrency = self._taker.running_count
            self._drop_wishes(job_id)
            self._taker.give_back(job_id)
            job = self._book.change(job_id, actual_duration=(self._book.get(job_id).actual_duration or 0) + working_s)
            verdict = decide(job, answer, wanted, self._state().queue_settings)
            if verdict.next is not Next.END:  # else others of its content wait until what it made can be found
                self._taker.forget(job_id)
            if verdict.next is Next.AGAIN:
                self._try_again(job, answer)
            elif verdict.next is Next.WAIT:
                self._let_wait(job, answer, stays_paused=stays_paused)
            elif verdict.next is not Next.END:
                if verdict.next is Next.PUT_BACK_AND_PAUSE_QUEUE:
                    self._taker.pause_for_room(
                        job, f"the disk of {printable(answer.path or job.output_base_folder)} is full"
                    )
                self._put_back(job)
            if verdict.state is None:
                if stays_paused and self._book.get(job_id).state is JobState.PENDING:
                    self._changes.move(job_id, JobState.PAUSED)
                return
        order = assignment.order
        self.endings.try_to_commit(
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
            self._taker.give_back(job_id)
            self.endings.give_up(job_id, error)

    def _forget_waiting(self, job_id: str) -> None:
        self._taker.forget(job_id)
        self._drop_wishes(job_id)

    def _drop_wishes(self, job_id: str) -> None:
        """Forget what a person wanted of a running job, when it does not run any more."""
        self._hold.discard(job_id)
        self._end_as.pop(job_id, None)

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
        self._taker.retries.postpone(job.id, job.attempts)
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
