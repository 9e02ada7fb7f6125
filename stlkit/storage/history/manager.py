"""The history database of a home folder: recording, counting, and keeping it small and sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from stlkit.errors import HistoryError
from stlkit.model.amounts import Amount
from stlkit.model.jobs import JobResults, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import format_utc, utc_now
from stlkit.storage.history.archive import move_to_archives, year_of
from stlkit.storage.history.counting import days_before, processing_statistics
from stlkit.storage.history.maintenance import compact, problems_of
from stlkit.storage.history.reading import HistoryReader
from stlkit.storage.history.rows import (
    FACT_COLUMNS,
    RECORD_COLUMNS,
    JobEnd,
    fact_row,
    insertion,
    json_text,
    record_row,
)
from stlkit.storage.history.statistics import ProcessingStats
from stlkit.storage.history.whole_period import joined_with
from stlkit.storage.schema import SCHEMA_VERSION

_INSERT_RECORDS = insertion("job_history", RECORD_COLUMNS, "ABORT")
# facts of a row that somebody removed by hand give way
_NOTE_CLEANED = text(
    "INSERT INTO cleaned VALUES (1, :since) "
    "ON CONFLICT (one) DO UPDATE SET created_before = max(created_before, excluded.created_before)"
)
_INSERT_FACTS = insertion("job_facts", FACT_COLUMNS, "REPLACE")


class JobHistoryManager(HistoryReader):
    """The history database of one home folder.

    Thread-safe, and safe with any number of other processes: the database runs in WAL mode, every thread gets a
    connection from a pool, and a writer waits for another one up to ten seconds.

    Parameters
    ----------
    path : Path
        The database; made with its schema where it is missing.

    Raises
    ------
    HistoryError
        The file is no database, or was made by a newer stlkit.
    """

    def record_job_completion(
        self,
        job: QueueJob,
        results: JobResults,
        *,
        render: RenderOptions | None = None,
        validation: ValidationOptions | None = None,
        output: OutputSettings | None = None,
        concurrency: int | None = None,
        session_id: str = "",
    ) -> bool:
        """Record a job that has ended; recording one twice changes nothing.

        Parameters
        ----------
        job : QueueJob
            In its final state.
        results : JobResults
        render, validation, output : options, optional
            What the job ran with; else only its own overrides are kept.
        concurrency : int, optional
            How many jobs ran at its end, itself included.
        session_id : str
            The workspace that ran it.

        Returns
        -------
        bool
            False where the job was there already.

        Raises
        ------
        HistoryError
            The job has not ended, or the database cannot be written.
        """
        end = JobEnd(
            job=replace(job, results=results),
            render=render,
            validation=validation,
            output=output,
            concurrency=concurrency,
        )
        return self.record_job_completions([end], session_id=session_id) == 1

    def record_job_completions(self, ends: Iterable[JobEnd], *, session_id: str = "") -> int:
        """Record many jobs that have ended, all of them or none, in one transaction.

        Parameters
        ----------
        ends : iterable of JobEnd
            Jobs that are there already stay as they were recorded first.
        session_id : str
            The workspace that ran them.

        Returns
        -------
        int
            How many were not there yet.

        Raises
        ------
        HistoryError
            A job has not ended, or the database cannot be written.
        """
        by_id: dict[str, JobEnd] = {}
        for end in ends:
            if not end.job.state.ended:
                raise HistoryError(
                    f"job {end.job.id} is {end.job.state}; only a job that has ended can be recorded", path=self.path
                )
            by_id.setdefault(end.job.id, end)
        known = text("SELECT id FROM job_history WHERE id IN (SELECT value FROM json_each(:ids))")
        with self._begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for job_id in connection.execute(known, {"ids": json_text(list(by_id))}).scalars().all():
                del by_id[job_id]
            if by_id:
                connection.execute(_INSERT_RECORDS, [record_row(end, session_id) for end in by_id.values()])
                connection.execute(_INSERT_FACTS, [fact_row(end) for end in by_id.values()])
        return len(by_id)

    def check_writable(self) -> None:
        """Write to the database without changing it.

        Raises
        ------
        HistoryError
            It cannot be written.
        """
        with self._begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def get_processing_statistics(self, days: int = 30) -> ProcessingStats:
        """Sum up the jobs that were created in the last days, archived ones too.

        Parameters
        ----------
        days : int

        Returns
        -------
        ProcessingStats
            Shows itself as text, and in a notebook as tables.

        Raises
        ------
        HistoryError
            The history, or an archive that may hold jobs of those days or of as many before, cannot be read.
        """
        until = utc_now()
        since = days_before(days_before(until, days), days)
        limits = {"since": format_utc(since), "until": format_utc(until)}
        with self._begin() as connection:
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SELECT 1 FROM job_history LIMIT 1").all()  # from here on rows may move
            archives = [self._archive(path) for path in self.archives() if year_of(path) >= since.year]
            with joined_with(connection, archives, limits):
                return processing_statistics(connection, days, until)

    def cleanup_old_records(self, keep_days: int = 90) -> int:
        """Remove rows of jobs that were created more than `keep_days` days ago, for good.

        A queue that still has such a job does not bring it back, see `cleaned_before`.

        Parameters
        ----------
        keep_days : int

        Returns
        -------
        int
            How many were removed.

        Raises
        ------
        OptionError
            `keep_days` is negative; nothing was removed.
        """
        old = "FROM job_history WHERE created_at < :since"
        with self._begin() as connection:
            since = {"since": _days_ago(keep_days)}
            connection.execute(text(f"DELETE FROM job_facts WHERE job_id IN (SELECT id {old})"), since)  # noqa: S608
            connection.execute(_NOTE_CLEANED, since)
            return connection.execute(text(f"DELETE {old}"), since).rowcount

    def old_records(self, keep_days: int = 90) -> Amount:
        """Count the rows that `cleanup_old_records` would remove; their bytes are their share of the file's."""
        query = text("SELECT count(*) FILTER (WHERE created_at < :since), count(*) FROM job_history")
        with self._begin() as connection:
            old, all_rows = connection.execute(query, {"since": _days_ago(keep_days)}).one()
        return Amount(count=old, size_bytes=self.path.stat().st_size * old // all_rows if old else 0)

    def archive(self, *, before: datetime | None = None, keep_days: int = 90) -> dict[Path, int]:
        """Move old rows, with what is known beside them, to ``history_archive_YYYY.db`` of the year they are of.

        Archived rows can be read together with the others (``include_archived=True``). An interruption loses and
        doubles nothing: a row that stands in both files is shown once, and the next run settles it.

        Parameters
        ----------
        before : datetime, optional
            Move jobs that were created before this aware time.
        keep_days : int
            Where no time is given: move jobs that were created more than so many days ago.

        Returns
        -------
        dict of Path to int
            How many rows went into each archive.

        Raises
        ------
        HistoryError
            A file cannot be written; rows not moved yet are still here.
        """
        limit = format_utc(before) if before is not None else _days_ago(keep_days)
        return move_to_archives(self._live, self._archive, limit)

    def vacuum(self) -> int:
        """Give the room of removed rows back to the disk, in the history and its archives.

        Returns
        -------
        int
            Bytes that the files have shrunk by.

        Raises
        ------
        HistoryError
            A file cannot be written, or somebody reads or writes all the time.
        """
        return sum(compact(database) for database in self._databases(include_archived=True))

    def check_integrity(self) -> tuple[str, ...]:
        """Look for damage in the history and its archives.

        Returns
        -------
        tuple of str
            One sentence for each problem, with the name of the file; empty where everything is sound.
        """
        return tuple(problem for path in (self.path, *self.archives()) for problem in problems_of(path))


def _days_ago(days: int) -> str:
    return format_utc(days_before(utc_now(), days))
