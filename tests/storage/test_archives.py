"""Old rows in files of their own: nothing is lost or doubled, whenever it is interrupted."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stlkit.errors import HistoryError
from stlkit.model.jobs import JobResults, JobState
from stlkit.storage.history import JobEnd, JobHistoryManager, manager

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def jobs(history, ended_job):
    """Ten jobs, one an hour, the first five of them in 2025."""
    jobs = [ended_job(f"{n}.stl", moment=NEW_YEAR + timedelta(hours=n - 5)) for n in range(10)]
    ends = [JobEnd(job=job, concurrency=number) for number, job in enumerate(jobs)]
    history.record_job_completions(ends, session_id="s")
    return jobs


def names(records):
    return [record.stl_filename.removesuffix(".stl") for record in records]


def rows_in(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM job_history").fetchone()[0]


def test_rows_go_to_the_archive_of_their_year(history, jobs, tmp_path):
    """With their facts; they are shown with the others when asked for, in one order, and not else."""
    moved = history.archive(before=NEW_YEAR + timedelta(hours=2))
    assert moved == {tmp_path / "history_archive_2025.db": 5, tmp_path / "history_archive_2026.db": 2}
    assert history.archives() == (tmp_path / "history_archive_2026.db", tmp_path / "history_archive_2025.db")
    assert names(history.records()) == ["9", "8", "7"]
    assert names(history.records(include_archived=True)) == list("9876543210")
    assert names(history.records(include_archived=True, limit=4, after=history.records()[1])) == list("7654")
    assert [names(page) for page in history.pages(size=4, include_archived=True)] == [
        list("9876"), list("5432"), list("10"),
    ]  # fmt: skip
    assert history.find_facts([jobs[1].id])[jobs[1].id].concurrency == 1
    assert history.archive(before=NEW_YEAR + timedelta(hours=2)) == {}
    assert history.check_integrity() == ()


def test_an_archive_that_is_damaged_may_be_passed_over(history, jobs, tmp_path):
    """Where that is asked for; else it is an error, which says that the history itself is sound."""
    history.archive(before=NEW_YEAR + timedelta(hours=2))
    history.close()
    (tmp_path / "history_archive_2025.db").write_bytes(b"no database" * 1000)
    ids = [job.id for job in jobs]
    with closing(JobHistoryManager(history.path)) as again:
        with pytest.raises(HistoryError, match=r"2025\.db.*the history itself is not concerned"):
            again.find_jobs(ids)
        damage = []
        assert set(again.find_jobs(ids, damage=damage)) == set(ids[5:])
        assert again.known_ids(ids, damage=damage) == set(ids[5:])
    assert ["2025.db" in str(error) for error in damage] == [True, True]


def test_days_are_counted_as_for_a_clean_up(history, ended_job):
    """Jobs of the last days stay."""
    history.record_job_completions(JobEnd(job=ended_job(age=timedelta(days=days))) for days in (1, 89, 91, 1000))
    assert sum(history.archive().values()) == 2
    assert sum(history.archive(keep_days=30).values()) == 1
    assert len(history.records()) == 1


def test_a_row_in_both_files_is_shown_once_and_settled(history, jobs):
    """As an interruption leaves it; the row of the history counts."""
    history.archive(before=NEW_YEAR)
    history.record_job_completions([JobEnd(job=jobs[0], concurrency=99), JobEnd(job=jobs[3])])
    assert names(history.records(include_archived=True)) == list("9876543210")
    assert history.find_facts([jobs[0].id])[jobs[0].id].concurrency == 99
    assert sum(history.archive(before=NEW_YEAR).values()) == 2
    assert rows_in(history.path) == rows_in(history.archives()[0]) == 5
    assert history.find_facts([jobs[0].id])[jobs[0].id].concurrency == 99


KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from stlkit.storage.history import JobHistoryManager, archive
archive.BATCH_ROWS = 3
history = JobHistoryManager(Path(sys.argv[1]))
left = int(sys.argv[2])
@event.listens_for(Engine, "commit")
def count(_connection):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
history.archive(before=datetime(2026, 1, 1, tzinfo=UTC))
"""


def test_a_kill_before_any_commit_loses_and_doubles_nothing(history, jobs):
    """Killed before its first, second, third ... commit until it comes through, with every row there once each time."""
    status, commits = 9, 0
    while status == 9:
        command = [sys.executable, "-c", KILLED, str(history.path), str(commits)]
        status = subprocess.run(command, check=False).returncode
        assert names(history.records(include_archived=True)) == list("9876543210")
        assert len(history.find_facts([job.id for job in jobs])) == 10
        commits += 1
    assert status == 0
    assert names(history.records()) == list("98765")
    assert history.check_integrity() == ()


def test_an_archived_job_is_known(history, jobs):
    """It counts as ended, so that recovery does not record it again."""
    history.archive(before=NEW_YEAR + timedelta(days=1))
    ids = [job.id for job in jobs]
    assert history.records() == []
    assert history.known_ids([*ids, "other"]) == set(ids)
    assert set(history.find_jobs(ids)) == set(ids)


