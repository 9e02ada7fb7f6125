"""``job_history.db``: one row for every job that ever ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from stlkit._version import __version__
from stlkit.errors import HistoryError
from stlkit.files import decode_json, printable, sha256_of
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults, QueueJob
from stlkit.model.options import RenderOptions, ValidationOptions
from stlkit.model.times import format_utc, parse_utc, utc_now
from stlkit.storage.database import open_database, transaction
from stlkit.storage.schema import SCHEMA_VERSION, prepare_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistoryRecord:
    """One row of the history; times are UTC, durations in seconds, sizes in bytes."""

    id: str
    stl_path: str
    stl_filename: str
    stl_size: int
    stl_checksum: str
    output_folder: str
    queue_session_id: str
    render_options: dict[str, Any]
    validation_options: dict[str, Any]
    state: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    estimated_duration: float | None
    actual_duration: float | None
    validation_passed: bool | None
    files_generated: tuple[str, ...]
    error_message: str | None
    warnings: tuple[str, ...]
    app_version: str
    created_by: str


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


_COLUMNS = tuple(field.name for field in fields(JobHistoryRecord))
_INSERT = text(
    f"INSERT INTO job_history ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)}) "  # noqa: S608 - names of our own columns
    "ON CONFLICT(id) DO NOTHING"
)


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
        session_id: str = "",
    ) -> bool:
        """Record a job that has ended; recording one twice changes nothing.

        Parameters
        ----------
        job : QueueJob
            In its final state.
        results : JobResults
        render, validation : options, optional
            What the job ran with; else only its own overrides are kept.
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
        row = {
            "id": job.id,
            "stl_path": printable(job.stl_path),
            "stl_filename": printable(job.stl_path.name),
            "stl_size": results.stl_size or 0,
            "stl_checksum": results.stl_checksum or "",
            "output_folder": printable(job.output_folder),
            "queue_session_id": session_id,
            "render_options": _json(to_plain(render) if render else job.render_options),
            "validation_options": _json(to_plain(validation) if validation else job.validation_options),
            "state": job.state.value,
            "created_at": format_utc(job.created_at),
            "started_at": format_utc(job.started_at) if job.started_at else None,
            "completed_at": format_utc(job.completed_at) if job.completed_at else None,
            "estimated_duration": job.estimated_duration,
            "actual_duration": job.actual_duration,
            "validation_passed": results.validation_passed,
            "files_generated": _json([printable(path) for path in results.files_generated]),
            "error_message": job.error_message,
            "warnings": _json(list(results.warnings)),
            "app_version": __version__,
            "created_by": job.created_by,
        }
        with self._begin() as connection:
            return connection.execute(_INSERT, {name: _storable(value) for name, value in row.items()}).rowcount == 1

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
        known: set[str] = set()
        with self._begin() as connection:
            for names in _slices(job_ids):
                query = text(f"SELECT id FROM job_history WHERE id IN ({', '.join(':' + n for n in names)})")  # noqa: S608 - our own parameter names
                known.update(connection.execute(query, names).scalars())
        return frozenset(known)

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

    @staticmethod
    def columns() -> tuple[str, ...]:
        """Return the names of the documented columns, in their order."""
        return _COLUMNS

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
        with self._begin() as connection:
            query = text("DELETE FROM job_history WHERE created_at < :since")
            return connection.execute(query, {"since": _days_ago(keep_days)}).rowcount

    def _select(self, query: str, parameters: dict[str, Any]) -> list[JobHistoryRecord]:
        with self._begin() as connection:
            rows = connection.execute(text(query), parameters).all()
        return [self._record(row) for row in rows]

    def _record(self, row: Row[Any]) -> JobHistoryRecord:
        try:
            return _record(row)
        except (ValueError, TypeError, AttributeError) as error:
            raise HistoryError(
                f"the history {self.path} holds a row that no stlkit wrote ({row[0]!r:.60}): {error}. Remove that row, "
                "or move the file away to start a new history.",
                path=self.path,
            ) from error

    def _begin(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, self.path)


def _record(row: Row[Any]) -> JobHistoryRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row's names
    for name in ("created_at", "started_at", "completed_at"):
        values[name] = parse_utc(values[name]) if values[name] else None
    for name in ("render_options", "validation_options"):
        values[name] = decode_json(values[name].encode())
    for name in ("files_generated", "warnings"):
        values[name] = tuple(decode_json((values[name] or "[]").encode()))
    if values["validation_passed"] is not None:
        values["validation_passed"] = bool(values["validation_passed"])
    return JobHistoryRecord(**values)


def _slices(job_ids: Sequence[str]) -> Iterator[dict[str, str]]:
    # SQLite takes a limited number of parameters
    for start in range(0, len(job_ids), 500):
        yield {f"id{i}": job_id for i, job_id in enumerate(job_ids[start : start + 500])}


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, which only the escaped form carries
        return json.dumps(value)


def _storable(value: Any) -> Any:
    """Return a value that SQLite takes: a lone surrogate, which it does not, shows as an escape."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _days_ago(days: int) -> str:
    return format_utc(utc_now() - timedelta(days=days))
