"""Lock, cache, config and recovery: the smaller things a home folder holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stlkit.errors import JobError, StateFileError
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState, new_job_id
from stlkit.model.options import OptionError, RenderOptions
from stlkit.storage.cache import TempFileManager
from stlkit.storage.config import UserConfig, load_config, save_config
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home, find_home
from stlkit.storage.lock import HomeLock
from stlkit.storage.progress import ProcessingState, save_processing_state
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.recovery import SessionRecoveryManager


def test_the_home_folder_is_chosen_by_argument_then_environment_then_default(tmp_path, monkeypatch):
    """An argument wins over STLKIT_HOME, which wins over the documented place."""
    monkeypatch.setenv("STLKIT_HOME", str(tmp_path / "env"))
    assert find_home(tmp_path / "arg").root == tmp_path / "arg"
    assert find_home().root == tmp_path / "env"
    monkeypatch.delenv("STLKIT_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_home().root == tmp_path / ".local" / "stl_listing_tool"


def test_the_home_folder_is_private(tmp_path):
    """Nobody but the owner may look into it."""
    home = Home(tmp_path / "home")
    home.create()
    assert home.root.stat().st_mode & 0o777 == 0o700


def test_the_lock_excludes_and_names_its_owner(tmp_path):
    """A second taker is refused with the owner's process id, and gets it after the release."""
    first, second = HomeLock(tmp_path / "queue.lock"), HomeLock(tmp_path / "queue.lock")
    assert first.try_acquire()
    assert not second.try_acquire()
    assert f"process {os.getpid()}" in str(second.refusal())
    first.release()
    assert second.try_acquire()
    second.release()


