"""The one thread that brings news into a widget, never too often."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)

SHORTEST_INTERVAL_S = 0.25  # the server drops messages above 1,000 a second; an eye needs no more than four


class Publisher:
    """Calls `publish` on a thread of its own soon after it is nudged, at most four times a second.

    Any number of nudges in between become one call; without a nudge nothing happens. Thread-safe.

    Parameters
    ----------
    publish : callable
        Shows how things are now. What it raises is logged; the next nudge calls it again.
    look_every_s : float, optional
        Call it so often even without a nudge, where nobody tells about changes.
    """

    def __init__(self, publish: Callable[[], None], *, look_every_s: float | None = None) -> None:
        self._publish = publish
        self._look_every_s = look_every_s
        self._nudged = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stlkit-panel", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Say that something has changed; returns at once."""
        self._nudged.set()

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller was called by `publish`."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End the thread; harmless the second time."""
        self._closing.set()
        self._nudged.set()
        if not self.is_current_thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._nudged.wait(self._look_every_s)
            if self._closing.is_set():
                return
            self._nudged.clear()  # before looking: what changes from here on is a new nudge
            try:
                self._publish()
            except Exception:  # a panel that cannot show something once must go on showing
                _log.exception("the panel could not be brought up to date")
            self._closing.wait(SHORTEST_INTERVAL_S)
