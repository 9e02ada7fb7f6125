"""What stands where an STL file should be."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from stlkit.mesh.intake import read_stl
from stlkit.mesh.source import largest_readable_bytes
from stlkit.model.reports import Severity

NOBODY = 65534


def only_finding(path):
    reading = read_stl(path)
    assert not reading.report.usable
    assert reading.report.triangle_count == len(reading.triangles) == 0
    (finding,) = reading.report.findings
    assert finding.severity is Severity.ERROR
    return finding.code


@pytest.fixture
def ordinary_user():
    """Give up root's rights for a while, which no permission binds."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_is_read_from_disk(tmp_path, box_stl):
    """The report carries the checksum and the size of the very bytes that were parsed."""
    path = tmp_path / "box.stl"
    path.write_bytes(box_stl())
    report = read_stl(path).report
    assert report.usable
    assert report.checksum_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.file_size_bytes == path.stat().st_size


def test_a_link_to_a_file_is_followed(tmp_path, box_stl):
    """A symbolic link stands for its target."""
    (tmp_path / "box.stl").write_bytes(box_stl())
    (tmp_path / "link.stl").symlink_to("box.stl")
    assert read_stl(tmp_path / "link.stl").report.usable


def test_missing_file(tmp_path):
    """A path without a file is named so."""
    assert only_finding(tmp_path / "gone.stl") == "missing_file"


def test_a_file_in_place_of_the_folder(tmp_path):
    """A path through something that is no folder leads to no file."""
    (tmp_path / "plain").touch()
    assert only_finding(tmp_path / "plain" / "box.stl") == "missing_file"


@pytest.mark.parametrize("name", ["n" * 300, "with\0nul"])
def test_a_name_that_no_disk_can_hold(tmp_path, name):
    """A name that cannot exist is a missing file, not a traceback."""
    assert only_finding(tmp_path / name) == "missing_file"


@pytest.mark.parametrize("target", ["gone.stl", "link.stl"])
def test_broken_link(tmp_path, target):
    """A link to nothing, or to itself, is a broken link."""
    (tmp_path / "link.stl").symlink_to(target)
    assert only_finding(tmp_path / "link.stl") == "broken_symlink"


def test_a_link_that_leads_back_to_itself(tmp_path):
    """It is not said that its target does not exist."""
    (tmp_path / "link.stl").symlink_to("link.stl")
    (finding,) = read_stl(tmp_path / "link.stl").report.findings
    assert "leads back" in finding.message


def test_directory(tmp_path):
    """A folder named like a file is a folder."""
    (tmp_path / "box.stl").mkdir()
    assert only_finding(tmp_path / "box.stl") == "directory"


def test_named_pipe(tmp_path):
    """A named pipe is refused at once, without waiting for someone to write into it."""
    os.mkfifo(tmp_path / "box.stl")
    assert only_finding(tmp_path / "box.stl") == "not_a_regular_file"


def test_socket(tmp_path, monkeypatch):
    """A socket is refused."""
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("box.stl")
        assert only_finding(tmp_path / "box.stl") == "not_a_regular_file"


def test_device():
    """A device that never ends is refused."""
    assert only_finding(Path("/dev/zero")) == "not_a_regular_file"


def test_a_file_beyond_memory(tmp_path):
    """A file that this machine's memory cannot take is refused before it is read."""
    path = tmp_path / "box.stl"
    path.touch()
    os.truncate(path, largest_readable_bytes() + 1)  # sparse: it takes no room on the disk
    assert only_finding(path) == "file_too_large"


def test_unreadable_file(tmp_path, ordinary_user, box_stl):
    """A file that this user may not read is named so."""
    del ordinary_user
    path = tmp_path / "box.stl"
    if os.geteuid() == NOBODY:
        os.seteuid(0)
        path.write_bytes(box_stl())
        path.chmod(0)
        os.seteuid(NOBODY)
    else:
        path.write_bytes(box_stl())
        path.chmod(0)
    assert only_finding(path) == "unreadable_file"


def test_a_name_in_no_encoding(tmp_path, box_stl):
    """A file name that is no UTF-8 can be read and shown."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xffx.stl"))
    path.write_bytes(box_stl())
    assert read_stl(path).report.usable
    path.unlink()
    assert read_stl(path).report.findings[0].message.encode("utf-8")
