"""``make faults``: every point of a run, hit one after the other; prints what came of it.

Exit code 1 if a job was lost or doubled, a file torn, or anything else of the promise broken (see `fault_trial`).
"""

# ruff: noqa: T201 - a table is what it is for
from __future__ import annotations

import argparse
import itertools
import queue
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fault_nursery import Nursery
from fault_trial import Trial, Verdict
from power_loss import RecordedRun, strace_works

from stlkit.model.geometry import encode_binary_stl

KILLS = (("owner", "kill"), ("owner", "tear"), ("worker", "kill"), ("worker", "kill_parent"))
ERRORS = tuple((role, code) for role in ("owner", "worker") for code in ("ENOSPC", "EIO", "EACCES"))
SYSTEM_CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "link", "mkdir", "ftruncate")
TITLES = {
    ("owner", "kill"): "the process killed",
    ("owner", "tear"): "the process killed in a write",
    ("worker", "kill"): "a worker killed",
    ("worker", "kill_parent"): "process and worker killed",
    ("system", "kill"): "killed at a system call",
}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One trial to do: at the `at`-th call, `role` meets `action`."""

    role: str
    action: str
    at: int
    call: str

    @property
    def title(self) -> str:
        """Name of the row in the matrix."""
        return TITLES.get((self.role, self.action), f"{self.action} in the {self.role}")

    def try_out(self, folder: Path, models: Path, nursery: Nursery) -> Verdict:
        """Run, and judge."""
        with Trial(folder, models, nursery) as trial:
            if self.role == "system":
                log, inject = trial.folder / "strace.txt", f"inject={self.call}:signal=SIGKILL:when={self.at}"
                prefix = ("strace", "-f", "-o", str(log), "-e", f"trace={self.call}", "-e", inject)
                _, said = trial.run(prefix=prefix)
                verdict = trial.judge(said)
                verdict.hit = "killed by SIGKILL" in log.read_text(errors="replace")
                return verdict
            _, said = trial.run(**{self.role: (self.action, self.at)})
            verdict = trial.judge(said)
            verdict.hit = len(trial.points(self.role)) >= self.at
            return verdict


def all_points(folder: Path, models: Path, kinds: tuple[tuple[str, str], ...]) -> list[Point]:
    """Count the points of a run without faults, and return a trial for each and each kind of fault."""
    with Trial(folder / "count", models) as trial:
        code, said = trial.run(owner=("count", 0), worker=("count", 0))
        if code != 0:
            raise RuntimeError(f"a run without faults ended with {code}: {said}")
        calls = {role: [line.split(maxsplit=2)[1] for line in trial.points(role)] for role in ("owner", "worker")}
    return [
        Point(role=role, action=action, at=at, call=call)
        for role, action in kinds
        for at, call in enumerate(calls[role], start=1)
        if action != "tear" or call == "write"
    ]


def system_points(folder: Path, models: Path) -> list[Point]:
    """Count the system calls of each thread in a run without faults; strace counts by thread too."""
    log = folder / "strace.txt"
    with Trial(folder / "count", models) as trial:
        trial.run(prefix=("strace", "-f", "--seccomp-bpf", "-o", str(log), "-e", "trace=" + ",".join(SYSTEM_CALLS)))
    counts = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(errors="replace"), re.MULTILINE))
    most = {call: max((n for (_, name), n in counts.items() if name == call), default=0) for call in SYSTEM_CALLS}
    return [
        Point(role="system", action="kill", at=at, call=call)
        for call in SYSTEM_CALLS
        for at in range(1, most[call] + 1)
    ]


def try_all(points: list[Point], folder: Path, models: Path, *, workers: int = 2) -> Iterator[tuple[Point, Verdict]]:
    """Do the trials, some at a time, and yield them in their order."""
    nurseries: queue.SimpleQueue[Nursery] = queue.SimpleQueue()

    def try_out(number: int, point: Point) -> Verdict:
        nursery = nurseries.get()
        try:
            return point.try_out(folder / f"trial{number}", models, nursery)
        finally:
            nurseries.put(nursery)

    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        for _ in range(workers):
            nurseries.put(stack.enter_context(Nursery()))
        futures = [pool.submit(try_out, number, point) for number, point in enumerate(points)]
        for point, future in zip(points, futures, strict=True):
            yield point, future.result()


def write_models(folder: Path) -> Path:
    """Write five small tetrahedra, no two alike."""
    folder.mkdir()
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    facets = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    for number in range(5):
        (folder / f"corner{number}.stl").write_bytes(encode_binary_stl(corners[facets] * (10 + number)))
    return folder


def main() -> int:
    """Do everything, print the matrix, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every so-many-th point")
    parser.add_argument("--first", type=int, default=0, help="where those begin, counted from 0")
    parser.add_argument("--workers", type=int, default=2, help="trials at a time")
    chosen = parser.parse_args()
    broken = 0
    print(f"{'what fails':<32}{'points':>8}{'hit':>6}{'lost':>6}{'doubled':>9}{'torn':>6}{'other':>7}{'minutes':>9}")
    with tempfile.TemporaryDirectory(prefix="stlkit-faults-") as name:
        folder = Path(name)
        models = write_models(folder / "models")
        points = all_points(folder, models, KILLS + ERRORS)
        points += system_points(folder, models) if strace_works() else []
        for title, row in itertools.groupby(points, key=lambda point: point.title):
            broken += _print_row(title, list(row)[chosen.first :: chosen.every], folder, models, chosen.workers)
        if strace_works():
            broken += _print_power_loss(folder, models, chosen.first, chosen.every)
        else:
            print("no strace here: system calls and power failures were left out")
    return 1 if broken else 0


def _print_row(title: str, points: list[Point], folder: Path, models: Path, workers: int) -> int:
    started = time.monotonic()
    trials = list(try_all(points, folder, models, workers=workers))
    verdicts = [verdict for _, verdict in trials]
    lost, doubled, torn, wrong = (
        sum(len(getattr(verdict, kind)) for verdict in verdicts) for kind in ("lost", "doubled", "torn", "wrong")
    )
    hit = sum(verdict.hit for verdict in verdicts)
    minutes = (time.monotonic() - started) / 60
    print(f"{title:<32}{len(points):>8}{hit:>6}{lost:>6}{doubled:>9}{torn:>6}{wrong:>7}{minutes:>9.1f}", flush=True)
    for point, verdict in trials:
        if not verdict.kept:
            print(f"    {point}: {verdict}", flush=True)
    return lost + doubled + torn + wrong


def _print_power_loss(folder: Path, models: Path, first: int, every: int) -> int:
    started = time.monotonic()
    outcomes = list(RecordedRun(folder, models).cut(every=every, first=first))
    lost, torn = sum(len(o.lost) for o in outcomes), sum(len(o.torn) for o in outcomes)
    minutes = (time.monotonic() - started) / 60
    count = len(outcomes)
    print(f"{'the power':<32}{count:>8}{count:>6}{lost:>6}{0:>9}{torn:>6}{0:>7}{minutes:>9.1f}", flush=True)
    for outcome in outcomes:
        if outcome.lost or outcome.torn:
            print(f"    {outcome}", flush=True)
    return lost + torn


if __name__ == "__main__":
    sys.exit(main())
