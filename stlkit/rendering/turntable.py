"""The presentation video: the model turns once about the vertical axis, under standing light."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stlkit.model.options import RenderOptions
from stlkit.rendering.background import TRANSPARENT
from stlkit.rendering.framing import frame, region_of, view_of
from stlkit.rendering.quality import VIDEO_EFFORTS
from stlkit.rendering.stage import Stage
from stlkit.rendering.video import Mp4Writer

_MOST_PIXELS = 4096 * 2304
_LONGEST_SIDE = 4096
"""What H.264 decoders take, up to level 5.2: larger videos are made smaller, in proportion."""
_BEHIND_TRANSPARENT = "#ffffff"
"""MP4 knows no transparency."""


def record(
    stage: Stage, options: RenderOptions, path: Path, *, on_progress: Callable[[float], None] | None = None
) -> None:
    """Record a turntable.

    The framing is the same in every frame and holds the model at every angle. A full turn loops without a jump: the
    frame after the last would be the first.

    Parameters
    ----------
    stage : Stage
    options : RenderOptions
        The first frame is seen from their view. Sizes are rounded up to even numbers.
    path : Path
        MP4 file to write.
    on_progress : callable, optional
        Told after every frame which share is done, 0 to 1. What it raises stops the recording.

    Raises
    ------
    RenderError
        The renderer or the encoder failed, or the background picture cannot be read. No part of a file is left.
    """
    effort = VIDEO_EFFORTS[options.quality]
    width, height = video_size(options.width, options.height)
    turn_rad = float(np.radians(options.video_rotation_angle))
    camera = frame(stage.geometry.positions, width, height, view_rad=view_of(options), turn_rad=turn_rad)
    region = region_of(stage.geometry.positions, camera, turn_rad=turn_rad)
    shot = stage.shot(options, camera, region)
    if options.background_color == TRANSPARENT:
        options = dataclasses.replace(options, background_color=_BEHIND_TRANSPARENT)
    backdrop = stage.backdrop(options, width, height)[..., :3].copy()
    count = frame_count(options)
    with Mp4Writer(path, width, height, fps=options.video_fps, crf=effort.crf, preset=effort.preset) as writer:
        for number in range(count):
            angle = turn_rad * number / count
            canvas = backdrop.copy()
            if effort.frames.ground_shadow:
                stage.lay_shadow(canvas, options, camera, angle)
            stage.lay_turned_model(canvas, dataclasses.replace(shot, turn_rad=angle), region, effort.frames)
            writer.write(canvas)
            if on_progress is not None:
                on_progress((number + 1) / count)


def frame_count(options: RenderOptions) -> int:
    """Return how many frames a video has; at least one."""
    return max(1, round(options.video_duration * options.video_fps))


def video_size(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size of a video: even, as 4:2:0 colour wants it, and no larger than decoders take.

    Parameters
    ----------
    width_px, height_px : int
        As asked for.

    Returns
    -------
    tuple of int
    """
    shrink = min(1.0, _LONGEST_SIDE / max(width_px, height_px), (_MOST_PIXELS / (width_px * height_px)) ** 0.5)
    if shrink == 1.0:
        return width_px + width_px % 2, height_px + height_px % 2
    return max(2, int(width_px * shrink) // 2 * 2), max(2, int(height_px * shrink) // 2 * 2)
