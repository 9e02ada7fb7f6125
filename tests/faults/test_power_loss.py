"""The power fails: what was reported done is on the disk, and the rest is still to be done."""

import pytest
from power_loss import RecordedRun, strace_works


@pytest.mark.skipif(not strace_works(), reason="the system calls of a process cannot be recorded here")
def test_a_power_failure_at_any_moment_costs_no_job_and_no_reported_file(tmp_path, models):
    """Un-synced bytes and names are dropped, on a strict disk and on one that writes names first."""
    outcomes = list(RecordedRun(tmp_path, models).cut(every=29))
    assert len(outcomes) > 40
    assert max(outcome.reported for outcome in outcomes) == 5
    assert [outcome for outcome in outcomes if outcome.lost or outcome.torn] == []
