"""The history database: the documented table, one row a job, many processes."""

import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stlkit.errors import HistoryError, OptionError
from stlkit.files import sha256_of
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import Material, OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.storage.database import open_database, transaction
from stlkit.storage.history import JobEnd, JobFacts, JobHistoryManager, Likeness
from stlkit.storage.schema import DOCUMENTED, SCHEMA

MOMENT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def test_the_schema_is_the_documented_one(history):
    """Table and indexes stand in the file exactly as the specification has them; all else is in a table beside it."""
    with sqlite3.connect(history.path) as connection:
        found = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert sorted(found) == sorted(SCHEMA)
    assert not any("job_history" in statement for statement in SCHEMA if statement not in DOCUMENTED)
    assert journal == "wal"


def test_the_database_is_readable_by_its_owner_alone(history):
    """So are the files that SQLite keeps beside it, whatever the home folder's own rights are."""
    files = list(history.path.parent.glob(f"{history.path.name}*"))
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_job_comes_back_as_it_was_recorded(history, tmp_path, ended_job):
    """All columns are filled, times are UTC texts that end in Z, and a second recording changes nothing."""
    results = JobResults(
        validation_passed=True, files_generated=(tmp_path / "x.png",), warnings=("w",), stl_size=684,
        stl_checksum="ab" * 32,
    )  # fmt: skip
    job = ended_job()
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


def test_what_is_known_beside_the_documented_columns_comes_back(history, ended_job):
    """Facts are recorded with the job, from its results and from what it ran with."""
    results = JobResults(
        errors=("no video",), faces=1234, stage_durations_s={"image": 1.5}, peak_memory_bytes=10**9, output_bytes=77,
        options_hash="aa", geometry_hash="bb", geometry_size_mm=2.5, reused_files=3, saved_s=4.5,
    )  # fmt: skip
    job = ended_job(attempts=2)
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


def test_many_ends_are_recorded_in_one_transaction(history, ended_job):
    """All are new or known, none is doubled, and where one cannot be stored none is."""
    jobs = [ended_job(results=JobResults(faces=n)) for n in range(1200)]
    assert history.record_job_completion(jobs[0], JobResults()) is True
    assert history.record_job_completions((JobEnd(job=job) for job in [*jobs, jobs[5]]), session_id="s") == 1199
    assert history.known_ids([job.id for job in jobs]) == {job.id for job in jobs}
    facts = history.find_facts([job.id for job in jobs])
    assert [facts[job.id].faces for job in jobs] == [None, *range(1, 1200)]
    good, bad = ended_job(), ended_job(results=JobResults(faces=2**70))
    with pytest.raises((HistoryError, OverflowError)):
        history.record_job_completions([JobEnd(job=good), JobEnd(job=bad)])
    assert history.known_ids([good.id, bad.id]) == frozenset()
    assert history.find_facts([good.id]) == {}


def test_facts_of_a_row_that_was_removed_by_hand_give_way(history, ended_job):
    """Such a job can be recorded again."""
    job = ended_job()
    history.record_job_completion(job, JobResults(faces=1))
    with sqlite3.connect(history.path) as connection:
        connection.execute("DELETE FROM job_history")
    connection.close()
    assert history.record_job_completion(job, JobResults(faces=2)) is True
    assert history.find_facts([job.id])[job.id].faces == 2


def test_similar_jobs_have_the_same_path_or_the_same_content(history, tmp_path, ended_job):
    """A copy under another name is found by its checksum; another file is not."""
    (tmp_path / "a.stl").write_bytes(b"solid a")
    (tmp_path / "copy.stl").write_bytes(b"solid a")
    checksum = sha256_of(tmp_path / "a.stl")
    same_path = ended_job(age=timedelta(days=2))
    same_content = ended_job("elsewhere.stl", age=timedelta(days=1))
    other = ended_job("b.stl")
    for job, digest in ((same_path, "11"), (same_content, checksum), (other, "22")):
        history.record_job_completion(job, JobResults(stl_checksum=digest))
    assert [r.id for r in history.find_similar_jobs(tmp_path / "a.stl")] == [same_content.id, same_path.id]
    (found,) = history.find_similar_jobs(tmp_path / "copy.stl")
    assert (found.id, found.likeness, found.scale) == (same_content.id, (Likeness.CONTENT,), None)


