"""From a path to bytes, without ever waiting on something that is no file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import psutil

from stlkit.files import printable
from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.model.reports import Finding

# Windows: another program has the file open, or has locked a part of it. That passes, a missing right does not.
_BUSY_ON_WINDOWS = (32, 33)

# A loop of links, and a name longer than the file system allows.
_NO_SUCH_PATH = (errno.ELOOP, errno.ENAMETOOLONG)

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)

# What is read is held once as bytes and several times over as arrays.
_SHARE_OF_MEMORY = 0.25

# Files of the kernel's say that they are empty, and some of them never end.
_LEAST_READ_BYTES = 1 << 20


def largest_readable_bytes() -> int:
    """Return the size of the largest file that is read on this machine: a quarter of its memory."""
    return int(_SHARE_OF_MEMORY * psutil.virtual_memory().total)


def read_source(path: Path) -> bytes | Finding:
    """Read a whole file, or say why there is none to read.

    Parameters
    ----------
    path : Path
        Links are followed.

    Returns
    -------
    bytes or Finding
        The content, or a finding of severity error.

    Raises
    ------
    OSError
        The file is there but could not be read this time (an I/O error, a stale network handle, another
        program's lock); trying again may help.
    """
    try:
        refusal = _refusal(path, path.stat())
        return refusal or _read_regular_file(path)
    except PermissionError as error:
        if getattr(error, "winerror", None) in _BUSY_ON_WINDOWS:
            raise
        return intake_finding(
            IntakeCode.UNREADABLE_FILE,
            f"{printable(path)} may not be read by this user; change its permissions or its owner",
        )
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: the path holds a NUL
        return _missing(path)
    except OSError as error:
        if error.errno in _NO_SUCH_PATH:
            return _missing(path, in_circle=error.errno == errno.ELOOP)
        raise


def _read_regular_file(path: Path) -> bytes | Finding:
    # Between stat and open the path may have become a pipe: non-blocking, so that opening it does not wait.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        # None: a file of the kernel's with nothing in it now
        return _refusal(path, status) or stream.read(max(status.st_size, _LEAST_READ_BYTES)) or b""


def _refusal(path: Path, status: os.stat_result) -> Finding | None:
    if stat.S_ISREG(status.st_mode):
        return _refusal_for_size(path, status.st_size)
    if stat.S_ISDIR(status.st_mode):
        return intake_finding(
            IntakeCode.DIRECTORY, f"{printable(path)} is a folder; name the STL files in it, or add the folder as such"
        )
    kind = next((name for test, name in _KINDS if test(status.st_mode)), "not a regular file")
    return intake_finding(
        IntakeCode.NOT_A_REGULAR_FILE, f"{printable(path)} is {kind}, which cannot be read as an STL file"
    )


def _refusal_for_size(path: Path, size_bytes: int) -> Finding | None:
    limit = largest_readable_bytes()
    if size_bytes <= limit:
        return None
    return intake_finding(
        IntakeCode.FILE_TOO_LARGE,
        f"{printable(path)} has {size_bytes / 1e9:,.1f} GB; this machine's memory is enough for files of up to "
        f"{limit / 1e9:,.1f} GB. Export the model with fewer triangles",
        count=size_bytes,
    )


def _missing(path: Path, *, in_circle: bool = False) -> Finding:
    if _is_link(path):
        target = f"{printable(path)} is a link to {printable(path.readlink())}"
        fault = (
            "which leads back to it; make the link anew" if in_circle else "which does not exist; restore the target"
        )
        return intake_finding(IntakeCode.BROKEN_SYMLINK, f"{target}, {fault}")
    return intake_finding(IntakeCode.MISSING_FILE, f"there is no file {printable(path)}; was it moved or renamed?")


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False
