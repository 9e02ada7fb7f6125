"""``processing_state.json``: how far a running job has come, in its own cache folder.

The queue's own file is not rewritten for progress. The supervisor writes the attempt here before a worker gets the
job, so that a job that takes its process down is counted even if nobody lived to count it; the worker adds the outputs
that are in their place, so that the next attempt need not make them again.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    path: Path
    size_bytes: int
    checksum_sha256: str

    @classmethod
    def of(cls, path: Path) -> PlacedFile:
        """Describe a file as it is on disk."""
        return cls(path=path, size_bytes=path.stat().st_size, checksum_sha256=sha256_of(path))

    def is_whole(self) -> bool:
        """Whether the file is still there, byte for byte."""
        try:
            return self.path.stat().st_size == self.size_bytes and sha256_of(self.path) == self.checksum_sha256
        except (OSError, ValueError):
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingState:
    """Progress of one job.

    Parameters
    ----------
    job_id : str
    attempt : int
        1 for the first.
    stage : str or None
        What it was at.
    progress : float
        0 to 100.
    finished_stages : tuple of str
    outputs : tuple of PlacedFile
    options_digest, stl_checksum : str or None
        What the outputs were made with and of: SHA-256 of the options, and of the source.
    """

    job_id: str
    attempt: int
    stage: str | None = None
    progress: float = 0.0
    finished_stages: tuple[str, ...] = ()
    outputs: tuple[PlacedFile, ...] = ()
    options_digest: str | None = None
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