def test_similar_jobs_have_the_same_geometry_at_any_scale(history, tmp_path, ended_job):
    """A model saved under another name and ten times as large is found, and what is the same is said."""
    (tmp_path / "a.stl").write_bytes(b"solid a")
    original = ended_job(
        results=JobResults(stl_checksum=sha256_of(tmp_path / "a.stl"), geometry_hash="g", geometry_size_mm=5.0)
    )
    larger = ended_job("b.stl", results=JobResults(stl_checksum="22", geometry_hash="g", geometry_size_mm=50.0))
    other = ended_job("c.stl", results=JobResults(stl_checksum="33", geometry_hash="h", geometry_size_mm=5.0))
    unknown = ended_job("d.stl")
    history.record_job_completions(JobEnd(job=job) for job in (original, larger, other, unknown))
    found = {job.id: job for job in history.find_similar_jobs(tmp_path / "a.stl")}
    assert set(found) == {original.id, larger.id}
    assert found[original.id].likeness == (Likeness.PATH, Likeness.CONTENT, Likeness.GEOMETRY)
    assert (found[larger.id].likeness, found[larger.id].scale) == ((Likeness.GEOMETRY,), pytest.approx(10.0))
    assert [job.id for job in history.find_similar_jobs(tmp_path / "d.stl")] == [unknown.id]


def test_a_file_that_is_gone_is_known_by_what_it_was(history, tmp_path, ended_job):
    """Its last bytes are looked for under other names."""
    gone, copy = ended_job("gone.stl"), ended_job("copy.stl")
    for job in (gone, copy):
        history.record_job_completion(job, JobResults(stl_checksum="44"))
    assert {job.id for job in history.find_similar_jobs(tmp_path / "gone.stl")} == {gone.id, copy.id}


def test_pages_follow_each_other_while_jobs_are_recorded(history, ended_job):
    """What is recorded between two pages neither shifts nor doubles a row, and equal times are no trouble."""
    moment = utc_now()
    jobs = [ended_job(moment=moment - timedelta(seconds=n // 4)) for n in range(20)]
    history.record_job_completions(JobEnd(job=job) for job in jobs)
    expected = [job.id for job in sorted(jobs, key=lambda job: (job.created_at, job.id), reverse=True)]
    found, page = [], history.records(limit=3)
    while page:
        found += [record.id for record in page]
        history.record_job_completion(ended_job(), JobResults())
        page = history.records(limit=3, after=page[-1])
    assert found == expected
    assert [record.id for record in history.records(limit=2, after=(jobs[0].created_at, "~"))] == expected[:2]
    pages = list(history.pages(size=8, until=moment + timedelta(microseconds=1)))
    assert [len(page) for page in pages] == [8, 8, 4]
    assert [record.id for page in pages for record in page] == expected


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, "abcd"),
        ({"since": MOMENT + timedelta(days=2)}, "cd"),
        ({"until": MOMENT + timedelta(days=2)}, "ab"),
        ({"state": "failed"}, "d"),
        ({"state": ("failed", JobState.SKIPPED)}, "cd"),
        ({"state": ()}, ""),
        ({"path": "*/sub/*.stl"}, "b"),
        ({"path": "*[ad].stl"}, "ad"),
        ({"checksum": "cc"}, "c"),
        ({"session": "other"}, "d"),
        ({"options": {"material": "wood"}}, "a"),
        ({"options": {"material": Material.WOOD, "width": 640}}, ""),
        ({"options": {"generate_video": True}}, "b"),
        ({"options": {"level": "strict"}}, "c"),
        ({"options": {"custom_prefix": "it's"}}, "d"),
        ({"options": {"color_palette": ("red", "blue")}}, "a"),
        ({"state": "completed", "options": {"material": "plastic"}, "since": None, "path": None}, "b"),
    ],
)
def test_filters(history, ended_job, wanted, names):
    """Each narrows the jobs down, and all of them together do."""
    ends = (
        JobEnd(job=ended_job("a.stl"), render=RenderOptions(material="wood", color_palette=("red", "blue"))),
        JobEnd(job=ended_job("sub/b.stl"), render=RenderOptions(generate_video=True)),
        JobEnd(
            job=ended_job("c.stl", JobState.SKIPPED, results=JobResults(stl_checksum="cc")),
            validation=ValidationOptions(level="strict"),
        ),
        JobEnd(job=ended_job("d.stl", JobState.FAILED), output=OutputSettings(custom_prefix="it's")),
    )
    for day, end in enumerate(ends):
        dated = replace(end, job=replace(end.job, created_at=MOMENT + timedelta(days=day)))
        history.record_job_completions([dated], session_id="other" if day == 3 else "s")
    assert "".join(sorted(record.stl_filename[0] for record in history.records(**wanted))) == names


