"""The working copy: whole, unchanged, or a clear word why not."""

import errno
import os
import shutil

import pytest

from stlkit import patience
from stlkit.errors import SourceChangedError, SourceUnreachableError
from stlkit.pipeline.causes import cause_of
from stlkit.pipeline.order import FailureCause
from stlkit.pipeline.source import working_copy


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.001)


def test_the_copy_has_the_sources_bytes(tmp_path):
    """And the source is as it was."""
    path = tmp_path / "a.stl"
    path.write_bytes(b"solid")
    assert working_copy(path, tmp_path / "copy").read_bytes() == b"solid"


def test_a_file_that_is_still_being_written_is_not_taken_for_whole(tmp_path, monkeypatch):
    """A writer that adds a byte during each copy: every try sees another size, and the error says to wait."""
    path = tmp_path / "a.stl"
    path.write_bytes(b"solid")
    copyfile = shutil.copyfile

    def copy_while_it_grows(origin, target):
        copyfile(origin, target)
        with path.open("ab") as stream:
            stream.write(b"x")

    monkeypatch.setattr(shutil, "copyfile", copy_while_it_grows)
    with pytest.raises(SourceChangedError, match="changed while it was read"):
        working_copy(path, tmp_path / "copy")
    monkeypatch.undo()
    assert working_copy(path, tmp_path / "copy").read_bytes() == b"solid" + patience.ATTEMPTS * b"x"


def test_what_is_no_file_or_may_not_be_read_is_left_to_the_reader(tmp_path):
    """A folder, a broken link, a deleted file: the reader has a finding for each."""
    link = tmp_path / "link.stl"
    link.symlink_to(tmp_path / "nowhere")
    for path in (tmp_path, link, tmp_path / "deleted.stl"):
        assert working_copy(path, tmp_path / "copy") == path


def test_a_source_whose_folder_is_gone_is_unreachable(tmp_path):
    """A drive that is away takes the folder along; the cause says that waiting helps."""
    with pytest.raises(SourceUnreachableError, match="waits until it is back") as caught:
        working_copy(tmp_path / "away" / "a.stl", tmp_path / "copy")
    assert cause_of(caught.value) == (FailureCause.UNREACHABLE, tmp_path / "away" / "a.stl")


def test_a_mount_point_without_its_drive_is_unreachable(tmp_path):
    """Unmounting leaves an empty folder; one from which a file was deleted holds others, or the job of each waits."""
    (tmp_path / "mount").mkdir()
    with pytest.raises(SourceUnreachableError, match="gone or empty"):
        working_copy(tmp_path / "mount" / "a.stl", tmp_path / "copy")
    (tmp_path / "mount" / "b.stl").write_bytes(b"solid")
    assert working_copy(tmp_path / "mount" / "a.stl", tmp_path / "copy") == tmp_path / "mount" / "a.stl"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.EAGAIN])
def test_what_may_pass_is_tried_again_and_then_waited_for(tmp_path, monkeypatch, number):
    """Two failures cost nothing; a drive that stays away, or a file that stays locked, has a cause of its own."""
    path, target = tmp_path / "a.stl", tmp_path / "copy"
    path.write_bytes(b"solid")
    copyfile, failures = shutil.copyfile, iter([True, True])

    def fail(origin, target):
        if next(failures, False):
            raise OSError(number, os.strerror(number), str(origin))
        copyfile(origin, target)

    monkeypatch.setattr(shutil, "copyfile", fail)
    assert working_copy(path, target).read_bytes() == b"solid"
    failures = iter([True] * patience.ATTEMPTS)
    with pytest.raises(SourceUnreachableError, match=os.strerror(number)) as caught:
        working_copy(path, target)
    assert cause_of(caught.value) == (FailureCause.UNREACHABLE, path)


def test_a_full_cache_disk_is_known_as_such():
    """Errors of the system keep their kind through what they are raised from."""
    try:
        try:
            raise OSError(28, os.strerror(28), "/cache/x")
        except OSError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        cause, path = cause_of(error)
    assert (cause, str(path)) == (FailureCause.DISK_FULL, "/cache/x")


def test_the_disk_that_a_copy_goes_to_is_the_full_one(small_disk, tmp_path):
    """The system's error names source and target; nobody is told to make room where the models are."""
    path = tmp_path / "a.stl"
    path.write_bytes(bytes(2_000_000))
    with pytest.raises(OSError, match="No space") as caught:
        working_copy(path, small_disk / "copy")
    assert cause_of(caught.value) == (FailureCause.DISK_FULL, small_disk / "copy")
