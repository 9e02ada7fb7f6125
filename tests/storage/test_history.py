"""The history database: the documented table, one row a job, many processes."""

import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from stlkit.errors import HistoryError
from stlkit.files import sha256_of
from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.storage.history import JobEnd, JobFacts, JobHistoryManager
from stlkit.storage.schema import DOCUMENTED, SCHEMA


@pytest.fixture
def history(tmp_path):
    manager = JobHistoryManager(tmp_path / "job_history.db")
    yield manager
    manager.close()


def ended_job(tmp_path, name="a.stl", state=JobState.COMPLETED, age=timedelta(0), **changes):
    moment = utc_now() - age
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


def test_the_schema_is_the_documented_one(history):
    """Table and indexes stand in the file exactly as the specification has them; all else is in a table beside it."""
    with sqlite3.connect(history.path) as connection:
        found = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert sorted(found) == sorted(SCHEMA)
    assert not any("job_history" in statement for statement in SCHEMA if statement not in DOCUMENTED)
    assert journal == "wal"


def test_a_job_comes_back_as_it_was_recorded(history, tmp_path):
    """All columns are filled, times are UTC texts that end in Z, and a second recording changes nothing."""
    results = JobResults(
        validation_passed=True, files_generated=(tmp_path / "x.png",), warnings=("w",), stl_size=684,
        stl_checksum="ab" * 32,
    )  # fmt: skip
    job = ended_job(tmp_path)
    arguments = {"render": RenderOptions(), "validation": ValidationOptions(), "session_id": "s1"}
    assert history.record_job_completion(job, results, **arguments) is True
    assert history.record_job_completion(job, replace(results, warnings=()), **arguments) is False
    (record,) = history.records()
    assert (record.id, record.stl_filename, record.state, record.stl_size) == (job.id, "a.stl", "completed", 684)
    assert record.created_at == job.created_at
    assert record.files_generated == (str(tmp_path / "x.png"),)
    assert record.warnings == ("w",)
    assert record.validation_passed is True
    assert record.render_options["material"] == "plastic"
    with sqlite3.connect(history.path) as connection:
        created_at = connection.execute("SELECT created_at FROM job_history").fetchone()[0]
    connection.close()
    assert created_at.endswith("Z")


def test_what_is_known_beside_the_documented_columns_comes_back(history, tmp_path):
    """Facts are recorded with the job, from its results and from what it ran with."""
    results = JobResults(
        errors=("no video",), faces=1234, stage_durations_s={"image": 1.5}, peak_memory_bytes=10**9, output_bytes=77,
        options_hash="aa", geometry_hash="bb", geometry_size_mm=2.5, reused_files=3, saved_s=4.5,
    )  # fmt: skip
    job = ended_job(tmp_path, attempts=2)
    history.record_job_completion(job, results, output=OutputSettings(custom_prefix="shop"), concurrency=2)
    settings = history.find_facts([job.id])[job.id].output_settings
    assert settings["custom_prefix"] == "shop"
    assert history.find_facts([job.id, "unknown"]) == {
        job.id: JobFacts(
            job_id=job.id, faces=1234, stage_durations={"image": 1.5}, peak_memory_bytes=10**9, output_bytes=77,
            output_settings=settings, errors=("no video",), attempts=2, concurrency=2, options_hash="aa",
            geometry_hash="bb", geometry_size_mm=2.5, reused_files=3, saved_s=4.5,
        )
    }  # fmt: skip


def test_many_ends_are_recorded_in_one_transaction(history, tmp_path):
    """All are new or known, none is doubled, and where one cannot be stored none is."""
    jobs = [ended_job(tmp_path, results=JobResults(faces=n)) for n in range(1200)]
    assert history.record_job_completion(jobs[0], JobResults()) is True
    assert history.record_job_completions((JobEnd(job=job) for job in [*jobs, jobs[5]]), session_id="s") == 1199
    assert history.known_ids([job.id for job in jobs]) == {job.id for job in jobs}
    facts = history.find_facts([job.id for job in jobs])
    assert [facts[job.id].faces for job in jobs] == [None, *range(1, 1200)]
    good, bad = ended_job(tmp_path), ended_job(tmp_path, results=JobResults(faces=2**70))
    with pytest.raises((HistoryError, OverflowError)):
        history.record_job_completions([JobEnd(job=good), JobEnd(job=bad)])
    assert history.known_ids([good.id, bad.id]) == frozenset()
    assert history.find_facts([good.id]) == {}


