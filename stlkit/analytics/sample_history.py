"""A history of jobs that never ran, to explore statistics and plots with before there is one of one's own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from stlkit.model.causes import refusal_of
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.options import Material, OutputSettings, Quality, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.pipeline.plan import Stage
from stlkit.storage.history import JobEnd, JobHistoryManager

_BATCH = 5_000
_MODELS = 400
_ENDINGS = (JobState.COMPLETED, JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED)
_ENDINGS_WEIGHTS = (93, 4, 2, 1)
_SUBJECTS = ("bracket", "vase", "gear", "owl", "dragon", "tray", "hinge", "lamp", "planter", "knob")
_ERRORS = (
    "the file ends in the middle of a facet: 41 of 1200 facets are there",
    "the page of a web site was saved under the name of an STL file",
    "took longer than the 420 s it was given (stage video, attempt 2)",
    "the file is empty",
)
_ERRORS_WEIGHTS = (5, 3, 2, 1)
_WARNINGS = (
    "128 open edges: the surface is not closed",
    "12 faces without area",
    "the model is 0.9 mm large; its unit may be metres or inches",
    "3 separate bodies",
)
# Seconds of each stage: fixed, and per million faces, per picture or frame.
_STAGE_COSTS = {Stage.INTAKE: (0.02, 0.6), Stage.VALIDATION: (0.03, 3.5), Stage.ANALYSIS: (0.05, 2.0)}
_LOOKS = {Quality.DRAFT: 0.5, Quality.STANDARD: 1.0, Quality.HIGH: 2.4}


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    faces: int
    checksum: str
    is_doubtful: bool


def write_sample_history(
    history: JobHistoryManager, *, jobs: int = 1000, days: int = 365, seed: int = 0, until: datetime | None = None
) -> int:
    """Fill a history with jobs of a shop that never was: 400 models, seasons, weekends, failures.

    Parameters
    ----------
    history : JobHistoryManager
        Best one of its own home folder: nothing in a row says that it is made up, but its id, which begins with
        ``sample_``.
    jobs : int
    days : int
        The span over which they are spread.
    seed : int
        Equal seeds, numbers and ends give equal jobs; those that are there already are left as they are.
    until : datetime, optional
        Aware end of the span; now, unless given.

    Returns
    -------
    int
        How many jobs were added.

    Examples
    --------
    >>> with Workspace("tour") as ws:                        # doctest: +SKIP
    ...     write_sample_history(ws.history, jobs=100_000)
    """
    ends = _ends(Random(seed), jobs, timedelta(days=days), until or utc_now(), seed)  # noqa: S311 - equal seeds are to give equal jobs
    added = 0
    while batch := list(islice(ends, _BATCH)):
        added += history.record_job_completions(batch, session_id=f"session_sample_{seed}")
    return added


def _ends(chance: Random, jobs: int, span: timedelta, until: datetime, seed: int) -> Iterator[JobEnd]:
    models = [_model(chance, number) for number in range(_MODELS)]
    looks = [_look(chance) for _ in range(12)]
    moments = sorted(_moment(chance, until, span) for _ in range(jobs))
    for number, moment in enumerate(moments):
        model, render = models[int(_MODELS * chance.random() ** 2)], chance.choice(looks)
        yield _end(chance, f"sample_{seed}_{number:07}", moment, model, render)


def _model(chance: Random, number: int) -> _Model:
    return _Model(
        name=f"{chance.choice(_SUBJECTS)}_{number:03}",
        faces=int(10 ** chance.uniform(2.5, 6.2)),
        checksum=f"{chance.getrandbits(256):064x}",
        is_doubtful=chance.random() < 0.25,
    )


def _look(chance: Random) -> RenderOptions:
    return RenderOptions(
        material=chance.choice(tuple(Material)),
        quality=chance.choice(tuple(_LOOKS)),
        generate_size_chart=chance.random() < 0.6,
        generate_video=chance.random() < 0.3,
        generate_color_variations=chance.random() < 0.3,
    )


def _moment(chance: Random, until: datetime, span: timedelta) -> datetime:
    while True:
        moment = until - span * chance.random()
        season = 0.6 + 0.4 * math.sin(math.tau * moment.timetuple().tm_yday / 365.25)
        if chance.random() < season * (0.35 if moment.weekday() >= 5 else 1.0):
            return moment


def _end(chance: Random, job_id: str, moment: datetime, model: _Model, render: RenderOptions) -> JobEnd:
    state = chance.choices(_ENDINGS, _ENDINGS_WEIGHTS)[0]
    stages = _stages(chance, model.faces, render)
    if state is not JobState.COMPLETED:
        stages = dict(islice(stages.items(), chance.randint(1, 3)))
    duration_s = sum(stages.values())
    started = moment + timedelta(seconds=chance.expovariate(1 / 30))
    error = chance.choices(_ERRORS, _ERRORS_WEIGHTS)[0] if state is JobState.FAILED else None
    doubts: tuple[str, ...] = (chance.choice(_WARNINGS),) if model.is_doubtful and state is JobState.COMPLETED else ()
    if state is JobState.SKIPPED:
        first = model.faces % len(_WARNINGS)
        doubts = _WARNINGS[first : first + 1 + model.faces % 2]
    folder = Path("/listings") / model.name
    results = JobResults(
        validation_passed=not model.is_doubtful if state is JobState.COMPLETED else None,
        files_generated=_files(folder, model.name, render) if state is JobState.COMPLETED else (),
        errors=(error,) if error else (),
        warnings=doubts,
        stl_size=84 + 50 * model.faces,
        stl_checksum=model.checksum,
        faces=model.faces,
        stage_durations_s={name: round(seconds, 3) for name, seconds in stages.items()},
        peak_memory_bytes=int(3e8 + 1200 * model.faces),
        output_bytes=int(2e5 * len(stages) * chance.uniform(0.5, 1.5)) if state is JobState.COMPLETED else 0,
    )
    job = QueueJob(
        id=job_id,
        stl_path=Path("/models") / f"{model.name}.stl",
        output_folder=folder,
        output_base_folder=folder.parent,
        output_name=model.name,
        state=state,
        created_at=moment,
        started_at=started,
        completed_at=started + timedelta(seconds=duration_s),
        estimated_duration=round(duration_s * chance.lognormvariate(0, 0.3), 3),
        actual_duration=round(duration_s, 3),
        attempts=2 if chance.random() < 0.03 else 1,
        results=results,
        error_message=refusal_of(doubts) if state is JobState.SKIPPED else error,
        created_by=chance.choice(("notebook", "notebook", "cli")),
    )
    return JobEnd(
        job=job,
        render=render,
        validation=ValidationOptions(),
        output=OutputSettings(),
        concurrency=chance.randint(1, 2),
    )


def _stages(chance: Random, faces: int, render: RenderOptions) -> dict[str, float]:
    million_faces, look = faces / 1e6, _LOOKS[render.quality]
    frame_s = look * (0.09 + 0.5 * million_faces)
    costs = {stage.value: fixed + each * million_faces for stage, (fixed, each) in _STAGE_COSTS.items()}
    costs[Stage.IMAGE] = 0.3 + frame_s
    if render.generate_size_chart:
        costs[Stage.SIZE_CHART] = 0.2 + frame_s
    if render.generate_color_variations:
        costs[Stage.COLOR_VARIATIONS] = len(render.color_palette) * frame_s
    if render.generate_video:
        costs[Stage.VIDEO] = render.video_fps * render.video_duration * (0.04 + 0.5 * frame_s)
    costs[Stage.FINISH] = 0.02
    return {stage: cost * chance.lognormvariate(0, 0.15) for stage, cost in costs.items()}


def _files(folder: Path, name: str, render: RenderOptions) -> tuple[Path, ...]:
    wanted = (
        (True, f"analysis/{name}_analysis.json"),
        (True, f"renders/{name}_render.png"),
        (render.generate_size_chart, f"renders/{name}_size_chart.png"),
        (render.generate_video, f"renders/{name}_presentation.mp4"),
    )
    return tuple(folder / path for is_wanted, path in wanted if is_wanted)
