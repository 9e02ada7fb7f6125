"""What a home folder need not keep any longer, told or removed; outputs are never touched."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from stlkit.errors import HistoryError
from stlkit.files import size_of
from stlkit.model.amounts import Amount, file_size
from stlkit.model.html import Right, headline, joined, rows_table
from stlkit.model.options import CleanupOptions
from stlkit.storage.backups import BackupManager
from stlkit.storage.cache import CacheEntry, TempFileManager
from stlkit.storage.history import JobHistoryManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was removed, or would be.

    Parameters
    ----------
    is_dry_run : bool
        Whether nothing was removed.
    job_cache : Amount
        Folders with temporary files of jobs.
    thumbnails : Amount
    backups : Amount
        Automatic backups of the queue.
    history : Amount
        Jobs in the history. Their bytes are what the file has shrunk by; in a dry run, their share of the file.
    """

    is_dry_run: bool
    job_cache: Amount = Amount()
    thumbnails: Amount = Amount()
    backups: Amount = Amount()
    history: Amount = Amount()

    @property
    def size_bytes(self) -> int:
        """Bytes of everything together."""
        return sum(amount.size_bytes for _, amount, _ in self._rows())

    def __str__(self) -> str:
        lines = [
            f"  {name:18}{amount.count:>9,} {unit:8}{file_size(amount.size_bytes):>12}"
            for name, amount, unit in self._rows()
        ]
        return "\n".join([self._headline(), *(lines if self._found() else ())])

    def _repr_html_(self) -> str:
        rows = [
            (name, Right(f"{amount.count:,} {unit}"), Right(file_size(amount.size_bytes)))
            for name, amount, unit in self._rows()
        ]
        table = rows_table(("kind", Right("how many"), Right("size")), rows) if self._found() else None
        return joined(headline(self._headline()), table)

    def _found(self) -> bool:
        return any(amount.count for _, amount, _ in self._rows())

    def _headline(self) -> str:
        if not self._found():
            return "nothing would be removed" if self.is_dry_run else "nothing was removed"
        return f"{file_size(self.size_bytes)} {'would be' if self.is_dry_run else 'were'} removed"

    def _rows(self) -> list[tuple[str, Amount, str]]:
        kinds = [
            ("temporary files", self.job_cache, "folder"),
            ("thumbnails", self.thumbnails, "file"),
            ("backups", self.backups, "file"),
            ("history", self.history, "job"),
        ]
        return [(name, amount, unit if amount.count == 1 else f"{unit}s") for name, amount, unit in kinds]


def clean_cache(
    cache: TempFileManager, options: CleanupOptions, keep: Collection[str], *, dry_run: bool = False
) -> Cleaned:
    """Remove temporary files that are old or too many; parameters as in `clean_home`."""
    entries = cache.clean(
        max_age_hours=options.cache_max_age_hours, max_size_mb=options.cache_max_size_mb, keep=keep, dry_run=dry_run
    )
    return Cleaned(
        is_dry_run=dry_run,
        job_cache=_amount_of(entry for entry in entries if entry.is_job_folder),
        thumbnails=_amount_of(entry for entry in entries if not entry.is_job_folder),
    )


def clean_home(
    cache: TempFileManager,
    backups: BackupManager,
    history: JobHistoryManager,
    options: CleanupOptions,
    *,
    keep: Collection[str],
    dry_run: bool,
) -> Cleaned:
    """Remove what the options do not keep: temporary files, thumbnails, automatic backups and old jobs of the history.

    Outputs, folders of running jobs, labelled backups and archives of the history stay.

    Parameters
    ----------
    cache : TempFileManager
    backups : BackupManager
    history : JobHistoryManager
    options : CleanupOptions
    keep : collection of str
        Ids of unfinished jobs, whose folders say how far they had come; a limit of size takes those last of all.
    dry_run : bool
        Only say what would be removed.

    Returns
    -------
    Cleaned
    """
    temporary = clean_cache(cache, options, keep, dry_run=dry_run)
    beyond = backups.beyond(options.backup_keep_count)
    backups_amount = Amount(count=len(beyond), size_bytes=sum(map(size_of, beyond)))
    if not dry_run:
        backups.rotate_backups(options.backup_keep_count)
    old_jobs = _clean_history(history, options.history_keep_days, dry_run=dry_run)
    return replace(temporary, backups=backups_amount, history=old_jobs)


def _amount_of(entries: Iterable[CacheEntry]) -> Amount:
    sizes = [entry.size_bytes for entry in entries]
    return Amount(count=len(sizes), size_bytes=sum(sizes))


def _clean_history(history: JobHistoryManager, keep_days: int | None, *, dry_run: bool) -> Amount:
    if keep_days is None or not (old := history.old_records(keep_days)).count:
        return Amount()
    if dry_run:
        return old
    removed = history.cleanup_old_records(keep_days)
    freed_bytes = 0
    with contextlib.suppress(HistoryError):  # somebody reads all the time; the room is used by the next rows then
        freed_bytes = history.vacuum()
    return Amount(count=removed, size_bytes=max(0, freed_bytes))
