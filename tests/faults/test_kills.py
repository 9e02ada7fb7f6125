"""Killed at any point of a run, or refused by the disk: the promise holds. ``make faults`` hits every point."""

import random
import re

import pytest
from fault_nursery import Nursery
from fault_trial import Trial
from matrix import all_points

# Points differ a little from one run to the next, because threads do; these are spread over all of it.
KINDS = (
    ("owner", "kill", 7), ("owner", "tear", 1), ("worker", "kill", 2), ("worker", "kill_parent", 3),
    ("owner", "ENOSPC", 1), ("owner", "EIO", 2), ("worker", "EIO", 1), ("worker", "ENOSPC", 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def points(tmp_path_factory, models):
    """Every point of a run, by what may happen there."""
    kinds = tuple((role, action) for role, action, _ in KINDS)
    found = all_points(tmp_path_factory.mktemp("count"), models, kinds)
    return {kind: [point for point in found if (point.role, point.action) == kind] for kind in kinds}


@pytest.fixture(scope="module")
def nursery():
    """Where processes come from that begin at once."""
    with Nursery() as nursery:
        yield nursery


def test_a_run_is_made_of_hundreds_of_points(points):
    """The harness sees the writes, syncs, renames, removals and commits of process and worker."""
    for role in ("owner", "worker"):
        calls = {point.call for point in points[role, "EIO"]}
        assert {"create", "write", "fsync", "replace", "mkdir"} <= calls
    assert "commit" in {point.call for point in points["owner", "EIO"]}
    assert min(len(points["owner", "kill"]), len(points["worker", "kill"])) > 200


def test_forks_pass_the_points_that_real_processes_pass(models, nursery, tmp_path):
    """Calls that a module had taken for itself before the fork would be no points."""
    passed = []
    for name, source in (("alone", None), ("forked", nursery)):
        with Trial(tmp_path / name, models, source) as trial:
            code, said = trial.run(owner=("count", 0), worker=("count", 0))
            assert code == 0, said
            lines = [line.split(maxsplit=1)[1] for role in ("owner", "worker") for line in trial.points(role)]
        passed.append({re.sub(r"[0-9a-f]{8,}|\d+", "#", line) for line in lines})
    assert passed[0] == passed[1]


@pytest.mark.parametrize(
    ("kind", "part", "parts"), [((role, action), i, n) for role, action, n in KINDS for i in range(n)]
)
def test_no_job_is_lost_or_doubled_and_no_file_torn(points, models, nursery, tmp_path, kind, part, parts):
    """Whatever was reported done stays done and whole, the rest is finished by the next session, which says so."""
    those = points[kind]
    chance = random.Random(f"{kind} {part}")
    verdict = chance.choice(those[part * len(those) // parts : (part + 1) * len(those) // parts]).try_out(
        tmp_path / "trial", models, nursery
    )
    assert verdict.kept, verdict


@pytest.mark.parametrize("worker_signal", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_dies_costs_one_attempt_of_one_job(models, nursery, tmp_path, worker_signal):
    """The next worker does the job, and nothing else notices."""
    with Trial(tmp_path / "trial", models, nursery) as trial:
        code, said = trial.run(worker=(worker_signal, 60))
        assert code == 0, said
        assert trial.judge(said).kept
        assert f"signal {worker_signal}" in (trial.out / "processing_log.txt").read_text()
