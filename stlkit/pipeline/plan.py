"""Which stages a job has, and what they may cost before anybody has measured."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stlkit.files import open_regular_file
from stlkit.model.options import Quality, RenderOptions, ValidationLevel, ValidationOptions


class Stage(StrEnum):
    """The steps of a job, in their order."""

    INTAKE = "intake"
    VALIDATION = "validation"
    ANALYSIS = "analysis"
    IMAGE = "image"
    SIZE_CHART = "size_chart"
    COLOR_VARIATIONS = "color_variations"
    VIDEO = "video"
    FINISH = "finish"


_BYTES_PER_FACE = 50  # of a binary file
_BEGINNING_BYTES = 1 << 14
# Seconds a frame, by quality: per megapixel, and per million faces. Measured with software rendering on two cores.
_FRAME_COST = {
    Quality.DRAFT: (0.03, 0.25),
    Quality.STANDARD: (0.06, 0.60),
    Quality.HIGH: (0.20, 1.20),
    Quality.ULTRA: (0.45, 2.40),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """One stage and its share of the work.

    Parameters
    ----------
    stage : Stage
    cost_s : float
        Estimated seconds.
    """

    stage: Stage
    cost_s: float


def size_as_binary_bytes(path: Path) -> int:
    """Return the size an STL file has, or would have if it were binary: what a job takes depends on its faces.

    Text takes three to six times the room of a binary file. How much it is in this one is seen from its beginning.

    Parameters
    ----------
    path : Path

    Returns
    -------
    int
        0 where there is no file that can be read.
    """
    try:
        with open_regular_file(path, limit_bytes=sys.maxsize) as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
            start = stream.read(_BEGINNING_BYTES) or b""
    except (OSError, ValueError):  # the job will say why
        return 0
    facets = start.lower().count(b"endfacet")
    if facets == 0 or b"\0" in start:
        return size_bytes
    return min(size_bytes, size_bytes * facets * _BYTES_PER_FACE // len(start))


def plan_stages(stl_size_bytes: int, render: RenderOptions, validation: ValidationOptions) -> tuple[PlannedStage, ...]:
    """List the stages that the options ask for.

    Parameters
    ----------
    stl_size_bytes : int
        See `size_as_binary_bytes`.
    render : RenderOptions
    validation : ValidationOptions

    Returns
    -------
    tuple of PlannedStage
        In the order in which they run.
    """
    million_faces = stl_size_bytes / _BYTES_PER_FACE / 1e6
    megapixels = render.width * render.height / 1e6
    per_megapixel, per_million_faces = _FRAME_COST[render.quality]
    frame = per_megapixel * megapixels + per_million_faces * million_faces
    picture = frame + 0.08 * megapixels
    looks_deep = validation.level is not ValidationLevel.BASIC
    frames = render.video_fps * render.video_duration
    stages = [
        (True, Stage.INTAKE, 0.05 + 0.5 * million_faces),
        (True, Stage.VALIDATION, 0.05 + (4.0 if looks_deep else 0.5) * million_faces),
        (validation.generate_analysis, Stage.ANALYSIS, 0.1 + 2.0 * million_faces),
        (render.generate_image, Stage.IMAGE, 0.5 + picture),
        (render.generate_size_chart, Stage.SIZE_CHART, 0.3 + picture),
        (render.generate_color_variations, Stage.COLOR_VARIATIONS, picture * len(render.color_palette)),
        (render.generate_video, Stage.VIDEO, 0.5 + frames * (frame + 0.02 * megapixels)),
        (True, Stage.FINISH, 0.05),
    ]
    return tuple(PlannedStage(stage=stage, cost_s=cost_s) for wanted, stage, cost_s in stages if wanted)


def estimate_duration_s(stl_size_bytes: int, render: RenderOptions, validation: ValidationOptions) -> float:
    """Estimate how long a job takes, from nothing but its file's size and its options.

    Returns
    -------
    float
        Seconds.
    """
    return sum(planned.cost_s for planned in plan_stages(stl_size_bytes, render, validation))
