"""What became of a source file between two sessions: still there, changed, moved, or gone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stlkit.files import one_line, sha256_of

MOST_ENTRIES = 20_000  # a search looks at no more; it happens while a person waits for the start
MOST_HASHED = 50


class SourceState(StrEnum):
    """How a source was found."""

    PRESENT = "present"
    CHANGED = "changed"
    MOVED = "moved"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What was found of one source file.

    Parameters
    ----------
    state : SourceState
    path : Path
        Where the file is now; where it was if it is nowhere.
    """

    state: SourceState
    path: Path

    def __str__(self) -> str:
        name = one_line(self.path)
        return {
            SourceState.PRESENT: f"{name} is as it was",
            SourceState.CHANGED: f"{name} has changed since it was read",
            SourceState.MOVED: f"its file was found at {name}",
            SourceState.MISSING: f"{name} is missing",
            SourceState.UNREACHABLE: f"{name} cannot be reached, its folder is gone or empty",
        }[self.state]


class SourceSearch:
    """Looks for files that were moved; lists no folder and reads no neighbour twice. Not thread-safe.

    Of use as long as nobody moves files: for the sources of one recovery, say.
    """

    def __init__(self) -> None:
        self._checksums: dict[Path, str | None] = {}
        self._beside: dict[Path, list[Path]] = {}
        self._around: dict[Path, dict[str, list[Path]]] = {}

    def find(self, path: Path, checksum_sha256: str, size_bytes: int | None = None) -> Path | None:
        """Return where the bytes of a file that is gone are now; None where they were not found nearby."""
        candidates = (found for found in self._candidates(path) if size_bytes in (None, _size_of(found)))
        for candidate in itertools.islice(candidates, MOST_HASHED):
            if self._checksum(candidate) == checksum_sha256:
                return candidate
        return None

    def _checksum(self, path: Path) -> str | None:
        if path not in self._checksums:
            try:
                self._checksums[path] = sha256_of(path)
            except (OSError, ValueError):  # ValueError: a pipe of that name
                self._checksums[path] = None
        return self._checksums[path]

    def _candidates(self, path: Path) -> Iterator[Path]:
        """Yield STL files beside the old place, then files of the old name in the folders around it."""
        suffix = path.suffix.lower()
        if path.parent not in self._beside:
            self._beside[path.parent] = _files_in(path.parent)
        yield from (found for found in self._beside[path.parent] if found.suffix.lower() == suffix)
        root = path.parent.parent
        if root.parent == root:  # never a whole disk
            return
        if root not in self._around:
            self._around[root] = _files_by_name(root)
        yield from self._around[root].get(path.name, ())


def check_source(
    path: Path, checksum_sha256: str | None, search: SourceSearch | None = None, *, size_bytes: int | None = None
) -> SourceCheck:
    """Look for a source file, and where it is gone, for the same bytes under another name nearby.

    Only bytes prove that a file is the same: without a checksum, nothing is ever called moved or changed.

    Parameters
    ----------
    path : Path
        Where it was.
    checksum_sha256 : str or None
        Of its bytes when they were last read.
    search : SourceSearch, optional
        Shared by the checks of many files.
    size_bytes : int, optional
        How many bytes it had, where that is known; a file of another size is not read.

    Returns
    -------
    SourceCheck
    """
    try:
        if path.is_file():
            same = checksum_sha256 is None or sha256_of(path) == checksum_sha256
            return SourceCheck(state=SourceState.PRESENT if same else SourceState.CHANGED, path=path)
    except OSError:  # it is there, but cannot be read; its job will say why
        return SourceCheck(state=SourceState.PRESENT, path=path)
    search = search or SourceSearch()
    if checksum_sha256 is not None and (found := search.find(path, checksum_sha256, size_bytes)) is not None:
        return SourceCheck(state=SourceState.MOVED, path=found)
    state = SourceState.UNREACHABLE if is_away(path.parent) else SourceState.MISSING
    return SourceCheck(state=state, path=path)


def is_away(folder: Path) -> bool:
    """Say whether a folder looks like one on a drive that is away, rather than one from which a file was deleted.

    A network drive takes its folders along when it goes, and where it was mounted an empty folder stays.

    Parameters
    ----------
    folder : Path
        Where a file should be and is not.
    """
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except PermissionError:  # it is there
        return False
    except OSError:
        return True


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # gone since
        return None


def _files_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in itertools.islice(entries, MOST_ENTRIES) if entry.is_file()]
    except OSError:  # there is none, or its drive does not answer
        return []


def _files_by_name(root: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    seen = 0
    for folder, _, names in os.walk(root):  # yields nothing where there is no folder
        for name in names:
            found.setdefault(name, []).append(Path(folder, name))
        seen += len(names) + 1
        if seen > MOST_ENTRIES:
            break
    return found
