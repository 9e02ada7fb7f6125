"""One supervising thread: it owns one worker and sees each job it takes through to its end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol

from stlkit.engine.protocol import Cancel, Hold, Holding, Proceed, Progress, Result, Run, Worker
from stlkit.errors import JobTimeoutError, MemoryLimitError, WorkerCrashedError, WorkerError
from stlkit.model.jobs import JobResults, JobState
from stlkit.pipeline.order import FailureCause, JobAnswer, JobOrder

_log = logging.getLogger(__name__)

# A job that needs too much memory needs it again.
_CAUSES: dict[type[Exception], FailureCause] = {
    MemoryLimitError: FailureCause.FILE,
    JobTimeoutError: FailureCause.TIMEOUT,
}

POLL_S = 0.1
MEMORY_CHECK_S = 0.5
CANCEL_GRACE_S = 2.0
WORKER_START_S = 60.0


class Wish(Enum):
    """What a person wants of a running job."""

    RUN = auto()
    HOLD = auto()
    END = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One attempt that a supervisor has taken on.

    Parameters
    ----------
    order : JobOrder
    timeout_s : float
        Of work; time on hold does not count.
    memory_limit_bytes : int
    """

    order: JobOrder
    timeout_s: float
    memory_limit_bytes: int


@dataclass(slots=True, kw_only=True)
class Seat:
    """A supervisor's place at the desk; guarded by the desk's lock.

    Parameters
    ----------
    number : int
        From 0; seats beyond the concurrency are given up.
    given_up : bool
        Once that is so it stays so, even if the queue is started again before the supervisor has left.
    """

    number: int
    given_up: bool = False


class Desk(Protocol):
    """Where supervisors get jobs and leave results: the queue, as they see it. Thread-safe."""

    def take(self, seat: Seat) -> Assignment | None:
        """Wait for a job; None tells the supervisor in this seat to go home."""

    def wish(self, job_id: str) -> Wish:
        """Return what a person wants of a running job now."""

    def progressed(self, job_id: str, stage: str, progress: float) -> None:
        """Note how far a job has come."""

    def held(self, job_id: str) -> None:
        """Note that a job waits between two stages."""

    def settle(self, assignment: Assignment, answer: JobAnswer, working_s: float) -> None:
        """Take an attempt's answer."""

    def give_up(self, job_id: str, error: Exception) -> None:
        """Take back a job that could not be settled."""


class Supervisor(threading.Thread):
    """A thread with one seat at the desk and one worker, which it replaces when it is lost.

    Parameters
    ----------
    seat : Seat
    desk : Desk
    new_worker : callable
        Starts a worker.
    """

    def __init__(self, seat: Seat, desk: Desk, new_worker: Callable[[], Worker]) -> None:
        super().__init__(name=f"stlkit-supervisor-{seat.number}", daemon=True)
        self.seat = seat
        self._desk = desk
        self._new_worker = new_worker
        self._worker: Worker | None = None

    def run(self) -> None:
        """Take jobs until the desk has none for this seat."""
        try:
            while (assignment := self._desk.take(self.seat)) is not None:
                attempt = _Attempt(assignment, self._desk)
                try:
                    answer = self._answer_of(attempt)
                    self._desk.settle(assignment, answer, attempt.working_s)
                except Exception as error:  # a defect of ours must not leave a job in nobody's hands
                    _log.exception("job %s was given up", assignment.order.job_id)
                    self._desk.give_up(assignment.order.job_id, error)
        except Exception:  # the thread must say why it ends, in a log if nowhere else
            _log.exception("supervisor %d ended by an error of its own", self.seat.number)
        finally:
            if self._worker is not None:
                self._worker.close()

    def _answer_of(self, attempt: _Attempt) -> JobAnswer:
        try:
            if self._worker is None:
                self._worker = self._new_worker()
            return attempt.see_through(self._worker)
        except (WorkerError, OSError) as error:
            self._lose_worker()
            return attempt.failed_by(error)
        except Exception:  # a defect of ours; what the worker still has to say would be taken for the next job's
            self._lose_worker()
            raise

    def _lose_worker(self) -> None:
        lost, self._worker = self._worker, None
        if lost is not None:
            lost.kill()


