"""Which stages a job has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stlkit.model.options import RenderOptions, ValidationOptions


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


PICTURES = frozenset({Stage.IMAGE, Stage.SIZE_CHART, Stage.COLOR_VARIATIONS, Stage.VIDEO})
"""Stages that draw."""


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


def stages_of(render: RenderOptions, validation: ValidationOptions) -> tuple[Stage, ...]:
    """List the stages that the options ask for.

    Parameters
    ----------
    render, validation : options

    Returns
    -------
    tuple of Stage
        In the order in which they run.
    """
    asked = {
        Stage.ANALYSIS: validation.generate_analysis,
        Stage.IMAGE: render.generate_image,
        Stage.SIZE_CHART: render.generate_size_chart,
        Stage.COLOR_VARIATIONS: render.generate_color_variations,
        Stage.VIDEO: render.generate_video,
    }
    return tuple(stage for stage in Stage if asked.get(stage, True))
