"""What supervisor and worker say to each other: one JSON object a line.

Nothing here assumes a shared interpreter or a shared memory, so a worker may sit behind any pipe or socket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from stlkit.model.encoding import from_plain, to_plain
from stlkit.pipeline.order import JobAnswer, JobOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """To the worker: do this job."""

    order: JobOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """To the worker: finish the stage, then wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proceed:
    """To the worker: go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """To the worker: stop as soon as nothing half-done would be left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """From the worker: this stage is under way."""

    job_id: str
    stage: str
    progress: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """From the worker: the job waits between two stages."""

    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """From the worker: the attempt has ended."""

    answer: JobAnswer


Command = Run | Hold | Proceed | Cancel
Report = Progress | Holding | Result

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Run, Hold, Proceed, Cancel, Progress, Holding, Result)
}


def encode_message(message: Command | Report) -> bytes:
    """Write a message as one line."""
    # json, not msgspec: only the escaped form carries file names that are no UTF-8
    return json.dumps({"kind": type(message).__name__.lower(), **to_plain(message)}).encode("ascii") + b"\n"


def decode_message(line: bytes) -> Any:
    """Read one line.

    Parameters
    ----------
    line : bytes

    Returns
    -------
    Command or Report

    Raises
    ------
    ValueError
        It is no message.
    """
    try:
        data = json.loads(line)
    except RecursionError:
        data = None
    kind = _KINDS.get(str(data.pop("kind", ""))) if isinstance(data, dict) else None
    if kind is None:
        raise ValueError(f"no message: {line[:80]!r}")
    return from_plain(kind, data)


class Worker(Protocol):
    """A process, here or elsewhere, that does one job at a time.

    A worker belongs to one supervising thread; only `kill` may be called from another.
    """

    def send(self, command: Command) -> None:
        """Say something to the worker; a worker that is gone shows in `receive`, not here."""

    def receive(self, timeout_s: float) -> Report | None:
        """Return the worker's next report, or None where it said nothing in that time.

        Raises
        ------
        WorkerCrashedError
            The worker is gone.
        """

    def memory_bytes(self) -> int:
        """Return how much memory the worker uses now, its children included."""

    def kill(self) -> None:
        """End the worker at once, and its children."""

    def close(self) -> None:
        """Let an idle worker end by itself, and wait for it."""
