"""Faults at exact points of a run: the N-th call that changes a disk kills the process or fails.

Installed inside the process under test, before stlkit is loaded. A point is every call of the operating system that
stlkit makes to change a file or a folder, and every commit of the database; points are counted from 1, in all threads
together. Calls on pipes and on files outside the watched folder are no points.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

CALLS = ("replace", "rename", "unlink", "remove", "link", "symlink", "mkdir", "rmdir", "truncate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens where.

    Parameters
    ----------
    action : str
        ``count`` alone, ``kill``, ``kill_parent`` (this process and the one that started it), ``tear`` (as ``kill``,
        but half of a write is done first), or the name of a signal or an error such as ``SIGSEGV`` or ``ENOSPC``.
    at : int
        The point, from 1.
    root : Path
        Only what lies below is watched.
    trace : Path
        Gets a line for every point; it tells how many there are.
    """

    action: str
    at: int
    root: Path
    trace: Path


class FaultPoints:
    """Counts points and lets the fault happen, once."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._root = str(fault.root)
        self._count = 0
        self._lock = threading.Lock()
        self._trace = os.open(fault.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._write = os.write

    def install(self) -> None:
        """Put a point before every call that changes a disk."""
        for name in CALLS:
            self._wrap_path_call(name)
        self._wrap_fsync()
        self._wrap_opening()
        self._wrap_writing()
        points = self

        class Connection(sqlite3.Connection):
            def commit(self) -> None:
                points.reach("commit", points._root)
                super().commit()

        connect = sqlite3.dbapi2.connect

        def connect_with_points(*arguments: Any, **options: Any) -> sqlite3.Connection:
            return connect(*arguments, **{"factory": Connection, **options})

        sqlite3.connect = sqlite3.dbapi2.connect = connect_with_points

    def reach(self, call: str, path: object, torn: tuple[int, bytes] | None = None) -> None:
        """Count a point, and let the fault happen where it is the one."""
        name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else str(path)
        if not name.startswith(self._root):
            return
        with self._lock:
            self._count += 1
            self._write(self._trace, f"{self._count} {call} {name.removeprefix(self._root)}\n".encode(errors="replace"))
            if self._count != self.fault.at or self.fault.action == "count":
                return
            self._happen(call, name, torn)

    def _happen(self, call: str, name: str, torn: tuple[int, bytes] | None) -> None:
        action = self.fault.action
        if action == "tear" and torn is not None:
            descriptor, data = torn
            self._write(descriptor, data[: len(data) // 2])
        if action in ("kill", "tear"):
            _die()
        if action.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, action))
        if action == "kill_parent":
            os.kill(os.getppid(), signal.SIGKILL)
            _die()
        code = getattr(errno, action)
        if call == "commit":  # what SQLite makes of it
            raise sqlite3.OperationalError("database or disk is full" if code == errno.ENOSPC else "disk I/O error")
        raise OSError(code, f"{os.strerror(code)} (injected at {call})", name)

    def _wrap_path_call(self, name: str) -> None:
        real = getattr(os, name)

        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            changed = arguments[0] if name in ("replace", "rename", "link", "symlink") else path
            folder = options.get("dir_fd")
            self.reach(name, changed if folder is None else f"{_path_of(folder)}/{os.fsdecode(changed)}")
            return real(path, *arguments, **options)

        setattr(os, name, call)

    def _wrap_fsync(self) -> None:
        real = os.fsync

        def fsync(descriptor: int) -> None:
            self.reach("fsync", _path_of(descriptor))
            real(descriptor)

        os.fsync = fsync

    def _wrap_opening(self) -> None:
        real = os.open

        def open_(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
            if flags & os.O_CREAT:
                self.reach("create", path)
            return real(path, flags, *arguments, **options)

        os.open = open_

    def _wrap_writing(self) -> None:
        write, fdopen = os.write, os.fdopen

        def write_(descriptor: int, data: bytes) -> int:
            self.reach("write", _path_of(descriptor), (descriptor, bytes(data)))
            return write(descriptor, data)

        def fdopen_(descriptor: int, *arguments: Any, **options: Any) -> Any:
            stream = fdopen(descriptor, *arguments, **options)
            return _Stream(stream, self) if isinstance(stream, io.BufferedWriter) else stream

        os.write, os.fdopen = write_, fdopen_


class _Stream:
    """A binary file whose writes are points."""

    def __init__(self, stream: io.BufferedWriter, points: FaultPoints) -> None:
        self._stream = stream
        self._points = points

    def write(self, data: bytes) -> int:
        descriptor = self._stream.fileno()
        self._points.reach("write", _path_of(descriptor), (descriptor, bytes(data)))
        return self._stream.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _path_of(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed processes do not come here")
