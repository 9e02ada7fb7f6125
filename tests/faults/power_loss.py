"""Power failures at any moment of a recorded run, and what the next start makes of what is left."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from disk_model import Call, Disk, read_calls, strace_command
from fault_trial import JOBS, Trial

from stlkit import Workspace

_REPORTED = re.compile(r"✓ (\S+): completed")


def strace_works() -> bool:
    """Whether calls of a process can be recorded here."""
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@dataclass(kw_only=True)
class Outcome:
    """What one power failure did; two empty lists are what was promised."""

    at: int
    names_first: bool
    reported: int
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)


class RecordedRun:
    """Five jobs, recorded once, to be cut off anywhere.

    Parameters
    ----------
    folder, models : Path
        As of a `Trial`.
    """

    def __init__(self, folder: Path, models: Path) -> None:
        self.root = folder.resolve() / "run"
        log = folder.resolve() / "calls.txt"
        trial = Trial(self.root, models)
        with trial:
            code, said = trial.run(prefix=strace_command(log))
            if code != 0:
                raise RuntimeError(f"the run to be recorded ended with {code}: {said}")
        self.calls: list[Call] = list(read_calls(log))
        self._final = Disk(self.root)
        for call in self.calls:
            self._final.apply(call)

    def cut(self, *, every: int, first: int = 0) -> Iterator[Outcome]:
        """Cut the power after each `every`-th call from `first` on, on both kinds of disk, and look what is found."""
        disk, said = Disk(self.root), ""
        for at, call in enumerate(self.calls, start=1):
            disk.apply(call)
            if call.name == "write" and call.paths[0].endswith("/said_1.txt"):
                said += call.data.decode(errors="replace")
            if at % every == first % every or at == len(self.calls):
                for names_first in (False, True):
                    outcome = Outcome(at=at, names_first=names_first, reported=len(set(_REPORTED.findall(said))))
                    self._judge(disk, outcome, set(_REPORTED.findall(said)))
                    yield outcome

    def _judge(self, disk: Disk, outcome: Outcome, reported: set[str]) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        try:
            disk.write_out(disk.after_power_loss(names_first=outcome.names_first))
            with Workspace(self.root / "home") as workspace:
                rows = {row.stl_filename: row for row in workspace.history.records(limit=-1)}
                waiting = {job.stl_path.name for job in workspace.queue.jobs if not job.state.ended}
        finally:
            files = {path: self._sum(path) for path in (self.root / "out").rglob("*")}
            shutil.rmtree(self.root, ignore_errors=True)
        outcome.lost += [f"{name} was reported done" for name in sorted(reported - rows.keys())]
        if (rows or waiting) and len(rows.keys() | waiting) != JOBS:
            outcome.lost.append(f"only {sorted(rows.keys() | waiting)} are known")
        for row in rows.values():
            for name in row.files_generated:
                file = self._final.seen.get(name)
                whole = file and (
                    b"->" + file.target if file.target is not None else hashlib.sha256(file.data).digest()
                )
                if not whole or files.get(Path(name)) != whole:
                    outcome.torn.append(name)

    @staticmethod
    def _sum(path: Path) -> bytes:
        if path.is_symlink():
            return b"->" + bytes(path.readlink())
        return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
