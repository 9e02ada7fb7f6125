"""Old rows, moved to files of their own: ``history_archive_YYYY.db`` beside the history, one for each year."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from stlkit.files import sync_folder
from stlkit.storage.history.rows import FACT_COLUMNS, RECORD_COLUMNS, insertion, json_text
from stlkit.storage.history.streaming import Database

BATCH_ROWS = 5000
_NAME = re.compile(r"history_archive_[0-9]{4}\.db")
_REPLACE_RECORDS = insertion("job_history", RECORD_COLUMNS, "REPLACE")
_REPLACE_FACTS = insertion("job_facts", FACT_COLUMNS, "REPLACE")


def archive_paths(folder: Path) -> tuple[Path, ...]:
    """Return the archives in a folder, the newest year first."""
    return tuple(sorted((p for p in folder.glob("history_archive_*.db") if _NAME.fullmatch(p.name)), reverse=True))


def year_of(archive: Path) -> int:
    """Return the year, in UTC, in which the jobs of an archive were created."""
    return int(archive.stem.rpartition("_")[2])


def move_to_archives(live: Database, open_archive: Callable[[Path], Database], before: str) -> dict[Path, int]:
    """Move rows that were created before a time to the archives of their years, with their facts.

    A batch is copied, committed in the archive and on its disk before it is removed from the history, so that no row
    is ever lost. Where this is interrupted in between, rows stand in both files: readers show them once, and the next
    run removes them from the history. Rows whose time does not begin with a year stay where they are.

    Parameters
    ----------
    live : Database
    open_archive : callable
        Opens, or makes, the archive at a path.
    before : str
        As `stlkit.model.times.format_utc` writes it.

    Returns
    -------
    dict of Path to int
        How many rows went into each archive.

    Raises
    ------
    HistoryError
        A file cannot be written.
    """
    moved: dict[Path, int] = {}
    for year in _years(live, before):
        path = live.path.with_name(f"history_archive_{year}.db")
        archive = open_archive(path)
        sync_folder(path.parent)  # a new file's name, too, must survive a power failure
        for ids in _batches(live, year, before):
            _copy(live, archive, ids)
            moved[path] = moved.get(path, 0) + _remove(live, ids)
    return moved


def _years(live: Database, before: str) -> list[str]:
    query = text("SELECT DISTINCT substr(created_at, 1, 5) FROM job_history WHERE created_at < :before ORDER BY 1")
    with live.begin() as connection:
        found = connection.execute(query, {"before": before}).scalars().all()
    return [str(year)[:4] for year in found if re.fullmatch("[0-9]{4}-", str(year))]


def _batches(live: Database, year: str, before: str) -> Iterator[list[str]]:
    query = text(
        "SELECT id FROM job_history WHERE created_at >= :first AND created_at < :end AND created_at < :before "
        "AND typeof(id) = 'text' ORDER BY created_at LIMIT :rows"
    )
    # "~" follows all digits; a bound that reads as a number would be compared as one, as the column is a TIMESTAMP
    limits = {"first": f"{year}-", "end": f"{year}-~", "before": before, "rows": BATCH_ROWS}
    while True:
        with live.begin() as connection:
            ids = list(connection.execute(query, limits).scalars())
        if not ids:
            return
        yield ids


def _copy(live: Database, archive: Database, ids: list[str]) -> None:
    records = _rows_of(live, "job_history", "id", ids)
    facts = _rows_of(live, "job_facts", "job_id", ids)
    with archive.begin() as connection:
        for insert, rows in ((_REPLACE_RECORDS, records), (_REPLACE_FACTS, facts)):
            if rows:
                connection.execute(insert, rows)


def _rows_of(live: Database, table: str, key: str, ids: list[str]) -> list[dict[str, Any]]:
    columns = RECORD_COLUMNS if table == "job_history" else FACT_COLUMNS
    query = text(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN (SELECT value FROM json_each(:ids))")  # noqa: S608 - our own names
    with live.begin() as connection:
        return [dict(row) for row in connection.execute(query, {"ids": json_text(ids)}).mappings()]


def _remove(live: Database, ids: list[str]) -> int:
    chosen = {"ids": json_text(ids)}
    with live.begin() as connection:
        connection.execute(text("DELETE FROM job_facts WHERE job_id IN (SELECT value FROM json_each(:ids))"), chosen)
        removed = connection.execute(
            text("DELETE FROM job_history WHERE id IN (SELECT value FROM json_each(:ids))"), chosen
        )
        return removed.rowcount
