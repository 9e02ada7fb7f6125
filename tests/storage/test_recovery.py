"""The next session: what it finds, what it does, and what it leaves alone."""

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from stlkit.files import part_beside, remove_abandoned_parts, sha256_of
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState, new_job_id
from stlkit.model.times import utc_now
from stlkit.storage import sources
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.lock import HomeLock
from stlkit.storage.progress import PlacedFile, ProcessingState, save_processing_state
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.recovery import SessionRecoveryManager
from stlkit.storage.sources import MOST_HASHED, SourceState, check_source

LEAVE_A_PART = """
import sys; from pathlib import Path; from stlkit.files import part_beside
part = part_beside(Path(sys.argv[1])); part.write_bytes(b"half"); print(part)
"""


@pytest.fixture
def bench(tmp_path):
    """A home, a folder of models, and a recovery."""
    home = Home(tmp_path / "home")
    home.create()
    models, out = tmp_path / "shop" / "models", tmp_path / "out"
    models.mkdir(parents=True)
    out.mkdir()
    history, cache = JobHistoryManager(home.history), TempFileManager(home.cache)
    manager = SessionRecoveryManager(QueueStateManager(home), history, cache)

    def job(name, state=JobState.PROCESSING, **changes):
        path = models / f"{name}.stl"
        path.write_bytes(name.encode())
        values = {
            "id": new_job_id(), "stl_path": path, "output_folder": out / name, "output_base_folder": out,
            "output_name": name, "state": state,
        }  # fmt: skip
        return QueueJob(**values | changes)

    def begin(job, **changes):
        folder = cache.create_job_cache_dir(job.id)
        values = {"job_id": job.id, "attempt": 1, "stl_checksum": sha256_of(job.stl_path)}
        save_processing_state(folder, ProcessingState(**values | changes))
        return folder

    yield SimpleNamespace(
        home=home, models=models, out=out, history=history, cache=cache, manager=manager, job=job, begin=begin
    )
    history.close()


def recover(bench, *jobs, **state):
    return bench.manager.recover_interrupted_jobs(QueueState(jobs=jobs, **state))


def test_missing_changed_and_moved_sources_are_told_apart(bench):
    """Each job says what became of its file; one whose bytes are found elsewhere follows them."""
    jobs = {name: bench.job(name) for name in ("same", "changed", "renamed", "moved", "missing", "away")}
    for job in jobs.values():
        bench.begin(job, stage="image")
    jobs["changed"].stl_path.write_bytes(b"other bytes")
    renamed = jobs["renamed"].stl_path.rename(bench.models / "better name.stl")
    (bench.models.parent / "sorted").mkdir()
    moved = jobs["moved"].stl_path.rename(bench.models.parent / "sorted" / "moved.stl")
    jobs["missing"].stl_path.unlink()
    gone = bench.models.parent / "unplugged" / "away.stl"
    jobs["away"].stl_path.unlink()
    jobs["away"] = replace(jobs["away"], stl_path=gone)
    result = recover(bench, *jobs.values())
    assert [job.source for job in result.jobs] == ["present", "changed", "moved", "moved", "missing", "unreachable"]
    paths = [job.stl_path for job in result.state.jobs]
    assert (paths[2], paths[3], paths[4]) == (renamed, moved, jobs["missing"].stl_path)
    assert {job.state for job in result.state.jobs} == {JobState.PAUSED}
    text = str(result)
    assert "has changed since it was read" in text and "is missing" in text and "cannot be reached" in text


def test_nothing_is_called_moved_on_the_word_of_its_name(bench):
    """A file of the same name and other bytes is another file."""
    job, _ = bench.job("a"), bench.job("b")
    bench.begin(job)
    job.stl_path.unlink()
    (bench.models.parent / "a.stl").write_bytes(b"another model")
    assert recover(bench, job).jobs[0].source is SourceState.MISSING


def test_the_search_for_a_moved_file_has_bounds(bench):
    """No more than some dozens of files are read for it."""
    for number in range(MOST_HASHED + 10):
        (bench.models / f"m{number}.stl").write_bytes(b"x")
    checksum = sha256_of(bench.models / "m0.stl").replace("a", "b")
    assert check_source(bench.models / "lost.stl", checksum).state is SourceState.MISSING


