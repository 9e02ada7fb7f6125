"""What becomes of a job after an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import QueueSettings
from stlkit.pipeline.order import FailureCause, JobAnswer


class Next(Enum):
    """What is done with the job."""

    END = auto()
    AGAIN = auto()  # another attempt, after a while
    PUT_BACK = auto()  # as if the attempt had never been
    PUT_BACK_AND_PAUSE_QUEUE = auto()
    WAIT = auto()  # paused, until a person or the world has changed something


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision.

    Parameters
    ----------
    next : Next
    state : JobState, optional
        How the job ends.
    """

    next: Next
    state: JobState | None = None


def decide(job: QueueJob, answer: JobAnswer, wanted: JobState | None, settings: QueueSettings) -> Verdict:
    """Decide what becomes of a job.

    Parameters
    ----------
    job : QueueJob
        With this attempt counted.
    answer : JobAnswer
    wanted : JobState or None
        How a person wanted the running job to end; ``pending`` puts it back.
    settings : QueueSettings

    Returns
    -------
    Verdict
    """
    if answer.state not in (JobState.FAILED, JobState.CANCELLED):
        return Verdict(Next.END, answer.state)
    if wanted is not None:
        return Verdict(Next.PUT_BACK) if wanted is JobState.PENDING else Verdict(Next.END, wanted)
    if answer.cause is FailureCause.DISK_FULL:
        return Verdict(Next.PUT_BACK_AND_PAUSE_QUEUE)
    if answer.cause in (FailureCause.OUTPUT_REFUSED, FailureCause.UNREACHABLE):
        return Verdict(Next.WAIT)
    if _may_try_again(job, answer.cause, settings):
        return Verdict(Next.AGAIN)
    return Verdict(Next.END, answer.state)


def _may_try_again(job: QueueJob, cause: FailureCause, settings: QueueSettings) -> bool:
    if not settings.auto_retry_failed or cause is FailureCause.FILE:
        return False
    if cause is FailureCause.TIMEOUT and job.timeouts > 0:
        return False  # the second time it had more time already
    return job.attempts <= settings.max_retry_attempts
