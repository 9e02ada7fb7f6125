"""A thread for what may take long, so that no click and no cell waits for a disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)


class Background:
    """Does things one after the other on a thread of its own, which begins with the first. Thread-safe.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    def do(self, work: Callable[[], None]) -> None:
        """Have something done after everything that was asked for before; dropped once this is closed."""
        try:
            self._executor.submit(_logged, work)
        except RuntimeError:  # the only way an executor says that it is closed
            _log.debug("closed: %r is not done", work)

    def close(self) -> None:
        """Do nothing more, and wait for what is being done; harmless the second time."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _logged(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # nobody looks at the future
        _log.exception("what a page asked for failed")
