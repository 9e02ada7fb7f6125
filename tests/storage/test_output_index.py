"""The index of outputs: checksums without reading, outputs by place and by content, work that was done."""

import os

import pytest

from stlkit.files import sha256_of
from stlkit.model.jobs import JobResults
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.output_index import FinishedWork, OutputIndex
from stlkit.storage.progress import PlacedFile

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def index(tmp_path):
    JobHistoryManager(tmp_path / "job_history.db").close()
    index = OutputIndex(tmp_path / "job_history.db")
    yield index
    index.close()


def stored_sources(index):
    with index._begin() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM sources").scalar_one()


def test_a_file_that_was_just_written_is_read_again(index, tmp_path):
    """Within one tick of a disk's clock it may change once more unseen, so its checksum is not kept."""
    path = tmp_path / "a.stl"
    path.write_bytes(b"one")
    assert index.checksum_of(path) == sha256_of(path)
    assert stored_sources(index) == 0


def test_a_file_at_rest_is_read_once(index, tmp_path, monkeypatch):
    """The second time its size, times and inode are enough; a change of any of them has it read again."""
    monkeypatch.setattr("stlkit.storage.output_index._SURE_AFTER_NS", -HOUR_NS)
    path = tmp_path / "a.stl"
    path.write_bytes(b"one")
    first = index.checksum_of(path)
    monkeypatch.setattr("stlkit.storage.output_index.sha256_of", lambda _: pytest.fail("it was read again"))
    assert index.checksum_of(path) == first
    monkeypatch.undo()
    times = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as old and as large as before
    assert index.checksum_of(path) == sha256_of(path) != first


@pytest.mark.parametrize("make", [os.fspath, os.mkdir, os.mkfifo])
def test_what_is_no_file_has_no_checksum(index, tmp_path, make):
    """Missing files, folders and pipes are no error and are not waited for."""
    make(tmp_path / "odd")
    assert index.checksum_of(tmp_path / "odd") is None


def test_outputs_are_found_by_place_and_by_content(index, tmp_path):
    """A place has one output, the last; a content may lie in many places; names may be no UTF-8."""
    odd = tmp_path / os.fsdecode(b"na\xffme.png")
    outputs = [
        PlacedFile(path=path, size_bytes=1, checksum_sha256="c", key=key, mtime_ns=5, made_in_s=1.5)
        for path, key in (
            (tmp_path / "a.png", "old"),
            (tmp_path / "a.png", "k"),
            (odd, "k"),
            (tmp_path / "b.png", None),
        )
    ]
    for output in outputs:
        index.record("job", [output])
    assert index.outputs_at([tmp_path / "a.png"]) == (outputs[1],)
    assert set(index.outputs_of(["k"])) == {outputs[1], outputs[2]}
    assert index.outputs_at([tmp_path / "b.png"]) == (outputs[3],)
    assert index.outputs_of(["old"]) == ()


def test_finished_work_comes_back_with_its_results(index, tmp_path):
    """Results survive as they were, and work that nobody did is not found."""
    work = FinishedWork(
        job_id="job_1",
        results=JobResults(validation_passed=True, files_generated=(tmp_path / "ä.png",), warnings=("w",), faces=12),
        duration_s=3.5,
    )
    index.record_finished("key", work)
    assert index.finished("key") == work
    assert index.finished("other") is None


def test_what_is_gone_is_forgotten(index, tmp_path):
    """Pruning drops the rows of files that no longer exist, and not of those whose whole folder is away."""
    here, gone = tmp_path / "here.png", tmp_path / "gone.png"
    here.write_bytes(b"x")
    away = tmp_path / "drive" / "away.png"
    lost = (PlacedFile(path=path, size_bytes=1, checksum_sha256="c") for path in (gone, away))
    index.record("job", [PlacedFile.of(here, key="k"), *lost])
    assert index.prune() == 1
    assert {output.path for output in index.outputs_at([here, gone, away])} == {here, away}
