"""What observers of a queue are told, and the one thread that tells them."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stlkit.errors import JobError
from stlkit.model.jobs import QueueJob

_log = logging.getLogger(__name__)


class EventKind(StrEnum):
    """What happened."""

    ADDED = "added"
    CHANGED = "changed"  # a job moved to another state
    PROGRESS = "progress"
    REMOVED = "removed"
    REORDERED = "reordered"
    QUEUE = "queue"  # a person started, paused, resumed or stopped the queue, or changed its settings
    NOTICE = "notice"  # the queue paused by itself, or goes on by itself; the message says why


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEvent:
    """One thing that happened in a queue.

    Parameters
    ----------
    kind : EventKind
    job : QueueJob or None
        The job as it is after the event.
    message : str
        For a person; may be empty.
    """

    kind: EventKind
    job: QueueJob | None = None
    message: str = ""


Observer = Callable[[QueueEvent], None]


class EventPublisher:
    """Tells observers about events, one after the other, on a thread of its own. Thread-safe.

    An observer that raises is logged and told about the next event all the same: nothing an observer does can stop
    the queue.
    """

    def __init__(self) -> None:
        self._observers: tuple[Observer, ...] = ()
        self._lock = threading.Lock()
        self._closed = False
        self._events: queue.SimpleQueue[QueueEvent | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="stlkit-events", daemon=True)
        self._thread.start()

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called for every event from now on.

        Returns
        -------
        callable
            Ends the subscription; may be called more than once.
        """
        with self._lock:
            self._observers = (*self._observers, observer)

        def unsubscribe() -> None:
            with self._lock:
                self._observers = tuple(other for other in self._observers if other is not observer)

        return unsubscribe

    def publish(self, event: QueueEvent) -> None:
        """Hand an event over and return at once."""
        if self._observers:
            self._events.put(event)

    def flush(self) -> None:
        """Wait until everything published so far was told; once closed, everything was.

        Raises
        ------
        JobError
            An observer asks, which would wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise JobError("an observer cannot wait for the queue, which waits for it; wait on another thread")
        done = threading.Event()
        with self._lock:
            if self._closed:
                return
            self._events.put(done)
        done.wait()

    def close(self) -> None:
        """Tell what is left and end the thread."""
        with self._lock:
            self._closed = True
            self._events.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while (item := self._events.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            for observer in self._observers:
                try:
                    observer(item)
                except Exception:  # an observer is a stranger's code
                    _log.exception("an observer of the queue failed on %s", item.kind)
