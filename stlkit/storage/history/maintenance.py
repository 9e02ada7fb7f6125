"""Keeping the files of the history small and sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from stlkit.errors import HistoryError
from stlkit.files import printable
from stlkit.storage.database import transaction
from stlkit.storage.history.rows import FACT_COLUMNS, RECORD_COLUMNS, read_facts, read_record
from stlkit.storage.history.streaming import Database

MOST_PROBLEMS = 100
_CHUNK_ROWS = 1000


def compact(database: Database) -> int:
    """Rewrite a database without its gaps; returns by how many bytes its files have shrunk."""
    before = _size_bytes(database.path)
    with transaction(database.engine.execution_options(isolation_level="AUTOCOMMIT"), database.path) as connection:
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA optimize")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - _size_bytes(database.path)


def problems_of(path: Path) -> tuple[str, ...]:
    """Return what is wrong with one database, a sentence each, at most `MOST_PROBLEMS`."""
    found: list[str] = []
    try:
        database = Database(path)
        with closing(database), database.begin() as connection:
            for problem in _problems(connection):
                found.append(f"{printable(path.name)}: {problem}")
                if len(found) == MOST_PROBLEMS:
                    break
    except HistoryError as error:
        found.append(str(error))
    return tuple(found)


def _problems(connection: Connection) -> Iterator[str]:
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if line != "ok":
            yield str(line)
    for table, columns, read in (
        ("job_history", RECORD_COLUMNS, read_record),
        ("job_facts", FACT_COLUMNS, read_facts),
    ):
        rows = connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - our own names
        for row in rows.yield_per(_CHUNK_ROWS):
            try:
                read(dict(zip(columns, row, strict=True)))
            except (ValueError, TypeError, AttributeError) as error:
                yield f"row {row[0]!r:.60} of {table} was written by no stlkit: {error}"
    orphans = connection.exec_driver_sql(
        "SELECT count(*) FROM job_facts WHERE job_id NOT IN (SELECT id FROM job_history WHERE id IS NOT NULL)"
    ).scalar_one()
    if orphans:
        yield f"{orphans} rows of job_facts belong to no job"


def _size_bytes(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
