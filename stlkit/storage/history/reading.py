"""Looking up what the history holds, its archives included where that is wanted."""

from __future__ import annotations

import os
import statistics
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, Unpack

from sqlalchemy import Connection, text

from stlkit.errors import HistoryError
from stlkit.files import printable, sha256_of
from stlkit.model.times import format_utc, parse_utc, utc_now
from stlkit.storage.history.archive import archive_paths
from stlkit.storage.history.counting import days_before
from stlkit.storage.history.export import COLUMNS as EXPORTED
from stlkit.storage.history.export import export_rows, format_of
from stlkit.storage.history.rows import (
    FACT_COLUMNS,
    RECORD_COLUMNS,
    JobFacts,
    JobHistoryRecord,
    json_text,
    read_facts,
    read_record,
)
from stlkit.storage.history.selection import JobFilter, condition_of
from stlkit.storage.history.similar import COLUMNS as SIMILAR_COLUMNS
from stlkit.storage.history.similar import CONDITION as IS_SIMILAR
from stlkit.storage.history.similar import ModelTraits, SimilarJob, read_similar
from stlkit.storage.history.streaming import Database, Row, RowQuery, stream
from stlkit.storage.history.timings import COLUMNS as TIMING_COLUMNS
from stlkit.storage.history.timings import CONDITION as WORKED_AT_ONCE
from stlkit.storage.history.timings import JobTiming, read_timing

T = TypeVar("T")

CHUNK_ROWS = 10_000