def test_an_option_that_does_not_exist_is_named(history):
    """Nothing is looked for under a mistyped name."""
    with pytest.raises(OptionError, match="material"):
        history.records(options={"materiel": "wood"})


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"stat": "failed"}, "there is no filter 'stat'; did you mean 'state'"),
        ({"states": "failed"}, "did you mean 'state'"),
        ({"state": "fialed"}, "there is no state 'fialed'; did you mean 'failed'"),
        ({"state": ["failed", "lost"]}, "known states: completed, failed, skipped, cancelled"),
        ({"state": 1}, "'state' takes"),
        ({"since": "2020-01-01"}, "'since' takes a datetime, not: '2020-01-01'"),
        ({"until": 5}, "'until' takes"),
        ({"path": 5}, "'path' takes"),
        ({"checksum": b"ab"}, "'checksum' takes"),
        ({"session": 1}, "'session' takes"),
        ({"options": "material=wood"}, "'options' takes"),
    ],
)
def test_a_filter_that_says_nothing_is_refused(history, tmp_path, wanted, message):
    """A misspelt one would give every job, or none, without a word."""
    with pytest.raises(OptionError, match=re.escape(message)):
        history.records(**wanted)
    with pytest.raises(OptionError):
        history.export(tmp_path / "z.csv", **wanted)
    assert not (tmp_path / "z.csv").exists()


def test_a_path_may_be_a_path_and_a_time_a_local_one(history, tmp_path, ended_job):
    """A path finds its file, even where its name looks like a pattern."""
    history.record_job_completions([JobEnd(job=ended_job(name)) for name in ("a[1].stl", "b.stl")])
    assert [record.stl_filename for record in history.records(path=tmp_path / "a[1].stl")] == ["a[1].stl"]
    assert len(history.records(path=tmp_path / "*.stl")) == 2
    assert len(history.records(since=datetime.now() - timedelta(minutes=1))) == 2  # noqa: DTZ005 - a naive one
    assert history.records(until=datetime.now() - timedelta(minutes=1)) == []  # noqa: DTZ005


def test_damage_is_named(history, ended_job):
    """A sound history has no problems; rows that nobody can read and facts without a job are each one."""
    good, bad = ended_job(), ended_job()
    history.record_job_completions(JobEnd(job=job) for job in (good, bad))
    assert history.check_integrity() == ()
    with sqlite3.connect(history.path) as connection:
        connection.execute("DELETE FROM job_history WHERE id = ?", (good.id,))
        connection.execute("UPDATE job_history SET warnings = '{' WHERE id = ?", (bad.id,))
    connection.close()
    unreadable, orphans = history.check_integrity()
    assert bad.id in unreadable and unreadable.startswith("job_history.db: ")
    assert "1 rows of job_facts" in orphans


