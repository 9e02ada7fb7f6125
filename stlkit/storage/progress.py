"""``processing_state.json``: how far a running job has come, in its own cache folder.

The queue's own file is not rewritten for progress. The supervisor writes the attempt here before a worker gets the
job, so that a job that takes its process down is counted even if nobody lived to count it, and takes back one that does
not count. The worker adds each output before it moves it to its place: the next attempt then need not make it again,
and never takes it for a stranger's.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path

from stlkit.files import encode_json, read_json, sha256_of, write_atomically
from stlkit.model.encoding import from_plain, to_plain

FILE_NAME = "processing_state.json"
LARGEST_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFile:
    """A finished output in its final place.

    Parameters
    ----------
    path : Path
    size_bytes : int
    checksum_sha256 : str
    key : str or None
        What it is made of, see `stlkit.pipeline.recipes`; None where it is not what was asked for, and so is no help
        to any other job.
    mtime_ns : int
        When it was last changed; 0 where it has not been looked at in its place yet.
    made_in_s : float
        What it took to make.
    """

    path: Path
    size_bytes: int
    checksum_sha256: str
    key: str | None = None
    mtime_ns: int = 0
    made_in_s: float = 0.0

    @classmethod
    def of(cls, path: Path, *, key: str | None = None, made_in_s: float = 0.0) -> PlacedFile:
        """Describe a file as it is on disk."""
        status = path.stat()
        return cls(
            path=path,
            size_bytes=status.st_size,
            checksum_sha256=sha256_of(path),
            key=key,
            mtime_ns=status.st_mtime_ns,
            made_in_s=made_in_s,
        )

    def at(self, path: Path) -> PlacedFile:
        """Describe the same content in another place, as it is there now."""
        return replace(self, path=path, mtime_ns=path.stat().st_mtime_ns)

    def is_whole(self) -> bool:
        """Whether the file is still there, byte for byte."""
        try:
            return self.path.stat().st_size == self.size_bytes and sha256_of(self.path) == self.checksum_sha256
        except (OSError, ValueError):
            return False

    def is_untouched(self) -> bool:
        """Whether the file is still there as it was left: by its size and time, else byte for byte."""
        try:
            status = self.path.stat(follow_symlinks=False)
        except (OSError, ValueError):
            return False
        if status.st_size != self.size_bytes or not stat.S_ISREG(status.st_mode):
            return False
        return status.st_mtime_ns == self.mtime_ns or self.is_whole()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingState:
    """Progress of one job.

    Parameters
    ----------
    job_id : str
    attempt : int
        1 for the first; 0 where that one does not count.
    stage : str or None
        What it was at.
    progress : float
        0 to 100.
    finished_stages : tuple of str
    outputs : tuple of PlacedFile
    stl_checksum : str or None
        SHA-256 of the source they were made of.
    """

    job_id: str
    attempt: int
    stage: str | None = None
    progress: float = 0.0
    finished_stages: tuple[str, ...] = ()
    outputs: tuple[PlacedFile, ...] = ()
    stl_checksum: str | None = None


def save_processing_state(folder: Path, state: ProcessingState) -> None:
    """Write the progress of the job whose cache folder this is, atomically."""
    write_atomically(folder / FILE_NAME, encode_json(to_plain(state)), mode=0o600)


def load_processing_state(folder: Path) -> ProcessingState | None:
    """Read the progress of a job; None where there is none that can be understood."""
    try:
        return from_plain(ProcessingState, read_json(folder / FILE_NAME, limit_bytes=LARGEST_BYTES))
    except (OSError, ValueError):
        return None
