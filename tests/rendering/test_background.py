import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stlkit.errors import RenderError
from stlkit.rendering.background import make_backdrop


@pytest.fixture
def picture(tmp_path):
    """Save a picture whose left half is red and right half blue."""

    def save(width, height, name="picture.png", alpha=255, **options):
        image = Image.new("RGBA", (width, height), (0, 0, 255, alpha))
        image.paste((255, 0, 0, alpha), (0, 0, width // 2, height))
        path = tmp_path / name
        (image if name.endswith("png") else image.convert("RGB")).save(path, **options)
        return str(path)

    return save


def test_a_color_is_everywhere():
    """A background colour fills the picture exactly."""
    assert (make_backdrop("#123456", None, 5, 4) == (0x12, 0x34, 0x56, 255)).all()


def test_transparent_is_nothing():
    """A transparent background has no colour and no alpha."""
    assert not make_backdrop("transparent", None, 5, 4).any()


@pytest.mark.parametrize(("width", "height"), [(80, 10), (10, 80), (40, 40), (7, 3)])
def test_a_picture_covers_everything(picture, width, height):
    """A picture of any shape covers the background, centred and in proportion: its middle stays in the middle."""
    backdrop = make_backdrop("white", picture(width, height), 40, 20)
    assert (backdrop[..., 3] == 255).all()
    left, right = backdrop[10, 5].astype(int), backdrop[10, 34].astype(int)
    assert left[0] > left[2] + 150
    assert right[2] > right[0] + 150


def test_a_large_jpeg_covers_too(picture):
    """A photograph many times larger than the render is reduced to fit."""
    backdrop = make_backdrop("white", picture(3000, 1000, "photo.jpg"), 40, 20)
    assert backdrop[10, 2, 0] > 200
    assert backdrop[10, 37, 2] > 200


def test_a_photograph_taken_upright_stands_upright(picture):
    """The orientation that a camera noted in the file is followed."""
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    backdrop = make_backdrop("white", picture(60, 30, "phone.jpg", exif=exif), 40, 20)
    assert backdrop[10, 2, 2] > 200


def test_the_color_shows_through_a_translucent_picture(picture):
    """Under a picture with alpha lies the background colour, or nothing if that is transparent."""
    path = picture(40, 20, alpha=128)
    assert make_backdrop("#ffffff", path, 40, 20)[10, 5].tolist() == pytest.approx([255, 127, 127, 255], abs=1)
    assert make_backdrop("transparent", path, 40, 20)[10, 5].tolist() == pytest.approx([128, 0, 0, 128], abs=1)


def test_a_missing_picture_is_named(tmp_path):
    """The error of a picture that is not there names it and the option."""
    with pytest.raises(RenderError, match=r"background_image.*nowhere\.png"):
        make_backdrop("white", str(tmp_path / "nowhere.png"), 8, 8)


def test_a_folder_is_no_picture(tmp_path):
    """A folder in place of a picture is an error of its own."""
    with pytest.raises(RenderError, match="background_image"):
        make_backdrop("white", str(tmp_path), 8, 8)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    """Text with the name of a picture is refused."""
    path = tmp_path / "text.png"
    path.write_text("solid nothing")
    with pytest.raises(RenderError, match="not a picture"):
        make_backdrop("white", str(path), 8, 8)


def test_a_truncated_picture_is_refused(tmp_path):
    """A picture that ends in the middle is refused, not half shown."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "cut.png"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(RenderError, match="cannot be read"):
        make_backdrop("white", str(path), 8, 8)


def test_a_picture_that_claims_to_be_enormous_is_refused(tmp_path):
    """A few bytes that claim 60000 x 60000 pixels are refused before memory is filled."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(RenderError, match="too large"):
        make_backdrop("white", str(path), 8, 8)
