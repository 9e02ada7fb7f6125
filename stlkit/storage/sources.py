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


def check_source(path: Path, checksum_sha256: str | None) -> SourceCheck:
    """Look for a source file, and where it is gone, for the same bytes under another name nearby.

    Only bytes prove that a file is the same: without a checksum, nothing is ever called moved or changed.

    Parameters
    ----------
    path : Path
        Where it was.
    checksum_sha256 : str or None
        Of its bytes when they were last read.

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
    if checksum_sha256 is not None and (found := _find_moved(path, checksum_sha256)) is not None:
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


def _find_moved(path: Path, checksum_sha256: str) -> Path | None:
    for candidate in itertools.islice(_candidates(path), MOST_HASHED):
        try:
            if sha256_of(candidate) == checksum_sha256:
                return candidate
        except (OSError, ValueError):  # ValueError: a pipe of that name
            continue
    return None


def _candidates(path: Path) -> Iterator[Path]:
    """Yield STL files beside the old place, then files of the old name in the folders around it."""
    suffix = path.suffix.lower()
    if path.parent.is_dir():
        beside = itertools.islice(path.parent.iterdir(), MOST_ENTRIES)
        yield from (found for found in beside if found.suffix.lower() == suffix and found.is_file())
    root = path.parent.parent
    if root.parent == root or not root.is_dir():  # never a whole disk
        return
    seen = 0
    for folder, _, names in os.walk(root):
        seen += len(names) + 1
        if path.name in names:
            yield Path(folder, path.name)
        if seen > MOST_ENTRIES:
            return
