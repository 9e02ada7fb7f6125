"""How well the time of a job is told before it is done: ``python tests/benchmarks/estimate_trials.py``.

A history of a machine that does not exist, and a run of real jobs on this one. Of both, half of the jobs teach what
the others take; the error is the median of ``|estimate - actual| / actual`` over the other half.
"""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from stlkit.analytics.estimates import past_jobs
from stlkit.analytics.fitting import fit_costs
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.jobs import JobState
from stlkit.model.options import Quality, RenderOptions, ValidationLevel, ValidationOptions
from stlkit.pipeline.costs import DEFAULT_COSTS, PastJob
from stlkit.pipeline.size import ModelSize
from stlkit.samples.collection import SOUND
from stlkit.workspace import Workspace

SMALL = {"width": 640, "height": 360}
RENDERS = (
    {"generate_image": False},
    {},
    {"quality": "high", **SMALL},
    {"generate_size_chart": True, "width": 1280, "height": 720},
    {"generate_color_variations": True, "quality": "draft", **SMALL},
    {"generate_video": True, "video_duration": 1.0, **SMALL},
)
LEVELS = ("basic", "standard", "strict")


def machine(count, *, seed=0, slower=3.0, noise=0.2, odd=0.05):
    """Give jobs of a machine that is unlike the default.

    It is slower, each stage by a factor of its own; its times grow by powers of the faces that are not 1; work side by
    side costs it more; models differ in what no option says; and during a few jobs it does something else too.
    """
    rng = np.random.default_rng(seed)
    stage_factors = {stage: slower * np.exp(rng.normal(0, 0.5)) for stage in DEFAULT_COSTS.stages}
    return [_job(rng, stage_factors, noise, odd) for _ in range(count)]


def _job(rng, stage_factors, noise, odd):
    render = RenderOptions(
        generate_size_chart=bool(rng.random() < 0.4),
        generate_color_variations=bool(rng.random() < 0.2),
        generate_video=bool(rng.random() < 0.3),
        quality=rng.choice(list(Quality)[:3]),
        width=int(rng.choice([640, 1280, 1920])),
        video_duration=float(rng.choice([2.0, 5.0])),
    )
    validation = ValidationOptions(level=rng.choice(list(ValidationLevel)))
    size = ModelSize(faces=int(np.exp(rng.normal(np.log(40_000), 1.3))))
    bent = replace(size, faces=size.faces * (size.faces / 40_000) ** 0.15)
    concurrency = int(rng.integers(1, 4))
    model = np.exp(rng.normal(0, noise / 2))
    trouble = 8.0 if rng.random() < odd else 1.0
    durations = {}
    for each in DEFAULT_COSTS.plan(bent, render, validation):
        factor = stage_factors[each.stage] * concurrency**0.5 * model * trouble * np.exp(rng.normal(0, noise))
        durations[each.stage.value] = round(float(each.cost_s * factor), 3)
    total = sum(durations.values()) + 0.2 * float(np.exp(rng.normal(0, noise)))
    return PastJob(
        size=size, render=render, validation=validation, duration_s=total, stage_durations_s=durations,
        concurrency=concurrency,
    )  # fmt: skip


def median_error(costs, jobs):
    """Median relative error of what a model says of jobs."""
    said = [costs.job_s(j.size, j.render, j.validation, concurrency=j.concurrency) for j in jobs]
    return float(np.median([abs(s - j.duration_s) / j.duration_s for s, j in zip(said, jobs, strict=True)]))


def synthetic_figures():
    """Median errors on held-out jobs of a machine that does not exist."""
    for taught in (0, 10, 30, 100, 300):
        errors = []
        for seed in range(5):
            jobs = machine(taught + 200, seed=seed)
            errors.append(median_error(fit_costs(jobs[:taught], DEFAULT_COSTS), jobs[taught:]))
        yield f"synthetic history, {taught} jobs known", float(np.median(errors))


def real_figures(folder, count=96, concurrency=2):
    """Median errors on held-out jobs of a real run, and of the estimates that were given during it."""
    chance = random.Random(1)
    models = list(sound_models())
    with Workspace(folder / "home", output=folder / "out") as ws:
        ws.queue.configure(settings={"max_concurrent_jobs": concurrency})
        for number in range(count):
            # each of a size of its own: outputs of the same content would be used again
            triangles = chance.choice(models) * chance.uniform(0.5, 2)
            path = folder / f"{number}.stl"
            path.write_bytes(encode_binary_stl(triangles))
            level = chance.choice(LEVELS)
            ws.queue.add(path, render_options=chance.choice(RENDERS), validation_options={"level": level})
        ws.queue.start()
        ws.queue.wait()
        given = [
            abs(job.estimated_duration - job.actual_duration) / job.actual_duration
            for job in ws.queue.jobs
            if job.state is JobState.COMPLETED
        ]
        jobs = past_jobs(ws.history)
    yield "real run, no job known", median_error(DEFAULT_COSTS, jobs)
    yield f"real run, {len(jobs[::2])} jobs known", median_error(fit_costs(jobs[::2], DEFAULT_COSTS), jobs[1::2])
    yield "real run, as estimated during its second half", float(np.median(given[len(given) // 2 :]))


def sound_models():
    """Triangles of every sound sample as it is, and with four times the faces."""
    for make, _ in SOUND.values():
        triangles = make()
        yield triangles
        yield subdivided(triangles)


def subdivided(triangles):
    """Cut every triangle into four, (n, 3, 3) to (4n, 3, 3)."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    return np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])


def figures():
    """Every figure there is."""
    yield from synthetic_figures()
    with tempfile.TemporaryDirectory() as name:
        yield from real_figures(Path(name))


if __name__ == "__main__":
    for what, error in figures():
        print(f"{what}: median relative error {error:.1%}")  # noqa: T201