class _Attempt:
    """One attempt at one job, from the order to the answer."""

    def __init__(self, assignment: Assignment, desk: Desk) -> None:
        self._assignment = assignment
        self._desk = desk
        self._job_id = assignment.order.job_id
        self._stage = "start"
        self._on_hold_since: float | None = None
        self._asked_to_hold = False
        self._asked_to_end_at: float | None = None
        self._begun = False
        self._started = time.monotonic()
        self._held_s = 0.0
        self._memory_checked = 0.0
        self._peak_bytes = 0

    @property
    def working_s(self) -> float:
        """Seconds since the attempt began, without those on hold."""
        now = time.monotonic()
        on_hold_s = now - self._on_hold_since if self._on_hold_since is not None else 0.0
        return now - self._started - self._held_s - on_hold_s

    def see_through(self, worker: Worker) -> JobAnswer:
        """Have the worker do the job, and watch over it.

        Raises
        ------
        WorkerError
            The worker crashed, or has to be killed.
        """
        worker.send(Proceed())
        worker.send(Run(order=self._assignment.order))
        while True:
            report = worker.receive(POLL_S)
            if report is not None:
                self._begin()
            if isinstance(report, Result):
                results = replace(report.answer.results, peak_memory_bytes=self._peak_bytes or None)
                return replace(report.answer, results=results)
            if isinstance(report, Progress):
                self._off_hold()
                self._stage = report.stage
                self._desk.progressed(self._job_id, report.stage, report.progress)
            elif isinstance(report, Holding):
                self._on_hold_since = time.monotonic()
                self._desk.held(self._job_id)
            self._pass_on_wishes(worker)
            self._check_limits(worker)

    def failed_by(self, error: WorkerError | OSError) -> JobAnswer:
        """Turn what cost the worker into the answer of the job."""
        ended_on_wish = self._asked_to_end_at is not None
        message = f"{error} (stage {self._stage}, attempt {self._assignment.order.attempt})"
        return JobAnswer(
            job_id=self._job_id,
            state=JobState.CANCELLED if ended_on_wish else JobState.FAILED,
            results=JobResults(errors=() if ended_on_wish else (message,), peak_memory_bytes=self._peak_bytes or None),
            error_message=None if ended_on_wish else message,
            cause=_CAUSES.get(type(error), FailureCause.OTHER),
        )

    def _begin(self) -> None:
        """Start the clock with the worker's first word: what it took to start is not the job's time."""
        if not self._begun:
            self._begun, self._started = True, time.monotonic()

    def _off_hold(self) -> None:
        if self._on_hold_since is not None:
            self._held_s += time.monotonic() - self._on_hold_since
            self._on_hold_since = None

    def _pass_on_wishes(self, worker: Worker) -> None:
        wish = self._desk.wish(self._job_id)
        if wish is Wish.END:
            self._end(worker)
        elif (wish is Wish.HOLD) != self._asked_to_hold:
            self._asked_to_hold = wish is Wish.HOLD
            worker.send(Hold() if self._asked_to_hold else Proceed())

    def _end(self, worker: Worker) -> None:
        now = time.monotonic()
        if self._asked_to_end_at is None:
            self._asked_to_end_at = now
            worker.send(Cancel())
        elif now - self._asked_to_end_at > CANCEL_GRACE_S:
            raise WorkerCrashedError("the worker did not stop in time and was ended", job_id=self._job_id)

    def _check_limits(self, worker: Worker) -> None:
        limit_s = self._assignment.timeout_s
        if self.working_s > limit_s + (0 if self._begun else WORKER_START_S):
            raise JobTimeoutError(
                f"took longer than the {limit_s:.3g} s it was given; raise job_timeout_s to allow more",
                job_id=self._job_id,
            )
        now = time.monotonic()
        if now - self._memory_checked < MEMORY_CHECK_S:
            return
        self._memory_checked = now
        used = worker.memory_bytes()
        self._peak_bytes = max(self._peak_bytes, used)
        limit = self._assignment.memory_limit_bytes
        if used > limit:
            raise MemoryLimitError(
                f"used {used / 1e6:.0f} MB, more than the {limit / 1e6:.0f} MB it was given; "
                "raise job_memory_limit_mb to allow more",
                job_id=self._job_id,
            )
