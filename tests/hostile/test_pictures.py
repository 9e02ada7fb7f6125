"""A picture for the background that is none, or that asks for more than it can rightly have."""

import contextlib
import os
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from stlkit.errors import RenderError
from stlkit.rendering.background import make_backdrop


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, width, height, *, rows=0):
    """A grey PNG that claims a size, and has some of its rows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes((width + 1) * rows), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def write_gif(path):
    screen, frame = struct.pack("<HHBBB", 65535, 65535, 0, 0, 0), struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    path.write_bytes(b"GIF89a" + screen + b"," + frame + b"\x02\x02L\x01\x00;")


def write_tiff(path):
    entries = ((256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8))
    entries += ((277, 3, 1, 1), (278, 4, 1, 60_000), (279, 4, 1, 0xFFFFFFF0))
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8) + table)


def write_sparse(path, start):
    path.write_bytes(start)
    os.truncate(path, 1 << 30)


def write_text_bomb(path):
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    text = b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"zTXt", text)
        + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    )  # fmt: skip


REFUSED = {
    "bomb.png": lambda path: write_png(path, 60_000, 60_000, rows=100),
    "endless.png": lambda path: write_png(path, 2**31 - 1, 2**31 - 1),
    "bomb.gif": write_gif,
    "bomb.tiff": write_tiff,
    "sparse.png": lambda path: write_sparse(path, b"\x89PNG\r\n\x1a\n"),
    "sparse.webp": lambda path: write_sparse(path, b"RIFF\xf8\xff\xff\x3fWEBPVP8 \xec\xff\xff\x3f"),
    "sparse.bmp": lambda path: write_sparse(path, b"BM"),
    "ghost.eps": lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
    "ghost.png": lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"),
    "drawing.svg": lambda path: path.write_text('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "pipe.png": os.mkfifo,
    "device.png": lambda path: path.symlink_to("/dev/zero"),
    "loop.png": lambda path: path.symlink_to(path),
    "folder.png": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_in_words(tmp_path, name):
    """Without waiting, and with little memory of Python's own."""
    path = tmp_path / name
    REFUSED[name](path)
    tracemalloc.start()
    try:
        with pytest.raises(RenderError, match="background_image"):
            make_backdrop("white", str(path), 64, 36)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:9/x.png", "file:///etc/hostname", "data:image/png;base64,AAAA", "\0", "-"]
)
def test_addresses_are_not_fetched(path):
    """What looks like an address is the name of a file that does not exist."""
    with pytest.raises(RenderError, match="background_image"):
        make_backdrop("white", path, 64, 36)


def test_a_comment_that_unpacks_to_much_does_no_harm(tmp_path):
    """The picture is read or refused, and the comment is not unpacked."""
    write_text_bomb(tmp_path / "text.png")
    tracemalloc.start()
    with contextlib.suppress(RenderError):
        make_backdrop("white", str(tmp_path / "text.png"), 64, 36)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_of_an_animation_the_first_frame_is_shown(tmp_path):
    """And nothing waits for the others."""
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:] * 200, loop=0)
    backdrop = make_backdrop("white", str(tmp_path / "moves.gif"), 4, 4)
    assert (backdrop[..., 0] > 200).all()
    assert (backdrop[..., 2] < 50).all()
