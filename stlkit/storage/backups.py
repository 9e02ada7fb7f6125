"""Earlier states of the queue, kept for the day the newest one is damaged."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from stlkit.errors import NewerVersionError, OptionError, StateFileError, StorageError
from stlkit.files import LARGEST_JSON_BYTES, make_folder, part_beside, read_regular_file, write_atomically
from stlkit.model.times import utc_now

KEEP_COUNT = 5
_NUMBER = re.compile(r"[0-9]{1,9}")
_TIMED = re.compile(r"_[0-9]{8}T[0-9]{12}\Z")


class BackupManager:
    """Backups of one queue state file.

    Numbered backups rotate: ``queue_state_backup_1.json`` is the newest. Labelled ones carry a time stamp and are never
    rotated away. Thread-safe.

    Parameters
    ----------
    state_path : Path
        ``queue_state.json``.
    folder : Path
        Where backups are kept.
    check : callable
        Reads a state file, and raises a `StorageError` where it is none; nothing else is ever restored.
    keep_count : int
        How many numbered backups there are at most.
    limit_bytes : int
        Nothing larger is restored.
    guard : callable
        Returns what is held while the state file is replaced; raises an error where somebody else owns it.
    """

    def __init__(
        self,
        state_path: Path,
        folder: Path,
        check: Callable[[Path], object],
        *,
        keep_count: int = KEEP_COUNT,
        limit_bytes: int = LARGEST_JSON_BYTES,
        guard: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.state_path = state_path
        self.folder = folder
        self.keep_count = keep_count
        self._check = check
        self._limit_bytes = limit_bytes
        self._guard = guard
        self._lock = threading.RLock()

    def create_backup(self, label: str | None = None) -> Path | None:
        """Keep the state file as it is now; the newest numbered backup is enough where it holds just that.

        Parameters
        ----------
        label : str, optional
            Keeps this backup for good, under this label and the time.

        Returns
        -------
        Path or None
            The backup; None where there is no state file yet, or no numbered backups are kept.

        Raises
        ------
        OSError
            The backup cannot be written; the state file is as it was.
        """
        with self._lock:
            return self._created(label)

    def _created(self, label: str | None) -> Path | None:
        if not self.state_path.exists():
            return None
        make_folder(self.folder, mode=0o700)
        if label is None:
            return self._rotate_in()
        safe = re.sub(r"[^\w-]+", "-", label).strip("-")[:40] or "backup"
        target = self.folder / f"queue_state_backup_{safe}_{utc_now():%Y%m%dT%H%M%S%f}.json"
        write_atomically(target, self.state_path.read_bytes(), mode=0o600)
        return target

    def rotate_backups(self, keep_count: int = KEEP_COUNT) -> None:
        """Remove numbered backups beyond the newest `keep_count`.

        Raises
        ------
        OptionError
            `keep_count` is negative; nothing was removed.
        """
        if keep_count < 0:
            raise OptionError(f"keep_count: {keep_count} backups cannot be kept; give 0 or more", field="keep_count")
        with self._lock:
            for path in self.beyond(keep_count):
                path.unlink(missing_ok=True)

    def beyond(self, keep_count: int) -> list[Path]:
        """Return the numbered backups that `rotate_backups` would remove."""
        return [path for number, path in self._all_numbered() if number > keep_count]

    def restore_from_backup(self, backup_path: Path) -> bool:
        """Put a backup in the place of the state file, which is kept under the label ``before-restore``.

        Parameters
        ----------
        backup_path : Path

        Returns
        -------
        bool
            True; anything else is an error.

        Raises
        ------
        HomeLockedError
            Somebody owns the queue, whose next save would undo this; close its workspace first.
        NewerVersionError
            The state file comes from a newer major version; it is left alone.
        StateFileError
            The backup is missing or is no queue state; the state file is as it was.
        """
        self.refuse_newer()
        try:
            self._check(backup_path)
            data = read_regular_file(backup_path, limit_bytes=self._limit_bytes)
        except (OSError, ValueError, StorageError) as error:
            raise StateFileError(
                f"{backup_path} cannot be restored: {error}; choose another of {self.folder}", path=backup_path
            ) from error
        with self._guard(), self._lock:
            self.create_backup("before-restore")
            write_atomically(self.state_path, data, mode=0o600)
        return True

    def refuse_newer(self) -> None:
        """Raise a `NewerVersionError` where the state file is not this version's to replace; a damaged one is."""
        try:
            self._check(self.state_path)
        except NewerVersionError:
            raise
        except (OSError, StorageError):  # it is damaged or gone; what is damaged is kept as a backup
            pass

    def newest_first(self) -> list[Path]:
        """Return the numbered backups, newest first, and after them the labelled ones, newest first too."""
        numbered = [path for _, path in self._all_numbered()]
        labelled = {path for path in self.folder.glob("queue_state_backup_*_*.json") if _TIMED.search(path.stem)}
        return [*numbered, *sorted(labelled, key=lambda path: path.stem.rsplit("_", 1)[1], reverse=True)]

    def _rotate_in(self) -> Path | None:
        if self._is_kept(self._numbered(1)):
            return self._numbered(1)
        if self.keep_count < 1:
            return None
        target = self._numbered(1)
        part = part_beside(target)  # before the others move on: a disk that is full must not cost one of them
        try:
            # The state file is only ever replaced, never written into, so a second link is a copy that costs nothing.
            try:
                os.link(self.state_path, part)
            except OSError:  # a disk without links
                write_atomically(part, self.state_path.read_bytes(), mode=0o600)
            for number, path in reversed(self._all_numbered()):
                path.replace(self._numbered(number + 1))
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        self.rotate_backups(self.keep_count)
        return target

    def _is_kept(self, newest: Path) -> bool:
        """Tell whether the newest backup is the state as it is now: a save that failed left nothing new to keep."""
        try:
            if newest.is_symlink():
                return False
            if newest.samefile(self.state_path):
                return True
            filecmp.clear_cache()  # it goes by times of change, which two saves may share
            return filecmp.cmp(newest, self.state_path, shallow=False)
        except OSError:
            return False

    def _numbered(self, number: int) -> Path:
        return self.folder / f"queue_state_backup_{number}.json"

    def _all_numbered(self) -> list[tuple[int, Path]]:
        found = []
        for path in self.folder.glob("queue_state_backup_*.json"):
            number = path.stem.removeprefix("queue_state_backup_")
            if _NUMBER.fullmatch(number):
                found.append((int(number), path))
        return sorted(found)
