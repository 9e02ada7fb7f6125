"""Files appear whole, where they belong, and nowhere else."""

import contextlib
import errno
import gzip
import json
import os
import resource
import tempfile
from pathlib import Path

import pytest

from stlkit import patience
from stlkit.errors import OutputError
from stlkit.files import encode_json, one_line
from stlkit.outputs.placing import link_source, links_to, place, place_json, place_text, pointer_of, relative_name
from stlkit.outputs.signature import is_signed, signature

# No system takes a link this long, so this is a real refusal on any file system.
UNLINKABLE = Path("/", *["folder"] * 700, "m.stl")


@pytest.fixture
def picture(tmp_path):
    """Return a finished file in a job's cache."""
    path = tmp_path / "render_temp.png"
    path.write_bytes(b"picture")
    return path


@contextlib.contextmanager
def as_nobody():
    """Drop the rights that root has over every folder, for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_place_moves_into_new_folders(base, picture):
    """A finished file is moved; folders are made as needed."""
    target = base / "ModelA" / "renders" / "ModelA_render.png"
    assert place(picture, target, within=base) == target
    assert target.read_bytes() == b"picture"
    assert not picture.exists()
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EIO, errno.ESTALE])
def test_what_is_locked_or_away_for_a_moment_costs_nothing(base, picture, monkeypatch, number):
    """Two refusals and a third attempt; where the refusals do not end, the error keeps their kind."""
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.001)
    replace, refusals = Path.replace, iter([True, True])

    def refuse(path, target):
        if next(refusals, False):
            raise OSError(number, os.strerror(number), str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    assert place(picture, base / "a.png", within=base).read_bytes() == b"picture"
    refusals = iter([True] * patience.ATTEMPTS)
    with pytest.raises(OutputError) as caught:
        place_text(base / "a.log", "x", within=base)
    assert caught.value.__cause__.errno == number
    assert [path.name for path in base.iterdir()] == ["a.png"]


def test_a_confirmation_that_fails_after_the_move_is_told_once(base, picture, monkeypatch):
    """There is nothing left to move, so nothing is tried again, and the error is the disk's."""
    monkeypatch.setattr(patience, "FIRST_WAIT_S", 0.001)

    def refuse(folder):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(folder))

    monkeypatch.setattr("stlkit.files.sync_folder", refuse)
    with pytest.raises(OutputError) as caught:
        place(picture, base / "a.png", within=base)
    assert caught.value.__cause__.errno == errno.EIO
    assert (base / "a.png").read_bytes() == b"picture"


def test_place_from_another_file_system(base):
    """A cache on another disk makes no difference."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == base.stat().st_dev:
        pytest.skip("this machine has no second file system to write to")
    with tempfile.TemporaryDirectory(dir=other) as cache:
        source = Path(cache, "a.png")
        source.write_bytes(b"picture")
        assert place(source, base / "a.png", within=base).read_bytes() == b"picture"
        assert not source.exists()


def test_place_replaces_a_link_and_does_not_follow_it(base, picture, tmp_path):
    """A link in the target's place is replaced; what it led to is as it was."""
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    target = base / "ModelA_render.png"
    target.symlink_to(precious)
    place(picture, target, within=base)
    assert not target.is_symlink()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("exists", [True, False])
def test_no_way_out_through_a_linked_folder(base, picture, tmp_path, exists):
    """Where a folder is a link out of the output folder, nothing is written there, be it a link to nowhere."""
    outside = tmp_path / "outside"
    if exists:
        outside.mkdir()
    (base / "ModelA").symlink_to(outside)
    for write in (
        lambda: place(picture, base / "ModelA" / "renders" / "a.png", within=base),
        lambda: place_text(base / "ModelA" / "a.txt", "x", within=base),
        lambda: place_json(base / "ModelA" / "a.json", {}, within=base),
        lambda: link_source(base / "ModelA" / "a.stl", Path("/m.stl"), within=base),
        lambda: place_text(base / ".." / "a.txt", "x", within=base),
    ):
        with pytest.raises(OutputError, match="leads out of the output folder"):
            write()
    assert picture.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["out", picture.name, *(["outside"] if exists else [])]
    )
    assert not exists or not list(outside.iterdir())


