"""Frames to an MP4 file, through the ffmpeg that imageio-ffmpeg brings: one frame at a time, never all in memory."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from imageio_ffmpeg import get_ffmpeg_exe

from stlkit.errors import RenderError
from stlkit.rendering.compositing import Pixels

_GRACE_S = 120.0
"""The encoder may need so long to finish after the last frame, slow presets look ahead far."""
_TAIL_LINES = 6


class Mp4Writer:
    """Encodes frames as H.264 that plays in every browser.

    That means 4:2:0 colour of 8 bits, BT.709 as the file says and players assume, an even size, and the index in
    front of the data, so that playing starts before all is loaded. A context manager: left without an error the file
    is whole; left with one, ffmpeg is ended and no file remains.

    Parameters
    ----------
    path : Path
        Replaced where it exists.
    width_px, height_px : int
        Both even.
    fps : int
    crf : int
        x264's constant rate factor; lower is better and larger.
    preset : str
        x264's preset.

    Raises
    ------
    RenderError
        ffmpeg is missing or fails; the message ends with what it said last.
    """

    def __init__(self, path: Path, width_px: int, height_px: int, *, fps: int, crf: int, preset: str) -> None:
        self._path = path
        self._size = (width_px, height_px)
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process, in _close
        try:
            self._process = subprocess.Popen(
                _command(path, self._size, fps=fps, crf=crf, preset=preset),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said,  # a file: nobody has to empty it while frames are written
            )
        except (OSError, RuntimeError) as error:
            self._said.close()
            raise RenderError(f"ffmpeg cannot be started, so there is no video: {error}") from error
        self._frames = cast("IO[bytes]", self._process.stdin)

    def write(self, frame: Pixels) -> None:
        """Encode one frame.

        Parameters
        ----------
        frame : (h, w, 3) uint8
            sRGB.
        """
        try:
            self._frames.write(frame.data)
        except OSError as error:  # ffmpeg has closed its end: what it said is the reason
            raise self._failure() from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = False
        try:
            if kind is None:
                self._finish()
                whole = True
        finally:
            self._close()
            if not whole:
                self._path.unlink(missing_ok=True)

    def _finish(self) -> None:
        try:
            self._frames.close()
            status = self._process.wait(_GRACE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failure() from error
        if status != 0 or not self._path.is_file():
            raise self._failure()

    def _close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # of a frame that was still on its way to a dead process
            self._frames.close()
        self._said.close()

    def _failure(self) -> RenderError:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        tail = "; ".join(line.strip() for line in lines[-_TAIL_LINES:]) or "it said nothing"
        return RenderError(f"ffmpeg could not write the video {self._path} (status {self._process.returncode}): {tail}")


def _command(path: Path, size: tuple[int, int], *, fps: int, crf: int, preset: str) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "pipe:0"]
    # swscale would take the older BT.601 for the conversion, and colours would be off in the player.
    convert = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tags = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    codec = ["-an", "-vf", f"{convert},{tags}", "-c:v", "libx264", "-preset", preset, "-crf", str(crf)]
    # "file:" keeps a path that begins with a dash or contains a colon from being read as something else.
    target = ["-movflags", "+faststart", "-f", "mp4", f"file:{path}"]
    return [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *source, *codec, *target]
