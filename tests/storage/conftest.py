"""Ended jobs, and a history to put them into."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stlkit.model.jobs import JobState, QueueJob, new_job_id
from stlkit.model.times import utc_now
from stlkit.storage.history import JobHistoryManager


@pytest.fixture
def history(tmp_path):
    manager = JobHistoryManager(tmp_path / "job_history.db")
    yield manager
    manager.close()


@pytest.fixture
def ended_job(tmp_path):
    """A job that took two seconds, some time ago."""

    def make(name="a.stl", state=JobState.COMPLETED, age=timedelta(0), moment=None, **changes):
        moment = moment or utc_now() - age
        job = QueueJob(
            id=new_job_id(moment),
            stl_path=tmp_path / name,
            output_folder=tmp_path / "out",
            output_base_folder=tmp_path / "out",
            output_name="a",
            state=state,
            created_at=moment,
            started_at=moment,
            completed_at=moment + timedelta(seconds=2),
            actual_duration=2.0,
            created_by="cli",
        )
        return replace(job, **changes)

    return make
