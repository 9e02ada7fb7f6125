"""Histories of jobs that never ran."""

from datetime import UTC, datetime, timedelta

from stlkit.analytics.history import History
from stlkit.analytics.sample_history import write_sample_history

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_sample_history_is_spread_over_its_days_and_equal_for_equal_seeds(tmp_path):
    """As many jobs as were asked for, in the span, in every state; a second time adds none."""
    history = History(tmp_path / "job_history.db")
    assert write_sample_history(history, jobs=400, days=100, until=UNTIL) == 400
    assert write_sample_history(history, jobs=400, days=100, until=UNTIL) == 0
    table = history.to_dataframe()
    history.close()
    assert len(table) == 400
    assert table["created_at"].between(UNTIL - timedelta(days=100), UNTIL).all()
    assert set(table["state"]) == {"completed", "failed", "skipped", "cancelled"}
    assert (table["state"] == "completed").mean() > 0.85
    assert table.loc[table["state"].isin(["failed", "skipped"]), "error_message"].notna().all()