def test_damaged_pages_are_named(history, ended_job):
    """Bytes that were overwritten on the disk are found."""
    history.record_job_completions(JobEnd(job=ended_job()) for _ in range(500))
    history.vacuum()
    history.close()
    data = bytearray(history.path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xa5" * 4096
    history.path.write_bytes(data)
    assert history.check_integrity()


def test_room_of_removed_rows_goes_back_to_the_disk(history, ended_job):
    """After a vacuum the file is smaller, and the rows are what they were."""
    new = ended_job()
    history.record_job_completions(JobEnd(job=ended_job(age=timedelta(days=91))) for _ in range(2000))
    history.record_job_completion(new, JobResults())
    history.cleanup_old_records()
    history.close()  # brings everything from the write-ahead log into the file
    before = history.path.stat().st_size
    assert history.vacuum() > before / 2
    assert history.path.stat().st_size < before / 2
    assert [record.id for record in history.records()] == [new.id]


def test_statistics_count_the_period_and_nothing_else(history, tmp_path, ended_job):
    """Counts, success rate, durations and files are those of the jobs within the days."""
    files = (tmp_path / "1.png", tmp_path / "2.png")
    for state, age in (
        (JobState.COMPLETED, 1),
        (JobState.COMPLETED, 2),
        (JobState.FAILED, 3),
        (JobState.COMPLETED, 60),
    ):
        job = ended_job(state=state, age=timedelta(days=age))
        history.record_job_completion(job, JobResults(files_generated=files, stl_size=100))
    stats = history.get_processing_statistics(days=30)
    assert (stats.total, stats.by_state) == (3, {"completed": 2, "failed": 1})
    assert stats.success_rate == pytest.approx(2 / 3)
    assert stats.total_duration_s == pytest.approx(6.0)
    assert stats.mean_duration_s == pytest.approx(2.0)
    assert (stats.bytes_processed, stats.files_generated) == (200, 6)


def test_old_records_are_removed_and_new_ones_kept(history, ended_job):
    """Cleaning up goes by the day of creation."""
    old, new = ended_job(age=timedelta(days=91)), ended_job(age=timedelta(days=89))
    for job in (old, new):
        history.record_job_completion(job, JobResults())
    assert history.cleanup_old_records(keep_days=90) == 1
    assert [record.id for record in history.records()] == [new.id]
    assert set(history.find_facts([old.id, new.id])) == {new.id}
    limit = history.cleaned_before()
    assert old.created_at < limit < new.created_at
    history.cleanup_old_records(keep_days=400)
    assert history.cleaned_before() == limit


@pytest.mark.parametrize("days", [-1, -(10**9)])
def test_days_that_lie_in_the_future_are_refused(history, ended_job, days):
    """A slip of the sign removes nothing."""
    history.record_job_completions([JobEnd(job=ended_job())])
    for ask in (history.cleanup_old_records, history.get_processing_statistics, history.old_records):
        with pytest.raises(OptionError, match="lie in the future"):
            ask(days)
    with pytest.raises(OptionError, match="lie in the future"):
        history.archive(keep_days=days)
    assert len(history.records()) == 1


def test_more_days_than_the_calendar_has_mean_all(history, ended_job):
    """Nothing is older than that."""
    history.record_job_completions([JobEnd(job=ended_job())])
    assert history.cleanup_old_records(10**9) == 0
    assert history.estimate_error(10**9) is None
    assert history.get_processing_statistics(10**9).total == 1


@pytest.mark.parametrize("state", [JobState.PENDING, JobState.PROCESSING, JobState.PAUSED])
def test_a_job_that_has_not_ended_is_not_recorded(history, ended_job, state):
    """Else its real end would be taken for a repetition, and be lost."""
    job = ended_job(state=state)
    with pytest.raises(HistoryError, match=f"{job.id} is {state}"):
        history.record_job_completion(job, JobResults())
    assert history.record_job_completion(replace(job, state=JobState.FAILED), JobResults())
    assert history.records()[0].state == "failed"


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    """The message names the file and says what to do."""
    path = tmp_path / "job_history.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(HistoryError, match="Move the file away"):
        JobHistoryManager(path)


def refusal_of(path, *statements):
    engine = open_database(path)
    try:
        with transaction(engine, path) as connection:
            for statement, parameters in statements:
                connection.exec_driver_sql(statement, parameters)
    except HistoryError as error:
        return str(error)
    finally:
        engine.dispose()
    return None


def test_only_damage_is_a_reason_to_give_the_history_up(tmp_path):
    """A full disk asks for space, a refused file for permissions; a mistake of the program gives no advice."""
    path = tmp_path / "sound.db"
    full = refusal_of(
        path,
        ("CREATE TABLE t (x)", ()),
        ("PRAGMA max_page_count = 3", ()),
        ("INSERT INTO t VALUES (zeroblob(100000))", ()),
    )
    assert "free some space" in full
    refused = refusal_of(path, ("PRAGMA query_only = ON", ()), ("CREATE TABLE other (x)", ()))
    assert "permissions" in refused
    mistaken = refusal_of(path, ("SELECT ?", (object(),)))
    assert mistaken.endswith("is not supported")
    assert "away" not in full + refused + mistaken


def test_a_locked_history_is_tried_again_not_given_up(history, ended_job, monkeypatch):
    """Another program that writes has to be waited for."""
    monkeypatch.setattr("stlkit.storage.database.BUSY_TIMEOUT_MS", 0)
    history.close()  # the next connections do not wait
    with sqlite3.connect(history.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="Another program") as caught:
            history.record_job_completion(ended_job(), JobResults())
        other.execute("ROLLBACK")
    other.close()
    assert "away" not in str(caught.value)


def test_a_newer_schema_is_refused(history):
    """A database of a newer stlkit is not touched."""
    with sqlite3.connect(history.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(HistoryError, match="newer stlkit"):
        JobHistoryManager(history.path)


def test_processes_that_record_at_once_lose_nothing(history, ended_job):
    """Two processes and this one write at the same time; every row arrives."""
    script = """
import sys
from pathlib import Path
from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.storage.history import JobHistoryManager
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
        history.record_job_completion(ended_job(), JobResults())
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(history.records(limit=-1)) == 120
