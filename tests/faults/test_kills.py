"""Killed at any point of a run, or refused by the disk: the promise holds. ``make faults`` hits every point."""

import random

import pytest
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


def test_a_run_is_made_of_hundreds_of_points(points):
    """The harness sees the writes, syncs, renames, removals and commits of process and worker."""
    for role in ("owner", "worker"):
        calls = {point.call for point in points[role, "EIO"]}
        assert {"create", "write", "fsync", "replace", "mkdir"} <= calls
    assert "commit" in {point.call for point in points["owner", "EIO"]}
    assert min(len(points["owner", "kill"]), len(points["worker", "kill"])) > 200


@pytest.mark.parametrize(
    ("role", "action", "part", "parts"), [(role, action, i, n) for role, action, n in KINDS for i in range(n)]
)
def test_no_job_is_lost_or_doubled_and_no_file_torn(points, models, tmp_path, role, action, part, parts):
    """Whatever was reported done stays done and whole, the rest is finished by the next session, which says so."""
    those = points[role, action]
    chance = random.Random(f"{role} {action} {part}")
    verdict = chance.choice(those[part * len(those) // parts : (part + 1) * len(those) // parts]).try_out(
        tmp_path / "trial", models
    )
    assert verdict.kept, verdict


@pytest.mark.parametrize("worker_signal", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_dies_costs_one_attempt_of_one_job(models, tmp_path, worker_signal):
    """The next worker does the job, and nothing else notices."""
    with Trial(tmp_path / "trial", models) as trial:
        code, said = trial.run(worker=(worker_signal, 60))
        assert code == 0, said
        assert trial.judge(said).kept
        assert f"signal {worker_signal}" in (trial.out / "processing_log.txt").read_text()
