"""How long jobs will take, and when a queue will be through."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.times import utc_now
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel, JobLine
from stlkit.pipeline.size import ModelSize, measure_model

_MOST_LINES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEta:
    """When a queue will be through, as far as can be foreseen.

    Parameters
    ----------
    jobs : int
        Jobs that are left, running ones included. Jobs that a person paused are not among them.
    remaining_s : float
        Time they take from now on, side by side as the settings say.
    finish_at : datetime or None
        UTC; None while the queue does not run.
    """

    jobs: int
    remaining_s: float
    finish_at: datetime | None


class Forecaster:
    """Foresees the times of jobs and queues. Thread-safe.

    Parameters
    ----------
    costs : callable, optional
        Returns what jobs cost, as far as is known now.
    """

    def __init__(self, costs: Callable[[], CostModel] = lambda: DEFAULT_COSTS) -> None:
        self._costs = costs
        self._lock = threading.Lock()
        self._lines: dict[object, JobLine] = {}  # by options and concurrency
        self._lines_by: CostModel | None = None  # what the lines were made by
        self._sizes: dict[Path, ModelSize] = {}

    def job_s(self, job: QueueJob, size: ModelSize, state: QueueState, *, concurrency: int) -> float:
        """Return the time that a job takes from beginning to end, in seconds.

        Parameters
        ----------
        job : QueueJob
        size : ModelSize
        state : QueueState
            For the options; its jobs do not matter.
        concurrency : int
            Jobs that run side by side.
        """
        return self._line(job, state, concurrency).seconds(size)

    def eta(self, state: QueueState, *, running: bool) -> QueueEta:
        """Foresee when a queue will be through.

        The files of waiting jobs are looked at once, the first time they are asked about.

        Parameters
        ----------
        state : QueueState
        running : bool
            Whether jobs are being taken.
        """
        on_hold = not running  # jobs that hold with the whole queue go on with it
        begun = [job for job in state.jobs if job.state.running or (on_hold and job.held)]
        waiting = [job for job in state.jobs if job.state is JobState.PENDING]
        seats = state.queue_settings.max_concurrent_jobs
        concurrency = max(1, min(seats, len(begun) + len(waiting)))
        known = self._sizes
        sizes = {job.stl_path: known.get(job.stl_path) or measure_model(job.stl_path) for job in begun + waiting}
        self._sizes = sizes

        def whole_s(job: QueueJob) -> float:
            return self._line(job, state, concurrency).seconds(sizes[job.stl_path])

        begun_s = [(1 - job.progress / 100) * (job.estimated_duration or whole_s(job)) for job in begun]
        remaining_s = time_of_all_s(begun_s, map(whole_s, waiting), seats)
        return QueueEta(
            jobs=len(begun) + len(waiting),
            remaining_s=remaining_s,
            finish_at=utc_now() + timedelta(seconds=remaining_s) if running else None,
        )

    def _line(self, job: QueueJob, state: QueueState, concurrency: int) -> JobLine:
        costs = self._costs()
        render, validation = state.global_render_options, state.global_validation_options
        # jobs that were added together share their options
        key = (render, validation, repr(job.render_options), repr(job.validation_options), concurrency)
        with self._lock:
            if costs is not self._lines_by or len(self._lines) >= _MOST_LINES:
                self._lines, self._lines_by = {}, costs
            if key not in self._lines:
                self._lines[key] = costs.line(
                    render.merged(job.render_options),
                    validation.merged(job.validation_options),
                    concurrency=concurrency,
                )
            return self._lines[key]


def time_of_all_s(begun_s: Iterable[float], waiting_s: Iterable[float], seats: int) -> float:
    """Return when the last of many jobs ends, if each waiting one begins as soon as a seat is free.

    Parameters
    ----------
    begun_s : iterable of float
        What is left of each running job, in seconds.
    waiting_s : iterable of float
        What each waiting job takes, in their order.
    seats : int
        Jobs that may run side by side.

    Returns
    -------
    float
        Seconds from now.
    """
    free_at = sorted(begun_s)
    free_at += [0.0] * (seats - len(free_at))
    free_at.sort()
    last = free_at[-1]
    for duration_s in waiting_s:
        # with more running jobs than seats, as after a change of the settings, the first seats are given up
        while len(free_at) > seats:
            heapq.heappop(free_at)
        end = free_at[0] + duration_s
        heapq.heapreplace(free_at, end)
        last = max(last, end)
    return last