def test_many_lost_files_are_looked_for_at_once(bench, monkeypatch):
    """A neighbour is read once for all of them, and a folder walked once."""
    read, walked = [], []
    monkeypatch.setattr(sources, "sha256_of", lambda path: read.append(path) or sha256_of(path))
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda root: walked.append(root) or walk(root))
    jobs = [bench.job(f"lost{number}") for number in range(5)]
    for job in jobs:
        bench.begin(job)
        job.stl_path.unlink()
    for name in ("a", "b"):
        bench.job(name)
    assert {job.source for job in recover(bench, *jobs).jobs} == {SourceState.MISSING}
    assert sorted(path.name for path in read) == ["a.stl", "b.stl"]
    assert walked.count(bench.models.parent) == 1


def test_the_history_tells_the_bytes_of_a_job_that_had_not_begun(bench):
    """A file that was processed before is found again where it was moved to."""
    job = bench.job("a", JobState.PENDING)
    earlier = bench.job("a", JobState.COMPLETED)
    bench.history.record_job_completion(earlier, JobResults(stl_checksum=sha256_of(job.stl_path)))
    moved = job.stl_path.rename(bench.models / "b.stl")
    assert recover(bench, job).state.jobs[0].stl_path == moved


def test_files_of_another_size_are_not_read(bench, monkeypatch):
    """Where the history has the size, a search goes by it first."""
    read = []
    monkeypatch.setattr(sources, "sha256_of", lambda path: read.append(path.name) or sha256_of(path))
    job = bench.job("a", JobState.PENDING)
    results = JobResults(stl_checksum=sha256_of(job.stl_path), stl_size=1)
    bench.history.record_job_completion(bench.job("a", JobState.COMPLETED), results)
    moved = job.stl_path.rename(bench.models / "z.stl")
    for name in ("longer", "much longer"):
        bench.job(name)
    assert recover(bench, job).state.jobs[0].stl_path == moved
    assert read == ["z.stl"]
    moved.unlink()
    assert recover(bench, job).jobs[0].source is SourceState.MISSING
    assert read == ["z.stl"]


def test_queue_and_history_are_reconciled_both_ways(bench):
    """An end that only the history knows goes into the queue, one that only the queue knows into the history; once."""
    known, unknown = bench.job("known"), bench.job("unknown", JobState.COMPLETED, render_options={"width": 640})
    ended = replace(known, state=JobState.FAILED, error_message="no")
    bench.history.record_job_completion(ended, JobResults(errors=("no",)))
    result = recover(bench, known, unknown, queue_session_id="session_before")
    assert [job.state for job in result.state.jobs] == ["failed", "completed"]
    assert {job.job_id for job in result.settled} == {known.id, unknown.id}
    records = {record.id: record for record in bench.history.records()}
    assert (records[unknown.id].state, records[unknown.id].queue_session_id) == ("completed", "session_before")
    assert records[unknown.id].render_options["width"] == 640
    assert "was recorded in the history" in str(result)
    again = bench.manager.recover_interrupted_jobs(result.state)
    assert again.jobs == () and len(bench.history.records()) == 2


def test_jobs_that_were_removed_as_old_are_not_missed(bench):
    """The history lacks them on purpose, though the queue still has them."""
    old = bench.job("old", JobState.COMPLETED)
    recover(bench, old)
    assert bench.history.cleanup_old_records(keep_days=0) == 1
    new = bench.job("new", JobState.COMPLETED)
    recover(bench, old, new)
    assert [record.id for record in bench.history.records()] == [new.id]


def test_finished_outputs_are_kept_and_counted(bench):
    """What is whole stays, and the report says how much that is; nothing is deleted that the job did not write."""
    job = bench.job("a")
    job.output_folder.mkdir()
    whole, spoiled, foreign = (job.output_folder / name for name in ("whole.png", "spoiled.png", "my notes.txt"))
    for path in (whole, spoiled, foreign):
        path.write_bytes(b"abc")
    folder = bench.begin(job, outputs=(PlacedFile.of(whole), PlacedFile.of(spoiled)))
    (folder / "render_temp.mp4").write_bytes(b"half")
    spoiled.write_bytes(b"abd")
    result = recover(bench, job)
    assert "1 finished files are kept" in result.jobs[0].done
    assert [path.read_bytes() for path in (whole, spoiled, foreign)] == [b"abc", b"abd", b"abc"]
    assert [path.name for path in folder.iterdir()] == ["processing_state.json"]


