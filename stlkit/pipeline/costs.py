"""What the stages of a job cost, in seconds: the model that estimates come from, and its values before any history.

The time of a stage is a sum of features of the job, each times a coefficient that is not negative, times a power of
the number of jobs that run side by side::

    seconds = concurrency ** exponent * sum(coefficient[feature] * feature)

Every feature is a constant, or grows in proportion to the faces, to their root (the faces on a model's outside, among
which its smallest box is sought) or to the bytes of text. So for given options the time is a sum of these four, and a
queue of thousands of jobs is estimated by a few multiplications each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from stlkit.model.options import RenderOptions, ValidationOptions
from stlkit.pipeline.plan import PICTURES, PlannedStage, Stage, stages_of
from stlkit.pipeline.size import ModelSize

# Seconds, measured with software rendering on two cores, one job at a time. "mp" is megapixels, "faces" and "text" are
# millions of faces and of bytes; a picture's costs are by its quality.
_PICTURE = {
    "mp draft": 0.05, "mp standard": 0.08, "mp high": 0.25, "mp ultra": 0.6,
    "faces draft": 0.3, "faces standard": 0.6, "faces high": 3.0, "faces ultra": 8.0,
    "renderer": 0.3, "load faces": 1.0,
}  # fmt: skip
_FRAMES = {
    "mp draft": 0.03, "mp standard": 0.06, "mp high": 0.09, "mp ultra": 0.3,
    "faces draft": 0.25, "faces standard": 0.6, "faces high": 0.6, "faces ultra": 1.2,
}  # fmt: skip
_DEFAULT_COEFFICIENTS: Mapping[str, Mapping[str, float]] = {
    Stage.INTAKE: {"job": 0.02, "faces": 0.3, "text": 0.05},
    Stage.VALIDATION: {"job": 0.03, "faces basic": 0.5, "faces standard": 2.0, "faces strict": 3.0},
    Stage.ANALYSIS: {"job": 0.03, "root faces": 0.4, "faces": 1.0},
    Stage.IMAGE: {"job": 0.05, **_PICTURE},
    Stage.SIZE_CHART: {"job": 0.2, **_PICTURE},
    Stage.COLOR_VARIATIONS: {"job": 0.02, **_PICTURE},
    Stage.VIDEO: {"job": 0.3, **_FRAMES, "renderer": 0.3, "load faces": 1.0},
    Stage.FINISH: {"job": 0.03, "faces": 0.05},
}
BETWEEN_STAGES = "between_stages"
"""Key of the time that belongs to no stage: handing a job over, and its answer back."""

_MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCosts:
    """What one stage costs.

    Parameters
    ----------
    coefficients : mapping of str to float
        Seconds by feature.
    exponent : float
        Of the number of jobs that run side by side.
    """

    coefficients: Mapping[str, float]
    exponent: float = 0.0

    def seconds(self, features: Mapping[str, float], concurrency: int) -> float:
        """Return the time of the stage for a job with these features."""
        alone_s = sum(self.coefficients.get(name, 0.0) * value for name, value in features.items())
        return alone_s * float(concurrency**self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """How the time of jobs with the same options depends on their models.

    Parameters
    ----------
    fixed_s, per_face_s, per_root_face_s, per_text_byte_s : float
    """

    fixed_s: float
    per_face_s: float
    per_root_face_s: float
    per_text_byte_s: float

    def seconds(self, size: ModelSize) -> float:
        """Return the time of a job with a model of this size."""
        of_faces_s = self.per_face_s * size.faces + self.per_root_face_s * math.sqrt(size.faces)
        return self.fixed_s + of_faces_s + self.per_text_byte_s * size.text_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What jobs cost on one machine.

    Parameters
    ----------
    stages : mapping of str to StageCosts
        By stage, and under `BETWEEN_STAGES`.
    jobs : int
        How many jobs of the person's own history it was learned from; 0 for what holds before there are any.
    """

    stages: Mapping[str, StageCosts]
    jobs: int = 0

    def slowed(self, factor: float) -> CostModel:
        """Return what jobs cost while everything takes `factor` times as long."""

        def slower(stage: StageCosts) -> StageCosts:
            return replace(stage, coefficients={name: factor * s for name, s in stage.coefficients.items()})

        return replace(self, stages={name: slower(stage) for name, stage in self.stages.items()})

    def plan(
        self, size: ModelSize, render: RenderOptions, validation: ValidationOptions, *, concurrency: int = 1
    ) -> tuple[PlannedStage, ...]:
        """List the stages that the options ask for, with the time each is expected to take.

        Parameters
        ----------
        size : ModelSize
        render, validation : options
        concurrency : int
            Jobs that run side by side, this one included.

        Returns
        -------
        tuple of PlannedStage
            In the order in which they run.
        """
        return tuple(
            PlannedStage(stage=stage, cost_s=self._cost_s(stage, size, render, validation, concurrency))
            for stage in stages_of(render, validation)
        )

    def line(self, render: RenderOptions, validation: ValidationOptions, *, concurrency: int = 1) -> JobLine:
        """Return how the time of a whole job depends on its model, for given options."""

        def total_s(size: ModelSize) -> float:
            planned = self.plan(size, render, validation, concurrency=concurrency)
            return self.stages[BETWEEN_STAGES].seconds({"job": 1}, concurrency) + sum(each.cost_s for each in planned)

        fixed_s = total_s(ModelSize(faces=0))
        one_s, four_s = (total_s(ModelSize(faces=millions * _MILLION)) - fixed_s for millions in (1, 4))
        return JobLine(
            fixed_s=fixed_s,
            # four times the faces have twice the root
            per_face_s=(four_s - 2 * one_s) / 2 / _MILLION,
            per_root_face_s=(4 * one_s - four_s) / 2 / math.sqrt(_MILLION),
            per_text_byte_s=(total_s(ModelSize(faces=0, text_bytes=int(_MILLION))) - fixed_s) / _MILLION,
        )

    def job_s(
        self, size: ModelSize, render: RenderOptions, validation: ValidationOptions, *, concurrency: int = 1
    ) -> float:
        """Return the time that a whole job is expected to take, in seconds."""
        return self.line(render, validation, concurrency=concurrency).seconds(size)

    def _cost_s(
        self, stage: Stage, size: ModelSize, render: RenderOptions, validation: ValidationOptions, concurrency: int
    ) -> float:
        return self.stages[stage].seconds(features_of(stage, size, render, validation), concurrency)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJob:
    """A job that was done from beginning to end at the first attempt.

    Parameters
    ----------
    size : ModelSize
    render, validation : options
        What it ran with.
    duration_s : float
    stage_durations_s : mapping of str to float
    concurrency : int
        Jobs that ran side by side, itself included.
    """

    size: ModelSize
    render: RenderOptions
    validation: ValidationOptions
    duration_s: float
    stage_durations_s: Mapping[str, float]
    concurrency: int = 1


