"""Folders that feed a queue."""

import os
import threading

import pytest

from stlkit.engine.folder_watch import FolderWatch
from stlkit.errors import JobError


@pytest.fixture
def watch(bench):
    """Watch the models' folder of a queue that does not run, and wait for what is added; always stopped."""
    came, added = threading.Condition(), []

    def add(paths):
        with came:
            result = bench.queue.add(paths)
            added.extend(path.name for path in paths)
            came.notify_all()
        return result

    def until(*names):
        with came:
            assert came.wait_for(lambda: set(names) <= set(added), 30), added

    watching = FolderWatch(bench.queue, [bench.models], add=add, settle_s=1.5)  # a busy machine holds a writer up, too
    watching.until, watching.added = until, added
    yield watching
    watching.stop()


def test_what_is_there_and_what_comes_is_added(watch, bench):
    """Files of before, new ones and those in new folders; nothing that is no STL file."""
    (bench.models / "old.stl").write_bytes(b"old")
    watch.start()
    watch.until("old.stl")
    (bench.models / "notes.txt").write_bytes(b"no")
    inner = bench.models / "inner"
    inner.mkdir()
    (inner / "new.STL").write_bytes(b"new")
    watch.until("new.STL")
    assert watch.added == ["old.stl", "new.STL"]


def test_a_growing_file_is_added_once_it_has_stopped(watch, bench):
    """A file that is still being written is no job yet; it becomes one, once."""
    watch.start()
    path = bench.models / "slow.stl"
    with path.open("wb") as stream:
        for size in range(1, 8):
            stream.write(b"x" * size)
            stream.flush()
            os.utime(path, ns=(size, size))
    watch.until("slow.stl")
    assert watch.added == ["slow.stl"]


def test_outputs_are_no_sources(watch, bench):
    """A repaired mesh in an output folder inside the watched one does not feed the queue."""
    bench.queue.configure(settings={"output_base_folder": str(bench.models / "listings")})
    (bench.models / "first.stl").write_bytes(b"1")
    watch.start()
    watch.until("first.stl")
    folder = bench.models / "listings" / "first" / "analysis"
    folder.mkdir(parents=True)
    (folder / "first_repaired.stl").write_bytes(b"r")
    (bench.models / "second.stl").write_bytes(b"2")
    watch.until("second.stl")
    assert watch.added == ["first.stl", "second.stl"]


def test_what_is_no_folder_cannot_be_watched(bench):
    """The error names it."""
    with pytest.raises(JobError, match=r"gone.* is no folder"):
        FolderWatch(bench.queue, [bench.models / "gone"])
