"""Cleaning a home: by its settings, told before it is done, and never what is in use or was put out."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from stlkit import JobState, Workspace
from stlkit.errors import HomeLockedError, OptionError
from stlkit.model.amounts import Amount
from stlkit.model.jobs import JobResults, QueueJob, new_job_id
from stlkit.model.options import CleanupOptions, RenderOptions
from stlkit.model.times import utc_now
from stlkit.storage.cache import TempFileManager
from stlkit.storage.lock import HomeLock

EVERYTHING = {"cache_max_age_hours": 0, "cache_max_size_mb": 0, "backup_keep_count": 1, "history_keep_days": 30}


@pytest.fixture
def home(tmp_path):
    """A home with a stale and a fresh folder of a job, a thumbnail, backups of both kinds, and old and new history."""
    with Workspace(tmp_path / "home") as ws:
        for age_days in (100, 50, 1):
            moment = utc_now() - timedelta(days=age_days)
            picture = tmp_path / "out" / f"{age_days}.png"
            picture.parent.mkdir(exist_ok=True)
            picture.write_bytes(b"x" * 1000)
            job = QueueJob(
                id=new_job_id(moment), stl_path=tmp_path / "a.stl", output_folder=tmp_path / "out", output_name="a",
                output_base_folder=tmp_path / "out", state=JobState.COMPLETED, created_at=moment,
            )  # fmt: skip
            ws.history.record_job_completion(job, JobResults(files_generated=(picture,)))
        for number in range(1, 4):
            (ws.home.backups / f"queue_state_backup_{number}.json").write_text("{}")
        (ws.home.backups / "queue_state_backup_mine_20260115T103000000000.json").write_text("{}")
        ws.cache.save_thumbnail("a" * 64, b"x" * 300)
        for name in ("job_stale", "job_fresh"):
            (ws.cache.create_job_cache_dir(name) / "f").write_bytes(b"x" * 1000)
            ws.cache.trim_job_cache(name, keep="f")
        for path in (ws.cache.job_folder("job_stale") / "f", ws.cache.job_folder("job_stale")):
            os.utime(path, (0, 0))
    return tmp_path / "home"


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_dry_run_tells_what_the_real_one_does(home, tmp_path):
    """Per kind, with bytes; the first touches nothing, the second nothing else, and outputs stay in any case."""
    with Workspace(home, observe=True) as ws:
        before = sorted(path for path in home.rglob("*") if "job_history" not in path.name)
        planned = ws.clean(dry_run=True, options=EVERYTHING)
        assert sorted(path for path in home.rglob("*") if "job_history" not in path.name) == before
        assert ws.history.old_records(30).count == 2
        done = ws.clean(options=EVERYTHING)
        assert replace(planned, is_dry_run=False, history=done.history) == done
        assert planned.job_cache == Amount(count=2, size_bytes=2000)
        assert planned.thumbnails == Amount(count=1, size_bytes=300)
        assert planned.backups == Amount(count=2, size_bytes=4)
        assert planned.history.count == done.history.count == 2
        assert planned.history.size_bytes > 0
        assert len(ws.history.records()) == 1
        assert not ws.clean(options=EVERYTHING).size_bytes
    assert names(home / "cache" / "job_cache") == names(home / "cache" / "thumbnails") == []
    assert names(home / "backups") == [
        "queue_state_backup_1.json", "queue_state_backup_mine_20260115T103000000000.json",
    ]  # fmt: skip
    assert names(tmp_path / "out") == ["1.png", "100.png", "50.png"]


@pytest.mark.parametrize("observe", [True, False])
def test_jobs_that_were_removed_from_the_history_do_not_come_back(home, observe):
    """The queue forgets them too, and what it has of them, as in a backup, is not recorded again."""
    with Workspace(home, observe=True) as ws:
        jobs = tuple(
            QueueJob(
                id=record.id, stl_path=home, output_folder=home, output_name="a", output_base_folder=home,
                state=JobState(record.state), created_at=record.created_at,
            )
            for record in ws.history.records()
        )  # fmt: skip
        state = replace(ws.queue.state(), jobs=jobs)
        ws._session.states.save_queue_state(state)
    with Workspace(home, observe=observe) as ws:
        assert ws.clean(options=EVERYTHING).history.count == 2
        assert len(ws.queue.jobs) == 1
    with Workspace(home) as ws:
        assert len(ws.history.records()) == len(ws.queue.jobs) == 1
    with Workspace(home, observe=True) as ws:
        ws._session.states.save_queue_state(state)
    with Workspace(home) as ws:
        assert len(ws.history.records()) == 1


def test_by_default_little_goes(home):
    """What is stale; the history is kept for good, unless somebody says otherwise."""
    with Workspace(home, observe=True) as ws:
        planned = ws.clean(dry_run=True)
        assert (planned.job_cache.count, planned.thumbnails.count, planned.backups.count) == (1, 0, 0)
        assert planned.history.count == 0
        assert "1.0 kB would be removed" in str(planned)
        assert "1 folder " in str(planned) and "1 folder<" in planned._repr_html_()
        ws.clean()
        assert str(ws.clean(dry_run=True)) == "nothing would be removed"
        assert str(ws.clean()) == "nothing was removed"


def test_the_settings_stand_in_the_preferences(home):
    """Group by group, only what differs; the cache is held to them when the home is opened."""
    with Workspace(home, observe=True) as ws:
        assert ws.cleanup_options == CleanupOptions()
        ws.config = replace(ws.config, cleanup={"cache_max_age_hours": 1e6, "cache_max_size_mb": 0.0015})
        assert json.loads(ws.home.config.read_text())["cleanup"] == {
            "cache_max_age_hours": 1e6, "cache_max_size_mb": 0.0015,
        }  # fmt: skip
        assert ws.cleanup_options.cache_max_size_mb == 0.0015
    with Workspace(home) as ws:
        assert names(ws.cache.job_cache) == ["job_fresh"]
        assert ws.clean(options={"cache_max_size_mb": 0.0005}).job_cache.count == 1
        with pytest.raises(OptionError, match="did you mean 'backup_keep_count'"):
            ws.clean(options={"backup_keep_counts": 1})


def test_the_number_of_automatic_backups_is_a_setting(home):
    """It holds from the next opening."""
    with Workspace(home, observe=True) as ws:
        ws.config = replace(ws.config, cleanup={"backup_keep_count": 2})
    with Workspace(home) as ws:
        for number in range(1, 6):
            ws.queue.configure(settings={"max_concurrent_jobs": number})
            ws.queue.flush()
    assert [name for name in names(home / "backups") if "mine" not in name] == [
        "queue_state_backup_1.json", "queue_state_backup_2.json",
    ]  # fmt: skip


def test_preferences_that_are_broken_are_told_and_keep_no_home_closed(home):
    """Where the queue is whole; cleaning on request wants them mended first."""
    with Workspace(home) as ws:
        ws.queue.flush()
    (home / "queue_state.json").write_text('{"version": "1.0"}')
    (home / "config.json").write_text('{"version": "1.0", "cleanup": {"backup_keep_count": 0}}')
    with Workspace(home) as ws:
        (note,) = ws.recovery.notes
        assert "the defaults were used instead" in note
        assert "cleanup.backup_keep_count" in note


def test_preferences_that_are_broken_keep_no_new_home_closed(tmp_path):
    """It begins with the defaults, and says why."""
    home = tmp_path / "new"
    home.mkdir()
    (home / "config.json").write_text('{"version": "1.0", "render_options": {"width": -1}}')
    with Workspace(home) as ws:
        (note,) = ws.recovery.notes
        assert "render_options.width" in note
        assert ws.queue.render_options == RenderOptions()
    assert "-1" in (home / "config.json").read_text()


def test_a_preferred_picture_that_is_gone_is_not_given_to_jobs(tmp_path):
    """Else every one of them would fail."""
    home = tmp_path / "new"
    home.mkdir()
    preferred = {"background_image": str(tmp_path / "gone.png"), "width": 640}
    (home / "config.json").write_text(json.dumps({"version": "1.0", "render_options": preferred}))
    with Workspace(home) as ws:
        assert "gone.png does not exist any more" in ws.recovery.notes[0]
        assert (ws.queue.render_options.background_image, ws.queue.render_options.width) == (None, 640)


def test_what_running_jobs_work_with_is_never_touched(home):
    """Those of this process and of another one, in a dry run and in a real one."""
    with Workspace(home) as ws:
        folder = ws.cache.create_job_cache_dir("job_fresh")
        TempFileManager(home / "cache").create_job_cache_dir("job_other")
        assert ws.clean(dry_run=True, options=EVERYTHING).job_cache.count == 0
        assert ws.clean(options=EVERYTHING).job_cache.count == 0
        assert folder.is_dir()


def test_unfinished_jobs_keep_what_says_how_far_they_had_come(home, tmp_path, box_stl):
    """However old it is, in the process that owns the queue and in one that only looks."""
    (tmp_path / "a.stl").write_bytes(box_stl())
    with Workspace(home, output=tmp_path / "out") as ws:
        (job,) = ws.queue.add(tmp_path / "a.stl").jobs
        (ws.cache.create_job_cache_dir(job.id) / "f").write_bytes(b"x")
        ws.cache.trim_job_cache(job.id, keep="f")
        for path in (ws.cache.job_folder(job.id) / "f", ws.cache.job_folder(job.id)):
            os.utime(path, (0, 0))
        assert ws.clean().job_cache.count == 0
    with Workspace(home, observe=True) as ws:
        assert ws.clean().job_cache.count == 0
        assert job.id in ws.cache.job_ids()


def test_a_home_that_another_process_owns_is_only_looked_at(home):
    """The owner is named; a dry run works."""
    with Workspace(home), Workspace(home, observe=True) as observer:
        assert observer.is_observer
        with pytest.raises(HomeLockedError, match=f"process {os.getpid()}"):
            observer.clean(options=EVERYTHING)
        assert observer.clean(dry_run=True, options=EVERYTHING).size_bytes > 0
        assert len(observer.history.records()) == 3
        assert observer.disk_usage().outputs == Amount(count=3, size_bytes=3000)


def test_cleaning_a_home_after_a_crash_leaves_the_crash_to_be_seen(home):
    """Whoever opens it next still learns that the last owner ended without closing its queue."""
    script = (
        "import sys, os, signal; from pathlib import Path; from stlkit.storage.lock import HomeLock\n"
        "assert HomeLock(Path(sys.argv[1])).try_acquire(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(home / "queue.lock")], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Workspace(home, observe=True) as ws:
        ws.clean(options=EVERYTHING)
    lock = HomeLock(home / "queue.lock")
    assert lock.try_acquire()
    assert lock.dead_owner is not None
    lock.release()
