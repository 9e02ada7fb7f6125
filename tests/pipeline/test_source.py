"""The working copy: whole, unchanged, or a clear word why not."""

import os
import shutil

import pytest

from stlkit.errors import SourceChangedError, SourceUnreachableError
from stlkit.pipeline import source
from stlkit.pipeline.causes import cause_of
from stlkit.pipeline.order import FailureCause
from stlkit.pipeline.source import working_copy


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(source, "FIRST_WAIT_S", 0.001)


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
    assert working_copy(path, tmp_path / "copy").read_bytes() == b"solid" + source.ATTEMPTS * b"x"


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