def test_the_output_folder_may_be_a_link_itself(base, picture, tmp_path):
    """A person may reach the output folder through a link."""
    link = tmp_path / "link"
    link.symlink_to(base)
    place(picture, link / "renders" / "a.png", within=link)
    assert (base / "renders" / "a.png").read_bytes() == b"picture"


def test_a_file_where_a_folder_belongs(base, picture):
    """The error says that a file is in the way, and the finished file is still there."""
    (base / "ModelA").write_text("mine")
    for target in (base / "ModelA" / "a.png", base / "ModelA" / "renders" / "a.png"):
        with pytest.raises(OutputError, match="a file stands where a folder belongs") as caught:
            place(picture, target, within=base)
        assert caught.value.path == target
    assert picture.exists()
    assert (base / "ModelA").read_text() == "mine"


def test_a_folder_where_the_file_belongs(base, picture):
    """A folder is never replaced by a file."""
    (base / "a.png").mkdir()
    with pytest.raises(OutputError, match="a folder stands where the file belongs"):
        place(picture, base / "a.png", within=base)


def test_path_that_is_too_long(base, picture):
    """The error asks for a shorter path."""
    with pytest.raises(OutputError, match="too long; choose an output folder with a shorter path"):
        place(picture, base / ("x" * 256) / "a.png", within=base)


def test_folder_that_may_not_be_written(base):
    """The error asks for another folder; its cause is the system's own error."""
    base.chmod(0o555)
    with as_nobody(), pytest.raises(OutputError, match="permission denied; make the folder writable") as caught:
        place_text(base / "a.txt", "x", within=base)
    base.chmod(0o755)
    assert isinstance(caught.value.__cause__, PermissionError)
    assert not list(base.iterdir())


def test_link_that_leads_to_itself(base):
    """A loop of links is named as one."""
    (base / "loop").symlink_to(base / "loop")
    with pytest.raises(OutputError, match="leads to itself"):
        place_text(base / "loop" / "folder" / "a.txt", "x", within=base)


def test_no_room_leaves_the_old_file(base):
    """When the system takes no more bytes, the old file is whole and no part is left."""
    target = base / "a.json"
    place_json(target, {"old": True}, within=base)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*a\.json"):
            place_json(target, ["x" * 5000], within=base)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert json.loads(target.read_text()) == {"old": True}
    assert list(base.iterdir()) == [target]


def test_json_is_compressed_by_its_name(base):
    """A name that ends in .gz gets gzip, with equal bytes for equal values."""
    values = {"volume_mm3": 8000.0, "path": "caf\udce9"}
    plain = place_json(base / "a.json", values, within=base)
    packed = [place_json(base / name, values, within=base).read_bytes() for name in ("a.json.gz", "b.json.gz")]
    assert plain.read_bytes() == encode_json(values) == gzip.decompress(packed[0])
    assert packed[0] == packed[1]


def test_text_that_no_encoder_takes(base):
    """Bytes of a file name that are no UTF-8 are shown, not refused."""
    path = place_text(base / "a.log", "caf\udce9 \ud800 é\n", within=base)
    assert path.read_text(encoding="utf-8") == "caf\\udce9 \\ud800 é\n"


def test_link_to_the_source(base):
    """The link is absolute, in a folder made for it; the file itself need not exist."""
    link = base / "ModelA" / "source" / "ModelA.stl"
    assert link_source(link, Path("/models/ModelA.stl"), within=base) == link
    assert link.readlink() == Path("/models/ModelA.stl")


def test_correct_link_is_left(base):
    """A link that is right already is not made anew."""
    link = link_source(base / "m.stl", Path("/a/m.stl"), within=base)
    number = link.lstat().st_ino
    link_source(link, Path("/a/m.stl"), within=base)
    assert link.lstat().st_ino == number