class HistoryReader:
    """The reading half of the history of one home folder. Thread-safe.

    Parameters
    ----------
    path : path
        The database; made with its schema where it is missing.

    Raises
    ------
    HistoryError
        The file is no database, or was made by a newer stlkit.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._live = Database(self.path)
        self._archives: dict[Path, Database] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection; the object can still be used and opens new ones."""
        self._live.close()
        with self._lock:
            for archive in self._archives.values():
                archive.close()

    @staticmethod
    def columns() -> tuple[str, ...]:
        """Return the names of the documented columns, in their order."""
        return RECORD_COLUMNS

    def archives(self) -> tuple[Path, ...]:
        """Return the archives beside the history, the newest year first."""
        return archive_paths(self.path.parent)

    def recorded_files(self) -> Iterator[str]:
        """Yield the files that jobs made, as the history and its archives name them.

        Yields
        ------
        str
            A path, once for each database that has it; it need not exist any more.
        """
        query = text(
            "SELECT DISTINCT file.value FROM job_history, "
            "json_each(CASE WHEN json_valid(files_generated) THEN files_generated ELSE '[]' END) AS file "
            "WHERE file.type = 'text'"
        )
        for database in self._databases(include_archived=True):
            with database.begin() as connection:
                yield from connection.execute(query).scalars()

    def timings(self, *, limit: int) -> list[JobTiming]:
        """Return how long the newest jobs took that did all their work at once, newest first; archived ones are old.

        Parameters
        ----------
        limit : int
            At most so many.

        Returns
        -------
        list of JobTiming
        """
        query = RowQuery(columns=TIMING_COLUMNS, condition=WORKED_AT_ONCE, limit=limit)
        return [each for chunk in self._stream(query) for each in self._read(chunk, query.columns, read_timing)]

    def estimate_error(self, days: int = 30) -> float | None:
        """Return how wrong the estimates of the last days were.

        Parameters
        ----------
        days : int

        Returns
        -------
        float or None
            Median of ``|estimate - actual| / actual``, of jobs that did all their work at once; None without any.
        """
        query = RowQuery(
            columns=("created_at", "id", "abs(estimated_duration - actual_duration) / actual_duration"),
            condition=f"{WORKED_AT_ONCE} AND estimated_duration > 0 AND created_at >= :since",
            parameters={"since": format_utc(days_before(utc_now(), days))},
        )
        errors = [error for chunk in self._stream(query) for _, _, error in chunk]
        return statistics.median(errors) if errors else None

    def known_ids(self, job_ids: Sequence[str], *, damage: list[HistoryError] | None = None) -> frozenset[str]:
        """Return those of the given ids that have a row, here or in an archive.

        Parameters
        ----------
        job_ids : sequence of str
        damage : list of HistoryError, optional
            Takes what is wrong with archives that cannot be read, which are passed over then; else it is raised.
        """
        known: set[str] = set()
        query = text("SELECT id FROM job_history WHERE id IN (SELECT value FROM json_each(:ids))")

        def look(database: Database) -> None:
            if missing := [job_id for job_id in job_ids if job_id not in known]:
                with database.begin() as connection:
                    known.update(connection.execute(query, {"ids": json_text(missing)}).scalars())

        self._ask_each(look, damage)
        return frozenset(known)

    def cleaned_before(self) -> datetime | None:
        """Return the time before which jobs were created that were removed as old; None where none ever was."""
        with self._begin() as connection:
            found = connection.exec_driver_sql("SELECT created_before FROM cleaned").scalar_one_or_none()
        return None if found is None else parse_utc(found)

    def last_checksum(self, stl_path: Path) -> str | None:
        """Return the SHA-256 that a file had when it was last processed; None where it is not known."""
        return self._last_checksum(printable(stl_path), include_archived=False)

    def size_of_content(self, checksum_sha256: str) -> int | None:
        """Return how many bytes a file of that SHA-256 has; None where none was processed."""
        found = self._newest("stl_checksum = :checksum", {"checksum": checksum_sha256}, include_archived=False)
        return int(found["stl_size"]) if found and found["stl_size"] else None

    def find_jobs(
        self, job_ids: Sequence[str], *, damage: list[HistoryError] | None = None
    ) -> dict[str, JobHistoryRecord]:
        """Return the rows of those of the given jobs that have ended, archived ones too.

        Parameters
        ----------
        job_ids : sequence of str
        damage : list of HistoryError, optional
            As `known_ids` takes it.

        Returns
        -------
        dict of str to JobHistoryRecord
            By job id.
        """
        return self._find("job_history", "id", job_ids, read_record, damage)

    def find_facts(self, job_ids: Sequence[str]) -> dict[str, JobFacts]:
        """Return what is known beside their rows of those of the given jobs that have ended, archived ones too.

        Parameters
        ----------
        job_ids : sequence of str

        Returns
        -------
        dict of str to JobFacts
            By job id; jobs that were recorded before there were facts are missing.
        """
        return self._find("job_facts", "job_id", job_ids, read_facts)

    def records(
        self,
        *,
        limit: int = 100,
        after: JobHistoryRecord | tuple[datetime, str] | None = None,
        include_archived: bool = False,
        **wanted: Unpack[JobFilter],
    ) -> list[JobHistoryRecord]:
        """Return rows, the newest first.

        Parameters
        ----------
        limit : int
            At most so many; all of them where it is negative.
        after : JobHistoryRecord or tuple of datetime and str, optional
            Only rows that follow this one: the last one of the page before, or its time of creation and its id.
            Rows that are recorded meanwhile neither shift a page nor double a row.
        include_archived : bool
            Whether archives are read too.
        **wanted : JobFilter
            Which jobs.

        Returns
        -------
        list of JobHistoryRecord
        """
        condition, parameters = condition_of(wanted)
        if after is not None:
            created_at, job_id = (after.created_at, after.id) if isinstance(after, JobHistoryRecord) else after
            condition += " AND (created_at, id) < (:after_time, :after_id)"
            parameters |= {"after_time": format_utc(created_at), "after_id": job_id}
        query = RowQuery(columns=RECORD_COLUMNS, condition=condition, parameters=parameters, limit=limit)
        chunks = self._stream(query, include_archived=include_archived)
        return [record for chunk in chunks for record in self._read(chunk, query.columns, read_record)]

    def pages(
        self, *, size: int = 100, include_archived: bool = False, **wanted: Unpack[JobFilter]
    ) -> Iterator[list[JobHistoryRecord]]:
        """Give rows page by page, the newest first, all as they were when the first page was taken.

        Parameters
        ----------
        size : int
            Rows of a page.
        include_archived : bool
            Whether archives are read too.
        **wanted : JobFilter
            Which jobs.

        Yields
        ------
        list of JobHistoryRecord
            `size` of them, except for the last page.
        """
        condition, parameters = condition_of(wanted)
        query = RowQuery(columns=RECORD_COLUMNS, condition=condition, parameters=parameters)
        for chunk in self._stream(query, include_archived=include_archived, chunk_rows=size):
            yield self._read(chunk, query.columns, read_record)

    def find_similar_jobs(self, stl_path: Path, *, include_archived: bool = False) -> list[SimilarJob]:
        """Find earlier jobs for the same model: the same path, the same bytes, or the same geometry.

        The geometry is compared where the history knows that of the file, which it does once the file was processed
        under any name.

        Parameters
        ----------
        stl_path : Path
            Need not exist any more; then the bytes it had when it was last processed are looked for.
        include_archived : bool
            Whether archives are read too.

        Returns
        -------
        list of SimilarJob
            Newest first; each says what is the same, and at what scale.
        """
        return self._similar_to(self._traits_of(stl_path, include_archived), include_archived=include_archived)

    def export(
        self,
        target: Path | str,
        /,
        *,
        format: str | None = None,  # noqa: A002 - what such a parameter is called everywhere
        include_archived: bool = False,
        **wanted: Unpack[JobFilter],
    ) -> int:
        """Write rows to a file, oldest first, in constant memory; the file appears whole or not at all.

        All documented columns and facts are written. Options and stage durations are JSON text in CSV and Parquet;
        lists are that in CSV only.

        Parameters
        ----------
        target : path
            The file; replaced where it exists.
        format : str, optional
            ``csv``, ``jsonl`` (one JSON object a line) or ``parquet`` (needs ``stlkit[parquet]``); else what the
            file's name ends in.
        include_archived : bool
            Whether archives are read too.
        **wanted : JobFilter
            Which jobs.

        Returns
        -------
        int
            How many rows were written.

        Raises
        ------
        OutputError
            The file cannot be written, there is no such format, or pyarrow is missing.
        HistoryError
            The history cannot be read, or holds what no stlkit wrote.
        """
        path = Path(target).expanduser()
        kind = format_of(path, format)
        condition, parameters = condition_of(wanted)
        query = RowQuery(columns=EXPORTED, condition=condition, parameters=parameters, newest_first=False)
        chunks = self._stream(query, include_archived=include_archived)
        try:
            return export_rows(chunks, path, kind)
        except (ValueError, TypeError, AttributeError) as error:
            raise HistoryError(
                f"the history {self.path} holds a row that no stlkit wrote: {error}. check_integrity() names it.",
                path=self.path,
            ) from error

    def _traits_of(self, stl_path: Path, include_archived: bool) -> ModelTraits:
        path = Path(stl_path).absolute()
        checksum = _checksum_of(path) or self._last_checksum(printable(path), include_archived=include_archived)
        condition = "stl_checksum = :checksum AND stl_checksum != '' AND geometry_hash IS NOT NULL"
        found = self._newest(condition, {"checksum": checksum}, include_archived=include_archived)
        return ModelTraits(
            path=printable(path),
            checksum=checksum,
            geometry_hash=found["geometry_hash"] if found else None,
            geometry_size_mm=found["geometry_size_mm"] if found else None,
        )

    def _last_checksum(self, path: str, *, include_archived: bool) -> str | None:
        condition = "stl_path = :path AND stl_checksum != ''"
        found = self._newest(condition, {"path": path}, include_archived=include_archived)
        return found["stl_checksum"] if found else None

    def _newest(self, condition: str, parameters: dict[str, Any], *, include_archived: bool) -> dict[str, Any] | None:
        query = RowQuery(columns=SIMILAR_COLUMNS, condition=condition, parameters=parameters, limit=1)
        for chunk in self._stream(query, include_archived=include_archived):
            return dict(zip(query.columns, chunk[0], strict=True))
        return None

    def _similar_to(self, traits: ModelTraits, *, include_archived: bool) -> list[SimilarJob]:
        parameters = {"path": traits.path, "checksum": traits.checksum, "geometry_hash": traits.geometry_hash}
        query = RowQuery(columns=SIMILAR_COLUMNS, condition=IS_SIMILAR, parameters=parameters)
        chunks = self._stream(query, include_archived=include_archived)

        def read(row: Mapping[str, Any]) -> SimilarJob:
            return read_similar(row, traits)

        return [job for chunk in chunks for job in self._read(chunk, query.columns, read)]

    def _find(
        self,
        table: str,
        key: str,
        job_ids: Sequence[str],
        read: Callable[[Mapping[str, Any]], T],
        damage: list[HistoryError] | None = None,
    ) -> dict[str, T]:
        columns = RECORD_COLUMNS if table == "job_history" else FACT_COLUMNS
        found: dict[str, T] = {}
        query = text(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN (SELECT value FROM json_each(:ids))")  # noqa: S608 - our own names

        def look(database: Database) -> None:
            if missing := [job_id for job_id in job_ids if job_id not in found]:
                with database.begin() as connection:
                    rows = [tuple(row) for row in connection.execute(query, {"ids": json_text(missing)})]
                found.update(zip((row[0] for row in rows), self._read(rows, columns, read), strict=True))

        self._ask_each(look, damage)
        return found

    def _ask_each(self, look: Callable[[Database], None], damage: list[HistoryError] | None) -> None:
        """Look into the history, and into the archives after it."""
        look(self._live)
        for path in self.archives():
            try:
                look(self._archive(path))
            except HistoryError as error:
                if damage is None:
                    raise
                damage.append(error)

    def _read(self, rows: Sequence[Row], columns: Sequence[str], read: Callable[[Mapping[str, Any]], T]) -> list[T]:
        found = []
        for row in rows:
            try:
                found.append(read(dict(zip(columns, row, strict=True))))
            except (ValueError, TypeError, AttributeError) as error:
                raise self._bad_row(row[0], error) from error
        return found

    def _bad_row(self, job_id: Any, error: Exception) -> HistoryError:
        return HistoryError(
            f"the history {self.path} holds a row that no stlkit wrote ({job_id!r:.60}): {error}. Remove that row, or "
            "move the file away to start a new history.",
            path=self.path,
        )

    def _stream(
        self, query: RowQuery, *, include_archived: bool = False, chunk_rows: int | None = None
    ) -> Generator[list[Row], None, None]:
        return stream(self._databases(include_archived=include_archived), query, chunk_rows or CHUNK_ROWS)

    def _databases(self, *, include_archived: bool) -> list[Database]:
        """Return the history, and the archives after it."""
        paths = self.archives() if include_archived else ()
        return [self._live, *(self._archive(path) for path in paths)]

    def _archive(self, path: Path) -> Database:
        with self._lock:
            if path not in self._archives:
                self._archives[path] = Database(path)
            return self._archives[path]

    def _begin(self) -> AbstractContextManager[Connection]:
        return self._live.begin()


def _checksum_of(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except (OSError, ValueError):
        return None
