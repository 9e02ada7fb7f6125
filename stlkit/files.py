"""Files that appear whole or not at all, JSON as stlkit writes it, and names as they may be shown.

What is read here may have been written by anybody: every reader below is bounded in size, and none of them waits on
something that is no file.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import math
import os
import platform
import re
import secrets
import shutil
import stat
import sys
import unicodedata
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import psutil

from stlkit.model.text import one_line as one_line  # noqa: PLC0414 - belongs to the names of files, for whoever uses them

_PART = re.compile(
    r"\.stlkit-(?P<machine>[0-9a-f]{8})-(?P<pid>[0-9]{1,9})-(?P<started>[0-9]{1,12})(?:t(?P<ticks>[0-9]{1,15}))?-[0-9a-f]{8}\.part"
)
_NOT_SYNCABLE = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})  # what network disks answer to a folder's fsync

LARGEST_JSON_BYTES = 1 << 26
"""Largest document that is read, 64 MiB: some six times the state of a queue of ten thousand jobs."""

MOST_JSON_VALUES = 4_000_000
"""Most values in one document: an empty list takes two bytes on disk and thirty times as much in memory."""

DEEPEST_JSON = 100
"""Most levels of lists and objects in one document; stlkit writes fewer than ten."""


class TooLargeError(ValueError):
    """A file is larger than what is read of its kind; that alone does not make it a damaged one."""


# Source: Microsoft, *Naming Files, Paths, and Namespaces*; what follows the first dot does not count.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(?:\.|$)", re.IGNORECASE)


def encode_json(value: Any) -> bytes:
    """Write plain values as indented JSON, ending in a line feed.

    File names that are not valid UTF-8 reach Python as lone surrogates, which only the escaped form of the
    standard library can carry.

    Parameters
    ----------
    value : Any
        Plain values with finite numbers, as `stlkit.model.encoding.to_plain` makes them.

    Returns
    -------
    bytes
    """
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value, indent=2).encode("ascii") + b"\n"


def decode_json(data: bytes) -> Any:
    """Read JSON, lone surrogates included.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    Any
        Of finite numbers, with at most `MOST_JSON_VALUES` values in at most `DEEPEST_JSON` levels.

    Raises
    ------
    ValueError
        It is not such JSON; the message says where or why.
    """
    if has_too_many_values(data):
        raise TooLargeError(f"it holds more than {MOST_JSON_VALUES:,} values")
    try:
        try:
            value = msgspec.json.decode(data)
        except msgspec.DecodeError:
            value = json.loads(data, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise _too_deep() from None
    _require_shallow(value)
    return value


def has_too_many_values(data: bytes) -> bool:
    """Tell whether `decode_json` would refuse a document for the number of its values."""
    return sum(map(data.count, (b",", b"[", b"{"))) > MOST_JSON_VALUES


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # Python reads NaN, Infinity and 1e999; nobody else does
        raise ValueError(f"{text[:40]} is no finite number")
    return number


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST_JSON):
        nested = [node.values() if type(node) is dict else node for node in level if type(node) in (dict, list)]
        level = [child for children in nested for child in children if type(child) in (dict, list)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"its lists and objects are nested more than {DEEPEST_JSON} levels deep")


def read_json(path: Path, *, limit_bytes: int = LARGEST_JSON_BYTES) -> Any:
    """Read a JSON document that anybody may have written.

    Parameters
    ----------
    path : Path
        Links are followed.
    limit_bytes : int

    Returns
    -------
    Any
        As `decode_json`.

    Raises
    ------
    ValueError
        It is no regular file, too large, or not JSON.
    OSError
        It is missing or cannot be read.
    """
    return decode_json(read_regular_file(path, limit_bytes=limit_bytes))


def read_regular_file(path: Path, *, limit_bytes: int) -> bytes:
    """Read a whole file, unless it is larger than it can rightly be; never wait on a pipe or a device.

    Parameters
    ----------
    path : Path
        Links are followed.
    limit_bytes : int

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        It is no regular file, or larger than `limit_bytes`.
    OSError
        It is missing or cannot be read.
    """
    with open_regular_file(path, limit_bytes=limit_bytes) as stream:
        data = stream.read(limit_bytes + 1) or b""  # None: a file of the kernel's with nothing in it now
    if len(data) > limit_bytes:
        raise _too_large(path, limit_bytes)
    return data


def open_regular_file(path: Path, *, limit_bytes: int) -> BufferedReader:
    """Open a file for reading; otherwise as `read_regular_file`."""
    # Non-blocking, because opening a pipe would wait until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{printable(path)} is not a regular file")
        if status.st_size > limit_bytes:
            raise _too_large(path, limit_bytes)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _too_large(path: Path, limit_bytes: int) -> TooLargeError:
    return TooLargeError(f"{printable(path)} is larger than the {limit_bytes:,} bytes that are read of such a file")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal; a ValueError where it is no regular file."""
    with open_regular_file(path, limit_bytes=sys.maxsize) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power failure, where the system can.

    Raises
    ------
    OSError
        The disk failed; what was renamed may be undone by a power failure.
    """
    if os.name != "posix":  # Windows has no handle to sync a folder by
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder may be written to and passed through, yet not opened
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCABLE:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, so that they survive a power failure.

    Parameters
    ----------
    folder : Path
    mode : int
        Permissions of what is made, before the umask.

    Raises
    ------
    OSError
        It cannot be made, or something that is no folder has its name.
    """
    try:
        folder.mkdir(mode)
    except FileNotFoundError:
        make_folder(folder.parent, mode=mode)
        folder.mkdir(mode, exist_ok=True)
    except OSError:
        if not folder.is_dir():
            raise
        return
    sync_folder(folder.parent)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace a file's content in one step: readers see the old bytes or the new, never a part.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    data : bytes
    mode : int
        Permissions of the new file.

    Raises
    ------
    OSError
        The folder cannot be written, the disk is full, or it failed to confirm that the bytes are on it. The file
        holds the old bytes, or, where only the last confirmation failed, all of the new ones.
    """
    with writing_atomically(path, mode=mode) as stream:
        stream.write(data)


@contextlib.contextmanager
def writing_atomically(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Give a stream whose bytes replace a file's content in one step, at the end; otherwise as `write_atomically`.

    Where the block ends with an error, the file stays as it was.
    """
    part = part_beside(path)
    with _removed_on_error(part):
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    sync_folder(path.parent)


