"""From an error to whose fault it is."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from stlkit.errors import BackendUnavailableError, BackgroundError, OutputError, SourceUnreachableError
from stlkit.patience import may_pass
from stlkit.pipeline.order import FailureCause

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# a file where a folder belongs, or the other way round, is as much a person's to settle as a folder that is locked
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR})


def cause_of(error: BaseException) -> tuple[FailureCause, Path | None]:
    """Decide what kind of failure an error is.

    Parameters
    ----------
    error : BaseException
        With the chain of what it was raised from.

    Returns
    -------
    FailureCause
    Path or None
        What is full, refused or unreachable.
    """
    if isinstance(error, BackendUnavailableError):
        return FailureCause.FILE, None  # no attempt on this machine can end otherwise
    if isinstance(error, SourceUnreachableError):
        return FailureCause.UNREACHABLE, error.path
    placed = next((e.path for e in _chain(error) if isinstance(e, OutputError)), None)
    for link in _chain(error):
        if not isinstance(link, OSError):
            continue
        path = placed or (Path(link.filename) if isinstance(link.filename, str) else None)
        if link.errno in _FULL:
            if isinstance(link.filename2, str):  # of a copy or a move: its target
                path = placed or Path(link.filename2)
            return FailureCause.DISK_FULL, path
        if link.errno in _REFUSED and placed is not None:
            return FailureCause.OUTPUT_REFUSED, path
        if may_pass(link):
            return FailureCause.UNREACHABLE, path
    return FailureCause.FILE if isinstance(error, BackgroundError) else FailureCause.OTHER, None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
