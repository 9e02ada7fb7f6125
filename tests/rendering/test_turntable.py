import re
import struct
import subprocess

import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from PIL import Image

from stlkit.errors import RenderError
from stlkit.model.options import RenderOptions
from stlkit.rendering.studio import Studio
from stlkit.rendering.turntable import frame_count, video_size
from stlkit.rendering.video import Mp4Writer

pytestmark = pytest.mark.gl

BACKGROUND = (236, 238, 241)


def decode(path):
    """Return what ffmpeg says about a video, and its frames, (n, h, w, 3)."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", f"file:{path}"]
    result = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    about = next(line for line in result.stderr.decode().splitlines() if "Video: h264" in line)
    width, height = map(int, re.search(r", (\d+)x(\d+)", about).groups())
    return about, np.frombuffer(result.stdout, dtype=np.uint8).reshape(-1, height, width, 3)


def top_level_boxes(path):
    """Return the names of an MP4 file's outermost boxes, in order. Source: ISO/IEC 14496-12, 4.2."""
    data, position, names = path.read_bytes(), 0, []
    while position < len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        names.append(name.decode())
        position += size if size > 1 else struct.unpack_from(">Q", data, position + 8)[0]
    return names


def encoders():
    """Return the ffmpeg processes that this process has started and that still run."""
    return [child for child in psutil.Process().children() if "ffmpeg" in child.name()]


@pytest.fixture
def record(backend, tmp_path):
    """Record a short turntable of a mesh."""

    def make(mesh, *, on_progress=None, **options):
        defaults = {"width": 160, "height": 120, "video_duration": 1.0, "video_fps": 12}
        path = tmp_path / "turntable.mp4"
        Studio(backend, mesh).record_turntable(RenderOptions(**{**defaults, **options}), path, on_progress=on_progress)
        return path

    return make


def test_a_video_plays_in_every_browser(record, box):
    """It is H.264 with 4:2:0 colour of 8 bits, in BT.709, with its index before its data."""
    path = record(box(30, 20, 10))
    about, frames = decode(path)
    assert "yuv420p(tv, bt709" in about
    assert "12 fps" in about
    assert frames.shape == (12, 120, 160, 3)
    boxes = top_level_boxes(path)
    assert boxes.index("moov") < boxes.index("mdat")
    assert not encoders()


def test_colors_come_out_as_they_went_in(record, box):
    """The background has its colour in the video, to within what 8 bits of luma and chroma allow."""
    _, frames = decode(record(box(30, 20, 10), background_color="#c03080"))
    assert np.abs(frames[0, 2, 2].astype(int) - (0xC0, 0x30, 0x80)).max() <= 4


def test_odd_sizes_become_even(record, box):
    """A width or height that H.264 cannot have grows by one pixel."""
    _, frames = decode(record(box(30, 20, 10), width=161, height=121, video_fps=2))
    assert frames.shape == (2, 122, 162, 3)


@pytest.mark.parametrize(
    ("asked", "made"),
    [((1920, 1080), (1920, 1080)), ((161, 121), (162, 122)), ((8192, 8192), (3072, 3072)), ((8192, 16), (4096, 8))],
)
def test_videos_are_no_larger_than_players_take(asked, made):
    """Beyond H.264's level 5.2 a video is made smaller, in proportion."""
    assert video_size(*asked) == made


def test_the_number_of_frames_follows_from_duration_and_rate():
    """Ten seconds at thirty frames a second are 300 frames, and there is always one."""
    assert frame_count(RenderOptions()) == 300
    assert frame_count(RenderOptions(video_duration=0.001, video_fps=1)) == 1


def shown(frame):
    """Return the bounding box of what stands out clearly from the background: left, top, right, bottom."""
    apart = np.abs(frame.astype(int) - BACKGROUND).max(axis=2) > 60
    rows, columns = np.flatnonzero(apart.any(axis=1)), np.flatnonzero(apart.any(axis=0))
    return columns[0], rows[0], columns[-1], rows[-1]


def test_the_framing_is_constant_and_nothing_is_cut_off(record, box):
    """While a tall box turns, its top edge region and its foot stay at their places and clear of the border."""
    _, frames = decode(record(box(8, 8, 40), video_fps=24))
    boxes = np.array([shown(frame) for frame in frames])
    assert boxes[:, :2].min() > 3
    assert boxes[:, 2].max() < 156
    assert boxes[:, 3].max() < 116
    # A quarter turn of a square tower looks the same: the camera has not moved in between.
    np.testing.assert_allclose(boxes[0], boxes[6], atol=2)
    np.testing.assert_allclose(boxes[0], boxes[12], atol=2)
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    assert np.ptp(middle) <= 3


