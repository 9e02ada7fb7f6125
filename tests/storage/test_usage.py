"""Disk usage: every file once, under its kind, and of the outputs only what stlkit made."""

import os
import sqlite3
from datetime import timedelta

from stlkit.model.amounts import Amount
from stlkit.model.jobs import JobResults
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.usage import DiskUsage, measure_usage


def put(path, size_bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    return path


def test_every_file_of_the_home_is_counted_once_under_its_kind(home):
    """The history with what is not merged into it yet and its archives; a second name for a file is no second file."""
    put(home.cache / "job_cache" / "job_1" / "render_temp.png", 10)
    put(home.cache / "job_cache" / "job_1" / "deep" / "stl_copy.stl", 20)
    put(home.cache / "thumbnails" / "a_thumb.png", 100)
    put(home.backups / "queue_state_backup_2.json", 1000)
    os.link(put(home.queue_state, 2000), home.backups / "queue_state_backup_1.json")
    for name, size_bytes in (("job_history.db", 1), ("job_history.db-wal", 2), ("job_history.db-shm", 3)):
        put(home.root / name, size_bytes * 10_000)
    put(home.root / "history_archive_2025.db", 5)
    put(home.root / "history_archive_notes.txt", 7)
    put(home.templates / "mine.json", 100_000)
    put(home.config, 300)
    put(home.cache / "odd", 1)
    usage = measure_usage(home, [])
    assert usage == DiskUsage(
        home=home.root,
        outputs=Amount(),
        missing_outputs=0,
        job_cache=Amount(count=2, size_bytes=30),
        thumbnails=Amount(count=1, size_bytes=100),
        backups=Amount(count=1, size_bytes=1000),
        history=Amount(count=4, size_bytes=60_005),
        templates=Amount(count=1, size_bytes=100_000),
        other=Amount(count=4, size_bytes=2308),
    )
    assert usage.home_total == Amount(count=13, size_bytes=163_443)


def test_outputs_are_what_jobs_made_and_is_still_there(home, tmp_path):
    """Each once, however often and however it is named; what else lies beside them is somebody else's."""
    out = tmp_path / "out"
    first, second = put(out / "a.png", 10), put(out / "a" / "b.png", 20)
    put(out / "holiday.jpg", 1000)
    (out / "link.stl").symlink_to(out / "holiday.jpg")
    named = [first, str(first), out / "a" / ".." / "a.png", second, out / "link.stl", out / "gone.png", out, "\0"]
    usage = measure_usage(home, named)
    assert usage.outputs == Amount(count=3, size_bytes=30 + (out / "link.stl").lstat().st_size)
    assert usage.missing_outputs == 2
    assert "not there any more: 2" in str(usage)


def test_links_out_of_the_home_lead_nowhere(home, tmp_path):
    """What they lead to is not the home's."""
    put(tmp_path / "elsewhere" / "large", 100_000)
    (home.cache / "job_cache").symlink_to(tmp_path / "elsewhere")
    (home.templates / "more").symlink_to(tmp_path / "elsewhere")
    assert measure_usage(home, []).home_total.size_bytes < 1000


def test_the_history_names_its_outputs_archives_included(history, ended_job, tmp_path):
    """Rows that nobody could have written are passed over."""
    for age_days, names in ((0, ("a.png", "b.png")), (0, ("b.png",)), (900, ("c.png",))):
        files = tuple(tmp_path / name for name in names)
        job = ended_job(age=timedelta(days=age_days))
        history.record_job_completion(job, JobResults(files_generated=files))
    for text in ("{", "[3, null, []]", '"x"', "[[" * 5000):
        job = ended_job()
        history.record_job_completion(job, JobResults())
        with sqlite3.connect(history.path) as connection:
            connection.execute("UPDATE job_history SET files_generated = ? WHERE id = ?", (text, job.id))
        connection.close()
    history.archive(keep_days=365)
    assert history.archives()
    named = sorted(history.recorded_files())
    assert [name for name in named if name != "x"] == [str(tmp_path / name) for name in ("a.png", "b.png", "c.png")]


def test_a_notebook_shows_a_table_in_which_nothing_is_markup(tmp_path):
    """Whatever the home folder is called, here and on a terminal."""
    home = Home(tmp_path / "<script>\n\x1b[31m")
    home.create()
    usage = measure_usage(home, [])
    shown = usage._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert "\x1b" not in shown + str(usage)
    assert "\n" not in str(usage).splitlines()[-1]
    for kind in ("outputs", "temporary files", "thumbnails", "backups", "history", "templates"):
        assert kind in shown and kind in str(usage)


def test_ten_thousand_outputs_are_measured(home, ended_job, tmp_path):
    """Names from the history and sizes from the disk together."""
    out = tmp_path / "out"
    out.mkdir()
    files = [out / f"{number}.png" for number in range(10_000)]
    for file in files:
        file.touch()
    history = JobHistoryManager(home.history)
    for start in range(0, 10_000, 500):
        history.record_job_completion(ended_job(), JobResults(files_generated=tuple(files[start : start + 500])))
    usage = measure_usage(home, history.recorded_files())
    history.close()
    assert usage.outputs.count == 10_000
