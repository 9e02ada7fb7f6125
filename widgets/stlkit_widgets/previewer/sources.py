"""Which files there are to show: one, a list, or whatever a queue holds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stlkit.model.jobs import QueueJob
from stlkit.workspace import Workspace

AnySource = str | os.PathLike[str] | Workspace | Iterable[str | os.PathLike[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file to show.

    Parameters
    ----------
    path : Path
    job : QueueJob or None
        The job it belongs to.
    """

    path: Path
    job: QueueJob | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where the files come from.

    Parameters
    ----------
    workspace : Workspace or None
        Its queue is asked anew every time.
    paths : tuple of Path
        Used where there is no workspace.
    """

    workspace: Workspace | None = None
    paths: tuple[Path, ...] = ()

    @classmethod
    def of(cls, source: AnySource | None) -> Source:
        """Understand what a person gave."""
        if source is None:
            return cls()
        if isinstance(source, Workspace):
            return cls(workspace=source)
        if isinstance(source, (str, os.PathLike)):
            return cls(paths=(Path(source).expanduser(),))
        return cls(paths=tuple(Path(path).expanduser() for path in source))

    def entries(self) -> tuple[Entry, ...]:
        """Return the files there are now."""
        if self.workspace is None:
            return tuple(Entry(path=path) for path in self.paths)
        return tuple(Entry(path=job.stl_path, job=job) for job in self.workspace.queue.jobs)
