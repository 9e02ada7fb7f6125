"""stlkit history: list, count, export, archive, compact and check."""

import csv
import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.model.options import RenderOptions
from stlkit.model.times import utc_now
from stlkit.storage.history import JobEnd, JobHistoryManager
from stlkit.workspace import Workspace


@pytest.fixture(autouse=True)
def home(tmp_path):
    """A home with three jobs, of today, of 10 and of 100 days ago."""
    home = tmp_path / "home"
    home.mkdir()
    history = JobHistoryManager(home / "job_history.db")
    for days, name, state in (
        (0, "new", JobState.COMPLETED),
        (10, "mid", JobState.FAILED),
        (100, "old", JobState.SKIPPED),
    ):
        moment = utc_now() - timedelta(days=days, minutes=1)
        job = QueueJob(
            id=new_job_id(moment),
            stl_path=tmp_path / f"{name}.stl",
            output_folder=tmp_path,
            output_base_folder=tmp_path,
            output_name=name,
            state=state,
            created_at=moment,
            completed_at=moment,
            results=JobResults(faces=12),
        )
        history.record_job_completions([JobEnd(job=job, render=RenderOptions(material="wood" if days else "metal"))])
    history.close()
    return home


def listed(stlkit, *arguments):
    jobs = json.loads(stlkit("history", "--json", *arguments).stdout)["jobs"]
    return [job["stl_filename"].removesuffix(".stl") for job in jobs]


def test_jobs_are_listed_newest_first(stlkit):
    """All of them, or those that were asked for."""
    assert listed(stlkit) == ["new", "mid", "old"]
    assert listed(stlkit, "--limit", 1) == ["new"]
    assert listed(stlkit, "--state", "failed", "--state", "skipped") == ["mid", "old"]
    assert listed(stlkit, "-O", "material=wood", "--path", "*/m*.stl") == ["mid"]
    day = (datetime.now().astimezone() - timedelta(days=50)).strftime("%Y-%m-%d")
    assert listed(stlkit, "--since", day) == ["new", "mid"]
    assert listed(stlkit, "--until", day) == ["old"]
    text = stlkit("history", "--state", "failed").stdout
    assert "mid.stl" in text and "new.stl" not in text
    assert "2 jobs in the last 30 days; of 2 that completed or failed, 50% completed" in text
    refused = stlkit("history", "--state", "fialed")
    assert refused.returncode == 2 and "did you mean 'failed'?" in refused.stderr
    assert "materiel" in stlkit("history", "-O", "materiel=wood").stderr


def test_a_job_that_was_up_to_date_is_told_as_one(stlkit, home, tmp_path):
    """With the time that it saved; one that made some of its files says how many it did not."""
    history = JobHistoryManager(home / "job_history.db")
    for name, reused in (("whole", 2), ("partly", 1)):
        job = QueueJob(
            id=new_job_id(utc_now()),
            stl_path=tmp_path / f"{name}.stl",
            output_folder=tmp_path,
            output_base_folder=tmp_path,
            output_name=name,
            state=JobState.COMPLETED,
            created_at=utc_now(),
            actual_duration=0.0,
        )
        files = (tmp_path / "a", tmp_path / "b")
        warnings = ("2 holes",) if name == "partly" else ()
        results = JobResults(files_generated=files, reused_files=reused, saved_s=54.2, warnings=warnings)
        history.record_job_completion(job, results)
    history.close()
    text = stlkit("history").stdout
    assert "up to date, saved 54 s" in text and "1 files used again, saved 54 s; 2 holes" in text
    jobs = json.loads(stlkit("history", "--json").stdout)["jobs"]
    assert {(job["stl_filename"], job["reused_files"], job["saved_s"]) for job in jobs} == {
        ("whole.stl", 2, 54.2), ("partly.stl", 1, 54.2),
        ("new.stl", 0, 0.0), ("mid.stl", 0, 0.0), ("old.stl", 0, 0.0),
    }  # fmt: skip


def test_that_no_job_fits_is_said(stlkit):
    """Before the figures, which are of all jobs."""
    assert stlkit("history", "--path", "*nowhere*").stdout.startswith("no job fits\n2 jobs in")
    assert "no job fits" not in stlkit("history", "--home", "other").stdout


def test_figures(stlkit):
    """Of as many days as wanted, as text or JSON."""
    assert "Jobs of the last 200 days" in stlkit("history", "stats", "--days", 200).stdout
    data = json.loads(stlkit("history", "stats", "--json").stdout)
    assert (data["statistics"]["total"], data["statistics"]["faces_processed"]) == (2, 12)


def test_export(stlkit, tmp_path):
    """To a file whose name says the format; the home folder may stand before or after the command."""
    result = stlkit("history", "export", "out.csv", "--state", "completed")
    assert "1 jobs were written to out.csv" in result.stdout
    with (tmp_path / "out.csv").open() as stream:
        assert [row["stl_filename"] for row in csv.DictReader(stream)] == ["new.stl"]
    Workspace(tmp_path / "other").close()
    for arguments in (
        ("history", "--home", "other", "export", "e.csv"),
        ("history", "export", "e.csv", "--home", "other"),
    ):
        assert "0 jobs" in stlkit(*arguments).stdout
    mistyped = stlkit("history", "--home", "othre")
    assert (mistyped.returncode, (tmp_path / "othre").exists()) == (2, False)
    assert "othre is no home folder" in mistyped.stderr
    assert stlkit("history", "export", "out.xlsx").returncode == 2


def test_archive(stlkit, home):
    """Old jobs go, and are still found."""
    assert "1 jobs were moved to" in stlkit("history", "archive").stdout
    assert (listed(stlkit), listed(stlkit, "--archived")) == (["new", "mid"], ["new", "mid", "old"])
    assert stlkit("history", "archive").stdout == "no job is old enough\n"
    moved = json.loads(stlkit("history", "archive", "--keep-days", 5, "--json").stdout)["moved"]
    assert sum(moved.values()) == 1 and all(name.startswith(str(home)) for name in moved)


def test_vacuum_and_check(stlkit, home):
    """A sound history is 0, damage is 1 and named."""
    assert "smaller" in stlkit("history", "vacuum").stdout
    result = stlkit("history", "check")
    assert (result.returncode, result.stdout) == (0, "the history is sound\n")
    with closing(sqlite3.connect(home / "job_history.db")) as connection, connection:
        connection.execute("UPDATE job_history SET warnings = '{' WHERE stl_filename = 'mid.stl'")
    result = stlkit("history", "check")
    assert result.returncode == 1 and "job_history.db: row" in result.stdout
    data = json.loads(stlkit("history", "check", "--json").stdout)
    assert not data["sound"] and len(data["problems"]) == 1
