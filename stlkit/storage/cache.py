"""Temporary files: a private folder for each running job, and thumbnails."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from stlkit.errors import JobError
from stlkit.files import make_folder, part_beside, read_regular_file, remove_abandoned_parts, write_atomically

if sys.platform != "win32":  # Windows by itself refuses to remove a folder with open files in it
    import fcntl

_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
LARGEST_THUMBNAIL_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A job's folder or a thumbnail, as the cleaning methods see it.

    Parameters
    ----------
    path : Path
    is_job_folder : bool
    changed_at : float
        When anything in it was last written, in seconds since 1970.
    size_bytes : int
    """

    path: Path
    is_job_folder: bool
    changed_at: float
    size_bytes: int


class TempFileManager:
    """The cache folder of one home folder.

    Thread-safe, and safe with other processes: whoever works in a job's folder holds a lock on it that ends with the
    process, and the cleaning methods leave locked folders alone, their own and those of others.

    Parameters
    ----------
    cache : path
        ``cache/`` of the home folder.
    """

    def __init__(self, cache: str | os.PathLike[str]) -> None:
        self.job_cache = Path(cache) / "job_cache"
        self.thumbnails = Path(cache) / "thumbnails"
        self._active: dict[str, int] = {}  # job id to the descriptor that holds the lock, or -1
        self._lock = threading.Lock()

    def job_folder(self, job_id: str) -> Path:
        """Return where a job's temporary files are; the folder may not exist.

        Raises
        ------
        JobError
            The id could leave the cache folder.
        """
        if not _SAFE_ID.fullmatch(job_id):
            raise JobError(f"{job_id!r} cannot be a job id; ids are letters, digits, '_' and '-'", job_id=job_id)
        return self.job_cache / job_id

    def job_ids(self) -> frozenset[str]:
        """Return the ids of the jobs that have a folder."""
        try:
            return frozenset(name for name in os.listdir(self.job_cache) if _SAFE_ID.fullmatch(name))  # noqa: PTH208 - names alone
        except OSError:
            return frozenset()

    def check(self) -> None:
        """Find out whether the cache can be written now.

        Raises
        ------
        OSError
            It cannot.
        """
        make_folder(self.job_cache, mode=0o700)
        probe = part_beside(self.job_cache / "probe")
        write_atomically(probe, b"")
        probe.unlink()

    def create_job_cache_dir(self, job_id: str) -> Path:
        """Make a job's folder and protect it until `cleanup_job_cache` or `trim_job_cache`.

        Raises
        ------
        OSError
            It cannot be made.
        """
        folder = self.job_folder(job_id)
        with self._lock:
            if folder.is_symlink():
                folder.unlink()
            while True:
                make_folder(folder, mode=0o700)
                if job_id in self._active:
                    return folder
                descriptor = _lock_folder(folder, shared=True)
                if descriptor is not None:
                    self._active[job_id] = descriptor
                    return folder
                # another process removed it in that very moment

    def cleanup_job_cache(self, job_id: str) -> None:
        """Remove a job's folder as far as that is possible now; harmless where there is none."""
        folder = self.job_folder(job_id)
        with self._lock:
            _remove_tree(folder)
            self._release(job_id)

    def trim_job_cache(self, job_id: str, keep: str) -> None:
        """Remove everything of a job but one small file, which says how far it had come.

        Parameters
        ----------
        job_id : str
        keep : str
            Name of the file that stays.
        """
        folder = self.job_folder(job_id)
        with self._lock:
            # what a link leads to is not ours to empty
            for path in folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ():
                if path.name != keep:
                    with contextlib.suppress(OSError):  # what stays is removed with the folder
                        _remove_tree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self._release(job_id)

    def cleanup_stale_cache(self, max_age_hours: float = 24, *, keep: Collection[str] = ()) -> int:
        """Remove job folders that nobody has written to for some hours.

        Parameters
        ----------
        max_age_hours : float
        keep : collection of str
            Ids of unfinished jobs, whose folders say how far they had come.

        Returns
        -------
        int
            How many were removed.
        """
        with self._lock:
            return len(self._take_stale(max_age_hours, keep))

    def get_cache_size(self) -> int:
        """Return the size of the whole cache, in bytes."""
        return sum(_size(path) for root in (self.job_cache, self.thumbnails) for path in root.rglob("*"))

    def cleanup_large_cache(self, max_size_mb: float = 1000, *, keep: Collection[str] = ()) -> int:
        """Remove what is oldest, of job folders and thumbnails, until the cache is within its limit.

        Parameters
        ----------
        max_size_mb : float
        keep : collection of str
            Ids of unfinished jobs, whose folders go last of all.

        Returns
        -------
        int
            How many were removed.
        """
        with self._lock:
            return len(self._take_excess(max_size_mb, keep))

    def clean(
        self, *, max_age_hours: float, max_size_mb: float, keep: Collection[str] = (), dry_run: bool = False
    ) -> tuple[CacheEntry, ...]:
        """Remove what is stale, as `cleanup_stale_cache` does, then what is too much, as `cleanup_large_cache` does.

        Parameters
        ----------
        max_age_hours : float
        max_size_mb : float
        keep : collection of str
            Ids of unfinished jobs.
        dry_run : bool
            Remove nothing.

        Returns
        -------
        tuple of CacheEntry
            What was removed, or would have been.
        """
        with self._lock:
            stale = self._take_stale(max_age_hours, keep, dry_run=dry_run)
            excess = self._take_excess(max_size_mb, keep, gone=stale if dry_run else (), dry_run=dry_run)
            return (*stale, *excess)

    # --- thumbnails ---

    def thumbnail_path(self, stl_checksum: str) -> Path:
        """Return where the thumbnail of an STL file with these bytes belongs; it may not exist.

        Parameters
        ----------
        stl_checksum : str
            SHA-256 of the file, in hexadecimal: a file that was renamed keeps its thumbnail, one that was changed
            does not.

        Raises
        ------
        ValueError
            It is no such checksum.
        """
        if not _SHA256.fullmatch(stl_checksum):
            raise ValueError(f"{stl_checksum[:80]!r} is no SHA-256 in hexadecimal")
        return self.thumbnails / f"{stl_checksum}_thumb.png"

    def save_thumbnail(self, stl_checksum: str, png: bytes) -> Path:
        """Keep a thumbnail, and return where it is."""
        path = self.thumbnail_path(stl_checksum)
        make_folder(self.thumbnails, mode=0o700)
        write_atomically(path, png, mode=0o600)
        return path

    def load_thumbnail(self, stl_checksum: str) -> bytes | None:
        """Return the bytes of a thumbnail; None where there is none."""
        try:
            return read_regular_file(self.thumbnail_path(stl_checksum), limit_bytes=LARGEST_THUMBNAIL_BYTES)
        except (OSError, ValueError):
            return None

    # --- inside; the lock is held ---

    def _take_stale(
        self, max_age_hours: float, keep: Collection[str], *, dry_run: bool = False
    ) -> tuple[CacheEntry, ...]:
        limit = time.time() - max_age_hours * 3600
        old = (entry for entry in self._job_entries() if entry.changed_at < limit and entry.path.name not in keep)
        return tuple(entry for entry in old if self._take(entry, dry_run=dry_run))

    def _take_excess(
        self, max_size_mb: float, keep: Collection[str], *, gone: Collection[CacheEntry] = (), dry_run: bool = False
    ) -> tuple[CacheEntry, ...]:
        """Take the oldest entries beyond a size; `gone` are those that are to be thought away."""
        if not dry_run and not self.thumbnails.is_symlink():
            remove_abandoned_parts(self.thumbnails)
        excess = self.get_cache_size() - sum(entry.size_bytes for entry in gone) - max_size_mb * 1e6
        taken: list[CacheEntry] = []
        entries = [entry for entry in (*self._job_entries(), *self._thumbnail_entries()) if entry not in gone]
        for entry in sorted(entries, key=lambda entry: (entry.path.name in keep, entry.changed_at)):
            if excess <= 0:
                break
            if self._take(entry, dry_run=dry_run):
                excess -= entry.size_bytes
                taken.append(entry)
        return tuple(taken)

    def _job_entries(self) -> list[CacheEntry]:
        # whoever links this folder elsewhere must not lose what else is there
        if not self.job_cache.is_dir() or self.job_cache.is_symlink():
            return []
        return [
            CacheEntry(
                path=path,
                is_job_folder=True,
                changed_at=_tree_changed(path),
                size_bytes=sum(map(_size, path.rglob("*"))),
            )
            for path in self.job_cache.iterdir()
            if path.name not in self._active and _SAFE_ID.fullmatch(path.name) and not path.is_symlink()
        ]

    def _thumbnail_entries(self) -> list[CacheEntry]:
        if self.thumbnails.is_symlink():
            return []
        return [
            CacheEntry(path=path, is_job_folder=False, changed_at=_changed(path), size_bytes=_size(path))
            for path in self.thumbnails.glob("*_thumb.png")
        ]

    @staticmethod
    def _take(entry: CacheEntry, *, dry_run: bool) -> bool:
        """Remove an entry, or find out whether it could be; False where somebody works in it."""
        if not entry.is_job_folder:
            if not dry_run:
                entry.path.unlink(missing_ok=True)
            return True
        descriptor = _lock_folder(entry.path, shared=False)
        if descriptor is None:
            return False
        try:
            if not dry_run:
                _remove_tree(entry.path)
        finally:
            _close(descriptor)
        return True

    def _release(self, job_id: str) -> None:
        _close(self._active.pop(job_id, -1))


def _lock_folder(folder: Path, *, shared: bool) -> int | None:
    """Lock a folder until its descriptor is closed; None where somebody else has it, or it is gone.

    Where the disk knows no locks, the answer is -1: then only this process's own jobs are protected.
    """
    if sys.platform == "win32":
        return -1
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        return -1 if error.errno in (errno.EACCES, errno.EPERM) else None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(folder)):  # noqa: PTH116 - beside os.fstat
            return descriptor
    except BlockingIOError:
        pass
    except FileNotFoundError:
        pass
    except OSError:
        os.close(descriptor)
        return -1
    os.close(descriptor)
    return None


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def _remove_tree(folder: Path) -> None:
    """Remove a folder as far as that is possible; of a link, only itself."""
    if os.path.islink(folder):  # noqa: PTH114 - Path's raises an error where a drive does not answer
        with contextlib.suppress(OSError):
            folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _tree(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")


def _tree_changed(folder: Path) -> float:
    return max(map(_changed, _tree(folder)), default=0.0)


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):  # another thread removed it meanwhile
        return path.lstat().st_size if path.is_file() else 0
    return 0


def _changed(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.lstat().st_mtime
    return 0.0
