"""Folders that feed a queue: new and changed STL files are added once they have stopped growing."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import watchfiles

from stlkit.engine.editing import Added
from stlkit.engine.queue import JobQueue
from stlkit.engine.scan import find_stl_files
from stlkit.errors import JobError
from stlkit.files import printable
from stlkit.model.jobs import JobState, QueueJob

_log = logging.getLogger(__name__)

SETTLE_S = 2.0
_LOOK_EVERY_MS = 250

AddFiles = Callable[[Sequence[Path]], Added]


@dataclass(slots=True)
class _Growing:
    """How a file looked, and since when it looks so."""

    identity: tuple[int, int]
    since: float


class FolderWatch:
    """Watches folders on a thread of its own, from `start` to `stop`.

    What is in the folders at the start is added first. A file that changes while a job is reading it is added again
    when that job has ended. Outputs are no input, even where they lie in a folder that is watched.

    Parameters
    ----------
    queue : JobQueue
    folders : sequence of Path
        Searched to the bottom.
    add : callable, optional
        Adds files to the queue, with the options that are wanted; `JobQueue.add` unless given.
    settle_s : float
        A file that has not changed for so long is taken to be finished.

    Raises
    ------
    JobError
        One of them is no folder.
    """

    def __init__(
        self,
        queue: JobQueue,
        folders: Sequence[Path],
        *,
        add: AddFiles | None = None,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._queue = queue
        self._folders = tuple(Path(os.path.abspath(folder)) for folder in folders)  # noqa: PTH100 - follows no links
        for folder in self._folders:
            if not folder.is_dir():
                raise JobError(f"{printable(folder)} is no folder that could be watched")
        self._add = add or queue.add
        self._settle_s = settle_s
        self._growing: dict[Path, _Growing] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stlkit-folder-watch", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether it watches; it ends by itself where a folder can be watched no longer."""
        return self._thread.is_alive()

    def covers(self, path: Path) -> bool:
        """Whether an absolute path is below a watched folder."""
        return any(path.is_relative_to(folder) for folder in self._folders)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, and return when nothing more will be added; harmless the second time."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        changes = watchfiles.watch(
            *self._folders,
            # a folder that comes may have been filled before anybody watched it
            watch_filter=lambda _, name: name.lower().endswith(".stl") or os.path.isdir(name),  # noqa: PTH112
            stop_event=self._stopped,
            debounce=_LOOK_EVERY_MS,
            rust_timeout=_LOOK_EVERY_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
        try:
            self._note(find_stl_files(self._folders))
            for change in changes:
                self._note(path for _, name in change for path in _sources(Path(name)))
                self._add_settled()
        except (OSError, JobError) as error:
            _log.error("%s can be watched no longer: %s", ", ".join(map(printable, self._folders)), error)

    def _note(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if (identity := _identity(path)) is not None:
                known = self._growing.get(path)
                if known is None or known.identity != identity:
                    self._growing[path] = _Growing(identity=identity, since=time.monotonic())

    def _add_settled(self) -> None:
        self._note(tuple(self._growing))
        jobs = self._queue.jobs
        busy = {job.stl_path for job in jobs if not job.state.ended and job.state is not JobState.PENDING}
        # what a job reads now is asked for again when it has ended, in case it was read before the change
        settled = [path for path in self._settled() if path not in busy]
        if sources := [path for path in settled if not self._is_output(path, jobs)]:
            self._add(sources)
        for path in settled:
            del self._growing[path]

    def _settled(self) -> Iterator[Path]:
        now = time.monotonic()
        for path, growing in tuple(self._growing.items()):
            if _identity(path) is None:
                del self._growing[path]
            elif now - growing.since >= self._settle_s:
                yield path

    def _is_output(self, path: Path, jobs: Iterable[QueueJob]) -> bool:
        for base, own in {(job.output_base_folder, job.output_folder) for job in jobs}:
            if not path.is_relative_to(base):
                continue
            if not any(folder.is_relative_to(base) for folder in self._folders):
                return True  # a folder of outputs inside a watched one
            if path.is_symlink() or path.stem.endswith("_repaired") or (own != base and path.is_relative_to(own)):
                return True  # an output that lies among sources
        return False


def _sources(path: Path) -> Iterator[Path]:
    return find_stl_files(path) if path.is_dir() else iter((path,))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns
