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
    pause_reason : str or None
        Why the queue paused by itself; None where it did not, whether a person paused it or not.
    """

    def __init__(self, changes: JobChanges, watcher: Watcher) -> None:
        self._changes = changes
        self._watcher = watcher
        self.running = False
        self.pause_reason: str | None = None
        self._paused_by_person = False

    @property
    def paused(self) -> bool:
        """Whether no jobs are taken: a person does not want it, or the queue cannot."""
        return self._paused_by_person or self.pause_reason is not None

    def pause(self) -> None:
        """Take no more jobs and have running ones hold, until a person says otherwise."""
        self._paused_by_person = True

    def resume(self) -> None:
        """Take jobs again."""
        self._paused_by_person, self.pause_reason = False, None
        self._watcher.forget(_DISK)

    def go_on(self, message: str) -> None:
        """Take jobs again where the queue paused by itself; what a person paused stays so."""
        if self.pause_reason is not None:
            self.pause_reason = None
            self._watcher.forget(_DISK)
            self._changes.tell(message, EventKind.NOTICE)

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
        wanted = f"{least_mb:.0f} MB are free" if least_mb >= 1 else "there is room again"
        self._pause_because(f"{what}; the queue goes on by itself when {wanted}")
        self._watcher.expect(
            _DISK, lambda: full_disk(folders, least_mb * _ROOM_AGAIN) is None, self._room_again, urgent=True
        )

    def pause_for_storage(self, what: str, works: Callable[[], bool], then: Callable[[], None]) -> None:
        """Pause until the stores work again; `then` has to make the queue go on."""
        self._pause_because(f"{what}; the queue goes on by itself when that works again")
        self._watcher.expect(_STORAGE, works, then, urgent=True)

    def _room_again(self) -> None:
        with self._changes.condition:
            self.go_on("there is room again")

    def _pause_because(self, reason: str) -> None:
        _log.warning("the queue pauses: %s", reason)
        self.pause_reason = reason
        self._changes.tell(reason, EventKind.NOTICE)
