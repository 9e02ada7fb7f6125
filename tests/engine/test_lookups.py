"""Which waiting jobs may begin beside running ones of the same content."""

from pathlib import Path

import pytest

from stlkit.engine.lookups import Lookups
from stlkit.engine.reuse import Lookup
from stlkit.model.jobs import QueueJob, new_job_id


@pytest.fixture
def twins():
    """Lookups of two jobs whose files are the same."""
    base = Path("/out")
    jobs = [
        QueueJob(
            id=new_job_id(), stl_path=Path(f"/{name}.stl"), output_folder=base / name, output_base_folder=base,
            output_name=name,
        )
        for name in "ab"
    ]  # fmt: skip
    lookups = Lookups(None, None)
    for job in jobs:
        lookups.keep(Lookup(job=job, options=(), stl_checksum="same"))
    return lookups, *jobs


def test_a_twin_waits_while_a_job_runs_and_not_while_it_is_held(twins):
    """Nobody knows how long a job is held; when it goes on, what it makes is waited for again."""
    lookups, first, second = twins
    assert lookups.may_begin(second)
    lookups.begin(first.id)
    assert not lookups.may_begin(second)
    lookups.hold(first.id)
    assert lookups.may_begin(second)
    lookups.go_on(first.id)
    assert not lookups.may_begin(second)


@pytest.mark.parametrize("held", [False, True])
def test_the_end_of_a_job_has_its_twins_and_itself_looked_up_anew(twins, held):
    """What it made may help them, also where it was held in between."""
    lookups, first, second = twins
    lookups.begin(first.id)
    if held:
        lookups.hold(first.id)
    lookups.forget(first.id)
    assert lookups._found == {}
    assert lookups.may_begin(second)


def test_what_was_sought_before_a_twin_was_over_is_not_kept(twins):
    """It was looked up too early to know what the twin made."""
    lookups, first, second = twins
    lookups.begin(first.id)
    early = Lookup(job=second, options=(), stl_checksum="same")
    lookups.forget(first.id)
    lookups.keep(early)
    assert lookups._found == {}
    lookups.keep(late := Lookup(job=second, options=(), stl_checksum="same"))
    assert lookups._found == {second.id: late}
