"""``queue_state.json``: read with care, written whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stlkit.collector import collector_paused
from stlkit.errors import NewerVersionError, StateFileError
from stlkit.files import (
    MOST_JSON_VALUES,
    TooLargeError,
    encode_json,
    has_too_many_values,
    mark_of,
    read_json,
    write_atomically,
)
from stlkit.model.encoding import explain
from stlkit.model.jobs import STATE_VERSION, QueueState
from stlkit.model.times import utc_now
from stlkit.storage.backups import KEEP_COUNT, BackupManager
from stlkit.storage.home import Home, find_home
from stlkit.storage.lock import HomeLock
from stlkit.storage.migration import StateMigration, is_newer_major, is_older, shown_version, version_of

_log = logging.getLogger(__name__)

LARGEST_STATE_BYTES = 1 << 28
"""Largest state that is written and read, 256 MiB: some eighty thousand jobs that have ended."""

_UNDAMAGED = (OSError, TooLargeError)  # causes for which a file is no worse: it may be read when the disk is well


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedState:
    """A state, and what had to be done to get it.

    Parameters
    ----------
    state : QueueState
    notes : tuple of str
        For a person: a damaged file set aside, a backup used, an old format brought up to date.
    """

    state: QueueState
    notes: tuple[str, ...] = ()


class QueueStateManager:
    """Keeps the queue of one home folder on disk.

    Not thread-safe: one `stlkit.storage.writer.CoalescingWriter` is its only writer.

    Parameters
    ----------
    home : Home or path
        The home folder, whose `Home.create` makes what is missing.
    keep_backups : int
        How many automatic backups are kept.
    limit_bytes : int
        Nothing larger is written, or read.
    lock : HomeLock, optional
        Of whoever owns the home. Without it, the file is not written while somebody does.
    """

    def __init__(
        self,
        home: Home | str | os.PathLike[str],
        *,
        keep_backups: int = KEEP_COUNT,
        limit_bytes: int = LARGEST_STATE_BYTES,
        lock: HomeLock | None = None,
    ) -> None:
        home = home if isinstance(home, Home) else find_home(home)
        self.state_path = home.queue_state
        self._lock = lock or HomeLock(home.lock)
        self.backups = BackupManager(
            home.queue_state,
            home.backups,
            self._read_only,
            keep_count=keep_backups,
            limit_bytes=limit_bytes,
            guard=self._owning,
        )
        self._limit_bytes = limit_bytes
        self._known: tuple[int, ...] | None = None

    def create_backup(self, label: str | None = None) -> Path | None:
        """Keep the present file as a backup; see `BackupManager.create_backup`."""
        return self.backups.create_backup(label)

    def save_queue_state(self, queue_state: QueueState) -> bool:
        """Save atomically, with the previous file kept as the newest backup.

        A backup that cannot be made is no reason not to save: the file itself is never at risk, because the new one
        is written beside it and only then takes its name.

        Of a state too large to be read again, the jobs that ended first are left out; the history has them.

        Parameters
        ----------
        queue_state : QueueState

        Returns
        -------
        bool
            True; anything else is an error.

        Raises
        ------
        HomeLockedError
            Somebody else owns the queue, whose next save would undo this one.
        NewerVersionError
            The file that is there comes from a newer major version; it is left alone.
        StateFileError
            The unfinished jobs alone are too many; the file is as it was.
        OSError
            The disk or the folder refused. The file on disk is whole: it holds what it held, or, where only the
            disk's last confirmation failed, what was to be saved.
        """
        data = self._encoded(queue_state)
        with self._owning():
            self._write(data)
        return True

    def _write(self, data: bytes) -> None:
        if mark_of(self.state_path) != self._known:  # not what was read or written here last
            self.backups.refuse_newer()
        try:
            self.create_backup()
        except OSError as error:
            _log.warning("no backup of %s was made: %s", self.state_path, error)
        write_atomically(self.state_path, data, mode=0o600)
        self._known = mark_of(self.state_path)

    def _owning(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock.is_held else self._lock.borrowed()

    def _encoded(self, state: QueueState) -> bytes:
        data = encode_json(state.to_dict())
        if self._fits(data):
            return data
        ended = [job for job in state.jobs if job.state.ended]
        ended.sort(key=lambda job: job.completed_at or job.created_at)
        for tenths in range(1, 11):
            left_out = {job.id for job in ended[: -(-len(ended) * tenths // 10)]}
            data = encode_json(
                replace(state, jobs=tuple(job for job in state.jobs if job.id not in left_out)).to_dict()
            )
            if self._fits(data):
                _log.warning(
                    "%s would grow too large; the %d jobs that ended first were left out of it", self.state_path,
                    len(left_out),
                )  # fmt: skip
                return data
        raise StateFileError(
            f"the queue is too large for {self.state_path}: its unfinished jobs alone take {len(data):,} bytes, "
            f"{self._limit_bytes:,} are read again. The file was left as it was; take jobs out of the queue.",
            path=self.state_path,
        )

    def _fits(self, data: bytes) -> bool:
        return len(data) <= self._limit_bytes and not has_too_many_values(data)

    def load_queue_state(self) -> LoadedState | None:
        """Read the state, or the newest backup that is whole where the file is damaged or gone.

        stlkit never removes the file, so one that is gone while backups are there was lost; to start with an empty
        queue, take its jobs out, or remove the backups too.

        Returns
        -------
        LoadedState or None
            None where there is no state yet.

        Raises
        ------
        HomeLockedError
            A backup would have to take the file's place, but somebody owns the queue.
        NewerVersionError
            The file comes from a newer major version; it is left alone.
        StateFileError
            The file cannot be read or is too large, or it is damaged and no backup is whole; it is left where it was.
        """
        if not self.state_path.exists():
            return self._from_backup(f"{self.state_path} was missing")
        try:
            known = mark_of(self.state_path)
            loaded = self._read(self.state_path)
        except StateFileError as damage:
            if isinstance(damage.__cause__, _UNDAMAGED):
                raise
            aside = self.state_path.with_name(f"queue_state_damaged_{utc_now():%Y%m%dT%H%M%S%f}.json")
            saved = self._from_backup(f"{damage}. It was kept as {aside.name}", aside=aside)
            if saved is not None:
                return saved
            raise StateFileError(
                f"{damage}. No backup in {self.backups.folder} is whole. Move the file away to start with an empty "
                "queue.",
                path=damage.path,
                field=damage.field,
            ) from damage
        self._known = known
        return loaded

    def peek(self) -> QueueState | None:
        """Read the state without touching anything, as a process that does not own the queue does.

        Returns
        -------
        QueueState or None
            None where there is no state yet.

        Raises
        ------
        StateFileError
            It cannot be read, or is damaged; whoever opens the queue next puts a backup in its place.
        NewerVersionError
            As `load_queue_state`.
        """
        if not self.state_path.exists():
            return None
        try:
            return self._read_only(self.state_path)
        except StateFileError as damage:
            if isinstance(damage.__cause__, _UNDAMAGED):
                raise
            raise StateFileError(
                f"{damage}. Opening the queue to work with it, as 'stlkit resume' does, puts its newest whole backup "
                "in its place.",
                path=damage.path,
                field=damage.field,
            ) from damage

    def _read_only(self, path: Path) -> QueueState:
        return self._read(path, migrate=False).state

    def _read(self, path: Path, *, migrate: bool = True) -> LoadedState:
        try:
            with collector_paused():
                data = read_json(path, limit_bytes=self._limit_bytes)
        except OSError as error:
            raise StateFileError(
                f"{path} cannot be read: {error.strerror or error}; nothing was changed. Make it readable, then try "
                "again.",
                path=path,
            ) from error
        except TooLargeError as error:
            raise StateFileError(
                f"{path} is too large: it has {_size_of(path)}, and at most {self._limit_bytes:,} bytes of "
                f"{MOST_JSON_VALUES:,} values are read; "
                "nothing was changed. Put a smaller copy in its place, or use another home folder.",
                path=path,
            ) from error
        except ValueError as error:
            raise StateFileError(f"{path} cannot be read as JSON: {error}", path=path) from error
        if not isinstance(data, dict):
            raise StateFileError(f"{path} does not hold a queue state", path=path)
        version = version_of(data)
        if is_newer_major(version, STATE_VERSION):
            raise NewerVersionError(
                f"{path} has version {shown_version(version)}, this stlkit knows {STATE_VERSION}; update stlkit, "
                "put the version right, or use another home folder. The file was not touched.",
                path=path,
            )
        notes: tuple[str, ...] = ()
        if is_older(version, STATE_VERSION):
            data = self._migrated(data, version)
            if migrate:
                self.create_backup(f"before-migration-from-{version}")
            notes = (f"queue_state.json was brought from version {version} to {STATE_VERSION}; a backup was kept",)
        else:
            data["version"] = version  # which may be written as a number
        try:
            with collector_paused():
                return LoadedState(state=QueueState.from_dict(data), notes=notes)
        except ValueError as error:
            text, where = explain(error)
            raise StateFileError(f"{path}: {text}{f' at {where}' if where else ''}", path=path, field=where) from error

    def _migrated(self, data: dict[str, Any], version: str) -> dict[str, Any]:
        try:
            return StateMigration().migrate_queue_state(data, version)
        except ValueError as error:
            raise StateFileError(
                f"{self.state_path} of version {shown_version(version)} cannot be brought to {STATE_VERSION}: {error}",
                path=self.state_path,
            ) from error

    def _from_backup(self, why: str, *, aside: Path | None = None) -> LoadedState | None:
        """Put the newest backup that is whole in the file's place, and return what it holds; None where none is."""
        for backup in self.backups.newest_first():
            with contextlib.suppress(StateFileError, NewerVersionError):
                loaded = self._read(backup)
                with self._owning():
                    if aside is not None:
                        _keep(self.state_path, aside)
                    # At once and in one step: whoever is killed now must not leave a home without a queue.
                    write_atomically(self.state_path, encode_json(loaded.state.to_dict()), mode=0o600)
                return LoadedState(
                    state=loaded.state, notes=(f"{why}, and {backup.name} was used instead.", *loaded.notes)
                )
        return None


def _size_of(path: Path) -> str:
    try:
        return f"{path.stat().st_size:,} bytes"
    except OSError:  # gone since
        return "more"


def _keep(damaged: Path, aside: Path) -> None:
    try:
        os.link(damaged, aside)
    except OSError:  # a disk without links; a state that is missing is taken from the backups too
        damaged.replace(aside)
