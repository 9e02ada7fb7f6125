"""From an order to an answer: runs a job's stages and turns every way they can end into one."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from stlkit.errors import StlkitError
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import BackendName
from stlkit.model.reports import Finding
from stlkit.pipeline.causes import cause_of
from stlkit.pipeline.costs import DEFAULT_COSTS
from stlkit.pipeline.order import WAITING_CAUSES, FailureCause, JobAnswer, JobOrder
from stlkit.pipeline.plan import PlannedStage
from stlkit.pipeline.size import measure_model
from stlkit.pipeline.work import JobRefused, JobWork
from stlkit.rendering.backends import Backend, open_backend

ProgressCallback = Callable[[str, float], None]  # stage, 0 to 100


class JobCancelled(BaseException):
    """A person does not want the job any more; raised from a callback."""


class JobRunner:
    """Does one job after the other with one renderer, which is opened when the first picture is drawn.

    Not thread-safe: a renderer belongs to the thread that opened it.
    """

    def __init__(self) -> None:
        self._backends: dict[BackendName, Backend] = {}

    def run(self, order: JobOrder, *, on_progress: ProgressCallback, between_stages: Callable[[], None]) -> JobAnswer:
        """Do a job.

        Parameters
        ----------
        order : JobOrder
        on_progress : callable
            Told the stage and the progress in percent; may raise `JobCancelled`.
        between_stages : callable
            Called before every stage; may block while the job is on hold, and raise `JobCancelled`.

        Returns
        -------
        JobAnswer
            Whatever happened; nothing but the end of the process gets past this.
        """
        try:
            work = JobWork(order, self._open_backend)
        except StlkitError as error:
            return _failed_before_work(order, error)
        try:
            self._run_stages(work, on_progress, between_stages)
        except JobCancelled:
            return JobAnswer(job_id=order.job_id, state=JobState.CANCELLED, results=work.results())
        except JobRefused as refusal:
            return _failure(work, str(refusal), FailureCause.FILE, state=refusal.state, findings=refusal.findings)
        except (StlkitError, OSError, MemoryError) as error:
            cause, path = cause_of(error)
            return _failure(work, str(error) or type(error).__name__, cause, path=path)
        except Exception as error:  # a defect of stlkit or a library costs this job, with its traceback in the log
            work.log.error(traceback.format_exc())  # noqa: TRY400 - the job's own log, not a logger
            return _failure(work, f"internal error: {type(error).__name__}: {error}", FailureCause.OTHER)
        return JobAnswer(job_id=order.job_id, state=JobState.COMPLETED, results=work.results())

    def _run_stages(self, work: JobWork, on_progress: ProgressCallback, between_stages: Callable[[], None]) -> None:
        order = work.order
        stages = DEFAULT_COSTS.plan(measure_model(order.stl_path), order.render, order.validation)
        total_s = sum(planned.cost_s for planned in stages)
        done_s = 0.0
        for planned in stages:
            between_stages()

            def tell(share: float, before_s: float = done_s, planned: PlannedStage = planned) -> None:
                on_progress(planned.stage, 100 * (before_s + share * planned.cost_s) / total_s)

            tell(0.0)
            work.do(planned.stage, tell)
            done_s += planned.cost_s

    def _open_backend(self, name: BackendName) -> Backend:
        if name not in self._backends:
            self._backends[name] = open_backend(name)
        return self._backends[name]


def _failed_before_work(order: JobOrder, error: StlkitError) -> JobAnswer:
    results = JobResults(errors=(str(error),))
    return JobAnswer(
        job_id=order.job_id,
        state=JobState.FAILED,
        results=results,
        error_message=str(error),
        cause=FailureCause.FILE,
    )


def _failure(
    work: JobWork,
    message: str,
    cause: FailureCause,
    *,
    state: JobState = JobState.FAILED,
    findings: tuple[Finding, ...] = (),
    path: Path | None = None,
) -> JobAnswer:
    work.log.error(message)
    if cause not in WAITING_CAUSES:
        try:
            work.record_failure(message, findings)
        except (StlkitError, OSError) as error:
            message = f"{message}; and it could not be recorded in the output folder: {error}"
    return JobAnswer(
        job_id=work.order.job_id,
        state=state,
        results=work.results(errors=(message,)),
        error_message=message,
        cause=cause,
        path=path,
    )
