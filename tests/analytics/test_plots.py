"""The history as a table and as a picture."""

from datetime import timedelta

import pytest

from stlkit.analytics.history import History
from stlkit.analytics.plots import STATE_COLORS, plot_jobs_per_day
from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.model.times import utc_now


@pytest.fixture
def history(tmp_path):
    manager = History(tmp_path / "history.db")
    for days, state in ((3, JobState.COMPLETED), (3, JobState.FAILED), (1, JobState.COMPLETED)):
        moment = utc_now() - timedelta(days=days)
        job = QueueJob(
            id=new_job_id(moment), stl_path=tmp_path / "a.stl", output_folder=tmp_path, output_base_folder=tmp_path,
            output_name="a", state=state, created_at=moment, completed_at=moment, actual_duration=1.5,
        )  # fmt: skip
        manager.record_job_completion(job, JobResults(validation_passed=state is JobState.COMPLETED or None))
    yield manager
    manager.close()


def test_rows_come_oldest_first_with_real_types(history):
    """Times are times, categories are categories, unknown stays unknown."""
    frame = history.to_dataframe()
    assert list(frame["state"]) == ["completed", "failed", "completed"]
    assert frame["created_at"].is_monotonic_increasing
    assert str(frame["state"].dtype) == "category"
    assert frame["validation_passed"].isna().tolist() == [False, True, False]
    assert frame["actual_duration"].sum() == pytest.approx(4.5)


def test_filters_narrow_the_table(history):
    """By state, by time, by number."""
    assert len(history.to_dataframe(state="failed")) == 1
    assert len(history.to_dataframe(since=utc_now() - timedelta(days=2))) == 1
    assert list(history.to_dataframe(limit=2)["state"]) == ["failed", "completed"]


def test_an_empty_history_is_an_empty_table_with_all_columns(tmp_path):
    """Nothing special has to be done on the first day."""
    manager = History(tmp_path / "new.db")
    frame = manager.to_dataframe()
    assert len(frame) == 0
    assert set(manager.columns()) < set(frame.columns)
    assert plot_jobs_per_day(frame).get_title(loc="left") == "Jobs per day"
    manager.close()


def test_jobs_per_day_are_stacked_by_state_and_days_without_jobs_are_shown(history):
    """Three days, one of them empty; the bars add up to the jobs."""
    ax = plot_jobs_per_day(history.to_dataframe())
    bars = {container.get_label(): [bar.get_height() for bar in container] for container in ax.containers}
    assert bars == {"completed": [1, 0, 1], "failed": [1, 0, 0]}
    assert set(bars) <= set(STATE_COLORS)
