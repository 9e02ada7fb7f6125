"""Rows of one database, or of several as if they were one, in pieces of bounded size."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from stlkit.storage.database import open_database, transaction
from stlkit.storage.history.selection import SOURCE
from stlkit.storage.schema import prepare_schema

Row = tuple[Any, ...]


class Database:
    """One file with the history's tables. Thread-safe.

    Parameters
    ----------
    path : Path
        Made with its schema where it is missing.

    Raises
    ------
    HistoryError
        The file is no database, or was made by a newer stlkit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine: Engine = open_database(path)
        with self.begin() as connection:
            prepare_schema(connection, path)

    def begin(self) -> AbstractContextManager[Connection]:
        """Open a transaction, which is committed at the end."""
        return transaction(self.engine, self.path)

    def close(self) -> None:
        """Close every connection; new ones are opened when they are needed."""
        self.engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """Which rows, which columns and in which order.

    Parameters
    ----------
    columns : sequence of str
        Of both tables; ``created_at`` and ``id`` must be among them.
    condition : str
    parameters : dict
    newest_first : bool
        Else oldest first; the id decides between rows of one time.
    limit : int
        At most so many; all where it is negative.
    """

    columns: Sequence[str]
    condition: str = "1"
    parameters: dict[str, Any] = field(default_factory=dict)
    newest_first: bool = True
    limit: int = -1

    @property
    def sql(self) -> str:
        """The statement for one database, without an order."""
        return f"SELECT {', '.join(self.columns)} FROM {SOURCE} WHERE {self.condition}"  # noqa: S608 - our own names

    @property
    def ordered_sql(self) -> str:
        """The statement for one database."""
        way = "DESC" if self.newest_first else "ASC"
        return f"{self.sql} ORDER BY created_at {way}, id {way} LIMIT {int(self.limit)}"

    @property
    def key(self) -> Callable[[Row], Any]:
        """What rows are sorted by."""
        return itemgetter(self.columns.index("created_at"), self.columns.index("id"))


def stream(databases: Sequence[Database], query: RowQuery, chunk_rows: int) -> Generator[list[Row], None, None]:
    """Give the rows of all databases in one order, each row once.

    Every database is read as it was when reading began, however long it takes. The databases must be given in the
    order in which rows move from one to another: a row that is moved meanwhile is then seen in the first, or in the
    second, or in both, which counts as once.

    Parameters
    ----------
    databases : sequence of Database
    query : RowQuery
    chunk_rows : int
        So many rows at a time.

    Yields
    ------
    list of tuple
        Values as SQLite has them.

    Raises
    ------
    HistoryError
        A database cannot be read.
    """
    if len(databases) == 1:
        yield from _chunks(databases[0], query, query.ordered_sql, chunk_rows)
        return
    with ExitStack() as stack:
        sources = [
            stack.enter_context(closing(_chunks(database, query, query.ordered_sql, chunk_rows)))
            for database in databases
        ]
        rows = _merged([chain.from_iterable(source) for source in sources], query)
        limited = rows if query.limit < 0 else islice(rows, query.limit)
        while chunk := list(islice(limited, chunk_rows)):
            yield chunk


def _merged(sources: Sequence[Iterator[Row]], query: RowQuery) -> Iterator[Row]:
    name, last = query.columns.index("id"), None
    # the first source is begun first, and its row comes first where another one has it too
    for row in heapq.merge(*sources, key=query.key, reverse=query.newest_first):
        if row[name] != last:
            last = row[name]
            yield row


def unordered(databases: Sequence[Database], query: RowQuery, chunk_rows: int) -> Iterator[list[Row]]:
    """Give the rows of all databases in any order, each row once; much faster than looking them up in an order.

    Parameters as in `stream`; the query has no limit.

    Raises
    ------
    HistoryError
        A database cannot be read.
    """
    name, seen = query.columns.index("id"), set[Any]()
    for database in databases:
        for rows in _chunks(database, query, query.sql, chunk_rows):
            chunk = [row for row in rows if row[name] not in seen] if seen else rows
            if database is not databases[-1]:
                seen.update([row[name] for row in chunk])
            if chunk:
                yield chunk


def _chunks(
    database: Database, query: RowQuery, sql: str, chunk_rows: int = 10_000
) -> Generator[list[Row], None, None]:
    with database.begin() as connection:
        # below SQLAlchemy, whose rows cost as much again as reading them
        cursor = connection.connection.cursor()
        try:
            cursor.execute(sql, query.parameters)
            while rows := cursor.fetchmany(chunk_rows):
                yield list(rows)
        finally:
            cursor.close()
