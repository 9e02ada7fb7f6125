"""Who owns a home folder's queue."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from stlkit.errors import HomeLockedError, StorageError
from stlkit.files import encode_json, lives, own_start, read_json, start_ticks, write_atomically
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.times import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class LockOwner:
    """The process that owns a queue.

    Parameters
    ----------
    pid : int
    host : str
    started_at : datetime
        When it took the queue.
    process_started_at : float or None
        When the process itself began, in seconds since 1970; tells it from a later one of the same number.
    process_started_ticks : int or None
        The same in clock ticks since the machine was started, where the system has it; no clock that is set changes it.
    """

    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=platform.node)
    started_at: datetime = field(default_factory=utc_now)
    process_started_at: float | None = field(default_factory=lambda: own_start(os.getpid()))
    process_started_ticks: int | None = None

    def may_live(self) -> bool:
        """Whether the process may still run; of another machine nobody here can say that it does not."""
        if self.host != platform.node():
            return True
        return lives(self.pid, self.process_started_at, self.process_started_ticks)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} (since {self.started_at:%Y-%m-%d %H:%M:%S} UTC)"


class HomeLock:
    """Ownership of the queue in one home folder, held until released or until the process ends.

    The operating system drops the lock with its process, so the lock of a dead owner is there for the taking; that it
    died is known by the note it left. Thread-safe.

    Parameters
    ----------
    path : Path
        The lock file; who holds it is written beside it.

    Attributes
    ----------
    dead_owner : LockOwner or None
        Whoever had the lock before and ended without giving it back.
    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, thread_local=False)
        self._owner_path = path.with_suffix(".json")
        self.dead_owner: LockOwner | None = None
        self._place: tuple[int, int] | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody else has it; return whether it is held now.

        Raises
        ------
        OSError
            The home folder cannot be written; the lock is not held.
        StorageError
            A link stands where the lock belongs; taking it would empty the file that it leads to.
        """
        if not self._acquire():
            return False
        self.dead_owner = self._noted()
        try:
            write_atomically(
                self._owner_path,
                encode_json(to_plain(LockOwner(process_started_ticks=start_ticks(os.getpid())))),
                mode=0o600,
            )
        except BaseException:
            self._lock.release()
            raise
        return True

    def _acquire(self) -> bool:
        path = Path(self._lock.lock_file)
        if path.is_symlink():
            raise StorageError(f"{path} is a link, which cannot be a lock; remove it", path=path)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        self._place = _place_of(path)
        return True

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[None]:
        """Hold the lock for a moment, without a note of it: whoever ended without giving it back stays noted.

        Raises
        ------
        HomeLockedError
            Somebody has it; the message names them.
        StorageError, OSError
            As `try_acquire`.
        """
        if not self._acquire():
            raise self.refusal()
        try:
            yield
        finally:
            self._lock.release()

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return bool(self._lock.is_locked)

    @property
    def is_in_place(self) -> bool:
        """Whether the lock file is still the one that was taken: a deleted one keeps nobody out."""
        return self.is_held and self._place == _place_of(Path(self._lock.lock_file))

    def owner(self) -> LockOwner | None:
        """Return who holds the lock, as far as it says so; None where nobody does, or whoever did is dead."""
        noted = self._noted()
        return noted if noted is not None and noted.may_live() else None

    def _noted(self) -> LockOwner | None:
        try:
            return from_plain(LockOwner, read_json(self._owner_path, limit_bytes=1 << 16))
        except (OSError, ValueError):
            return None

    def refusal(self) -> HomeLockedError:
        """Build the error that names the owner and says what to do."""
        return HomeLockedError(
            f"the queue in {self._owner_path.parent} belongs to {self.owner() or 'another process'}; "
            "here it can only be looked at. Close the other one, or use another home folder.",
            path=self._owner_path.parent,
        )

    def release(self) -> None:
        """Give the lock back; harmless where it is not held."""
        if self.is_held:
            with contextlib.suppress(OSError):  # a note that stays only makes the next owner look more closely
                self._owner_path.unlink(missing_ok=True)
            self._lock.release()


def _place_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
