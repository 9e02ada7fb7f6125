"""One trial: a run of small jobs with a fault in it, the next session, and whether the promise held.

The promise: every job that was reported done stays done with all its files whole, every other job is still in the
queue, no job is recorded twice, and the next start says what it did.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fault_nursery import PROCESS, Nursery

from stlkit.files import sha256_of

TIMEOUT_S = 60
HUNG = "the process hung and was ended"
JOBS = 5
_REPORTED = re.compile(r"^✓ (\S+): completed", re.MULTILINE)
_RECORDED = re.compile(r"^\S+Z (\S+): (\w+)", re.MULTILINE)


@dataclass(kw_only=True)
class Verdict:
    """What one trial found; four empty lists are what was promised.

    Parameters
    ----------
    hit : bool
        Whether the fault happened.
    lost, doubled, torn : list of str
        Jobs that are gone, jobs that are recorded twice, files that are not whole or not what was reported.
    wrong : list of str
        Anything else: the next start failed or did not say what it did, or left rubbish behind.
    reported : int
        Jobs that were reported done before the fault.
    """

    hit: bool = False
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    reported: int = 0

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.doubled or self.torn or self.wrong)


class Trial:
    """A home, an output folder and five models; use as a context, so that no process is left.

    Parameters
    ----------
    folder : Path
        Empty; all that the trial makes lies below.
    models : Path
        Folder of the models.
    nursery : Nursery, optional
        Where processes come from that begin at once. None starts each the long way, as does a `prefix`.
    """

    def __init__(self, folder: Path, models: Path, nursery: Nursery | None = None) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.models = models
        self.home, self.out = self.folder / "home", self.folder / "out"
        self._nursery = nursery
        self._sessions: list[int] = []
        self._starts = 0

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *, prefix: tuple[str, ...] = (), **faults: tuple[str, int]) -> tuple[int, str]:
        """Work off the five models from the start; `faults` are ``owner=`` or ``worker=`` ``(action, point)``."""
        arguments = ("run", str(self.models), "--output", str(self.out), "--template", "batch_analysis", "--jobs", "1")
        return self._start(arguments, faults, prefix)

    def resume(self) -> tuple[int, str]:
        """Let the next session finish, without faults."""
        return self._start(("resume", "--jobs", "1"), {}, ())

    def points(self, role: str) -> list[str]:
        """Return the points that a process passed in the first run, as lines ``number call path``."""
        trace = self._trace(role)
        return trace.read_text().splitlines() if trace.exists() else []

    def judge(self, said: str) -> Verdict:
        """Look at what the fault left, have the next session finish, and look again."""
        verdict = Verdict()
        if said.endswith(HUNG):
            verdict.wrong.append("the run hung")
        reported = set(_REPORTED.findall(said))
        verdict.reported = len(reported)
        done = self._records()
        waiting = self._waiting()
        for name in reported - {Path(row["stl_path"]).name for row in done if row["state"] == "completed"}:
            verdict.lost.append(f"{name} was reported done but is not in the history")
        sums = self._checksums(done, verdict)
        accepted = bool(waiting) or bool(done)
        known = {Path(row["stl_path"]).name for row in done} | waiting
        if accepted and len(known) != JOBS:
            verdict.lost.append(f"only {sorted(known)} are known after the fault")
        self._judge_next_session(verdict, sums, accepted=accepted)
        return verdict

    def _judge_next_session(self, verdict: Verdict, sums: dict[Path, str], *, accepted: bool) -> None:
        code, said = self.resume()
        if not accepted:  # killed before the queue existed: nobody was told of any job
            code, said = self.run()
        unfinished = JOBS - len({path for path in sums if path.name.endswith("_validation.json")})
        if code != 0:
            verdict.wrong.append(f"the next session ended with {code}: {said[-600:]}")
        elif accepted and unfinished and "earlier session" not in said:
            verdict.wrong.append(f"the next start does not say what it did: {said[:300]}")
        rows = self._records()
        counts = Counter(Path(row["stl_path"]).name for row in rows)
        verdict.doubled += [f"{name} is {count} times in the history" for name, count in counts.items() if count > 1]
        completed = {Path(row["stl_path"]).name for row in rows if row["state"] == "completed"}
        missing = {path.name for path in self.models.iterdir()} - completed
        verdict.lost += [f"{name} was never completed" for name in sorted(missing)]
        verdict.torn += [f"{path} changed after it was reported" for path, s in sums.items() if _sum(path) != s]
        self._checksums(rows, verdict)
        self._judge_documents(verdict)
        for root in (self.home, self.out):
            verdict.wrong += [f"{path} was left behind" for path in root.rglob("*.part")]
        left = list((self.home / "cache" / "job_cache").glob("*"))
        verdict.wrong += [f"{path} was left behind" for path in left]

    def _judge_documents(self, verdict: Verdict) -> None:
        for path in self.out.rglob("*.json"):
            try:
                json.loads(path.read_bytes())
            except ValueError:
                verdict.torn.append(f"{path} is no JSON")
        try:
            summary = json.loads((self.out / "queue_summary.json").read_bytes())
            log = (self.out / "processing_log.txt").read_text()
        except (OSError, ValueError) as error:
            verdict.torn.append(str(error))
            return
        text = json.dumps(summary)
        verdict.wrong += [f"the summary has no {p.stem}" for p in self.models.iterdir() if f'"{p.stem}' not in text]
        blocks = Counter(name for name, state in _RECORDED.findall(log) if state == "completed")
        verdict.doubled += [f"{name} is {count} times in the log" for name, count in blocks.items() if count > 1]
        verdict.lost += [f"{p.stem} is not in the log" for p in self.models.iterdir() if p.stem not in blocks]

    def _checksums(self, rows: list[dict[str, str]], verdict: Verdict) -> dict[Path, str]:
        sums = {}
        for row in rows:
            files = [Path(name) for name in json.loads(row["files_generated"])]
            if row["state"] == "completed" and not files:
                verdict.torn.append(f"{row['stl_path']} has no files")
            for path in files:
                sums[path] = _sum(path)
                if not sums[path]:
                    verdict.torn.append(f"{path} is missing or empty")
        return sums

    def _records(self) -> list[dict[str, str]]:
        database = self.home / "job_history.db"
        if not database.exists():
            return []
        connection = sqlite3.connect(database)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM job_history")]
        except sqlite3.OperationalError:  # killed before there was a table
            return []
        finally:
            connection.close()

    def _waiting(self) -> set[str]:
        state = self.home / "queue_state.json"
        if not state.exists():
            return set()
        return {Path(job["stl_path"]).name for job in json.loads(state.read_bytes())["jobs"]}

    def _fault(self, role: str, action: str, at: int) -> dict[str, object]:
        return {"action": action, "at": at, "root": f"{self.folder}/", "trace": str(self._trace(role))}

    def _trace(self, role: str) -> Path:
        return self.folder / f"{role}.trace"

    def _start(
        self, arguments: tuple[str, ...], faults: dict[str, tuple[str, int]], prefix: tuple[str, ...]
    ) -> tuple[int, str]:
        spec = {role: self._fault(role, *faults[role]) if role in faults else None for role in ("owner", "worker")}
        arguments = (json.dumps(spec), "owner", *arguments, "--home", str(self.home))
        self._starts += 1
        # Into a file: a worker that outlives its owner for a moment must not hold a pipe that is waited for.
        said = self.folder / f"said_{self._starts}.txt"
        if prefix or self._nursery is None:
            session, code = _run_alone((*prefix, sys.executable, str(PROCESS), *arguments), said)
        else:
            session, code = self._nursery.run(arguments, said, TIMEOUT_S)
        self._sessions.append(session)
        text = said.read_text(errors="replace")
        return (-signal.SIGKILL, text + HUNG) if code is None else (code, text)


def _run_alone(command: tuple[str, ...], said: Path) -> tuple[int, int | None]:
    """Do what `Nursery.run` does, with a process that is started the long way."""
    with said.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        return process.pid, process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return process.pid, None


def _sum(path: Path) -> str:
    if path.is_symlink() and path.readlink().name:
        return str(path.readlink())
    try:
        return sha256_of(path) if path.stat().st_size else ""
    except OSError:
        return ""
