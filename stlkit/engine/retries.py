"""When jobs that failed are tried again."""

from __future__ import annotations

import time

RETRY_WAIT_S = 0.5  # doubled with each further attempt
LONGEST_RETRY_WAIT_S = 30.0


class Retries:
    """Keeps jobs from being taken before their time. The queue's condition is held by whoever calls."""

    def __init__(self) -> None:
        self._not_before: dict[str, float] = {}

    def postpone(self, job_id: str, attempts: int) -> None:
        """Let a job wait, the longer the more often it was tried."""
        wait_s = min(RETRY_WAIT_S * 2 ** (attempts - 1), LONGEST_RETRY_WAIT_S)
        self._not_before[job_id] = time.monotonic() + wait_s

    def forget(self, job_id: str) -> None:
        """Let a job begin at any time; harmless where it may."""
        self._not_before.pop(job_id, None)

    def is_due(self, job_id: str, now: float) -> bool:
        """Whether a job may begin at a moment."""
        return self._not_before.get(job_id, now) <= now

    def fell_due(self, since: float, now: float) -> bool:
        """Whether the time of a job came between two moments."""
        return any(since < moment <= now for moment in self._not_before.values())

    def time_to_next(self, now: float) -> float | None:
        """Return the seconds to the next moment at which a job falls due; None where none does."""
        later = [moment for moment in self._not_before.values() if moment > now]
        return min(later) - now if later else None
