"""Files appear whole or not at all."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from stlkit.files import decode_json, encode_json, move_into_place, printable, sha256_of, write_atomically


def test_writing_replaces_the_whole_content_and_leaves_nothing_beside_it(tmp_path):
    """The folder holds the file alone, with the mode that was asked for."""
    path = tmp_path / "f.json"
    for data in (b"old and long", b"new"):
        write_atomically(path, data, mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    """The temporary file beside it does not need a longer name."""
    path = tmp_path / ("x" * 255)
    write_atomically(path, b"1")
    assert path.read_bytes() == b"1"


def test_a_writer_that_is_killed_leaves_the_old_content(tmp_path):
    """Killed after the write and before the rename, the file is as it was."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    script = (
        "import os, signal, sys; from pathlib import Path; import stlkit.files as f\n"
        "os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)\n"
        "f.write_atomically(Path(sys.argv[1]), b'new')"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/shm").is_mount(), reason="needs a second file system at /dev/shm")
def test_a_file_moves_between_file_systems(tmp_path):
    """The cache and the outputs may be on different disks."""
    target = tmp_path / "deep" / "er" / "target.png"
    with TemporaryDirectory(dir="/dev/shm") as folder:
        source = Path(folder) / "source"
        source.write_bytes(b"picture")
        move_into_place(source, target)
        assert not source.exists()
    assert target.read_bytes() == b"picture"
    assert list(target.parent.iterdir()) == [target]


def test_json_carries_names_that_are_no_utf8():
    """Lone surrogates go through the escaped form and come back."""
    value = {"path": "caf\udce9", "n": [1, 2.5, None]}
    assert decode_json(encode_json(value)) == value
    assert decode_json(encode_json({"path": "café"})) == {"path": "café"}


def test_a_checksum_is_sha256(tmp_path):
    """Known answer of the empty file."""
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_any_path_can_be_printed():
    """Bytes that are no UTF-8 show as escapes."""
    assert printable("caf\udce9/ü.stl") == "caf\\xe9/ü.stl"
