"""The history database of a home folder: recording, looking up, counting, cleaning up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause, text

from stlkit.errors import HistoryError
from stlkit.files import printable, sha256_of
from stlkit.model.jobs import JobResults, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import format_utc, utc_now
from stlkit.storage.database import open_database, transaction
from stlkit.storage.history.rows import (
    FACT_COLUMNS,
    RECORD_COLUMNS,
    JobEnd,
    JobFacts,
    JobHistoryRecord,
    fact_row,
    read_facts,
    read_record,
    record_row,
)
from stlkit.storage.schema import SCHEMA_VERSION, prepare_schema

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStats:
    """Figures about the jobs of a period.

    Parameters
    ----------
    days : int
        Length of the period, up to now.
    total : int
    by_state : dict of str to int
    success_rate : float or None
        Completed jobs of all that completed or failed, 0 to 1; None where there is none.
    total_duration_s : float
        Working time of all jobs.
    mean_duration_s : float or None
        Of completed jobs.
    bytes_processed : int
        Size of the STL files of completed jobs.
    files_generated : int
    """

    days: int
    total: int
    by_state: dict[str, int]
    success_rate: float | None
    total_duration_s: float
    mean_duration_s: float | None
    bytes_processed: int
    files_generated: int


def _insert(table: str, columns: Sequence[str], on_conflict: str) -> TextClause:
    values = ", ".join(f":{name}" for name in columns)
    return text(f"INSERT OR {on_conflict} INTO {table} ({', '.join(columns)}) VALUES ({values})")  # noqa: S608 - our own names


_INSERT_RECORDS = _insert("job_history", RECORD_COLUMNS, "ABORT")
# facts of a row that somebody removed by hand give way
_INSERT_FACTS = _insert("job_facts", FACT_COLUMNS, "REPLACE")


class JobHistoryManager:
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

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = open_database(path)
        with self._begin() as connection:
            prepare_schema(connection, path)

    def close(self) -> None:
        """Close every connection; the object can still be used and opens new ones."""
        self._engine.dispose()

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
            The database cannot be written.
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
            The database cannot be written.
        """
        by_id: dict[str, JobEnd] = {}
        for end in ends:
            by_id.setdefault(end.job.id, end)
        with self._begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for job_id in _known_ids(connection, tuple(by_id)):
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

    def known_ids(self, job_ids: Sequence[str]) -> frozenset[str]:
        """Return those of the given ids that have a row."""
        with self._begin() as connection:
            return frozenset(_known_ids(connection, job_ids))

    def last_checksum(self, stl_path: Path) -> str | None:
        """Return the SHA-256 that a file had when it was last processed; None where it is not known."""
        query = (
            "SELECT stl_checksum FROM job_history WHERE stl_path = :path AND stl_checksum != '' "
            "ORDER BY created_at DESC, id DESC LIMIT 1"
        )
        with self._begin() as connection:
            found: str | None = connection.execute(text(query), {"path": printable(stl_path)}).scalar()
        return found

    def find_jobs(self, job_ids: Sequence[str]) -> dict[str, JobHistoryRecord]:
        """Return the rows of those of the given jobs that have ended.

        Parameters
        ----------
        job_ids : sequence of str

        Returns
        -------
        dict of str to JobHistoryRecord
            By job id.
        """
        found: dict[str, JobHistoryRecord] = {}
        for names in _slices(job_ids):
            query = f"SELECT * FROM job_history WHERE id IN ({', '.join(':' + n for n in names)})"  # noqa: S608 - our own parameter names
            found.update((record.id, record) for record in self._select(query, names))
        return found

    def find_facts(self, job_ids: Sequence[str]) -> dict[str, JobFacts]:
        """Return what is known beside their rows of those of the given jobs that have ended.

        Parameters
        ----------
        job_ids : sequence of str

        Returns
        -------
        dict of str to JobFacts
            By job id; jobs that were recorded before there were facts are missing.
        """
        found: dict[str, JobFacts] = {}
        for names in _slices(job_ids):
            query = f"SELECT * FROM job_facts WHERE job_id IN ({', '.join(':' + n for n in names)})"  # noqa: S608 - our own parameter names
            found.update((facts.job_id, facts) for facts in self._read(read_facts, query, names))
        return found

    @staticmethod
    def columns() -> tuple[str, ...]:
        """Return the names of the documented columns, in their order."""
        return RECORD_COLUMNS

    def records(
        self, *, limit: int = 100, state: str | None = None, since: datetime | None = None
    ) -> list[JobHistoryRecord]:
        """Return the newest rows, newest first.

        Parameters
        ----------
        limit : int
            At most so many; all of them where it is negative.
        state : str, optional
            Only jobs that ended in this state.
        since : datetime, optional
            Only jobs created at or after this aware time.

        Returns
        -------
        list of JobHistoryRecord
        """
        query = (
            "SELECT * FROM job_history WHERE (:state IS NULL OR state = :state) "
            "AND (:since IS NULL OR created_at >= :since) ORDER BY created_at DESC, id DESC LIMIT :limit"
        )
        return self._select(query, {"state": state, "since": format_utc(since) if since else None, "limit": limit})

    def find_similar_jobs(self, stl_path: Path) -> list[JobHistoryRecord]:
        """Find earlier jobs for the same file: the same path, or the same content under any name.

        Parameters
        ----------
        stl_path : Path
            Need not exist any more.

        Returns
        -------
        list of JobHistoryRecord
            Newest first.
        """
        path = Path(stl_path).absolute()
        checksum = sha256_of(path) if path.is_file() else None
        return self._select(
            "SELECT * FROM job_history WHERE stl_path = :path OR stl_checksum = :checksum "
            "ORDER BY created_at DESC, id DESC",
            {"path": printable(path), "checksum": checksum},
        )

    def get_processing_statistics(self, days: int = 30) -> ProcessingStats:
        """Sum up the jobs of the last days.

        Parameters
        ----------
        days : int

        Returns
        -------
        ProcessingStats
        """
        query = """
            SELECT state, count(*) AS jobs, coalesce(sum(actual_duration), 0) AS duration_s,
                   avg(actual_duration) AS mean_s, sum(stl_size) AS bytes,
                   sum(json_array_length(coalesce(files_generated, '[]'))) AS files
            FROM job_history WHERE created_at >= :since GROUP BY state"""
        with self._begin() as connection:
            rows = connection.execute(text(query), {"since": _days_ago(days)}).mappings().all()
        groups = {row["state"]: row for row in rows}
        counts = {state: row["jobs"] for state, row in groups.items()}
        judged = counts.get("completed", 0) + counts.get("failed", 0)
        completed = groups.get("completed")
        return ProcessingStats(
            days=days,
            total=sum(counts.values()),
            by_state=counts,
            success_rate=counts.get("completed", 0) / judged if judged else None,
            total_duration_s=sum(row["duration_s"] for row in rows),
            mean_duration_s=completed["mean_s"] if completed else None,
            bytes_processed=completed["bytes"] if completed else 0,
            files_generated=sum(row["files"] for row in rows),
        )

    def cleanup_old_records(self, keep_days: int = 90) -> int:
        """Remove rows of jobs that were created more than `keep_days` days ago.

        Parameters
        ----------
        keep_days : int

        Returns
        -------
        int
            How many were removed.
        """
        old = "FROM job_history WHERE created_at < :since"
        with self._begin() as connection:
            since = {"since": _days_ago(keep_days)}
            connection.execute(text(f"DELETE FROM job_facts WHERE job_id IN (SELECT id {old})"), since)  # noqa: S608
            return connection.execute(text(f"DELETE {old}"), since).rowcount

    def _select(self, query: str, parameters: dict[str, Any]) -> list[JobHistoryRecord]:
        return self._read(read_record, query, parameters)

    def _read(self, read: Callable[[Mapping[str, Any]], T], query: str, parameters: dict[str, Any]) -> list[T]:
        with self._begin() as connection:
            rows = connection.execute(text(query), parameters).all()
        found = []
        for row in rows:
            try:
                found.append(read(row._mapping))  # type: ignore[arg-type]  # noqa: SLF001 - SQLAlchemy's documented way to a row's names
            except (ValueError, TypeError, AttributeError) as error:
                raise HistoryError(
                    f"the history {self.path} holds a row that no stlkit wrote ({row[0]!r:.60}): {error}. Remove that "
                    "row, or move the file away to start a new history.",
                    path=self.path,
                ) from error
        return found

    def _begin(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, self.path)


def _known_ids(connection: Connection, job_ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for names in _slices(job_ids):
        query = text(f"SELECT id FROM job_history WHERE id IN ({', '.join(':' + n for n in names)})")  # noqa: S608 - our own parameter names
        known.update(connection.execute(query, names).scalars())
    return known


def _slices(job_ids: Sequence[str]) -> Iterator[dict[str, str]]:
    # SQLite takes a limited number of parameters
    for start in range(0, len(job_ids), 500):
        yield {f"id{i}": job_id for i, job_id in enumerate(job_ids[start : start + 500])}


def _days_ago(days: int) -> str:
    return format_utc(utc_now() - timedelta(days=days))
