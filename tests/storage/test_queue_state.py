"""The queue's file: whole or untouched, and read with care."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from stlkit.errors import HomeLockedError, NewerVersionError, OptionError, StateFileError
from stlkit.files import encode_json
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState, new_job_id
from stlkit.model.options import QueueSettings, RenderOptions
from stlkit.model.times import utc_now
from stlkit.storage import backups, queue_state
from stlkit.storage.home import Home
from stlkit.storage.lock import HomeLock
from stlkit.storage.queue_state import QueueStateManager


@pytest.fixture
def manager(tmp_path):
    home = Home(tmp_path)
    home.create()
    return QueueStateManager(home)


def make_job(tmp_path, **changes):
    values = {
        "id": new_job_id(),
        "stl_path": tmp_path / "model1.stl",
        "output_folder": tmp_path / "out" / "model1",
        "output_base_folder": tmp_path / "out",
        "output_name": "model1",
    }
    return QueueJob(**values | changes)


def small_manager(tmp_path, limit_bytes):
    home = Home(tmp_path)
    home.create()
    return QueueStateManager(home, limit_bytes=limit_bytes)


def test_a_state_comes_back_as_it_was_saved(manager, tmp_path):
    """Every field of every job survives saving and loading."""
    state = QueueState(
        queue_session_id="session_x",
        queue_settings=QueueSettings(max_concurrent_jobs=3, output_base_folder="/o"),
        global_render_options=RenderOptions(generate_video=True, material="wood"),
        jobs=(
            make_job(tmp_path, state=JobState.COMPLETED, render_options={"width": 64}),
            make_job(tmp_path, unknown={"priority": 7}),
        ),
        unknown={"from_the_future": {"x": [1, 2]}},
    )
    assert manager.save_queue_state(state) is True
    assert manager.load_queue_state().state == state
    data = json.loads(manager.state_path.read_text())
    assert data["from_the_future"] == {"x": [1, 2]}
    assert data["jobs"][1]["priority"] == 7


def test_the_file_has_every_key_of_the_documented_schema(manager, tmp_path):
    """The keys and nesting are those of the specification."""
    manager.save_queue_state(QueueState(jobs=(make_job(tmp_path),)))
    data = json.loads(manager.state_path.read_text())
    assert data["version"] == "1.0"
    assert {"created_at", "last_updated", "queue_settings", "jobs"} <= data.keys()
    assert {"max_concurrent_jobs", "auto_retry_failed", "max_retry_attempts", "output_base_folder"} <= data[
        "queue_settings"
    ].keys()
    assert {
        "generate_image", "generate_size_chart", "generate_video", "generate_color_variations", "width", "height",
        "material", "lighting", "background_image",
    } <= data["global_render_options"].keys()  # fmt: skip
    assert {"level", "auto_repair"} <= data["global_validation_options"].keys()
    assert {
        "id", "stl_path", "output_folder", "state", "progress", "created_at", "started_at", "completed_at",
        "estimated_duration", "actual_duration", "render_options", "validation_options", "results", "error_message",
    } <= data["jobs"][0].keys()  # fmt: skip
    assert {"validation_passed", "files_generated", "errors", "warnings"} <= data["jobs"][0]["results"].keys()
    assert data["created_at"].endswith("Z")


def test_a_file_name_that_is_no_utf8_survives(manager, tmp_path):
    """Any name a disk can hold can stand in the queue."""
    job = make_job(tmp_path, stl_path=tmp_path / "caf\udce9.stl")
    manager.save_queue_state(QueueState(jobs=(job,)))
    assert manager.load_queue_state().state.jobs[0].stl_path == job.stl_path


def test_the_file_is_readable_by_its_owner_alone(manager):
    """Queue states name a person's files; others need not see them."""
    manager.save_queue_state(QueueState())
    assert manager.state_path.stat().st_mode & 0o777 == 0o600


def test_the_newest_backups_are_kept_in_order(manager):
    """Backup 1 is the state before the last save, and there are never more than five."""
    for count in range(8):
        manager.save_queue_state(QueueState(queue_session_id=f"s{count}"))
    names = [path.name for path in manager.backups.newest_first()]
    assert names == [f"queue_state_backup_{n}.json" for n in range(1, 6)]
    sessions = [json.loads(path.read_text())["queue_session_id"] for path in manager.backups.newest_first()]
    assert sessions == ["s6", "s5", "s4", "s3", "s2"]


