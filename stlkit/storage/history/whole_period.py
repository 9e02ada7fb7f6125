"""A period of the history as one, whichever of its rows have been archived meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from stlkit.storage.history.selection import PERIOD
from stlkit.storage.history.streaming import Database, RowQuery, unordered

_RECORDS = (
    "id",
    "stl_path",
    "stl_size",
    "render_options",
    "state",
    "created_at",
    "started_at",
    "completed_at",
    "actual_duration",
    "files_generated",
    "error_message",
    "warnings",
)
_FACTS = ("job_id", "faces", "output_bytes", "stage_durations", "reused_files", "saved_s")
_CHUNK_ROWS = 5000

# the names without "main." mean these tables as long as they are there
_MAKE = (
    f"CREATE TEMP TABLE job_history AS SELECT {', '.join(_RECORDS)} FROM main.job_history WHERE {PERIOD}",  # noqa: S608 - our own names
    "CREATE UNIQUE INDEX temp.one_record ON job_history(id)",
    f"CREATE TEMP TABLE job_facts AS SELECT {', '.join(_FACTS)} FROM main.job_facts "  # noqa: S608
    "WHERE job_id IN (SELECT id FROM temp.job_history)",
    "CREATE UNIQUE INDEX temp.one_fact ON job_facts(job_id)",
)
_ADD_RECORD = f"INSERT OR IGNORE INTO temp.job_history VALUES ({', '.join('?' * len(_RECORDS))})"  # noqa: S608
_ADD_FACT = f"INSERT OR IGNORE INTO temp.job_facts VALUES ({', '.join('?' * len(_FACTS))})"  # noqa: S608
_REMOVE = ("DROP TABLE temp.job_facts", "DROP TABLE temp.job_history")


@contextmanager
def joined_with(connection: Connection, archives: Sequence[Database], limits: dict[str, str]) -> Iterator[None]:
    """Let queries of counting see the archived rows of a period beside the others, each row once.

    Parameters
    ----------
    connection : Connection
        To the history, in a transaction that has begun to read: a row that moves to an archive from then on is seen
        in both, and the one of the history counts.
    archives : sequence of Database
        Those without a row of the period are left alone.
    limits : dict of str to str
        ``since`` and ``until``, as `stlkit.model.times.format_utc` writes them; other rows of the history cannot be
        seen.

    Raises
    ------
    HistoryError
        An archive cannot be read.
    """
    needed = [archive for archive in archives if _has_rows(archive, limits)]
    if not needed:
        yield
        return
    query = RowQuery(columns=(*_RECORDS, *_FACTS), condition=PERIOD, parameters=limits)
    cursor = connection.connection.cursor()
    try:
        for statement in _MAKE:
            cursor.execute(statement, limits if ":since" in statement else {})
        for rows in unordered(needed, query, _CHUNK_ROWS):
            cursor.executemany(_ADD_RECORD, [row[: len(_RECORDS)] for row in rows])
            facts = [row[len(_RECORDS) :] for row in rows]
            cursor.executemany(_ADD_FACT, [fact for fact in facts if fact[0] is not None])
        yield
        for statement in _REMOVE:  # else the end of the transaction takes them back
            cursor.execute(statement)
    finally:
        cursor.close()


def _has_rows(archive: Database, limits: dict[str, str]) -> bool:
    with archive.begin() as connection:
        found = connection.exec_driver_sql(f"SELECT 1 FROM job_history WHERE {PERIOD} LIMIT 1", limits)  # noqa: S608
        return found.first() is not None
