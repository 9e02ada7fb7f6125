"""From what a person names (a file, a folder, a pattern, a list) to STL files."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from stlkit.errors import JobError
from stlkit.files import printable
from stlkit.outputs.names import SUMMARY_NAME
from stlkit.outputs.summary import read_summary

Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def find_stl_files(source: Source, *, recursive: bool = True) -> Iterator[Path]:
    """Yield the files that `source` names, as absolute paths in a stable order.

    Parameters
    ----------
    source : path, pattern, or iterable of these
        A file is taken whatever it is called; a folder gives every ``*.stl`` in it, upper or lower case, but for what
        stlkit itself placed there: links to sources, and repaired copies.
    recursive : bool
        Whether folders inside folders are searched.

    Yields
    ------
    Path

    Raises
    ------
    JobError
        Nothing exists under that name.
    """
    if not isinstance(source, (str, os.PathLike)):
        for entry in source:
            yield from find_stl_files(entry, recursive=recursive)
        return
    path = Path(os.path.expanduser(source))  # noqa: PTH111 - Path.expanduser fails on a file called ~x.stl
    if path.is_dir():
        yield from _stl_files_in(path, recursive=recursive)
    elif os.path.lexists(path):  # a broken link is a job too: its end tells what is wrong
        yield Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps '..'; resolve() would follow the link
    else:
        matches = sorted(set(_matches(path.parts)))
        if not matches:
            raise JobError(f"there is no file, folder or match for {printable(path)}")
        for match in matches:
            if Path(match).is_dir() or Path(match).suffix.lower() == ".stl":
                yield from find_stl_files(match, recursive=recursive)


def _matches(parts: tuple[str, ...]) -> Iterator[str]:
    """Yield what a pattern matches, as `glob` does, but let ``**`` enter no links.

    Two links to the folder they are in would otherwise be followed in each of 2^40 orders.
    """
    if "**" not in parts:
        yield from glob.glob(os.path.join(*parts))  # noqa: PTH118, PTH207 - Path.glob takes no absolute pattern
        return
    place = parts.index("**")
    before, after = parts[:place], parts[place + 1 :]
    for top in _matches(before) if before else (os.curdir,):
        for folder, inner, _ in os.walk(top):
            inner[:] = [name for name in inner if not name.startswith(".")]
            yield from _matches((glob.escape(folder), *after)) if after else (folder,)


def _stl_files_in(folder: Path, *, recursive: bool) -> Iterator[Path]:
    outputs: set[str] = set()
    for root, folders, names in os.walk(os.path.abspath(folder)):  # noqa: PTH100 - as above
        if SUMMARY_NAME in names:
            outputs.update(_outputs_in(Path(root)))
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)  # noqa: PTH118 - Path is slow for a hundred thousand files
            if name.lower().endswith(".stl") and path not in outputs:
                yield Path(path)
        if not recursive:
            return


def _outputs_in(folder: Path) -> Iterator[str]:
    """Yield what stlkit itself placed below a folder, such as links to sources and repaired copies."""
    summary = read_summary(folder)
    for model in summary.models if summary else ():
        yield from (os.fspath(folder / file) for file in model.files)