def test_stale_link_is_replaced(base):
    """A link to where the file was is replaced by one to where it is."""
    link = link_source(base / "m.stl", Path("/a/m.stl"), within=base)
    link_source(link, Path("/b/m.stl"), within=base)
    assert links_to(link, Path("/b/m.stl"))
    assert list(base.iterdir()) == [link]


def test_link_to_a_name_that_is_no_utf_8(base, tmp_path):
    """A source whose name is no UTF-8 can be linked to and read through the link."""
    source = tmp_path / os.fsdecode(b"caf\xe9.stl")
    source.write_bytes(b"solid")
    assert link_source(base / "caf_.stl", source, within=base).read_bytes() == b"solid"


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["folder", "file"])
def test_foreign_file_is_never_replaced_by_a_link(base, make):
    """Where something that is no link has the link's name, a text file beside it names the source."""
    make(base / "m.stl")
    made = link_source(base / "m.stl", Path("/a/m.stl"), within=base)
    assert made.name == "m.stl.link.txt"
    assert not (base / "m.stl").is_symlink()
    assert made.read_text().splitlines()[-1] == "/a/m.stl"
    assert is_signed(made, Path("/a/m.stl"))


def test_text_file_where_links_are_refused(base):
    """Where the system refuses a link, a text file names the source, and no part of a link is left."""
    made = link_source(base / "m.stl", UNLINKABLE, within=base)
    assert list(base.iterdir()) == [made] == [pointer_of(base / "m.stl")]
    assert str(UNLINKABLE) in made.read_text()


def test_text_file_follows_its_source(base):
    """The text file is ours: it is replaced when the source moves, and goes when a link can be made."""
    first = link_source(base / "m.stl", UNLINKABLE, within=base)
    link_source(base / "m.stl", UNLINKABLE.with_name("n.stl"), within=base)
    assert is_signed(first, UNLINKABLE.with_name("n.stl"))
    link = link_source(base / "m.stl", Path("/a/m.stl"), within=base)
    assert list(base.iterdir()) == [link]


def test_foreign_text_file_is_not_replaced(base):
    """A file of that name that stlkit did not make is an error, not a loss."""
    (base / "m.stl.link.txt").write_text("mine")
    with pytest.raises(OutputError, match="in the way of a link"):
        link_source(base / "m.stl", UNLINKABLE, within=base)
    link_source(base / "m.stl", Path("/a/m.stl"), within=base)
    assert (base / "m.stl.link.txt").read_text() == "mine"


def test_signature_survives_any_file_name(base):
    """The line by which stlkit knows its files is one line, whatever a file is called."""
    names = [Path("/a/line\nfeed.stl"), Path("/a/caf\udce9.stl"), Path("/a/\u2028.stl"), Path("/a/ .stl")]
    for name in names:
        path = place_text(base / "log", f"{signature(name)}\nmore\n", within=base)
        assert [is_signed(path, other) for other in names] == [name == other for other in names]


def test_nothing_else_is_signed(base):
    """Links, folders, pipes, pictures and missing files are not taken for files of stlkit."""
    place_text(base / "log", signature(Path("/m.stl")), within=base)
    (base / "link").symlink_to(base / "log")
    (base / "folder").mkdir()
    (base / "picture").write_bytes(b"\x89PNG\r\n")
    os.mkfifo(base / "pipe")
    assert not any(is_signed(base / name) for name in ("link", "folder", "picture", "pipe", "missing"))


def test_one_line():
    """Control characters and bytes that are no UTF-8 are spelled out; everything else is as it was."""
    assert one_line("a\nb\tc\x85\u2028d\udce9\ud800 é龍🐉") == "a\\nb\\tc\\x85\\u2028d\\xe9\\ud800 é龍🐉"


def test_relative_names(base):
    """Names in summaries are relative to the output folder where they can be."""
    assert relative_name(base / "a" / "b.png", base) == "a/b.png"
    assert relative_name(Path("/elsewhere/b.png"), base) == "/elsewhere/b.png"
