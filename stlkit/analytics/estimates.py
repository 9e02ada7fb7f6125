"""Estimates that a person's own history teaches: what jobs cost on this machine, learned in the background."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from stlkit.errors import OptionError, StlkitError
from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import CheckedOptions, RenderOptions, ValidationOptions
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel, PastJob
from stlkit.pipeline.size import ModelSize
from stlkit.storage.history import JobHistoryManager, JobTiming

_log = logging.getLogger(__name__)

OptionGroup = TypeVar("OptionGroup", bound=CheckedOptions)

NEWEST_JOBS = 1000  # machines and versions change; older jobs say little about the next one
_PACE_GAIN, _LARGEST_ERROR = 0.1, 0.5  # of logarithms
_LONGEST_BETWEEN_S = 1.0
_LONGEST_WAIT_S = 3.0
_FEWEST_NEW, _SHARE_NEW = 3, 0.1  # so many more jobs than were learned from are worth learning again


class LearnedCosts:
    """What jobs cost, as far as the history says; without one, what holds anywhere. Thread-safe.

    A machine is busy with other things too, for hours or for minutes. So besides what the history says there is a pace,
    which follows the errors of the last estimates; what has been learned from the history leaves the pace again.

    Parameters
    ----------
    history : JobHistoryManager
        Read when there is something to learn, on a thread of its own.
    """

    def __init__(self, history: JobHistoryManager) -> None:
        self._history = history
        self._learned = self._costs = DEFAULT_COSTS
        self._pace = 0.0  # logarithm of how much longer than learned jobs take now
        self._has_tried = False
        self._ended = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def costs(self) -> CostModel:
        """What is known now; never waits."""
        return self._costs

    def learned(self) -> CostModel:
        """Return what is known; the first time after learning from the history, as far as it can be read."""
        if not self._has_tried:
            self._try_to_learn()
        return self._costs

    def learn(self) -> CostModel:
        """Learn from the history now.

        Returns
        -------
        CostModel

        Raises
        ------
        HistoryError
            It cannot be read.
        """
        self._has_tried = True
        jobs = past_jobs(self._history)
        if jobs:
            from stlkit.analytics.fitting import fit_costs  # noqa: PLC0415 - numpy, which a first day does not need

            learned = fit_costs(jobs, DEFAULT_COSTS)
            with self._lock:
                self._learned = learned
                self._pace *= 1 - min(1.0, self._ended / learned.jobs)
                self._ended = 0
                self._costs = learned.slowed(math.exp(self._pace))
        return self._costs

    def learn_soon(self) -> None:
        """Learn from the history in the background, unless that is being done."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._try_to_learn, name="stlkit-estimates", daemon=True)
                self._thread.start()

    def note_end(self, job: QueueJob) -> None:
        """Take note of a job that has ended, for the pace; once there are enough new ones, learn from them soon."""
        if job.state is not JobState.COMPLETED or job.results.reused_files or not job.actual_duration:
            return
        with self._lock:
            self._ended += 1
            if job.estimated_duration and job.attempts == 1:
                # a worker that is started for a job takes seconds that no stage does
                worked_s = min(job.actual_duration, sum(job.results.stage_durations_s.values()) + _LONGEST_BETWEEN_S)
                error = math.log(worked_s / job.estimated_duration)
                self._pace += _PACE_GAIN * max(-_LARGEST_ERROR, min(_LARGEST_ERROR, error))
                self._costs = self._learned.slowed(math.exp(self._pace))
            is_enough = self._ended >= max(_FEWEST_NEW, _SHARE_NEW * self._learned.jobs)
        if is_enough:
            self.learn_soon()

    def wait(self, within_s: float | None = _LONGEST_WAIT_S) -> None:
        """Wait until nothing is being learned.

        Parameters
        ----------
        within_s : float or None
            The longest time, in seconds; a busy disk is no reason not to begin. None waits for as long as it takes.
        """
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(within_s)

    def close(self) -> None:
        """Wait until nothing is being learned, for as long as it takes."""
        self.wait(None)

    def _try_to_learn(self) -> None:
        try:
            self.learn()
        except StlkitError as error:  # without it estimates are as good as they were
            _log.warning("nothing could be learned from the history: %s", error)


def past_jobs(history: JobHistoryManager, *, most: int = NEWEST_JOBS) -> list[PastJob]:
    """Return the newest jobs that something can be learned from.

    Parameters
    ----------
    history : JobHistoryManager
    most : int

    Returns
    -------
    list of PastJob
        Oldest first.
    """
    options = _Options()
    jobs = (_past_job(timing, options) for timing in history.timings(limit=most))
    return [job for job in jobs if job is not None][::-1]


def _past_job(timing: JobTiming, options: _Options) -> PastJob | None:
    try:
        render = options.of(RenderOptions, timing.render_options)
        validation = options.of(ValidationOptions, timing.validation_options)
    except OptionError:  # of another version
        return None
    return PastJob(
        size=ModelSize.known(timing.faces, timing.stl_size),
        render=render,
        validation=validation,
        duration_s=timing.actual_duration,
        stage_durations_s=timing.stage_durations,
        concurrency=timing.concurrency or 1,
    )


class _Options:
    """Options from a history, each made once: most jobs share theirs with others."""

    def __init__(self) -> None:
        self._made: dict[tuple[type, str], CheckedOptions] = {}

    def of(self, group: type[OptionGroup], values: Mapping[str, Any]) -> OptionGroup:
        """Return options of the values that this version knows; an OptionError where one does not fit."""
        key = (group, repr(values))
        if key not in self._made:
            names = frozenset(group.names())
            self._made[key] = group().merged({name: value for name, value in values.items() if name in names})
        return cast(OptionGroup, self._made[key])