def move_into_place(source: Path, target: Path) -> None:
    """Move a finished file to where it belongs, in one step, from any file system.

    Parameters
    ----------
    source : Path
        A whole file; gone afterwards.
    target : Path
        Replaced where it exists; missing folders are made.

    Raises
    ------
    OSError
        The target cannot be written; `source` is still there, unless only the disk's last confirmation failed.
    """
    make_folder(target.parent)
    _sync_file(source)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = part_beside(target)
        with _removed_on_error(part):
            shutil.copyfile(source, part)
            _sync_file(part)
            part.replace(target)
        source.unlink()
    sync_folder(target.parent)


def part_beside(path: Path) -> Path:
    """Return a new name in a file's folder, for what is to be renamed to it once it is whole.

    The name tells who writes, so that `remove_abandoned_parts` can tell rubbish from work. It is short, so that a
    target name of 255 bytes still leaves room for it.
    """
    pid = os.getpid()
    ticks = start_ticks(pid)
    began = f"{int(own_start(pid))}{'' if ticks is None else f't{ticks}'}"
    return path.with_name(f".stlkit-{_machine()}-{pid}-{began}-{secrets.token_hex(4)}.part")


def remove_abandoned_parts(folder: Path) -> tuple[Path, ...]:
    """Remove the half-written files in one folder whose writers are dead.

    Parameters
    ----------
    folder : Path
        Folders inside it are left alone; need not exist.

    Returns
    -------
    tuple of Path
        What was removed. Parts of other machines and of living processes stay.
    """
    removed = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _PART.fullmatch(entry.name)
            if match and match["machine"] == _machine() and not _writer_lives(match):
                path = Path(entry.path)
                path.unlink(missing_ok=True)
                removed.append(path)
    return tuple(removed)


@contextlib.contextmanager
def _removed_on_error(part: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _writer_lives(part: re.Match[str]) -> bool:
    ticks = part["ticks"]
    return lives(int(part["pid"]), int(part["started"]), None if ticks is None else int(ticks))


@functools.cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode(errors="replace")).hexdigest()[:8]


@functools.cache
def own_start(pid: int) -> float:
    """Return when this process, whose number is `pid`, began as the clock had it first, in seconds since 1970."""
    return psutil.Process(pid).create_time()


def start_ticks(pid: int) -> int | None:
    """Return when a process began, in clock ticks since the machine did; None where the system does not say so.

    No step of the clock changes it. Source: proc_pid_stat(5), field 22; the second may contain spaces and brackets.
    """
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def lives(pid: int, started: float | None, ticks: int | None = None) -> bool:
    """Tell whether that very process runs, not a later one of the same number.

    Parameters
    ----------
    pid : int
    started : float or None
        When it began, in seconds since 1970, if that is known.
    ticks : int, optional
        The same as `start_ticks` had it, which decides where the system has it too.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # dead, if not yet buried
            return False
        now_ticks = start_ticks(pid)
        if ticks is not None and now_ticks is not None:
            return ticks == now_ticks
        began = own_start(pid) if pid == os.getpid() else process.create_time()
    except (psutil.Error, ValueError, OverflowError):
        return False
    # the system's own figure may differ by a second from one reader to the next
    return started is None or abs(began - started) < 3


def mark_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is replaced or written to; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a link itself; 0 where it is gone."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def printable(path: Path | str) -> str:
    r"""Return a path as text that every encoder takes; bytes that are no UTF-8 show as ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def name_key(name: str) -> str:
    """Return what two names share that some file system takes for one: case and composition ignored.

    Source: Unicode Standard 3.13, D145, canonical caseless matching.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def is_device_name(name: str) -> bool:
    """Tell whether Windows takes a file name for a device, such as ``con`` or ``nul.json``."""
    return bool(_DEVICE.match(name))
