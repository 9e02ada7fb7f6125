"""The end of a job: in the history, then in the queue, then in the output folder."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from stlkit.engine.changes import JobChanges
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Reuse
from stlkit.engine.switch import QueueSwitch
from stlkit.errors import JobError, StorageError
from stlkit.model.jobs import JobState, QueueJob
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobEnd
from stlkit.storage.progress import load_processing_state

_log = logging.getLogger(__name__)


class Endings:
    """Ends jobs, and keeps those ends that could not be recorded until they can be. Thread-safe.

    Parameters
    ----------
    changes : JobChanges
        Its condition is not to be held when a job is committed: a busy database must not stop the queue.
    switch : QueueSwitch
        Pauses the queue while the history or the cache cannot be written.
    recorder : JobRecorder
    reuse : Reuse
    cache : TempFileManager
    forget : callable
        Takes the id of each job that has ended, with the condition held.
    """

    def __init__(
        self,
        changes: JobChanges,
        switch: QueueSwitch,
        recorder: JobRecorder,
        reuse: Reuse,
        cache: TempFileManager,
        forget: Callable[[str], None],
    ) -> None:
        self._changed = changes.condition
        self._book = changes.book
        self._changes = changes
        self._switch = switch
        self._recorder = recorder
        self._reuse = reuse
        self._cache = cache
        self._forget = forget
        self._reserved: set[str] = set()
        self._unrecorded: dict[str, tuple[JobEnd, QueueJob]] = {}  # with the jobs as they were left
        self._open = 0  # threads that are ending jobs, until the output folders are told
        self._closed = False

    # --- the condition is held ---

    def reserve(self, job_id: str) -> bool:
        """Keep a waiting job from being taken until it is committed; False where it is reserved already."""
        if job_id in self._reserved:
            return False
        self._reserved.add(job_id)
        return True

    def is_reserved(self, job_id: str) -> bool:
        """Whether the end of a waiting job is being recorded now."""
        return job_id in self._reserved

    def drop(self, job_id: str) -> None:
        """Never record the end that could not be recorded: the job is to be done anew, or was removed."""
        self._unrecorded.pop(job_id, None)

    def finish(self) -> None:
        """Wait until every job that is being ended is in the history, and on its way into its folder's log."""
        self._changed.wait_for(lambda: not self._open)

    def close(self) -> None:
        """Finish, and end no job any more."""
        self._closed = True
        self.finish()

    def pause_for_storage(self, what: str) -> None:
        """Pause the queue until history and cache can be written again."""
        self._switch.pause_for_storage(what, self._storage_works, self._go_on)

    # --- it is not ---

    def commit(self, *ends: JobEnd) -> None:
        """End jobs that no supervisor has in hand any more.

        Parameters
        ----------
        *ends : JobEnd
            The jobs as they are to be after their end.

        Raises
        ------
        JobError
            The queue was closed before; the jobs are as they were.
        Exception
            Of a defect of ours; the jobs are paused with it for their reason, and in nobody's hands.
        """
        with self._being_open(ends[0].job.id):
            try:
                self._commit(ends)
            except Exception as error:
                _log.exception("the end of job %s was not recorded", ends[0].job.id)
                with self._changed:
                    for end in ends:
                        self.give_up(end.job.id, error)
                raise

    def try_to_commit(self, *ends: JobEnd) -> None:
        """Commit for somebody who has nobody to tell of an error: the jobs were given up, and it stands in the log."""
        if ends:
            with contextlib.suppress(Exception):
                self.commit(*ends)

    def give_up(self, job_id: str, error: Exception) -> None:
        """Pause a job that could not be settled, because of an error nobody foresaw; the condition is held."""
        self._reserved.discard(job_id)
        self._forget(job_id)
        if job_id in self._book and not self._book.get(job_id).state.ended:
            reason = f"not settled: {error}"
            self._changes.move(job_id, JobState.PAUSED, stage=None, progress=0.0, error_message=reason)

    def _commit(self, ends: tuple[JobEnd, ...]) -> None:
        ends = tuple(map(self._recorder.complete, ends))
        try:
            for end in ends:
                self._reuse.record(end, load_processing_state(self._cache.job_folder(end.job.id)))
            self._recorder.commit(*ends)
        except StorageError as error:
            self._keep(ends, error)
            return
        with self._changed:
            for ended in (end.job for end in ends):
                self._reserved.discard(ended.id)
                self._forget(ended.id)
                self._book.replace(ended.id, ended)
            self._changes.announce(*(end.job for end in ends))
        # last of all: whatever cannot be cleared away now is at the next start, and changes no end
        self._recorder.report(*(end.job for end in ends))
        for end in ends:
            self._cache.cleanup_job_cache(end.job.id)

    @contextlib.contextmanager
    def _being_open(self, job_id: str) -> Iterator[None]:
        """Keep from being closed meanwhile."""
        with self._changed:
            if self._closed:
                raise JobError("the queue was closed meanwhile; open it again and say so there", job_id=job_id)
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _keep(self, ends: tuple[JobEnd, ...], error: StorageError) -> None:
        with self._changed:
            for end in ends:
                self._reserved.discard(end.job.id)
                left = self._changes.move(end.job.id, JobState.PAUSED, stage=None, progress=0.0, question=None)
                self._unrecorded[end.job.id] = end, left
                self._forget(end.job.id)
            self.pause_for_storage(f"the end of job {ends[0].job.id} could not be recorded: {error}")

    def _storage_works(self) -> bool:
        try:
            self._recorder.check()
        except StorageError as error:
            _log.debug("not yet: %s", error)
            return False
        self._cache.check()
        return True

    def _go_on(self) -> None:
        """Record what could not be recorded, and let the queue go on where it paused by itself."""
        with self._changed:
            unrecorded, self._unrecorded = self._unrecorded, {}
            ends = [end for end, left in unrecorded.values() if self._is_as_left(left) and self.reserve(left.id)]
        for end in ends:
            self.try_to_commit(end)
        with self._changed:  # only now: what was made can be found, so no other job makes it again
            if not self._unrecorded:
                self._switch.storage_again()

    def _is_as_left(self, left: QueueJob) -> bool:
        """Whether a job is as it was left: a person may have removed or changed it since, or had it begin again."""
        return left.id in self._book and self._book.get(left.id) is left
