"""What can be seen of a queue, whoever owns it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

from stlkit.engine.forecast import Forecaster, QueueEta
from stlkit.errors import JobError, StorageError
from stlkit.model.html import headline, joined
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.options import OutputSettings, QueueSettings, RenderOptions, ValidationOptions
from stlkit.model.showing import counts_text, jobs_html
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel
from stlkit.storage.lock import HomeLock
from stlkit.storage.queue_state import QueueStateManager


class QueueView(ABC):
    """The reading side of a queue. Thread-safe; everything returned is a frozen snapshot.

    Parameters
    ----------
    costs : callable
        Returns what jobs cost, as far as is known now.
    """

    def __init__(self, costs: Callable[[], CostModel]) -> None:
        self._forecaster = Forecaster(costs)

    @abstractmethod
    def state(self) -> QueueState:
        """Return everything about the queue, as it is now."""

    @property
    def jobs(self) -> tuple[QueueJob, ...]:
        """All jobs, in the order in which they run."""
        return self.state().jobs

    def job(self, job: QueueJob | str) -> QueueJob:
        """Return a job as it is now.

        Raises
        ------
        JobError
            It is not in the queue.
        """
        job_id = job if isinstance(job, str) else job.id
        for found in self.jobs:
            if found.id == job_id:
                return found
        raise JobError(f"there is no job {job_id} in the queue", job_id=job_id)

    def counts(self) -> dict[JobState, int]:
        """Return how many jobs are in each state; every state is there."""
        found = Counter(job.state for job in self.jobs)
        return {state: found[state] for state in JobState}

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether jobs are being taken."""

    def eta(self) -> QueueEta:
        """Foresee when the queue will be through, from what earlier jobs took and how many run side by side.

        Returns
        -------
        QueueEta
        """
        return self._forecaster.eta(self.state(), running=self.is_running)

    @property
    def settings(self) -> QueueSettings:
        """How the queue runs its jobs."""
        return self.state().queue_settings

    @property
    def render_options(self) -> RenderOptions:
        """Pictures to make unless a job says otherwise."""
        return self.state().global_render_options

    @property
    def validation_options(self) -> ValidationOptions:
        """How files are judged unless a job says otherwise."""
        return self.state().global_validation_options

    @property
    def output_settings(self) -> OutputSettings:
        """Names and layout unless a job says otherwise."""
        return self.state().global_output_settings

    def __len__(self) -> int:
        return len(self.jobs)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {state}" for state, count in self.counts().items() if count)
        return f"<{type(self).__name__}: {counts or 'empty'}>"

    def _repr_html_(self) -> str:
        jobs = self.jobs
        return joined(headline("Queue", counts_text(jobs)), jobs_html(jobs))


class ObservedQueue(QueueView):
    """The queue of a home folder that another process owns: live, but only to be looked at.

    Every command of a queue raises `HomeLockedError`, which names the owner.

    Parameters
    ----------
    states : QueueStateManager
    lock : HomeLock
    commands : frozenset of str
        Names of the methods that an owner would have.
    costs : callable, optional
        Returns what jobs cost, as far as is known now.
    """

    def __init__(
        self,
        states: QueueStateManager,
        lock: HomeLock,
        commands: frozenset[str],
        costs: Callable[[], CostModel] = lambda: DEFAULT_COSTS,
    ) -> None:
        super().__init__(costs)
        self._states = states
        self._lock = lock
        self._commands = commands
        self._last: QueueState | None = None

    def state(self) -> QueueState:
        """Return the queue as its owner last wrote it.

        Raises
        ------
        StateFileError, NewerVersionError
            The file cannot be understood, and could not be before.
        """
        try:
            self._last = self._states.peek() or self._last or QueueState()
        except StorageError:
            # a damaged file is the owner's to mend; until then what was seen last is the best answer
            if self._last is None:
                raise
        return self._last

    @property
    def is_running(self) -> bool:
        """Whether there is an owner who may be working."""
        return self._lock.owner() is not None

    @property
    def is_paused(self) -> bool:
        """Whether the queue is known to be paused as a whole: never, as only its owner knows and writes it nowhere."""
        return False

    @property
    def pause_reason(self) -> str | None:
        """Why the queue paused itself: None, as only its owner knows."""
        return None

    @property
    def is_closed(self) -> bool:
        """Whether this process has closed the queue: never, as it does not own it."""
        return False

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name in self._commands:
            return self._refuse
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _refuse(self, *_arguments: object, **_options: object) -> NoReturn:
        raise self._lock.refusal()
