"""Asks again and again whether what jobs wait for has come about."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

INTERVAL_S = 2.0


class Watcher:
    """Polls conditions on a thread of its own, which lives only while there is something to wait for. Thread-safe.

    A question to a drive that hangs hangs here, and nowhere else.

    Parameters
    ----------
    interval_s : float
        Time between two rounds.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._awaited: dict[str, tuple[Callable[[], bool], Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None

    def expect(self, key: str, has_come: Callable[[], bool], then: Callable[[], None]) -> None:
        """Call `then` once `has_come` returns True; a later call with the same key replaces this one."""
        with self._lock:
            self._awaited[key] = (has_come, then)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="stlkit-watcher", daemon=True)
                self._thread.start()

    def forget(self, key: str) -> None:
        """Stop waiting for one thing; harmless where nobody waits for it."""
        with self._lock:
            self._awaited.pop(key, None)

    def close(self) -> None:
        """Stop waiting for anything."""
        with self._lock:
            self._awaited.clear()
        self._wake.set()

    def _run(self) -> None:
        while not self._wake.wait(self._interval_s):
            with self._lock:
                awaited = dict(self._awaited)
                if not awaited:
                    self._thread = None
                    return
            for key, (has_come, then) in awaited.items():
                if self._ask(has_come):
                    self.forget(key)
                    then()

    @staticmethod
    def _ask(has_come: Callable[[], bool]) -> bool:
        try:
            return has_come()
        except OSError as error:
            _log.debug("not yet: %s", error)
            return False