DEFAULT_COSTS = CostModel(
    stages={
        **{name: StageCosts(coefficients=each, exponent=0.4) for name, each in _DEFAULT_COEFFICIENTS.items()},
        BETWEEN_STAGES: StageCosts(coefficients={"job": 0.1}),
    }
)
"""What holds before there is any history."""


def features_of(
    stage: Stage, size: ModelSize, render: RenderOptions, validation: ValidationOptions
) -> dict[str, float]:
    """Return what the time of a stage depends on.

    Parameters
    ----------
    stage : Stage
        One that the options ask for.
    size : ModelSize
    render, validation : options

    Returns
    -------
    dict of str to float
        Amount by feature: constants, millions of faces and the root of these, millions of bytes of text, and
        megapixels; of pictures and frames these are for all of them.
    """
    faces = size.faces / _MILLION
    if stage is Stage.INTAKE:
        return {"job": 1, "faces": faces, "text": size.text_bytes / _MILLION}
    if stage is Stage.VALIDATION:
        return {"job": 1, f"faces {validation.level}": faces}
    if stage is Stage.ANALYSIS:
        return {"job": 1, "faces": faces, "root faces": math.sqrt(faces)}
    if stage not in PICTURES:
        return {"job": 1, "faces": faces}
    pictures = {Stage.COLOR_VARIATIONS: len(render.color_palette), Stage.VIDEO: _frames(render)}.get(stage, 1)
    features = {
        "job": 1,
        f"mp {render.quality}": pictures * render.width * render.height / _MILLION,
        f"faces {render.quality}": pictures * faces,
    }
    if stage is next(each for each in stages_of(render, validation) if each in PICTURES):
        features |= {"renderer": 1, "load faces": faces}  # the first picture is when the mesh goes into the renderer
    return features


def _frames(render: RenderOptions) -> float:
    return render.video_fps * render.video_duration
