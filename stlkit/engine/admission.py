"""Which jobs the memory of this machine has room for, side by side."""

from __future__ import annotations

from collections.abc import Callable

from stlkit.engine.assignments import JobNeeds
from stlkit.engine.limits import memory_budget_bytes
from stlkit.model.jobs import QueueState


class Admission:
    """Keeps account of what running jobs are forecast to need. The queue's condition is held by whoever calls.

    Parameters
    ----------
    state : callable
        Returns the present `QueueState`, for its settings.
    """

    def __init__(self, state: Callable[[], QueueState]) -> None:
        self._state = state
        self._memory_bytes: dict[str, int] = {}

    @property
    def running_count(self) -> int:
        """How many jobs are running."""
        return len(self._memory_bytes)

    def refusal(self, needs: JobNeeds) -> str | None:
        """Say why a job can never fit; None where it can."""
        budget = memory_budget_bytes(self._state().queue_settings)
        if needs.memory_bytes <= budget:
            return None
        return (
            f"needs about {needs.memory_bytes / 1e6:.0f} MB of memory, more than the {budget / 1e6:.0f} MB there "
            "are for all jobs; reduce the model, or raise memory_budget_mb"
        )

    def fits(self, needs: JobNeeds) -> bool:
        """Whether a job fits beside the running ones; one that runs alone does."""
        budget = memory_budget_bytes(self._state().queue_settings)
        return not self._memory_bytes or sum(self._memory_bytes.values()) + needs.memory_bytes <= budget

    def begin(self, job_id: str, needs: JobNeeds) -> None:
        """Count a job among the running ones."""
        self._memory_bytes[job_id] = needs.memory_bytes

    def end(self, job_id: str) -> None:
        """Give back what a running job took; harmless where it does not run."""
        self._memory_bytes.pop(job_id, None)
