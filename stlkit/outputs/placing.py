"""Finished files into the output folder: whole, in one step, and never anywhere else."""

from __future__ import annotations

import contextlib
import errno
import gzip
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stlkit.errors import OutputError
from stlkit.files import (
    encode_json,
    make_folder,
    move_into_place,
    part_beside,
    printable,
    sync_folder,
    write_atomically,
)
from stlkit.outputs.signature import is_signed, signature
from stlkit.patience import may_pass, patiently

_ADVICE = {
    errno.EACCES: "permission denied; make the folder writable, or choose another output folder",
    errno.EPERM: "permission denied; make the folder writable, or choose another output folder",
    errno.EROFS: "the disk is read-only; choose another output folder",
    errno.ENOSPC: "the disk is full; free some space, then retry the job",
    errno.EDQUOT: "the disk quota is used up; free some space, then retry the job",
    errno.ENAMETOOLONG: "the path is too long; choose an output folder with a shorter path, or a shorter prefix",
    errno.EISDIR: "a folder stands where the file belongs; move it away, then retry the job",
    errno.ENOTDIR: "a file stands where a folder belongs; move it away, then retry the job",
    errno.EEXIST: "a file stands where a folder belongs; move it away, then retry the job",
    errno.ELOOP: "a link there leads to itself or may not be followed; remove it, then retry the job",
    errno.ENXIO: "a pipe or a socket stands there; remove it, then retry the job",
}
_REFUSED_LINK = "This system refused a link here. The source file is:"


def place(source_file: Path, target: Path, *, within: Path) -> Path:
    """Move a finished file to where it belongs, in one step.

    Parameters
    ----------
    source_file : Path
        A whole file, on any file system; gone afterwards.
    target : Path
        Replaced where it exists (a link is replaced, not followed); missing folders are made.
    within : Path
        The base folder of the outputs; nothing is ever placed outside it.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    OutputError
        It could not be placed, or a link would lead it out of `within`; the message says what to do, and the
        cause is the `OSError`. `source_file` is still there.
    """
    with explained(target):
        require_inside(target.parent, within)
        # once it has moved, only the disk's confirmation can have failed, and there is nothing left to move
        patiently(
            lambda: move_into_place(source_file, target),
            worth_it=lambda error: may_pass(error) and source_file.exists(),
        )
    return target


def place_bytes(target: Path, data: bytes, *, within: Path) -> Path:
    """Write a file in one step; otherwise as `place`."""
    with explained(target):
        require_inside(target.parent, within)
        patiently(lambda: _write(target, data))
    return target


def _write(target: Path, data: bytes) -> None:
    make_folder(target.parent)
    write_atomically(target, data)


def place_text(target: Path, text: str, *, within: Path) -> Path:
    """Write a text file in UTF-8 in one step; otherwise as `place`."""
    return place_bytes(target, text.encode(errors="backslashreplace"), within=within)


def place_json(target: Path, value: Any, *, within: Path) -> Path:
    """Write plain values as JSON in one step, compressed where the name ends in ``.gz``; otherwise as `place`.

    Parameters
    ----------
    target : Path
    value : Any
        Plain values, as `stlkit.model.encoding.to_plain` makes them.
    within : Path

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    OutputError
        As `place`.
    """
    return place_bytes(target, json_bytes(value, compressed=target.suffix == ".gz"), within=within)


def json_bytes(value: Any, *, compressed: bool) -> bytes:
    """Encode plain values as JSON, compressed where that is wanted; equal values give equal bytes."""
    data = encode_json(value)
    return gzip.compress(data, mtime=0) if compressed else data


def keep_aside(path: Path, *, within: Path) -> Path:
    """Give a file another name beside the one it has, ``ModelA_render.edited-1.png``, so that its own is free.

    Parameters
    ----------
    path : Path
    within : Path
        The base folder of the outputs.

    Returns
    -------
    Path
        The new name.

    Raises
    ------
    OutputError
        It cannot be renamed.
    """
    names = (path.with_name(f"{path.stem}.edited-{number}{path.suffix}") for number in itertools.count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    with explained(aside):
        require_inside(path.parent, within)
        path.rename(aside)
        sync_folder(path.parent)
    return aside


def link_source(link_path: Path, stl_path: Path, *, within: Path) -> Path:
    """Make a link to a source file, or a small text file that names it where links are refused.

    A copy would double the disk use and go stale unnoticed; the text file does neither.

    Parameters
    ----------
    link_path : Path
        A link there is replaced in one step; a file that is no link is left alone, and the text file made.
    stl_path : Path
        Absolute; need not exist.
    within : Path
        The base folder of the outputs.

    Returns
    -------
    Path
        `link_path`, or the same with ``.link.txt`` at its end.

    Raises
    ------
    OutputError
        Neither could be made, or a foreign file has the text file's name.
    """
    pointer = pointer_of(link_path)
    with explained(link_path):
        require_inside(link_path.parent, within)
        make_folder(link_path.parent)
        if links_to(link_path, stl_path) or _replace_link(link_path, stl_path):
            if is_signed(pointer):
                pointer.unlink()
            return link_path
    if os.path.lexists(pointer) and not is_signed(pointer):
        raise OutputError(
            f"{printable(pointer)} is in the way of a link; move it away, then retry the job", path=pointer
        )
    return place_text(pointer, f"{signature(stl_path)}\n{_REFUSED_LINK}\n{printable(stl_path)}\n", within=within)


def pointer_of(link_path: Path) -> Path:
    """Return the path of the text file that stands in for a link."""
    return link_path.with_name(f"{link_path.name}.link.txt")


def links_to(link_path: Path, stl_path: Path) -> bool:
    """Tell whether a path is a link to that very file."""
    return link_path.is_symlink() and link_path.readlink() == stl_path


def _replace_link(link_path: Path, stl_path: Path) -> bool:
    if os.path.lexists(link_path) and not link_path.is_symlink():
        return False
    part = part_beside(link_path)
    try:
        part.symlink_to(stl_path)
        part.replace(link_path)
    except (OSError, NotImplementedError):  # Windows without the privilege, FAT, some network disks
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return False
    return True


def relative_name(path: Path, base_folder: Path) -> str:
    """Return a path relative to the base folder, with ``/``; as it is where it lies outside."""
    # As text: pathlib takes 40 microseconds, and a summary asks ten thousand times.
    return os.fspath(path).removeprefix(f"{base_folder}{os.sep}").replace(os.sep, "/")


def require_inside(path: Path, within: Path) -> None:
    """Check that a path, links followed, lies in the base folder.

    Parameters
    ----------
    path : Path
        Need not exist.
    within : Path
        The base folder of the outputs; may itself be reached through links.

    Raises
    ------
    OutputError
        A link leads out of it.
    """
    real, base = Path(os.path.realpath(path)), Path(os.path.realpath(within))
    if not real.is_relative_to(base):
        raise OutputError(
            f"{printable(path)} leads out of the output folder, to {printable(real)}; "
            f"remove that link, then retry the job",
            path=path,
        )


@contextlib.contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn an `OSError` into an `OutputError` that says what to do.

    Parameters
    ----------
    target : Path
        What could not be written.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, error.strerror or str(error))
        raise OutputError(f"cannot write {printable(target)}: {advice}", path=target) from error
