"""Changes of jobs, and everybody who is told of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from stlkit.engine.book import JobBook
from stlkit.engine.events import EventKind, EventPublisher, QueueEvent
from stlkit.model.jobs import JobState, QueueJob


class JobChanges:
    """Moves jobs from state to state, and tells observers, the disk, and the threads that wait for it.

    The condition is held by whoever calls.

    Parameters
    ----------
    condition : threading.Condition
        Guards the book and is notified of every change.
    book : JobBook
    events : EventPublisher
    save : callable
        Schedules the queue's state to be written.

    Attributes
    ----------
    count : int
        How many changes there were, and of what is known of jobs; who let the condition go for a while sees whether
        it missed one.
    """

    def __init__(
        self, condition: threading.Condition, book: JobBook, events: EventPublisher, save: Callable[[], None]
    ) -> None:
        self.condition = condition
        self.book = book
        self._events = events
        self._save = save
        self.count = 0

    def move(self, job_id: str, state: JobState, *, message: str = "", **changes: Any) -> QueueJob:
        """Move a job to a state, which may be its own, and return it as it is now.

        Raises
        ------
        JobError
            There is no such job, or no such move.
        """
        if self.book.get(job_id).state is state:
            job = self.book.change(job_id, **changes)
        else:
            job = self.book.move_to(job_id, state, **changes)
        self.announce(job, message=message)
        return job

    def announce(self, *jobs: QueueJob, kind: EventKind = EventKind.CHANGED, message: str = "") -> None:
        """Tell of jobs that have changed already."""
        for job in jobs:
            self._events.publish(QueueEvent(kind=kind, job=job, message=message))
        self._spread()

    def tell(self, message: str, kind: EventKind = EventKind.QUEUE) -> None:
        """Tell of something that concerns no single job."""
        self._events.publish(QueueEvent(kind=kind, message=message))
        self._spread()

    def touch(self) -> None:
        """Wake those who wait for something to do: what is known of jobs has changed, though no job has."""
        self.count += 1
        self.condition.notify_all()

    def _spread(self) -> None:
        self._save()
        self.touch()