@pytest.mark.parametrize(
    ("has_links", "takes_backups", "kept"),
    [(True, True, "54321"), (False, True, "54321"), (False, False, "43210")],
)
def test_saves_that_fail_rotate_no_backup_away(manager, monkeypatch, has_links, takes_backups, kept):
    """Whoever tries again while the disk is full keeps every earlier state, even where no backup can be made."""

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    for count in range(6):
        manager.save_queue_state(QueueState(queue_session_id=f"s{count}"))
    with monkeypatch.context() as full_disk:
        full_disk.setattr(queue_state, "write_atomically", refuse)
        if not takes_backups:
            full_disk.setattr(backups, "write_atomically", refuse)
        for _ in range(6):
            with pytest.raises(OSError, match="No space"):
                manager.save_queue_state(QueueState(queue_session_id="s6"))
    sessions = [json.loads(path.read_text())["queue_session_id"] for path in manager.backups.newest_first()]
    assert sessions == [f"s{number}" for number in kept]


def test_backups_are_made_and_removed_at_once(manager):
    """As where a person cleans the home while the queue is saved: nothing fails, and the newest are there."""
    sessions = [f"s{count}" for count in range(40)]

    def save():
        for session in sessions:
            manager.save_queue_state(QueueState(queue_session_id=session))

    with ThreadPoolExecutor() as pool:
        saving = pool.submit(save)
        while not saving.done():
            manager.backups.rotate_backups(2)
        saving.result()
    kept = [json.loads(path.read_text())["queue_session_id"] for path in manager.backups.newest_first()]
    assert kept[:2] == ["s38", "s37"]


def test_where_no_backups_are_kept_none_is_named(tmp_path):
    """Nobody is to rely on a file that is not there."""
    home = Home(tmp_path)
    home.create()
    manager = QueueStateManager(home, keep_backups=0)
    for _ in range(2):
        assert manager.save_queue_state(QueueState())
    assert manager.create_backup() is None
    assert manager.create_backup("mine").exists()


def test_nothing_is_saved_or_restored_over_a_queue_that_somebody_owns(manager, tmp_path):
    """The owner's next save would undo it without a word."""
    manager.save_queue_state(QueueState(queue_session_id="before"))
    backup = manager.create_backup("mine")
    before = manager.state_path.read_bytes()
    lock = HomeLock(Home(tmp_path).lock)
    assert lock.try_acquire()
    with pytest.raises(HomeLockedError, match="belongs to process"):
        manager.save_queue_state(QueueState())
    with pytest.raises(HomeLockedError, match="belongs to process"):
        manager.backups.restore_from_backup(backup)
    assert manager.state_path.read_bytes() == before
    manager.state_path.write_bytes(b"{")
    with pytest.raises(HomeLockedError, match="belongs to process"):
        manager.load_queue_state()
    assert manager.state_path.read_bytes() == b"{"
    owner = QueueStateManager(Home(tmp_path), lock=lock)
    assert owner.save_queue_state(QueueState(queue_session_id="owner"))
    lock.release()
    assert manager.backups.restore_from_backup(backup)
    assert manager.state_path.read_bytes() == before


def test_less_than_no_backup_cannot_be_kept(manager):
    """A slip of the sign removes nothing."""
    for session in ("a", "b", "c"):
        manager.save_queue_state(QueueState(queue_session_id=session))
    with pytest.raises(OptionError, match="keep_count: -1"):
        manager.backups.rotate_backups(-1)
    assert len(manager.backups.newest_first()) == 2


def test_labelled_backups_are_never_rotated_away(manager):
    """A backup that a person asked for stays."""
    manager.save_queue_state(QueueState(queue_session_id="kept"))
    labelled = manager.create_backup("before ../ the fair")
    for _ in range(8):
        manager.save_queue_state(QueueState())
    assert labelled.parent == manager.backups.folder
    assert json.loads(labelled.read_text())["queue_session_id"] == "kept"


def test_a_labelled_backup_helps_where_no_numbered_one_is_whole(manager):
    """Of the labelled ones the newest is taken, whatever their labels are."""
    for label in ("b", "a"):
        manager.save_queue_state(QueueState(queue_session_id=label))
        manager.create_backup(label)
    manager.save_queue_state(QueueState())
    for path in (manager.state_path, *manager.backups.folder.glob("queue_state_backup_?.json")):
        path.write_bytes(b"{")
    loaded = manager.load_queue_state()
    assert loaded.state.queue_session_id == "a"
    assert "queue_state_backup_a_" in loaded.notes[0]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"version": "1.0", "jobs": [{"id": 3}]}', b"\xff\xfe"])
def test_a_damaged_file_is_set_aside_and_the_newest_whole_backup_used(manager, damage):
    """Damage costs one save at the most, and the damaged bytes are kept."""
    manager.save_queue_state(QueueState(queue_session_id="older"))
    manager.save_queue_state(QueueState(queue_session_id="newer"))
    manager.state_path.write_bytes(damage)
    loaded = manager.load_queue_state()
    assert loaded.state.queue_session_id == "older"
    aside = list(manager.state_path.parent.glob("queue_state_damaged_*.json"))
    assert [path.read_bytes() for path in aside] == [damage]
    assert "backup" in loaded.notes[0]


