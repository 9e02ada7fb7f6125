"""The tables of ``job_history.db``, and how an older database gets them.

The version of the schema stands in ``PRAGMA user_version``; 0 is a file of before that, or a new one.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from stlkit.errors import HistoryError
from stlkit.files import make_folder
from stlkit.model.times import format_utc, parse_utc, utc_now

SCHEMA_VERSION = 3

DOCUMENTED = (
    """\
CREATE TABLE job_history (
    id TEXT PRIMARY KEY,
    stl_path TEXT NOT NULL,
    stl_filename TEXT NOT NULL,
    stl_size INTEGER NOT NULL,
    stl_checksum TEXT NOT NULL,
    output_folder TEXT NOT NULL,
    queue_session_id TEXT NOT NULL,

    -- Job configuration
    render_options TEXT NOT NULL, -- JSON
    validation_options TEXT NOT NULL, -- JSON

    -- Execution details
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    estimated_duration REAL,
    actual_duration REAL,

    -- Results
    validation_passed BOOLEAN,
    files_generated TEXT, -- JSON array
    error_message TEXT,
    warnings TEXT, -- JSON array

    -- Metadata
    app_version TEXT NOT NULL,
    created_by TEXT NOT NULL DEFAULT 'gui'
)""",
    "CREATE INDEX idx_stl_path ON job_history(stl_path)",
    "CREATE INDEX idx_stl_checksum ON job_history(stl_checksum)",
    "CREATE INDEX idx_created_at ON job_history(created_at)",
    "CREATE INDEX idx_state ON job_history(state)",
)
"""The table of the specification and its indexes."""

FACTS = (
    """\
CREATE TABLE job_facts (
    job_id TEXT PRIMARY KEY,
    faces INTEGER,
    stage_durations TEXT, -- JSON, seconds by stage
    peak_memory_bytes INTEGER,
    output_bytes INTEGER,
    output_settings TEXT, -- JSON
    errors TEXT, -- JSON array
    attempts INTEGER,
    concurrency INTEGER,
    options_hash TEXT,
    geometry_hash TEXT,
    geometry_size_mm REAL,
    reused_files INTEGER NOT NULL DEFAULT 0,
    saved_s REAL NOT NULL DEFAULT 0
)""",
    "CREATE INDEX idx_geometry_hash ON job_facts(geometry_hash)",
)
"""What else is known of a job; a row belongs to the row of the same id in ``job_history``."""

OUTPUTS = (
    """\
CREATE TABLE outputs (
    path BLOB PRIMARY KEY, -- as the system has it, which may be no UTF-8
    key TEXT, -- of what it is made of
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    checksum TEXT NOT NULL, -- SHA-256
    made_in_s REAL NOT NULL,
    job_id TEXT NOT NULL
)""",
    "CREATE INDEX idx_output_key ON outputs(key)",
    """\
CREATE TABLE finished_work (
    work_key TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    results TEXT NOT NULL, -- JSON
    duration_s REAL NOT NULL
)""",
    """\
CREATE TABLE sources (
    path BLOB PRIMARY KEY,
    identity TEXT NOT NULL, -- size, times and inode it had when it was read
    checksum TEXT NOT NULL
)""",
)
"""What exists on disk and what it is made of, see `stlkit.storage.output_index`."""

CLEANED = """\
CREATE TABLE cleaned (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    created_before TIMESTAMP NOT NULL
)"""
"""One row, once old jobs were removed: those created before that time are missing on purpose."""

SCHEMA = (*DOCUMENTED, *FACTS, *OUTPUTS, CLEANED)

# For columns that tables of version 0 may lack; what cannot be known stands there as empty.
_LATE_COLUMNS = {
    "stl_checksum": "TEXT NOT NULL DEFAULT ''",
    "queue_session_id": "TEXT NOT NULL DEFAULT ''",
    "validation_options": "TEXT NOT NULL DEFAULT '{}'",
    "estimated_duration": "REAL",
    "actual_duration": "REAL",
    "validation_passed": "BOOLEAN",
    "files_generated": "TEXT",
    "warnings": "TEXT",
    "app_version": "TEXT NOT NULL DEFAULT ''",
    "created_by": "TEXT NOT NULL DEFAULT 'gui'",
}


def _adopt(connection: Connection) -> None:
    """Take over a table of before the version: add the columns and indexes it lacks."""
    present = {row[1] for row in connection.exec_driver_sql("PRAGMA table_info(job_history)")}
    for name, kind in _LATE_COLUMNS.items():
        if name not in present:
            connection.exec_driver_sql(f"ALTER TABLE job_history ADD COLUMN {name} {kind}")
    for statement in DOCUMENTED[1:]:
        connection.exec_driver_sql(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS"))


def _add_facts(connection: Connection) -> None:
    """Add the tables beside the documented one, and write times as today's are, so that texts sort as moments do."""
    for statement in (*FACTS, *OUTPUTS):
        connection.exec_driver_sql(statement)
    for column in ("created_at", "started_at", "completed_at"):
        odd = f"SELECT DISTINCT {column} FROM job_history WHERE {column} NOT GLOB '????-??-??T??:??:??.??????Z'"  # noqa: S608 - our own names
        for (old,) in connection.exec_driver_sql(odd).all():
            with contextlib.suppress(ValueError, TypeError, OverflowError):  # such a row is named when read
                connection.exec_driver_sql(
                    f"UPDATE job_history SET {column} = ? WHERE {column} = ?",  # noqa: S608 - our own names
                    (format_utc(parse_utc(old)), old),
                )


def _add_cleaned(connection: Connection) -> None:
    connection.exec_driver_sql(CLEANED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStep:
    """One move from a version of the schema to the next, in the transaction of all of them."""

    name: str
    to_version: int
    apply: Callable[[Connection], None]


DATABASE_STEPS = (
    DatabaseStep(name="versioned", to_version=1, apply=_adopt),
    DatabaseStep(name="facts", to_version=2, apply=_add_facts),
    DatabaseStep(name="cleaned", to_version=3, apply=_add_cleaned),
)


def prepare_schema(connection: Connection, path: Path) -> None:
    """Make the tables of a new database, or bring an old one up to date after a copy of it was kept.

    Parameters
    ----------
    connection : Connection
        In no transaction yet; the caller commits.
    path : Path
        The database.

    Raises
    ------
    HistoryError
        It was written by a newer stlkit.
    """
    # sqlite3 opens a transaction by itself only before INSERT and its like; two processes must not create at once
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > SCHEMA_VERSION:
        raise HistoryError(
            f"{path} was written by a newer stlkit (schema {version}, this one knows {SCHEMA_VERSION}); update stlkit",
            path=path,
        )
    if version == SCHEMA_VERSION:
        return
    if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'job_history'").scalar_one():
        _keep_copy(path, version)
        for step in DATABASE_STEPS:
            if version < step.to_version:
                step.apply(connection)
    else:
        for statement in SCHEMA:
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _keep_copy(path: Path, version: int) -> None:
    folder = path.parent / "backups"
    make_folder(folder, mode=0o700)
    copy = folder / f"{path.stem}_before-migration-from-{version}_{utc_now():%Y%m%dT%H%M%S%f}.db"
    # of what is committed: the caller has begun, but changed nothing yet
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
