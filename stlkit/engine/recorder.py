"""What is written down when a job ends: the history first, then the output folder's log and summary.

A failed job's entry in ``failed/`` is its worker's work; one whose worker could not make it gets it here, before.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stlkit.errors import OutputError, StlkitError
from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions
from stlkit.outputs.failed import record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.logs import JobLog, append_processing_log, logged_job_ids, remove_torn_block
from stlkit.outputs.placing import place_text
from stlkit.outputs.summary import write_summary
from stlkit.storage.history import JobEnd, JobHistoryManager
from stlkit.storage.writer import CoalescingWriter

_log = logging.getLogger(__name__)

JobsByFolder = dict[Path, tuple[QueueJob, ...]]


class JobRecorder:
    """Commits ended jobs. Thread-safe.

    Parameters
    ----------
    history : JobHistoryManager
    session_id : str
        Of the workspace, for the history.
    jobs : callable
        Returns all jobs of the queue as they are now.
    """

    def __init__(self, history: JobHistoryManager, session_id: str, jobs: Callable[[], tuple[QueueJob, ...]]) -> None:
        self._history = history
        self._session_id = session_id
        self._jobs = jobs
        self._changed: dict[Path, dict[str, QueueJob]] = {}  # ended jobs, which may be taken out of the queue meanwhile
        self._unlogged: list[QueueJob] = []
        self._lock = threading.Lock()
        self._writer = CoalescingWriter(self._write, name="stlkit-report-writer")

    def complete(self, end: JobEnd) -> JobEnd:
        """Put a file into ``failed/`` whose worker could not: it crashed, had to be ended, or there was none.

        Where the model has a folder already, the reason stands among its logs too. A folder that refuses it does not
        change how the job ended.

        Parameters
        ----------
        end : JobEnd

        Returns
        -------
        JobEnd
            With what was placed among its files.
        """
        job = end.job
        if job.state is not JobState.FAILED:
            return end
        try:
            layout = OutputLayout(
                base_folder=job.output_base_folder,
                output_name=job.output_name,
                settings=end.output or OutputSettings(),
                render_options=end.render or RenderOptions(),
                moment=job.created_at,
            )
            if layout.failed_log in job.results.files_generated:
                return end
            message = job.error_message or "failed"
            placed = record_failure(layout, job.stl_path, message)
            if job.output_folder != job.output_base_folder and os.path.isdir(job.output_folder):  # noqa: PTH112 - Path's raises
                log = JobLog(job.stl_path)
                log.error(message)
                placed = (*placed, place_text(layout.errors_log, log.errors_text, within=layout.base_folder))
        except (StlkitError, OSError, ValueError) as error:
            _log.warning("the failure of job %s could not be recorded in its output folder: %s", job.id, error)
            return end
        results = replace(job.results, files_generated=(*job.results.files_generated, *placed))
        return replace(end, job=replace(job, results=results))

    def commit(self, *ends: JobEnd) -> None:
        """Record ended jobs in the history, all at once; when this returns, they can not be lost.

        Raises
        ------
        HistoryError
            The database cannot be written.
        """
        self._history.record_job_completions(ends, session_id=self._session_id)

    def check(self) -> None:
        """Find out whether an end could be recorded now; raises as `commit` does where it could not."""
        self._history.check_writable()

    def report(self, *jobs: QueueJob) -> None:
        """Have the logs and the summaries in the jobs' output folders brought up to date; returns at once.

        Both can be made again from the history; where a folder refuses them the job stays what it is.
        """
        with self._lock:
            self._unlogged += jobs
            for job in jobs:
                self._changed.setdefault(job.output_base_folder, {})[job.id] = job
        self._writer.schedule(self._collect)

    def catch_up(self) -> None:
        """Bring logs and summaries up to date with the queue, after a session that ended in the middle of something.

        Output folders that are gone are not made again.
        """
        by_folder: dict[Path, list[QueueJob]] = {}
        for job in self._jobs():
            if job.state.ended:
                by_folder.setdefault(job.output_base_folder, []).append(job)
        for folder, jobs in by_folder.items():
            if os.path.isdir(folder):  # noqa: PTH112 - Path's raises an error where a drive does not answer
                remove_torn_block(folder)
                logged = logged_job_ids(folder)
                with self._lock:
                    self._unlogged += (job for job in jobs if job.id not in logged)
                    self._changed.setdefault(folder, {})
        self._writer.schedule(self._collect)

    def flush(self) -> None:
        """Wait until every log and summary is on disk, or was refused; then it is written when its folder takes it."""
        with contextlib.suppress(OSError, OutputError):
            self._writer.flush()

    def close(self) -> None:
        """Write what is left and stop."""
        with contextlib.suppress(OSError, OutputError):  # said in the log; the history has everything
            self._writer.close()

    @property
    def has_refused(self) -> bool:
        """Whether a log or a summary has not been written yet."""
        with self._lock:
            return bool(self._changed or self._unlogged)

    def _append_logs(self) -> list[OSError | OutputError]:
        """Append jobs to their logs, those that a log refused earlier first; return what was refused now."""
        with self._lock:
            unlogged, self._unlogged = self._unlogged, []
        refusals: list[OSError | OutputError] = []
        for folder in dict.fromkeys(job.output_base_folder for job in unlogged):
            members = [job for job in unlogged if job.output_base_folder == folder]
            try:
                append_processing_log(folder, *members)
            except (OSError, OutputError) as error:
                refusals.append(error)
                with self._lock:
                    self._unlogged = [*members, *self._unlogged]
        return refusals

    def _collect(self) -> JobsByFolder:
        with self._lock:
            found, self._changed = self._changed, {}
        for job in self._jobs():
            if job.output_base_folder in found:
                found[job.output_base_folder][job.id] = job
        return {folder: tuple(jobs.values()) for folder, jobs in found.items()}

    def _write(self, jobs: JobsByFolder) -> None:
        """Write all that can be written, and raise an error for the rest: then the writer tries again."""
        refusals = self._append_logs()
        for folder, members in jobs.items():
            try:
                write_summary(folder, members)
            except (OSError, OutputError) as error:
                refusals.append(error)
                with self._lock:
                    kept = {job.id: job for job in members if job.state.ended}
                    self._changed[folder] = kept | self._changed.get(folder, {})
        if refusals:
            raise refusals[0]
