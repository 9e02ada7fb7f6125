"""The one thread that brings news of a queue to all widgets that show it, never too often."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stlkit.engine.events import EventKind, QueueEvent
from stlkit.errors import StorageError
from stlkit.files import mark_of
from stlkit.model.jobs import QueueState
from stlkit.workspace import Workspace

_log = logging.getLogger(__name__)

SHORTEST_INTERVAL_S = 0.25  # the server drops messages above 1,000 a second; an eye needs no more than four
SHORTEST_ECHO_S = 0.02  # what a person has just done shows at once
OBSERVER_LOOKS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """How a queue is now, and what of it is new.

    Parameters
    ----------
    state : QueueState
    changed : frozenset of str
        Ids of the jobs that were added or changed.
    reordered : bool
        Whether jobs came, went, or changed places.
    problem : str or None
        Why the state cannot be read now, and is as it was before; only of a queue that another process owns.
    """

    state: QueueState
    changed: frozenset[str] = frozenset()
    reordered: bool = False
    problem: str | None = None


Listener = Callable[[News], None]


class Feed:
    """Tells listeners how a queue stands: soon after something changed, at most four times a second, else never.

    A queue that another process owns is looked at once a second; listeners are told only where it has changed.
    Thread-safe. The thread lives as long as anybody listens.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Condition()
        self._listeners: tuple[Listener, ...] = ()
        self._changed: set[str] = set()
        self._reordered = self._nudged = self._at_once = False
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._last_seen = QueueState()
        self._last_mark: object = None

    @classmethod
    def of(cls, workspace: Workspace) -> Feed:
        """Return the feed that all widgets of a workspace share."""
        with _FEEDS_LOCK:
            feed = _FEEDS.get(id(workspace))
            if feed is None:
                feed = _FEEDS[id(workspace)] = cls(workspace)
            return feed

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called, on the feed's thread, with everything that is new from now on.

        What it raises is logged; it is told the next news all the same.

        Returns
        -------
        callable
            Ends this; harmless the second time.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)
            if self._thread is None:
                self._begin()

        def leave() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)
                ended = self._end() if not self._listeners else None
            if ended is not None and ended is not threading.current_thread():
                ended.join()

        return leave

    def nudge(self, *, at_once: bool = False) -> None:
        """Have listeners told how things are, because something beside the queue has changed; returns at once.

        Parameters
        ----------
        at_once : bool
            A person did it and looks at the page.
        """
        with self._lock:
            self._nudged, self._at_once = True, self._at_once or at_once
            self._lock.notify_all()

    # --- inside ---

    def _begin(self) -> None:
        if not self._workspace.is_observer:
            self._unsubscribe = self._workspace.queue.subscribe(self._note)
        self._thread = threading.Thread(target=self._run, name="stlkit-feed", daemon=True)
        self._thread.start()

    def _end(self) -> threading.Thread | None:
        self._unsubscribe()
        ended, self._thread = self._thread, None
        self._lock.notify_all()
        return ended

    def _note(self, event: QueueEvent) -> None:
        with self._lock:
            if event.job is not None and event.kind is not EventKind.REMOVED:
                self._changed.add(event.job.id)
            self._reordered |= event.kind in (EventKind.ADDED, EventKind.REMOVED, EventKind.REORDERED)
            self._nudged = True
            self._lock.notify_all()

    def _run(self) -> None:
        own_thread, last_told = threading.current_thread(), -SHORTEST_INTERVAL_S
        while True:
            with self._lock:
                if not self._await_news(own_thread, last_told):
                    return
                changed, reordered, is_nudged = frozenset(self._changed), self._reordered, self._nudged
                self._changed.clear()
                self._reordered = self._nudged = self._at_once = False
                listeners = self._listeners
            with _logged_errors():
                if not self._workspace.is_observer:
                    news = News(state=self._workspace.queue.state(), changed=changed, reordered=reordered)
                elif (news := self._look(is_nudged=is_nudged)) is None:  # type: ignore[assignment]
                    continue
                for listener in listeners:
                    with _logged_errors():
                        listener(news)
            last_told = time.monotonic()

    def _await_news(self, own_thread: threading.Thread, last_told: float) -> bool:
        """Wait until there is something to tell and the last time is long enough ago; False: nobody listens."""
        look_every_s = OBSERVER_LOOKS_EVERY_S if self._workspace.is_observer else None
        while self._thread is own_thread:
            if not self._nudged:
                if not self._lock.wait(look_every_s):
                    return self._thread is own_thread
                continue
            wait_s = last_told + (SHORTEST_ECHO_S if self._at_once else SHORTEST_INTERVAL_S) - time.monotonic()
            if wait_s <= 0:
                return True
            self._lock.wait(wait_s)
        return False

    def _look(self, *, is_nudged: bool) -> News | None:
        """Look what the owner has written; None where nothing is new."""
        mark = (mark_of(self._workspace.home.queue_state), self._workspace.owner)
        if mark == self._last_mark and not is_nudged:
            return None
        before, problem = self._last_seen, None
        try:
            self._last_seen = self._workspace.queue.state()
        except StorageError as error:
            problem = str(error)
        self._last_mark = mark
        known = {job.id: job for job in before.jobs}
        return News(
            state=self._last_seen,
            changed=frozenset(job.id for job in self._last_seen.jobs if known.get(job.id) != job),
            reordered=list(known) != [job.id for job in self._last_seen.jobs],
            problem=problem,
        )


@contextlib.contextmanager
def _logged_errors() -> Iterator[None]:
    try:
        yield
    except Exception:  # what cannot be shown once must not end the thread that shows everything
        _log.exception("a widget could not be brought up to date")


_FEEDS: weakref.WeakValueDictionary[int, Feed] = weakref.WeakValueDictionary()  # a feed keeps its workspace
_FEEDS_LOCK = threading.Lock()
