"""Whether a queue works, and what it waits for where it paused by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from stlkit.engine.changes import JobChanges
from stlkit.engine.events import EventKind
from stlkit.engine.limits import full_disk
from stlkit.engine.watcher import Watcher

_log = logging.getLogger(__name__)

_ROOM_AGAIN = 1.1  # so much more room than the least there must be before work goes on
_DISK, _STORAGE = "disk", "storage"


class QueueSwitch:
    """Started and stopped by a person; paused by a person, or by itself while a disk or a store refuses.

    The condition is held by whoever calls.

    Parameters
    ----------
    changes : JobChanges
    watcher : Watcher

    Attributes
    ----------
    running : bool
        Whether a person started the queue.
    """

    def __init__(self, changes: JobChanges, watcher: Watcher) -> None:
        self._changes = changes
        self._watcher = watcher
        self.running = False
        self._paused_by_person = False
        self._reasons: dict[str, tuple[str, str]] = {}  # what keeps the queue from going on, and when that is over

    @property
    def paused(self) -> bool:
        """Whether no jobs are taken: a person does not want it, or the queue cannot."""
        return self._paused_by_person or bool(self._reasons)

    @property
    def pause_reason(self) -> str | None:
        """Why the queue paused by itself; None where it did not, whether a person paused it or not."""
        if not self._reasons:
            return None
        what, over = list(self._reasons.values())[-1]
        return f"{what}; {'resume the queue' if self._paused_by_person else 'the queue goes on by itself'} when {over}"

    def pause(self) -> None:
        """Take no more jobs and have running ones hold, until a person says otherwise."""
        self._paused_by_person = True

    def resume(self) -> None:
        """Take jobs again; what keeps the queue from working will show itself again."""
        self._paused_by_person = False
        self._reasons.clear()
        self._watcher.forget(_DISK)

    def pause_for_room(self, what: str, folders: tuple[Path, ...], least_mb: float) -> None:
        """Pause until there is room again.

        Parameters
        ----------
        what : str
            What was found, for a person.
        folders : tuple of Path
            On the disks in question.
        least_mb : float
            What has to be free on each.
        """
        over = f"{least_mb:.0f} MB are free" if least_mb >= 1 else "there is room again"
        self._pause_because(_DISK, what, over)

        def has_room() -> bool:
            return full_disk(folders, least_mb * _ROOM_AGAIN) is None

        place = "\0".join(map(str, folders))
        self._watcher.expect(_DISK, has_room, self._room_again, place=place, urgent=True)

    def pause_for_storage(self, what: str, works: Callable[[], bool], then: Callable[[], None]) -> None:
        """Pause until the stores work again; `then` has to call `storage_again`."""
        self._pause_because(_STORAGE, what, "that works again")
        self._watcher.expect(_STORAGE, works, then, urgent=True)

    def storage_again(self) -> None:
        """Take jobs again, unless a person or a full disk keeps the queue from it."""
        self._go_on(_STORAGE, "what failed works again")

    def _room_again(self) -> None:
        with self._changes.condition:
            self._go_on(_DISK, "there is room again")

    def _go_on(self, reason: str, message: str) -> None:
        if self._reasons.pop(reason, None) is not None:
            self._changes.tell(message, EventKind.NOTICE)

    def _pause_because(self, reason: str, what: str, over: str) -> None:
        self._reasons.pop(reason, None)  # the newest is told
        self._reasons[reason] = what, over
        _log.warning("the queue pauses: %s", self.pause_reason)
        self._changes.tell(self.pause_reason or "", EventKind.NOTICE)