def test_a_full_turn_loops(record, box):
    """The last frame is one step before the first: where the loop closes, nothing comes twice or is left out."""
    _, frames = decode(record(box(30, 20, 10), video_fps=24, quality="high"))
    steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames, np.roll(frames, -1, axis=0), strict=True)]
    assert steps[-1] > 0.3 * np.median(steps)
    assert steps[-1] < 3 * np.median(steps)


def test_the_first_frame_resembles_the_still(backend, record, box, tmp_path):
    """The video starts from the side that the main picture shows."""
    mesh = box(20, 20, 20)
    _, frames = decode(record(mesh, quality="high"))
    Studio(backend, mesh).draw_still(RenderOptions(width=160, height=120), tmp_path / "still.png")
    still = np.asarray(Image.open(tmp_path / "still.png").convert("RGB"))
    for x, y in ((-14, 8), (14, 8), (0, -26)):
        assert np.abs(frames[0][60 + y, 80 + x].astype(int) - still[60 + y, 80 + x]).max() < 25
    assert np.abs(frames[1].astype(int) - still).mean() > np.abs(frames[0].astype(int) - still).mean()


def test_a_still_model_makes_a_still_video(record, box):
    """Turned by nothing, all frames are the same."""
    _, frames = decode(record(box(30, 20, 10), video_rotation_angle=0.0, video_fps=4))
    assert len(frames) == 4
    assert np.abs(np.diff(frames.astype(int), axis=0)).max() <= 2


def test_a_negative_angle_turns_the_other_way(record, box):
    """Turned backwards, a symmetrical start leads to the mirrored sequence."""
    forth = decode(record(box(30, 20, 10), video_rotation_angle=90.0, video_fps=4))[1]
    back = decode(record(box(30, 20, 10), video_rotation_angle=-90.0, video_fps=4))[1]
    assert np.abs(forth[2].astype(int) - back[2]).mean() > 2


def test_a_transparent_background_becomes_white(record, box):
    """A video has no transparency: what was transparent is white."""
    _, frames = decode(record(box(30, 20, 10), background_color="transparent", video_fps=2))
    assert frames[0, 0, 0].min() >= 253


def test_progress_is_told_after_every_frame(record, box):
    """The shares rise evenly to 1."""
    shares = []
    record(box(), on_progress=shares.append, video_fps=5)
    assert shares == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


class StopError(BaseException):
    """What a caller raises to stop."""


def test_stopping_leaves_nothing_behind(record, box, tmp_path):
    """What the callback raises comes out, no file is left, and ffmpeg is gone."""

    def stop(share):
        if share > 0.4:
            raise StopError

    with pytest.raises(StopError):
        record(box(), on_progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert not encoders()


def test_a_failing_encoder_says_why(backend, box, tmp_path):
    """Where ffmpeg cannot write, the error has its last words, and no process is left."""
    with pytest.raises(RenderError, match=r"ffmpeg could not write.*No such file"):
        Studio(backend, box()).record_turntable(
            RenderOptions(width=64, height=48, video_duration=0.5), tmp_path / "nowhere" / "a.mp4"
        )
    assert not encoders()


def test_an_encoder_that_dies_is_noticed(tmp_path):
    """If ffmpeg is killed in the middle, the next frames end in an error and the part of a file is removed."""

    def write_on_after_its_death(path):
        with Mp4Writer(path, 640, 480, fps=10, crf=20, preset="ultrafast") as writer:
            encoders()[0].kill()
            for _ in range(100):
                writer.write(np.zeros((480, 640, 3), dtype=np.uint8))

    with pytest.raises(RenderError, match="ffmpeg could not write"):
        write_on_after_its_death(tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["-dash first.mp4", "a:b.mp4", "per%20cent %d.mp4", "смерть.mp4"])
def test_file_names_are_taken_as_they_are(tmp_path, name):
    """Names that look like an option, a protocol or a pattern are names."""
    path = tmp_path / name
    with Mp4Writer(path, 16, 16, fps=10, crf=20, preset="ultrafast") as writer:
        writer.write(np.zeros((16, 16, 3), dtype=np.uint8))
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert len(decode(path)[1]) == 1


def test_the_first_frame_is_seen_from_the_chosen_side(record, box):
    """A long box begins end-on where the view is from its side."""

    def first_width(azimuth_deg):
        path = record(box(60, 10, 10), video_fps=2, view_azimuth_deg=azimuth_deg, view_elevation_deg=0)
        differs = np.abs(decode(path)[1][0].astype(int) - BACKGROUND).sum(axis=2) > 90
        return np.ptp(np.flatnonzero(differs.any(axis=0)))

    assert first_width(90) < first_width(0) / 3
