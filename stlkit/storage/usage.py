"""How much room a home folder takes, and what its jobs have put out, by kind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stlkit.files import one_line
from stlkit.model.amounts import Amount, file_size
from stlkit.model.html import Right, joined, remark, rows_table
from stlkit.storage.history.archive import archive_paths
from stlkit.storage.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """Files and bytes by kind; a file that has two names is counted once.

    Parameters
    ----------
    home : Path
        The home folder, in which everything but the outputs is.
    outputs : Amount
        Files that jobs of the queue and of the history made, wherever they are, and that are still there. Whatever
        else is in the output folders does not count.
    missing_outputs : int
        Files that were recorded and are not there any more.
    job_cache : Amount
        Temporary files of jobs.
    thumbnails : Amount
    backups : Amount
        Earlier states of the queue, automatic and labelled, and files of before an upgrade.
    history : Amount
        The database, what was not merged into it yet, and its archives.
    templates : Amount
    other : Amount
        Preferences, the queue, and the rest of the home folder.
    """

    home: Path
    outputs: Amount
    missing_outputs: int
    job_cache: Amount
    thumbnails: Amount
    backups: Amount
    history: Amount
    templates: Amount
    other: Amount

    @property
    def home_total(self) -> Amount:
        """Everything in the home folder."""
        return sum((amount for _, amount in self._rows()[1:]), Amount())

    def __str__(self) -> str:
        rows = [*self._rows(), ("home folder in all", self.home_total)]
        lines = [f"{name:20}{amount.count:>10,}{file_size(amount.size_bytes):>12}" for name, amount in rows]
        return "\n".join([f"{'':20}{'files':>10}{'size':>12}", *lines, *self._remarks()])

    def _repr_html_(self) -> str:
        rows = [_cells(name, amount) for name, amount in self._rows()]
        table = rows_table(
            ("kind", Right("files"), Right("size")), rows, foot=_cells("home folder in all", self.home_total)
        )
        return joined(table, *map(remark, self._remarks()))

    def _rows(self) -> list[tuple[str, Amount]]:
        return [
            ("outputs", self.outputs),
            ("temporary files", self.job_cache),
            ("thumbnails", self.thumbnails),
            ("backups", self.backups),
            ("history", self.history),
            ("templates", self.templates),
            ("queue, preferences", self.other),
        ]

    def _remarks(self) -> list[str]:
        remarks = [f"home folder: {one_line(self.home)}"]
        if self.missing_outputs:
            remarks.append(f"outputs that were recorded and are not there any more: {self.missing_outputs:,}")
        return remarks


def measure_usage(home: Home, outputs: Iterable[str | Path]) -> DiskUsage:
    """Measure a home folder and outputs; links are never followed.

    Parameters
    ----------
    home : Home
    outputs : iterable of str or Path
        Files that jobs made; doubled ones are counted once.

    Returns
    -------
    DiskUsage
    """
    meter = _Meter()
    made, missing = meter.files(outputs)
    databases = {home.history, *archive_paths(home.root)}
    history, rest = [], []
    for path in _entries(home.root):
        # -wal and -shm hold what SQLite has not merged into the database yet
        if path.with_name(path.name.removesuffix("-wal").removesuffix("-shm")) in databases:
            history.append(path)
        elif path not in (home.templates, home.backups, home.cache):
            rest.append(path)
    caches = (home.cache / "job_cache", home.cache / "thumbnails")
    rest += [path for path in _entries(home.cache) if path not in caches]
    return DiskUsage(
        home=home.root,
        outputs=made,
        missing_outputs=missing,
        other=meter.trees(rest),  # before the backups: the newest of them may be the queue's file by another name
        job_cache=meter.trees(caches[:1]),
        thumbnails=meter.trees(caches[1:]),
        backups=meter.trees([home.backups]),
        history=meter.trees(history),
        templates=meter.trees([home.templates]),
    )


class _Meter:
    """Counts every file once."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def files(self, paths: Iterable[str | Path]) -> tuple[Amount, int]:
        """Return what exists of the given files, and how many do not."""
        count = size_bytes = missing = 0
        for path in {os.path.normpath(path) for path in paths}:
            try:
                status = os.lstat(path)
            except (OSError, ValueError):  # whoever edited the history may have named anything
                missing += 1
                continue
            if not stat.S_ISDIR(status.st_mode) and self._is_new(status):
                count += 1
                size_bytes += status.st_size
        return Amount(count=count, size_bytes=size_bytes), missing

    def trees(self, roots: Iterable[Path]) -> Amount:
        """Return what is in the given folders, and the given files."""
        return self.files(file for root in roots for file in _files_below(root))[0]

    def _is_new(self, status: os.stat_result) -> bool:
        if status.st_nlink < 2:
            return True
        key = (status.st_dev, status.st_ino)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True


def _files_below(root: Path) -> Iterator[str]:
    if root.is_symlink() or not root.is_dir():
        yield str(root)
        return
    for folder, _, names in os.walk(root):
        yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118 - ten thousand Paths would take longer


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _cells(name: str, amount: Amount) -> tuple[str, str, str]:
    return name, Right(f"{amount.count:,}"), Right(file_size(amount.size_bytes))