def test_a_killed_owner_leaves_no_lock_behind(tmp_path):
    """The lock goes with its process, however that ended."""
    script = (
        "import sys, os, signal; from pathlib import Path; from stlkit.storage.lock import HomeLock\n"
        "assert HomeLock(Path(sys.argv[1])).try_acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "queue.lock")], check=False)
    lock = HomeLock(tmp_path / "queue.lock")
    assert lock.owner() is None
    assert lock.try_acquire()
    lock.release()


@pytest.mark.parametrize("job_id", ["", "..", "../x", "a/b", "a\\b", "x" * 101, "a\0"])
def test_a_job_id_cannot_leave_the_cache(tmp_path, job_id):
    """Ids from an edited file become no paths."""
    with pytest.raises(JobError):
        TempFileManager(tmp_path).create_job_cache_dir(job_id)


def test_cleaning_spares_running_jobs_and_fresh_folders(tmp_path):
    """Only folders that nobody wrote to for the given time, and that no job of this process has, are removed."""
    cache = TempFileManager(tmp_path)
    for name in ("job_old", "job_fresh", "job_running"):
        folder = tmp_path / "job_cache" / name
        folder.mkdir(parents=True)
        (folder / "f").write_bytes(b"x" * 1000)
    running = cache.create_job_cache_dir("job_running")
    for name in ("job_old", "job_running"):
        for path in ((tmp_path / "job_cache" / name) / "f", tmp_path / "job_cache" / name):
            os.utime(path, (0, 0))
    assert cache.cleanup_stale_cache(max_age_hours=24) == 1
    assert sorted(path.name for path in (tmp_path / "job_cache").iterdir()) == ["job_fresh", "job_running"]
    assert cache.get_cache_size() == 2000
    assert cache.cleanup_large_cache(max_size_mb=0.0001) == 1
    assert running.exists()
    cache.cleanup_job_cache("job_running")
    assert cache.get_cache_size() == 0


def test_the_preferences_of_before_the_version_field_are_sorted_into_groups(tmp_path):
    """The unversioned config.json becomes today's, and nothing in it is lost."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"material": "metal", "width": 800, "window_geometry": "800x600+0+0"}))
    config = load_config(path)
    assert config.render_options == {"material": "metal", "width": 800}
    assert config.unknown == {"window_geometry": "800x600+0+0"}
    save_config(path, config.with_recent_folder(Path("/models")))
    again = load_config(path)
    assert again.recent_folders == (Path("/models"),)
    assert again.unknown == config.unknown


def test_damaged_preferences_are_a_clear_error(tmp_path):
    """The file is named; it is not replaced by defaults behind a person's back."""
    path = tmp_path / "config.json"
    path.write_text("[1]")
    with pytest.raises(StateFileError, match="mend or delete"):
        load_config(path)
    assert load_config(tmp_path / "missing.json") == UserConfig()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"recent_folders": ["/a", 3]}, "recent_folders[1]"),
        ({"version": "1.0", "render_options": {"width": "wide"}}, "render_options.width"),
        ({"version": "1.0", "output_settings": []}, "output_settings"),
    ],
)
def test_damaged_preferences_are_named_with_the_field(tmp_path, content, field):
    """As the queue's file: the error says where, for a person and as an attribute."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    with pytest.raises(StateFileError) as caught:
        load_config(path)
    assert caught.value.field == field
    assert f" at {field}; mend or delete it" in str(caught.value)


@pytest.fixture
def recovery(tmp_path):
    home = Home(tmp_path / "home")
    home.create()
    history = JobHistoryManager(home.history)
    manager = SessionRecoveryManager(QueueStateManager(home), history, TempFileManager(home.cache))
    yield home, history, manager
    history.close()


def queue_job(tmp_path, state, **changes):
    values = {
        "id": new_job_id(), "stl_path": tmp_path / "m.stl", "output_folder": tmp_path, "output_name": "m",
        "output_base_folder": tmp_path, "state": state,
    }  # fmt: skip
    return QueueJob(**values | changes)


def test_an_interrupted_queue_waits_to_be_resumed(tmp_path, recovery):
    """What ran or waited is paused, its half-made files are gone, its attempt is counted; what had ended is left."""
    home, _, manager = recovery
    (tmp_path / "m.stl").write_bytes(b"")
    states = (JobState.COMPLETED, JobState.PROCESSING, JobState.PENDING)
    jobs = tuple(queue_job(tmp_path, state) for state in states)
    folder = home.cache / "job_cache" / jobs[1].id
    folder.mkdir(parents=True)
    save_processing_state(folder, ProcessingState(job_id=jobs[1].id, attempt=2, stage="image"))
    (folder / "render_temp.mp4").write_bytes(b"half a video")
    state = QueueState(jobs=jobs)
    QueueStateManager(home).save_queue_state(state)
    assert manager.check_for_recovery() == state
    result = manager.recover_interrupted_jobs(state)
    assert [job.state for job in result.state.jobs] == ["completed", "paused", "paused"]
    assert [job.attempts for job in result.state.jobs] == [0, 2, 0]
    assert [path.name for path in folder.iterdir()] == ["processing_state.json"]
    assert "interrupted after stage image" in str(result)
    assert not result.errors


def test_a_job_that_the_history_knows_as_ended_is_not_done_again(tmp_path, recovery):
    """Killed between the history and the queue's file: the history is the truth."""
    _, history, manager = recovery
    job = queue_job(tmp_path, JobState.PROCESSING)
    ended = queue_job(tmp_path, JobState.COMPLETED, id=job.id, actual_duration=3.0)
    history.record_job_completion(ended, JobResults(files_generated=(tmp_path / "x.png",), validation_passed=True))
    result = manager.recover_interrupted_jobs(QueueState(jobs=(job,)))
    (found,) = result.state.jobs
    assert (found.state, found.actual_duration, found.results.validation_passed) == ("completed", 3.0, True)
    assert found.results.files_generated == (tmp_path / "x.png",)
    assert result.unfinished == ()


def test_what_cannot_be_right_is_listed(tmp_path, recovery):
    """Missing sources, doubled ids and impossible progress are named by their place in the file."""
    _, _, manager = recovery
    job = queue_job(tmp_path, JobState.PENDING, progress=120.0)
    errors = manager.validate_recovery_data(QueueState(jobs=(job, job)))
    fields = {error.field for error in errors}
    assert fields == {
        "jobs[0].id", "jobs[0].stl_path", "jobs[0].progress", "jobs[1].id", "jobs[1].stl_path", "jobs[1].progress",
    }  # fmt: skip
    assert len(manager.recover_interrupted_jobs(QueueState(jobs=(job, job))).state.jobs) == 1


def test_an_option_error_is_also_a_value_error():
    """Callers that know nothing of stlkit can catch what they expect."""
    with pytest.raises(ValueError, match="width"):
        RenderOptions(width=1)
    assert issubclass(OptionError, ValueError)
