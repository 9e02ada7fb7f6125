"""Connections to ``job_history.db``: pooled, patient with other writers, and of errors that say what to do."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from stlkit.errors import HistoryError

BUSY_TIMEOUT_MS = 10_000

_NO_ROOM = "Nothing in it is lost; free some space on its disk, or see to the disk, and try again."
_IN_USE = "Another program is writing to it; try again when that is done."
_REFUSED = "Nothing in it is lost; see to the permissions of the file and of its folder, and try again."
_DAMAGED = "Move the file away to start a new history, or restore a copy of it."
_DAMAGED_ARCHIVE = "Move the archive away, or restore a copy of it; the history itself is not concerned."
_ADVICE = {
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_IOERR: _NO_ROOM,
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_READONLY: _REFUSED,
    sqlite3.SQLITE_CANTOPEN: _REFUSED,
    sqlite3.SQLITE_PERM: _REFUSED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def open_database(path: Path, *, durable: bool = True) -> Engine:
    """Open a database in WAL mode, for any number of threads and processes.

    Parameters
    ----------
    path : Path
        Made where it is missing.
    durable : bool
        Whether a commit survives a power failure. One that does not may be lost then, but never torn.

    Returns
    -------
    Engine
        Nothing is opened before it is used.
    """
    # pool_size counts idle connections that are kept; the supervising threads and the notebook share them
    engine = create_engine(URL.create("sqlite", database=str(path)), pool_size=4, max_overflow=60)

    @event.listens_for(engine, "do_connect")
    def _make_private(*_: object) -> None:
        # SQLite makes its files as the umask has it; those beside it get the rights of the first
        with contextlib.suppress(OSError):  # SQLite will say why
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        # what is in the file's schema may come from a stranger; none of it may call anything with side effects
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA journal_mode = WAL")
        # with WAL, FULL makes a commit survive a power failure; a job ends seldom enough to pay for that
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    return engine


@contextmanager
def transaction(engine: Engine, path: Path) -> Iterator[Connection]:
    """Do something in one transaction, which is committed at the end.

    Raises
    ------
    HistoryError
        The database cannot be used; nothing has changed.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except (SQLAlchemyError, sqlite3.Error) as error:  # the second from cursors below SQLAlchemy
        cause = error.__cause__ or error
        advice = _advice(cause, path)
        raise HistoryError(
            f"the history {path} cannot be used: {cause}{f'. {advice}' if advice else ''}", path=path
        ) from error


def _advice(cause: BaseException, path: Path) -> str | None:
    """Return what a person may do; never to give the history up where it is sound, as recovery believes it."""
    code = getattr(cause, "sqlite_errorcode", None)
    advice = _ADVICE.get(code & 0xFF) if code is not None else None  # the higher bits only say where it happened
    return _DAMAGED_ARCHIVE if advice == _DAMAGED and path.name.startswith("history_archive_") else advice