@pytest.mark.usefixtures("jobs")
def test_similar_jobs_are_found_in_archives_too(history, tmp_path, ended_job):
    """By path, and by a geometry that only an archive knows."""
    scaled = {"geometry_hash": "g", "geometry_size_mm": 2.0}
    old = ended_job("old.stl", moment=NEW_YEAR - timedelta(days=1), results=JobResults(stl_checksum="11", **scaled))
    copy = ended_job("copy.stl", moment=NEW_YEAR + timedelta(days=1), results=JobResults(stl_checksum="22", **scaled))
    history.record_job_completions([JobEnd(job=old), JobEnd(job=copy)])
    history.archive(before=NEW_YEAR)
    path = tmp_path / "old.stl"
    assert history.find_similar_jobs(path) == []
    assert names(history.find_similar_jobs(path, include_archived=True)) == ["copy", "old"]


@pytest.fixture
def spread(history, ended_job):
    """A job a day for 400 days, with twelve faces and a failure every tenth day."""
    ends = []
    for day in range(400):
        state = JobState.FAILED if day % 10 == 9 else JobState.COMPLETED
        age = timedelta(days=day, hours=1)
        results = JobResults(faces=12, stl_size=684, stage_durations_s={"image": 1.0}, warnings=("thin",))
        ends.append(JobEnd(job=ended_job(f"{day}.stl", state, age=age, results=results), concurrency=1))
    history.record_job_completions(ends)
    return [end.job for end in ends]


def figures(history, days):
    """Everything but the moment at which it was asked for."""
    return replace(history.get_processing_statistics(days), since=NEW_YEAR, until=NEW_YEAR)


@pytest.mark.usefixtures("spread")
def test_archived_jobs_count_in_the_figures(history):
    """In those of the period and of the one before it, whatever is archived: all, some or none of either."""
    expected = {days: figures(history, days) for days in (20, 170, 365, 10**6)}
    assert expected[365].total == 365 and expected[365].before.total == 35
    for keep_days in (182, 30, 0):
        assert history.archive(keep_days=keep_days)
        assert {days: figures(history, days) for days in expected} == expected


def test_a_job_in_both_files_counts_once(history, spread):
    """As an interruption leaves it."""
    expected = figures(history, 30)
    history.archive(keep_days=10)
    history.record_job_completions([JobEnd(job=spread[20])])
    assert figures(history, 30).total == expected.total


@pytest.mark.usefixtures("spread")
def test_the_figures_leave_nothing_behind_in_a_connection(history, ended_job, monkeypatch):
    """Connections are used again: the next one to write and to read finds the history itself, after an error too."""
    history.archive(keep_days=20)
    history.get_processing_statistics(100)
    with monkeypatch.context() as patch:
        patch.setattr(manager, "processing_statistics", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            history.get_processing_statistics(100)
    history.record_job_completions([JobEnd(job=ended_job("new.stl"))])
    assert len(history.records(limit=-1)) == 21
    assert rows_in(history.path) == 21


@pytest.mark.usefixtures("spread")
def test_only_archives_of_those_years_are_read_for_the_figures(history, tmp_path):
    """A damaged one of long ago does not matter, one that may hold such jobs is named."""
    (tmp_path / "history_archive_1999.db").write_bytes(b"no database" * 100)
    assert history.get_processing_statistics(30).total == 30
    year = history.get_processing_statistics(30).until.year
    (tmp_path / f"history_archive_{year}.db").write_bytes(b"no database" * 100)
    with pytest.raises(HistoryError, match=rf"history_archive_{year}\.db"):
        history.get_processing_statistics(30)


@pytest.mark.usefixtures("jobs")
def test_a_reader_sees_every_row_once_while_rows_move(history):
    """A reading that has begun is not disturbed by an archiving run."""
    pages = history.pages(size=2, include_archived=True)
    found = names(next(pages))
    other = JobHistoryManager(history.path)
    other.archive(before=NEW_YEAR + timedelta(days=1))
    other.close()
    for page in pages:
        found += names(page)
    assert found == list("9876543210")


def test_rows_without_a_year_stay(history, jobs):
    """An archive needs a year to be named after."""
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute("UPDATE job_history SET created_at = '../x' WHERE id = ?", (jobs[0].id,))
        connection.execute("UPDATE job_history SET id = NULL WHERE id = ?", (jobs[1].id,))
    assert sum(history.archive(before=NEW_YEAR).values()) == 3
    assert rows_in(history.path) == 7


@pytest.mark.usefixtures("jobs")
def test_an_archive_that_is_no_database_is_named(history, tmp_path):
    """Only where archives are asked for, and nothing is removed from the history."""
    (tmp_path / "history_archive_2025.db").write_bytes(b"no database" * 100)
    assert len(history.records()) == 10
    for ask in (lambda: history.records(include_archived=True), lambda: history.archive(before=NEW_YEAR)):
        with pytest.raises(HistoryError, match=r"history_archive_2025\.db"):
            ask()
    assert len(history.records()) == 10
    (problem,) = history.check_integrity()
    assert "history_archive_2025.db" in problem