def test_the_error_names_the_field_where_no_backup_helps(manager, tmp_path):
    """A wrong value is named by its path in the file, and the file is left where it is."""
    data = QueueState(jobs=(make_job(tmp_path),)).to_dict()
    data["jobs"][0]["state"] = "sleeping"
    manager.state_path.write_text(json.dumps(data))
    with pytest.raises(StateFileError, match="sleeping") as caught:
        manager.load_queue_state()
    assert caught.value.field == "jobs[0].state"
    assert manager.state_path.exists()


def test_ten_thousand_jobs_come_back_as_they_were(manager, tmp_path):
    """A queue of that size is one file like any other."""
    made = JobResults(files_generated=tuple(tmp_path / f"m_{number}.png" for number in range(6)))
    jobs = tuple(make_job(tmp_path, results=made, render_options={"width": 64}) for _ in range(10_000))
    manager.save_queue_state(QueueState(jobs=jobs))
    assert manager.load_queue_state().state.jobs == jobs


def test_a_queue_that_would_grow_too_large_leaves_out_what_ended_first(tmp_path, caplog):
    """What was saved can always be read again, with all jobs that wait; the log says how many are left out."""
    ended = [
        make_job(tmp_path, state=JobState.COMPLETED, completed_at=utc_now() - timedelta(days=age)) for age in range(20)
    ]
    waiting = [make_job(tmp_path) for _ in range(5)]
    small = small_manager(tmp_path, len(encode_json(QueueState(jobs=tuple(ended)).to_dict())))
    small.save_queue_state(QueueState(jobs=(*ended, *waiting)))
    kept = small.load_queue_state().state.jobs
    assert list(kept) == [*ended[: len(kept) - 5], *waiting]
    assert 10 <= len(kept) - 5 < 20
    assert f"the {25 - len(kept)} jobs that ended first" in caplog.text


def test_waiting_jobs_are_never_left_out(tmp_path):
    """Where they alone are too many, that is an error, and the file stays as it was."""
    small = small_manager(tmp_path, 3000)
    small.save_queue_state(QueueState())
    before = small.state_path.read_bytes()
    with pytest.raises(StateFileError, match="take jobs out"):
        small.save_queue_state(QueueState(jobs=tuple(make_job(tmp_path) for _ in range(20))))
    assert small.state_path.read_bytes() == before
    assert small.backups.newest_first() == []


def test_a_file_that_is_too_large_is_not_taken_for_a_damaged_one(manager, tmp_path):
    """It is told by its size, and neither set aside nor replaced by an older backup."""
    manager.save_queue_state(QueueState())
    manager.save_queue_state(QueueState(jobs=tuple(make_job(tmp_path) for _ in range(20))))
    size = manager.state_path.stat().st_size
    small = small_manager(tmp_path, 3000)
    for read in (small.load_queue_state, small.peek):
        with pytest.raises(StateFileError, match=f"too large: it has {size:,} bytes, and at most 3,000 bytes"):
            read()
    assert manager.state_path.stat().st_size == size
    assert not list(tmp_path.glob("queue_state_damaged_*"))


def test_a_newer_major_version_is_left_alone(manager):
    """A file from the future is refused with a clear error and not touched."""
    manager.state_path.write_text('{"version": "2.0"}')
    with pytest.raises(NewerVersionError, match="update stlkit"):
        manager.load_queue_state()
    assert manager.state_path.read_text() == '{"version": "2.0"}'


def test_a_file_without_version_is_migrated_and_backed_up(manager):
    """The format of before the version field is understood."""
    old = {"jobs": [{"id": "job_001", "path": "/m/a.b.stl", "output": "/o", "done": True}]}
    manager.state_path.write_text(json.dumps(old))
    loaded = manager.load_queue_state()
    job = loaded.state.jobs[0]
    assert (job.id, str(job.stl_path), str(job.output_folder), job.state) == (
        "job_001",
        "/m/a.b.stl",
        "/o",
        "completed",
    )
    assert loaded.state.version == "1.0"
    kept = list(manager.backups.folder.glob("*before-migration*"))
    assert [json.loads(path.read_text()) for path in kept] == [old]


def test_restoring_refuses_what_is_no_backup(manager, tmp_path):
    """A broken backup never replaces a good state."""
    manager.save_queue_state(QueueState(queue_session_id="good"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(StateFileError):
        manager.backups.restore_from_backup(broken)
    assert manager.load_queue_state().state.queue_session_id == "good"
    manager.save_queue_state(QueueState(queue_session_id="newer"))
    assert manager.backups.restore_from_backup(manager.backups.newest_first()[0]) is True
    assert manager.load_queue_state().state.queue_session_id == "good"
