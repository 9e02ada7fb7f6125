"""Asks again and again whether what jobs wait for has come about."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

_log = logging.getLogger(__name__)

INTERVAL_S = 2.0
ANSWER_WITHIN_S = 5.0
MOST_OPEN = 16  # places that hang, each with a thread; with so many, only what is urgent is asked
LONGEST_INTERVAL_S = 300.0  # for what seemed to have come about, and had not


class _Awaited(NamedTuple):
    has_come: Callable[[], bool]
    then: Callable[[], None]
    interval_s: float
    not_before: float
    place: str
    urgent: bool


class Watcher:
    """Polls conditions on a thread of its own, which lives only while there is something to wait for. Thread-safe.

    A question to a drive that hangs is left behind after a while, and what lies in the same place is not asked about
    before it is answered. What is expected again soon after it had come about was not worth much, as the free space on
    a disk whose quota is used up: it is asked for half as often each time.

    Parameters
    ----------
    interval_s : float
        Time between two rounds.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._awaited: dict[str, _Awaited] = {}
        self._came: dict[str, tuple[float, float]] = {}  # when, and how long the interval was
        self._open: set[str] = set()  # places that were asked about and have not answered yet
        self._thread: threading.Thread | None = None

    def expect(
        self,
        key: str,
        has_come: Callable[[], bool],
        then: Callable[[], None],
        *,
        place: str | None = None,
        urgent: bool = False,
    ) -> None:
        """Call `then` once `has_come` returns True; a later call with the same key replaces this one.

        An error of either is logged, and everything else is waited for as before.

        Parameters
        ----------
        key : str
        has_come, then : callable
        place : str, optional
            What else is asked about the same place waits where it hangs; a place of its own, unless given.
        urgent : bool
            Ask before the others, and however many places hang.
        """
        with self._lock:
            now = time.monotonic()
            interval_s = self._next_interval_s(key, now)
            self._awaited[key] = _Awaited(has_come, then, interval_s, now + interval_s, place or key, urgent)
            if self._thread is None:
                self._wake.clear()
                thread = threading.Thread(target=self._run, name="stlkit-watcher", daemon=True)
                thread.start()
                self._thread = thread  # only now: where no thread is left, the next call tries again

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
                if not self._awaited:
                    self._thread = None
                    return
                now = time.monotonic()
                due = [item for item in self._awaited.items() if now >= item[1].not_before]
            self._ask_all(deque(sorted(due, key=lambda item: not item[1].urgent)))

    def _ask_all(self, due: deque[tuple[str, _Awaited]]) -> None:
        """Ask one after the other on one thread, and on another one where that is stuck."""
        while due and not self._wake.is_set():
            answered, left_behind = threading.Event(), threading.Event()

            def ask(answered: threading.Event = answered, left_behind: threading.Event = left_behind) -> None:
                while due and not left_behind.is_set():
                    self._settle(*due.popleft())
                    answered.set()
                answered.set()

            thread = threading.Thread(target=ask, name="stlkit-question", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread is left; then a drive that hangs does so here
                ask()
            while thread.is_alive() and answered.wait(ANSWER_WITHIN_S):
                answered.clear()
                if not due:
                    thread.join(ANSWER_WITHIN_S)
                    break
            left_behind.set()

    def _settle(self, key: str, one: _Awaited) -> None:
        with self._lock:
            if one.place in self._open or (len(self._open) >= MOST_OPEN and not one.urgent):
                return
            self._open.add(one.place)
        try:
            if not self._ask(one.has_come):
                return
            with self._lock:
                if self._awaited.get(key) is not one:  # forgotten or replaced while the question was asked
                    return
                del self._awaited[key]
                self._came[key] = (time.monotonic(), one.interval_s)
            self._tell(one.then)
        finally:
            with self._lock:
                self._open.discard(one.place)

    def _next_interval_s(self, key: str, now: float) -> float:
        came, interval_s = self._came.get(key, (-math.inf, 0.0))
        if now - came > LONGEST_INTERVAL_S:
            return self._interval_s
        return min(2 * interval_s, LONGEST_INTERVAL_S)

    @staticmethod
    def _ask(has_come: Callable[[], bool]) -> bool:
        try:
            return has_come()
        except OSError as error:
            _log.debug("not yet: %s", error)
        except Exception:  # one question that is at fault must not end the thread that asks the others
            _log.exception("a question could not be asked")
        return False

    @staticmethod
    def _tell(then: Callable[[], None]) -> None:
        try:
            then()
        except Exception:  # as above: others wait too
            _log.exception("what was waited for came about, and nothing could be done with it")