def test_half_written_files_of_the_dead_are_removed_and_those_of_the_living_are_not(bench):
    """Only the marks of dead processes of this machine go; names that merely look alike stay."""
    job = bench.job("a")
    renders = job.output_folder / "renders"
    renders.mkdir(parents=True)
    bench.begin(job)
    made = subprocess.run(
        [sys.executable, "-c", LEAVE_A_PART, str(renders / "a.png")], capture_output=True, text=True, check=True
    )
    dead = made.stdout.strip()
    living = part_beside(renders / "b.png")
    elsewhere = renders / f".stlkit-00000000-{os.getpid()}-1-abcdef01.part"
    alike = renders / "stlkit-notes.part"
    for path in (living, elsewhere, alike):
        path.write_bytes(b"x")
    result = recover(bench, job)
    assert [str(path) for path in result.removed] == [dead]
    assert sorted(renders.iterdir()) == sorted((living, elsewhere, alike))
    assert "1 half-written file" in str(result)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere the system has no start that a clock leaves"
)
def test_a_clock_that_is_set_makes_nobody_dead(tmp_path, monkeypatch):
    """Neither this process nor another one; a note without ticks is still understood of this one."""
    lock = HomeLock(tmp_path / "stlkit.lock")
    assert lock.try_acquire()
    with subprocess.Popen(
        [sys.executable, "-c", LEAVE_A_PART + "sys.stdout.flush(); sys.stdin.read()", str(tmp_path / "b.stl")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        other.stdout.readline()
        part_beside(tmp_path / "a.stl").write_bytes(b"half")
        began = psutil.Process.create_time
        monkeypatch.setattr(psutil.Process, "create_time", lambda process: began(process) + 3600)
        assert lock.owner() is not None
        assert replace(lock.owner(), process_started_ticks=None).may_live()
        assert remove_abandoned_parts(tmp_path) == ()
        other.stdin.close()
        other.wait()
    assert len(remove_abandoned_parts(tmp_path)) == 1
    lock.release()


def test_a_job_that_never_came_to_an_end_waits_behind_the_others(bench):
    """Whatever takes the program down with it does so after the others are done."""
    poison, harmless = bench.job("poison"), bench.job("harmless", JobState.PENDING)
    bench.begin(poison, attempt=4)
    result = recover(bench, poison, harmless)
    assert [job.output_name for job in result.state.jobs] == ["harmless", "poison"]
    assert result.state.jobs[1].attempts == 4


def test_two_jobs_of_one_id_are_both_kept(bench):
    """A doubled entry is dropped; another job under the same id gets one of its own."""
    first, other = bench.job("a", JobState.PENDING), bench.job("b", JobState.PENDING)
    same_id = replace(other, id=first.id)
    result = recover(bench, first, first, same_id)
    assert [job.output_name for job in result.state.jobs] == ["a", "b"]
    assert len({job.id for job in result.state.jobs}) == 2
    assert result.errors


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_entries_of_one_job_the_one_that_has_ended_counts(bench, order):
    """What was reported done stays done, wherever it stands."""
    waiting = bench.job("a", JobState.PENDING)
    ended = replace(waiting, state=JobState.COMPLETED)
    result = recover(bench, *[waiting, ended][::order])
    assert [job.state for job in result.state.jobs] == [JobState.COMPLETED]
    assert [record.id for record in bench.history.records()] == [ended.id]


def test_nothing_is_recorded_twice_because_an_archive_is_damaged(bench):
    """What may stand in it is left to a start that can read it; that it could not is told."""
    job = bench.job("a", JobState.COMPLETED)
    recover(bench, job)
    (archive,) = bench.history.archive(before=utc_now())
    bench.history.close()
    whole = archive.read_bytes()
    archive.write_bytes(b"no database" * 1000)
    fresh = JobHistoryManager(bench.home.history)
    result = SessionRecoveryManager(QueueStateManager(bench.home), fresh, bench.cache).recover_interrupted_jobs(
        QueueState(jobs=(job,))
    )
    assert archive.name in str(result)
    assert result.jobs == () and fresh.records() == []
    fresh.close()
    archive.write_bytes(whole)
    with closing(JobHistoryManager(bench.home.history)) as again:
        assert [record.id for record in again.records(include_archived=True)] == [job.id]


def test_ended_jobs_leave_no_folder_in_the_cache(bench):
    """What could not be removed when a job ended is removed at the next start."""
    job = bench.job("a", JobState.COMPLETED)
    folder = bench.begin(job)
    recover(bench, job)
    assert not folder.exists()


def test_a_long_list_is_cut(bench):
    """The report of ten thousand jobs can be read."""
    jobs = tuple(bench.job(f"m{number}", JobState.PENDING) for number in range(30))
    lines = str(recover(bench, *jobs)).splitlines()
    assert lines[0].startswith("30 jobs of an earlier session wait")
    assert lines[-1].strip() == "and 10 more"