def test_facts_of_a_row_that_was_removed_by_hand_give_way(history, tmp_path):
    """Such a job can be recorded again."""
    job = ended_job(tmp_path)
    history.record_job_completion(job, JobResults(faces=1))
    with sqlite3.connect(history.path) as connection:
        connection.execute("DELETE FROM job_history")
    connection.close()
    assert history.record_job_completion(job, JobResults(faces=2)) is True
    assert history.find_facts([job.id])[job.id].faces == 2


def test_similar_jobs_have_the_same_path_or_the_same_content(history, tmp_path):
    """A copy under another name is found by its checksum; another file is not."""
    (tmp_path / "a.stl").write_bytes(b"solid a")
    (tmp_path / "copy.stl").write_bytes(b"solid a")
    checksum = sha256_of(tmp_path / "a.stl")
    same_path = ended_job(tmp_path, age=timedelta(days=2))
    same_content = ended_job(tmp_path, "elsewhere.stl", age=timedelta(days=1))
    other = ended_job(tmp_path, "b.stl")
    for job, digest in ((same_path, "11"), (same_content, checksum), (other, "22")):
        history.record_job_completion(job, JobResults(stl_checksum=digest))
    assert [r.id for r in history.find_similar_jobs(tmp_path / "a.stl")] == [same_content.id, same_path.id]
    assert [r.id for r in history.find_similar_jobs(tmp_path / "copy.stl")] == [same_content.id]


def test_statistics_count_the_period_and_nothing_else(history, tmp_path):
    """Counts, success rate, durations and files are those of the jobs within the days."""
    files = (tmp_path / "1.png", tmp_path / "2.png")
    for state, age in (
        (JobState.COMPLETED, 1),
        (JobState.COMPLETED, 2),
        (JobState.FAILED, 3),
        (JobState.COMPLETED, 60),
    ):
        job = ended_job(tmp_path, state=state, age=timedelta(days=age))
        history.record_job_completion(job, JobResults(files_generated=files, stl_size=100))
    stats = history.get_processing_statistics(days=30)
    assert (stats.total, stats.by_state) == (3, {"completed": 2, "failed": 1})
    assert stats.success_rate == pytest.approx(2 / 3)
    assert stats.total_duration_s == pytest.approx(6.0)
    assert stats.mean_duration_s == pytest.approx(2.0)
    assert (stats.bytes_processed, stats.files_generated) == (200, 6)


def test_old_records_are_removed_and_new_ones_kept(history, tmp_path):
    """Cleaning up goes by the day of creation."""
    old, new = ended_job(tmp_path, age=timedelta(days=91)), ended_job(tmp_path, age=timedelta(days=89))
    for job in (old, new):
        history.record_job_completion(job, JobResults())
    assert history.cleanup_old_records(keep_days=90) == 1
    assert [record.id for record in history.records()] == [new.id]
    assert set(history.find_facts([old.id, new.id])) == {new.id}


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    """The message names the file and says what to do."""
    path = tmp_path / "job_history.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(HistoryError, match="Move the file away"):
        JobHistoryManager(path)


def test_a_newer_schema_is_refused(history):
    """A database of a newer stlkit is not touched."""
    with sqlite3.connect(history.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(HistoryError, match="newer stlkit"):
        JobHistoryManager(history.path)


def test_processes_that_record_at_once_lose_nothing(history, tmp_path):
    """Two processes and this one write at the same time; every row arrives."""
    script = """
import sys
from pathlib import Path
from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.storage.history import JobEnd, JobFacts, JobHistoryManager
manager = JobHistoryManager(Path(sys.argv[1]))
for n in range(40):
    job = QueueJob(id=new_job_id(), stl_path=Path("/m.stl"), output_folder=Path("/o"), output_base_folder=Path("/o"),
                   output_name="m", state=JobState.COMPLETED)
    manager.record_job_completion(job, JobResults())
manager.close()
"""
    command = [sys.executable, "-c", script, str(history.path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    for _ in range(40):
        history.record_job_completion(ended_job(tmp_path), JobResults())
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(history.records(limit=-1)) == 120
