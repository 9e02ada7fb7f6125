"""Questions to the drives of jobs, which may hang and never answer."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil

from stlkit.engine.changes import JobChanges
from stlkit.engine.events import EventKind
from stlkit.files import printable
from stlkit.model.jobs import QueueJob
from stlkit.pipeline.size import ModelSize

T = TypeVar("T")
Afterwards = Callable[[], object]

_log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 2.0  # whoever asks does not wait longer
TOLD_AFTER_S = 15.0  # of a drive that has not answered; a large file may take as long to be looked up
_NETWORK = re.compile("nfs|cifs|smb|fuse|9p|afs|ceph|dav|gluster|lustre|ncp|sshfs", re.IGNORECASE)
MOST_OPEN = 32  # threads that wait for answers; with so many, nothing else is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFacts:
    """What the drives of a job have said.

    Parameters
    ----------
    size : ModelSize
        Of the job's file.
    full : tuple of Path and float, or None
        A folder on a disk with too little room, and the MB that are free there.
    """

    size: ModelSize
    full: tuple[Path, float] | None = None


class Drives:
    """Asks about jobs on threads of their own, and knows which drives have not answered yet. Thread-safe.

    Whoever asks goes on with something else where an answer does not come soon; until it has come, the drives in
    question count as silent.

    Parameters
    ----------
    changes : JobChanges
        Is told of answers that come late.
    """

    def __init__(self, changes: JobChanges) -> None:
        self._changes = changes
        self._open: dict[Future[Any], frozenset[Path]] = {}
        self._silent: frozenset[Path] = frozenset()
        self._mounts: tuple[Path, ...] = ()

    def are_silent(self, job: QueueJob) -> bool:
        """Whether a question about the drives of a job waits for its answer; the condition is held."""
        if not self._open:
            return False
        return len(self._open) >= MOST_OPEN or not self._silent.isdisjoint(self._places_of(job))

    def ask(self, job: QueueJob, question: Callable[[], T], late: Callable[[T], Afterwards | None]) -> T | None:
        """Ask something about a job; the condition is not held.

        Parameters
        ----------
        job : QueueJob
        question : callable
        late : callable
            Called with an answer that did not come in time, with the condition held; what it returns is called
            afterwards, without it.

        Returns
        -------
        object or None
            The answer; None where it did not come in time.

        Raises
        ------
        Exception
            What `question` raised in time.
        """
        answer: Future[T] = Future()

        def find_out() -> None:
            try:
                settle = partial(answer.set_result, question())
            except Exception as error:  # for whoever asked
                settle = partial(answer.set_exception, error)
            afterwards = None
            with self._changes.condition:
                settle()
                if self._open.pop(answer, None) is not None:
                    self._silent = frozenset().union(*self._open.values())
                    afterwards = self._take_late(answer, job, late)
                    self._changes.touch()
            if afterwards is not None:
                afterwards()

        try:
            threading.Thread(target=find_out, name="stlkit-question", daemon=True).start()
        except RuntimeError:  # no thread is left; then a drive that hangs does so here
            find_out()
        wait([answer], ANSWER_WITHIN_S)
        with self._changes.condition:
            if not answer.done():
                self._mounts = _network_mounts()
                self._open[answer] = self._places_of(job)
                self._silent = self._silent.union(self._open[answer])
                self._tell_later(answer, job)
                return None
        return answer.result()

    def _places_of(self, job: QueueJob) -> frozenset[Path]:
        """Return what hangs together: network drives as a whole; of others, whose links may lead away, folders."""

        def place_of(folder: Path) -> Path:
            return next((mount for mount in self._mounts if folder.is_relative_to(mount)), folder)

        return frozenset(map(place_of, folders_of(job)))

    def _tell_later(self, answer: Future[Any], job: QueueJob) -> None:
        def tell() -> None:
            with self._changes.condition:
                if answer in self._open:
                    places = " or ".join(map(printable, (job.stl_path, job.output_base_folder)))
                    text = f"{places} is on a drive that does not answer; its jobs begin when it does"
                    _log.warning("%s", text)
                    self._changes.tell(text, EventKind.NOTICE)

        timer = threading.Timer(TOLD_AFTER_S, tell)
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread is left
            timer.start()

    @staticmethod
    def _take_late(answer: Future[T], job: QueueJob, late: Callable[[T], Afterwards | None]) -> Afterwards | None:
        try:
            return late(answer.result())
        except Exception as error:  # nobody waits for it any more
            _log.warning("a late answer about job %s: %s", job.id, error)
            return None


def folders_of(job: QueueJob) -> tuple[Path, Path]:
    """Return the folders that a job reads from and writes to."""
    return job.stl_path.parent, job.output_base_folder


def _network_mounts() -> tuple[Path, ...]:
    """Return where network drives are mounted, the innermost first; no drive is asked."""
    try:
        mounts = {Path(each.mountpoint) for each in psutil.disk_partitions(all=True) if _NETWORK.search(each.fstype)}
    except (OSError, psutil.Error):
        return ()
    return tuple(sorted(mounts, key=lambda mount: -len(mount.parts)))
