"""The working copy of a source: read once, whole, and unchanged while it was read."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from stlkit.errors import SourceChangedError, SourceUnreachableError
from stlkit.mesh.source import largest_readable_bytes
from stlkit.patience import may_pass, patiently
from stlkit.storage.sources import is_away


def working_copy(source: Path, target: Path) -> Path:
    """Copy a source into the job's cache folder, so that it cannot change under the stages.

    Parameters
    ----------
    source : Path
    target : Path

    Returns
    -------
    Path
        `target`; or `source` where it is no file, empty, too large, or may not be read, which the STL reader will say
        better.

    Raises
    ------
    SourceChangedError
        The file changed during each of several tries, as one that is still being written does.
    SourceUnreachableError
        Its drive does not answer, or the folder it was in is gone.
    OSError
        The copy cannot be written.
    """
    try:
        return patiently(lambda: _copy(source, target), worth_it=_may_pass)
    except OSError as error:
        if not may_pass(error):
            raise
        raise SourceUnreachableError(
            f"{source} cannot be reached: {error}; the job waits until it is back", path=source
        ) from error


def _copy(source: Path, target: Path) -> Path:
    if not os.path.isfile(source):  # noqa: PTH113 - Path.is_file raises an error where a name is too long for any file
        if not os.path.lexists(source) and is_away(source.parent):
            raise FileNotFoundError(errno.ESTALE, "its folder is gone or empty", str(source))
        return source
    before = _identity(source)
    # A file of the kernel's says that it is empty or as large as all memory, and may never end.
    if not 0 < before[0] <= largest_readable_bytes():
        return source
    try:
        shutil.copyfile(source, target)
    except PermissionError as error:
        if error.filename == str(target):
            raise
        return source
    if _identity(source) != before or target.stat().st_size != before[0]:
        raise SourceChangedError(f"{source} changed while it was read; try again when it is finished", path=source)
    return target


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, SourceChangedError) or may_pass(error)
