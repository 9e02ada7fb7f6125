"""Figures of a period: answers known in closed form, shown as text and as a page."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from stlkit.model.causes import refusal_of
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import RenderOptions
from stlkit.model.times import utc_now
from stlkit.storage.history import JobEnd
from stlkit.storage.history.counting import normalized
from stlkit.storage.history.presentation import seconds
from stlkit.storage.history.statistics import wilson_interval

EVIL = '<img src=x onerror="alert(1)">\x1b[2J\u202e\n</td>'


@pytest.fixture
def record(history, ended_job):
    """Record a job that began `begin_s` after noon, two days ago, and took `took_s`."""
    noon = (utc_now() - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)

    def make(name="a.stl", state=JobState.COMPLETED, begin_s=0.0, took_s=2.0, results=None, render=None, **changes):
        moment = noon + timedelta(seconds=begin_s)
        job = ended_job(name, state, moment=moment, results=results or JobResults(), **changes)
        job = replace(job, completed_at=moment + timedelta(seconds=took_s), actual_duration=took_s)
        history.record_job_completions([JobEnd(job=job, render=render)])
        return job

    return make


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_the_interval_is_wilsons(successes, trials, low, high):
    """The published examples of Newcombe, 1998, table I, and both ends."""
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-4)
    assert wilson_interval(0, 0) is None


def test_success_counts_what_completed_or_failed(history, record):
    """A job that was cancelled or skipped says nothing about success."""
    for state, count in ((JobState.COMPLETED, 81), (JobState.FAILED, 182), (JobState.CANCELLED, 7)):
        for _ in range(count):
            record(state=state)
    stats = history.get_processing_statistics()
    assert stats.by_state == {"failed": 182, "completed": 81, "cancelled": 7}
    assert stats.success_rate == pytest.approx(81 / 263)
    assert stats.success_interval == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_the_rate_of_success_says_what_it_is_of(history, record):
    """Three good jobs beside four refused ones are not 100 % of seven, nor does 42.9 % stand under the same name."""
    for state, count in ((JobState.COMPLETED, 3), (JobState.SKIPPED, 4)):
        for _ in range(count):
            record(state=state)
    stats = history.get_processing_statistics()
    assert "success     100.0 %, of 3 that completed or failed, 95 % sure: 43.9 % to 100.0 %" in str(stats)
    assert "completed     3  42.9 %" in str(stats)
    assert "of 3 that completed or failed" in stats._repr_html_()


def test_durations(history, record):
    """Quantiles of 0, 1 ... 100 s are their numbers; jobs that did not complete are left out."""
    for took_s in (100.0, *range(100)):
        record(took_s=float(took_s))
    record(state=JobState.FAILED, took_s=5000.0)
    stats = history.get_processing_statistics()
    assert stats.duration_quantiles_s == pytest.approx({0.05: 5, 0.25: 25, 0.5: 50, 0.75: 75, 0.95: 95})
    assert (stats.mean_duration_s, stats.total_duration_s) == (pytest.approx(50), pytest.approx(10_050))


def test_throughput_is_of_the_time_in_which_jobs_ran(history, record):
    """Two jobs side by side and one after a pause: 60 + 60 busy seconds, not 150, and not those of the pause."""
    for begin_s, took_s in ((0, 60), (10, 30), (1000, 60)):
        record(begin_s=begin_s, took_s=took_s)
    stats = history.get_processing_statistics(days=10)
    assert stats.jobs_per_hour == pytest.approx(90.0, rel=1e-3)
    assert stats.jobs_per_day == pytest.approx(0.3)


def test_time_by_stage_and_by_option(history, record):
    """Stages of all jobs, options of completed ones; materials first, the most time first."""
    stages = JobResults(stage_durations_s={"image": 3.0, "intake": 1.0})
    record(render=RenderOptions(material="wood"), took_s=4.0, results=stages)
    record(render=RenderOptions(material="wood", quality="high"), took_s=8.0, results=stages)
    record(render=RenderOptions(material="metal"), took_s=5.0)
    record(render=RenderOptions(material="metal"), took_s=500.0, state=JobState.FAILED)
    stats = history.get_processing_statistics()
    assert list(stats.stage_durations_s.items()) == [("image", 6.0), ("intake", 2.0)]
    assert [(each.option, each.value, each.jobs, each.total_duration_s) for each in stats.by_option] == [
        ("material", "wood", 2, 12.0),
        ("material", "metal", 1, 5.0),
        ("quality", "standard", 2, 9.0),
        ("quality", "high", 1, 8.0),
    ]
    assert stats.by_option[0].mean_duration_s == pytest.approx(6.0)


def test_what_was_read_made_and_saved(history, record):
    """Files and faces of completed jobs, outputs of all; what was there already was not made again."""
    files = {"files_generated": ("/a.png", "/b.png", "/c.png"), "output_bytes": 10, "reused_files": 1, "saved_s": 1.5}
    for state in (JobState.COMPLETED, JobState.COMPLETED, JobState.FAILED):
        record(state=state, results=JobResults(stl_size=100, faces=12, **files))
    stats = history.get_processing_statistics()
    assert (stats.bytes_processed, stats.faces_processed) == (200, 24)
    assert (stats.files_generated, stats.output_bytes, stats.reused_files, stats.saved_s) == (6, 30, 3, 4.5)


def test_a_job_that_was_up_to_date_made_nothing_and_took_no_time(history, record):
    """Its files and bytes are of the job before, and its no seconds are no measure of work."""
    made = JobResults(files_generated=("/a.png", "/b.png"), output_bytes=10)
    wood = RenderOptions(material="wood")
    record(took_s=6.0, results=made, render=wood)
    for _ in range(7):
        record(took_s=0.0, results=replace(made, reused_files=2, saved_s=6.0), render=wood)
    stats = history.get_processing_statistics()
    assert (stats.total, stats.files_generated, stats.output_bytes) == (8, 2, 10)
    assert (stats.reused_files, stats.saved_s) == (14, 42.0)
    assert stats.mean_duration_s == 6.0 and set(stats.duration_quantiles_s.values()) == {6.0}
    assert [(each.jobs, each.mean_duration_s) for each in stats.by_option] == [(1, 6.0), (1, 6.0)]
    assert [(each.jobs, each.mean_duration_s) for each in stats.slowest] == [(8, 6.0)]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("12 open edges", "# open edges"),
        ("about 1,234.5 mm", "about # mm"),
        ("/models/set 1/a.stl: empty", "<path> #/a.stl: empty"),
        ("cannot read '/models/a-7.stl', and/or write", "cannot read '<path>', and/or write"),
        ("model.v2 is 3/4 done", "model.v# is #/# done"),
    ],
)
def test_numbers_and_paths_do_not_part_messages(message, shown):
    """What differs from job to job is taken out, everything else stays."""
    assert normalized(message) == shown


def test_frequent_warnings_and_errors(history, record):
    """Each counts the jobs that had it, the most frequent first."""
    for n in range(3):
        record(results=JobResults(warnings=(f"{n} open edges", f"{n + 5} open edges", "units are in doubt")))
    record(results=JobResults(warnings=("4 open edges",)))
    for n in range(2):
        record(state=JobState.FAILED, error_message=f"/m/{n}.stl ends after {n} triangles")
    record(state=JobState.SKIPPED, error_message="refused")
    stats = history.get_processing_statistics()
    assert [(each.message, each.jobs) for each in stats.warnings] == [("# open edges", 4), ("units are in doubt", 3)]
    assert [(each.message, each.jobs) for each in stats.errors] == [
        ("<path> ends after # triangles", 2),
        ("refused", 1),
    ]


def test_each_finding_of_a_refusal_is_an_error_of_its_own(history, record):
    """Else every refused model would be the only one of its kind; a job counts once for each."""
    for found in (("2 holes; expect gaps", "5 faces cross"), ("9 holes; expect gaps",), ("1 holes; expect gaps",) * 2):
        record(state=JobState.SKIPPED, error_message=refusal_of(found), results=JobResults(warnings=found))
    record(state=JobState.SKIPPED, error_message=refusal_of(("7 faces cross", "it is flat")))
    stats = history.get_processing_statistics()
    assert [(each.message, each.jobs) for each in stats.errors] == [
        ("refused: # holes; expect gaps", 3),
        ("refused: # faces cross", 2),
        ("refused: it is flat", 1),
    ]


def test_slow_and_failing_models(history, record, tmp_path):
    """By the mean time of completed jobs, and by how often they failed."""
    for took_s in (1.0, 3.0):
        record("quick.stl", took_s=took_s)
    record("slow.stl", took_s=60.0)
    for name, count in (("slow.stl", 1), ("bad.stl", 2)):
        for _ in range(count):
            record(name, JobState.FAILED, took_s=900.0)
    stats = history.get_processing_statistics()
    slow, quick, bad = (str(tmp_path / f"{name}.stl") for name in ("slow", "quick", "bad"))
    assert [(each.stl_path, each.mean_duration_s) for each in stats.slowest] == [(slow, 60.0), (quick, 2.0)]
    assert [(each.stl_path, each.failed, each.jobs) for each in stats.most_failing] == [(bad, 2, 2), (slow, 1, 2)]


def test_the_trend_compares_with_the_period_before(history, ended_job):
    """Twice the jobs, half the time each, and a quarter of them failing more; nothing before that counts."""
    for age, took_s, states in (
        (5, 2.0, (JobState.COMPLETED, JobState.COMPLETED, JobState.COMPLETED, JobState.FAILED)),
        (15, 4.0, (JobState.COMPLETED, JobState.COMPLETED)),
        (25, 4000.0, (JobState.FAILED,)),
    ):
        for state in states:
            job = ended_job(state=state, age=timedelta(days=age), actual_duration=took_s)
            history.record_job_completion(job, JobResults(stl_size=100))
    stats = history.get_processing_statistics(days=10)
    assert stats.trend == pytest.approx(
        {"jobs": 1.0, "mean_duration": -0.5, "success_rate": -0.25, "bytes_processed": 0.5}
    )
    assert "jobs        4, +100.0 %" in str(stats)
    assert "75.0 %, of 4 that completed or failed, \N{MINUS SIGN}25.0 points" in str(stats)


def test_an_empty_history_has_figures_too(history):
    """All zero or missing, and still shown."""
    stats = history.get_processing_statistics(days=10**9)
    assert (stats.total, stats.success_rate, stats.jobs_per_hour, stats.duration_quantiles_s) == (0, None, None, {})
    assert str(stats).splitlines()[-1] == "jobs        0"
    assert "<table" not in stats._repr_html_()


def test_a_row_that_no_stlkit_wrote_does_not_hide_the_others(history, record):
    """What of it cannot be read does not count."""
    good, bad = record(results=JobResults(stage_durations_s={"image": 1.0}, warnings=("w",))), record()
    with closing(sqlite3.connect(history.path)) as connection, connection:
        changes = "warnings = '{', files_generated = 'x', render_options = '[', started_at = 'then', stl_size = 9e18"
        connection.execute(f"UPDATE job_history SET {changes} WHERE id = ?", (bad.id,))  # noqa: S608
        connection.execute("UPDATE job_facts SET stage_durations = '[' WHERE job_id = ?", (bad.id,))
    stats = history.get_processing_statistics()
    assert (stats.total, stats.stage_durations_s, stats.warnings[0].jobs) == (2, {"image": 1.0}, 1)
    assert good.id != bad.id


def test_names_and_messages_are_shown_as_text(history, record):
    """On the terminal and in a page."""
    record(f"{EVIL}.stl".replace("/", ""), JobState.FAILED, error_message=EVIL, results=JobResults(warnings=(EVIL,)))
    record(f"{'x' * 300}.stl", took_s=9.0)
    stats = history.get_processing_statistics()
    page, text = stats._repr_html_(), str(stats)
    assert "<img" not in page and "&lt;img" in page
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text + page)
    assert max(map(len, text.splitlines())) < 130
    assert page.count("<div") == page.count("</div>") and page.count("<tr") == page.count("</tr>")
    assert to_plain(stats)["by_state"] == {"failed": 1, "completed": 1}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"), (0.0, "0 s"), (0.423, "0.42 s"), (0.997, "1.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
        (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3599.6, "1 h 00 min"), (7500, "2 h 05 min"),
        (86_399, "1 d 0 h"), (273_600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_durations_for_a_person(value, shown):
    """Two figures that matter, and no 60 seconds or 60 minutes."""
    assert seconds(value) == shown
