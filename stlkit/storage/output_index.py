"""Which outputs exist, what each is made of, and which jobs are done in full: so that nothing is made twice.

Three tables beside the history, in the same database. All of it can be lost without harm: then work is done again, and
an output that turns out different is put beside the one that is there.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from stlkit.files import decode_json, sha256_of
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.jobs import JobResults
from stlkit.storage.database import open_database, transaction
from stlkit.storage.progress import PlacedFile

_SURE_AFTER_NS = 2_000_000_000
"""A file that was changed so shortly before it was read may have changed again within one tick of its disk's clock;
FAT counts in steps of two seconds. Source: the same problem in git, Documentation/technical/racy-git."""

_SLICE = 500  # SQLite takes a limited number of parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedWork:
    """A job that was done in full.

    Parameters
    ----------
    job_id : str
        The one that did it.
    results : JobResults
        What came of it.
    duration_s : float
        What it took.
    """

    job_id: str
    results: JobResults
    duration_s: float


class OutputIndex:
    """The outputs of one home folder by place and by content. Thread-safe, and safe with other processes.

    Parameters
    ----------
    path : Path
        The history's database, with its schema in place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # What a power failure takes is made again; the history's own commit soon after makes it durable anyway.
        self._engine = open_database(path, durable=False)

    def close(self) -> None:
        """Close every connection; the object can still be used and opens new ones."""
        self._engine.dispose()

    def checksum_of(self, path: Path) -> str | None:
        """Return the SHA-256 of a file, without reading it where it is as it was when it was last read.

        Parameters
        ----------
        path : Path

        Returns
        -------
        str or None
            None where it is no file, or cannot be read.
        """
        try:
            status = path.stat()
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        identity = {"path": _key(path), "identity": _identity(status)}
        query = text("SELECT checksum FROM sources WHERE path = :path AND identity = :identity")
        with self._begin() as connection:
            known: str | None = connection.execute(query, identity).scalar()
        return known or self._read(path, status, identity)

    def outputs_at(self, paths: Iterable[Path]) -> tuple[PlacedFile, ...]:
        """Return what was left in some places; nobody has looked at it now.

        Parameters
        ----------
        paths : iterable of Path

        Returns
        -------
        tuple of PlacedFile
        """
        return self._outputs("path", [_key(path) for path in paths])

    def outputs_of(self, keys: Iterable[str]) -> tuple[PlacedFile, ...]:
        """Return what was made of some contents, wherever it was left; otherwise as `outputs_at`."""
        return self._outputs("key", list(keys))

    def _outputs(self, column: str, values: Sequence[bytes | str]) -> tuple[PlacedFile, ...]:
        found: list[PlacedFile] = []
        with self._begin() as connection:
            for start in range(0, len(values), _SLICE):
                rows = connection.execute(_SELECT[column], {"values": values[start : start + _SLICE]})
                found += map(_placed, rows)
        return tuple(found)

    def finished(self, work_key: str) -> FinishedWork | None:
        """Return the job that did just this work; None where none has."""
        query = text("SELECT job_id, results, duration_s FROM finished_work WHERE work_key = :key")
        with self._begin() as connection:
            row = connection.execute(query, {"key": work_key}).one_or_none()
        if row is None:
            return None
        try:
            results = from_plain(JobResults, decode_json(row.results.encode()))
        except ValueError:  # of another version; what it says is only a help
            return None
        return FinishedWork(job_id=row.job_id, results=results, duration_s=row.duration_s)

    def record(self, job_id: str, outputs: Iterable[PlacedFile]) -> None:
        """Take down what a job placed, whether or not it came to its end.

        Raises
        ------
        HistoryError
            The database cannot be written.
        """
        rows = [
            {
                "path": _key(out.path), "key": out.key, "size_bytes": out.size_bytes, "mtime_ns": out.mtime_ns,
                "checksum": out.checksum_sha256, "made_in_s": out.made_in_s, "job_id": job_id,
            }
            for out in outputs
        ]  # fmt: skip
        if rows:
            with self._begin() as connection:
                connection.execute(_INSERT_OUTPUT, rows)

    def record_finished(self, work_key: str, work: FinishedWork) -> None:
        """Take down that a job was done in full.

        Raises
        ------
        HistoryError
            The database cannot be written.
        """
        row = {
            "key": work_key,
            "job_id": work.job_id,
            "results": json.dumps(to_plain(work.results)),  # escaped: paths may be no UTF-8
            "duration_s": work.duration_s,
        }
        with self._begin() as connection:
            connection.execute(_INSERT_WORK, row)

    def prune(self) -> int:
        """Forget outputs and sources that are gone, and return how many.

        What lay in a folder that is gone is not forgotten: the drive may be back tomorrow.
        """
        with self._begin() as connection:
            gone: list[tuple[str, bytes]] = []
            for table in ("outputs", "sources"):
                paths: Collection[bytes] = connection.execute(text(f"SELECT path FROM {table}")).scalars().all()  # noqa: S608
                gone += [(table, path) for path in paths if _is_gone(Path(os.fsdecode(path)))]
            for table, path in gone:
                connection.execute(text(f"DELETE FROM {table} WHERE path = :path"), {"path": path})  # noqa: S608
        return len(gone)

    def _read(self, path: Path, status: os.stat_result, row: dict[str, Any]) -> str | None:
        try:
            checksum = sha256_of(path)
            after = path.stat()
        except (OSError, ValueError):
            return None
        if _identity(after) == _identity(status) and time.time_ns() - after.st_ctime_ns > _SURE_AFTER_NS:
            with self._begin() as connection:
                connection.execute(_INSERT_SOURCE, {**row, "checksum": checksum})
        return checksum

    def _begin(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, self.path)


_SELECT = {
    column: text(f"SELECT * FROM outputs WHERE {column} IN :values").bindparams(bindparam("values", expanding=True))  # noqa: S608
    for column in ("path", "key")
}
_INSERT_OUTPUT = text(
    "INSERT OR REPLACE INTO outputs (path, key, size_bytes, mtime_ns, checksum, made_in_s, job_id) "
    "VALUES (:path, :key, :size_bytes, :mtime_ns, :checksum, :made_in_s, :job_id)"
)
_INSERT_WORK = text(
    "INSERT OR REPLACE INTO finished_work (work_key, job_id, results, duration_s) "
    "VALUES (:key, :job_id, :results, :duration_s)"
)
_INSERT_SOURCE = text("INSERT OR REPLACE INTO sources (path, identity, checksum) VALUES (:path, :identity, :checksum)")


def _key(path: Path) -> bytes:
    return os.fsencode(path)  # names that are no UTF-8 too


def _is_gone(path: Path) -> bool:
    return not os.path.lexists(path) and path.parent.is_dir()


def _identity(status: os.stat_result) -> str:
    # the time of the last change of anything (ctime) cannot be set by whoever keeps the other one
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def _placed(row: Row[Any]) -> PlacedFile:
    return PlacedFile(
        path=Path(os.fsdecode(row.path)),
        size_bytes=row.size_bytes,
        checksum_sha256=row.checksum,
        key=row.key,
        mtime_ns=row.mtime_ns,
        made_in_s=row.made_in_s,
    )
