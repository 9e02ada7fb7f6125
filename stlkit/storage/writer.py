"""Writes off the caller's thread, and only what is newest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_log = logging.getLogger(__name__)

RETRY_S = 1.0  # after a write that failed; doubled each time
LONGEST_RETRY_S = 30.0


class CoalescingWriter(Generic[T]):
    """One background thread that writes what was scheduled last.

    Scheduling never waits for the disk; what is replaced before the disk is free is never written. A write that fails
    is logged and tried again, after a while, when something new is scheduled, and by `flush` and `close`, until it
    succeeds. Once it is closed, nothing is written any more. Thread-safe.

    Parameters
    ----------
    save : callable
        Takes what is to be written and returns when it is safely on disk.
    name : str
        Of the thread.
    """

    def __init__(self, save: Callable[[T], object], *, name: str) -> None:
        self._save = save
        self._changed = threading.Condition()
        self._snapshot: Callable[[], T] | None = None
        self._scheduled = 0
        self._written = 0  # number of the newest that was tried
        self._error: Exception | None = None
        self._failed: Callable[[], T] | None = None
        self._closing = False
        self._has_ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def schedule(self, snapshot: Callable[[], T]) -> None:
        """Have something written soon.

        Parameters
        ----------
        snapshot : callable
            Called on the writer's thread, when the disk is free, for what to write.
        """
        with self._changed:
            if self._has_ended:
                _log.debug("%s is closed, and does not write what comes after", self._thread.name)
                return
            self._snapshot = snapshot
            self._scheduled += 1
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything scheduled so far is on disk.

        Raises
        ------
        OSError
            The last write failed; it will be tried again.
        """
        with self._changed:
            self._try_again()
            goal = self._scheduled
            self._changed.wait_for(lambda: self._written >= goal)
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Write what is left and end the thread; raises as `flush` does."""
        with self._changed:
            self._try_again()
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _try_again(self) -> None:
        if self._snapshot is None and self._failed is not None:
            self.schedule(self._failed)

    def _run(self) -> None:
        retry_s = RETRY_S
        while True:
            with self._changed:
                is_due = self._changed.wait_for(
                    lambda: self._snapshot is not None or self._closing, retry_s if self._failed is not None else None
                )
                if not is_due:
                    self._try_again()
                if self._snapshot is None:
                    self._has_ended = True
                    return
                snapshot, goal = self._snapshot, self._scheduled
                self._snapshot = None
            error: Exception | None = None
            try:
                self._save(snapshot())
                retry_s = RETRY_S
            except Exception as problem:  # a waiting flush() must get it, whatever it is
                _log.warning("%s could not write and will try again: %s", self._thread.name, problem)
                error, retry_s = problem, min(retry_s * 2, LONGEST_RETRY_S)
            with self._changed:
                self._written, self._error = goal, error
                self._failed = snapshot if error is not None else None
                self._changed.notify_all()
