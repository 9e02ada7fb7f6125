"""Files from a browser: whole or not at all, under safe names, and never more than there is room for."""

import hashlib
import os
import shutil
from collections import namedtuple

import pytest

from stlkit.errors import UploadError
from stlkit_widgets.uploads import GIVEN_UP_AFTER_S, LARGEST_PIECE_BYTES, MOST_AT_ONCE, Uploads

PIECE = 4 << 20


@pytest.fixture
def folder(tmp_path):
    """Where uploads go."""
    return tmp_path / "uploads"


@pytest.fixture
def uploads(folder):
    """Uploads into it, ended with the test."""
    uploads = Uploads(folder)
    yield uploads
    uploads.close()


def send(uploads, name, data, piece_bytes=PIECE):
    upload_id = uploads.begin(name, len(data))
    for at in range(0, len(data), piece_bytes):
        uploads.take(upload_id, at, data[at : at + piece_bytes])
    return uploads.finish(upload_id)


def test_two_hundred_megabytes_arrive_whole(uploads, folder):
    """Every byte is there, under the file's own name, and nothing else is."""
    block = os.urandom(1 << 20)
    digest, upload_id = hashlib.sha256(), uploads.begin("large.STL", 200 << 20)
    for at in range(0, 200 << 20, PIECE):
        piece = (block * 4)[:PIECE]
        digest.update(piece)
        assert uploads.take(upload_id, at, piece) == at + PIECE
        assert not (folder / "large.stl").exists()
    place = uploads.finish(upload_id)
    assert place == folder / "large.stl"
    with place.open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == digest.hexdigest()
    assert [path.name for path in folder.iterdir()] == ["large.stl"]


def test_a_name_that_is_taken_gets_a_number_unless_the_bytes_are_the_same(uploads, folder):
    """The same file twice is one; a different one never replaces it."""
    assert send(uploads, "a.stl", b"first") == folder / "a.stl"
    assert send(uploads, "a.stl", b"second") == folder / "a_2.stl"
    assert send(uploads, "a.stl", b"second") == folder / "a_2.stl"
    assert (folder / "a.stl").read_bytes() == b"first"
    assert send(uploads, "empty.stl", b"").read_bytes() == b""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../evil.stl", "_._.._evil.stl"),
        ("/etc/passwd.stl", "_etc_passwd.stl"),
        ("C:\\x\\y.stl", "C__x_y.stl"),
        ("con.stl", "_con.stl"),
        (".hidden.stl", "_hidden.stl"),
        ("a\nb\x00c.stl", "a_b_c.stl"),
        ("\u202egnp.stl", "_gnp.stl"),
        ("<img src=x>.stl", "_img src=x_.stl"),
    ],
)
def test_no_name_leaves_the_folder(uploads, folder, name, expected):
    """Whatever a browser says the file is called, it becomes one safe name."""
    assert send(uploads, name, b"x") == folder / expected
    assert [path.name for path in folder.iterdir()] == [expected]


@pytest.mark.parametrize("name", ["a.exe", "stl", "", "a.stl.html", "x" * 2000 + ".stl"])
def test_what_is_no_stl_by_its_name_is_refused(uploads, folder, name):
    """The message names the file, on one line of a bearable length."""
    with pytest.raises(UploadError, match="not an STL file") as caught:
        uploads.begin(name, 1)
    assert len(str(caught.value)) < 1200
    assert not folder.exists()


def test_a_link_in_the_folder_is_not_followed(uploads, folder, tmp_path):
    """A name that is a link is taken, wherever it leads."""
    folder.mkdir()
    (folder / "a.stl").symlink_to(tmp_path / "outside.stl")
    assert send(uploads, "a.stl", b"x") == folder / "a_2.stl"
    assert not (tmp_path / "outside.stl").exists()


def test_a_file_that_does_not_fit_is_refused_before_it_is_sent(uploads, monkeypatch):
    """What other uploads will still take counts too."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 300_000_000))
    uploads.begin("a.stl", 60_000_000)
    with pytest.raises(UploadError, match="has only 300 MB left"):
        uploads.begin("b.stl", 50_000_000)
    with pytest.raises(UploadError, match="-1 bytes"):
        uploads.begin("c.stl", -1)


@pytest.mark.parametrize(
    ("at", "piece", "why"),
    [
        (1, b"x", "lacks a piece"),
        (0, b"x" * 11, "larger than it said"),
        (0, b"x" * (LARGEST_PIECE_BYTES + 1), "larger"),
    ],
)
def test_a_piece_that_does_not_fit_ends_its_upload(uploads, folder, at, piece, why):
    """Out of order, or more than was announced: nothing is kept, and the upload is over."""
    upload_id = uploads.begin("a.stl", 10)
    with pytest.raises(UploadError, match=why):
        uploads.take(upload_id, at, piece)
    with pytest.raises(UploadError, match="has ended"):
        uploads.take(upload_id, 0, b"x")
    assert list(folder.iterdir()) == []


def test_half_a_file_is_no_file(uploads, folder):
    """It is refused at the end, and one that is cancelled or forgotten leaves nothing."""
    upload_id = uploads.begin("a.stl", 10)
    uploads.take(upload_id, 0, b"12345")
    with pytest.raises(UploadError, match="did not arrive whole"):
        uploads.finish(upload_id)
    cancelled, forgotten = uploads.begin("b.stl", 1), uploads.begin("c.stl", 1)
    uploads.cancel(cancelled)
    uploads.cancel(cancelled)
    uploads.close()
    with pytest.raises(UploadError):
        uploads.finish(forgotten)
    assert list(folder.iterdir()) == []


def test_only_so_many_at_once_and_abandoned_ones_make_room(folder):
    """A page that was closed in the middle blocks nobody for long."""
    now = [0.0]
    uploads = Uploads(folder, clock=lambda: now[0])
    for number in range(MOST_AT_ONCE):
        uploads.begin(f"{number}.stl", 1)
    with pytest.raises(UploadError, match="wait until one is there"):
        uploads.begin("more.stl", 1)
    now[0] = GIVEN_UP_AFTER_S + 1
    uploads.begin("more.stl", 1)
    uploads.close()
