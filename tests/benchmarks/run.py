"""How long things take on this machine: ``make bench``. Figures, not verdicts.

Every figure is the median of several runs. Machines differ and are busy with other things; compare ratios within one
run, not seconds between two.
"""

import dataclasses
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from estimate_trials import figures as estimate_figures
from rich.console import Console
from rich.table import Table

from stlkit.analytics.history import History
from stlkit.files import encode_json
from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.intake import read_stl
from stlkit.mesh.validation import validate
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState, new_job_id
from stlkit.model.options import Material, OutputSettings, Quality, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.summary import write_summary
from stlkit.rendering.backends import open_backend
from stlkit.rendering.studio import Studio
from stlkit.storage.history import JobEnd
from stlkit.storage.home import Home
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.usage import measure_usage
from stlkit.workspace import Workspace

RUNS = 3


def sphere(rings):
    """Triangles of a sphere of 50 mm radius: 4 * rings * (rings - 1) of them, (n, 3, 3)."""
    polar = np.linspace(0, np.pi, rings + 1)
    around = np.linspace(0, 2 * np.pi, 2 * rings + 1)
    around[-1] = 0  # the seam closes exactly
    p, a = np.meshgrid(polar, around, indexing="ij")
    ring = np.sin(p)
    ring[[0, -1]] = 0
    points = 50 * np.stack([ring * np.cos(a), ring * np.sin(a), np.cos(p)], axis=-1)
    nw, ne, sw, se = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    upper = np.stack([nw, sw, ne], axis=-2)[1:].reshape(-1, 3, 3)
    lower = np.stack([ne, sw, se], axis=-2)[:-1].reshape(-1, 3, 3)
    return np.concatenate([upper, lower])


def median_s(function):
    """Median time of a few calls, after one that does not count."""
    function()
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def ascii_stl(triangles):
    """Write triangles as text."""
    facet = "facet normal 0 0 0\nouter loop\n" + "vertex %.6e %.6e %.6e\n" * 3 + "endloop\nendfacet\n"
    return "solid s\n" + "".join(facet % tuple(t) for t in triangles.reshape(-1, 9)) + "endsolid s\n"


def mesh_figures(folder):
    """Intake, validation, analysis and dimensions."""
    for rings in (71, 570):
        triangles = sphere(rings)
        name = f"{len(triangles) / 1e3:.0f} k faces"
        binary = folder / f"{rings}.stl"
        binary.write_bytes(encode_binary_stl(triangles))
        yield f"read binary, {name}", median_s(lambda path=binary: read_stl(path))
        reading = read_stl(binary)
        options = ValidationOptions()
        yield f"validate and repair, {name}", median_s(lambda r=reading, o=options: validate(r, o))
        mesh = validate(reading, options).mesh
        yield f"analyse, {name}", median_s(lambda m=mesh, r=reading, o=options: analyze(m, r.report, o))
        yield f"dimensions, {name}", median_s(lambda m=mesh: measure_dimensions(m))
    text = folder / "text.stl"
    text.write_text(ascii_stl(sphere(220)))
    size_mb = text.stat().st_size / 1e6
    yield f"read ASCII, {size_mb:.0f} MB", median_s(lambda: read_stl(text))


def picture_figures(folder):
    """Still, size chart and turntable."""
    backend = open_backend()
    for rings in (71, 288):
        reading = read_stl(_written(folder, rings))
        mesh = validate(reading, ValidationOptions()).mesh
        name = f"{len(mesh.faces) / 1e3:.0f} k faces"
        yield f"load into the renderer, {name}", median_s(lambda m=mesh: Studio(backend, m))
        studio = Studio(backend, mesh)
        for quality in Quality:
            options = RenderOptions(quality=quality)
            figure = median_s(lambda s=studio, o=options: s.draw_still(o, folder / "still.png"))
            yield f"still 1920x1080 {quality}, {name}", figure
        video = RenderOptions(video_duration=1.0)
        seconds = median_s(lambda s=studio, o=video: s.record_turntable(o, folder / "video.mp4"))
        yield f"turntable 1920x1080, {name}, per frame", seconds / 30


def storage_figures(folder):
    """The queue's file with ten thousand jobs, the names of as many outputs, and what takes room where."""
    home = Home(folder / "home")
    home.create()
    states = QueueStateManager(home)
    made = JobResults(files_generated=tuple(folder / f"m_{number}.png" for number in range(6)))
    job = {"output_folder": folder, "output_base_folder": folder, "output_name": "m", "results": made}
    jobs = tuple(QueueJob(id=new_job_id(), stl_path=folder / f"{n}.stl", **job) for n in range(10_000))
    state = QueueState(jobs=jobs)
    yield "encode queue of 10,000 jobs", median_s(lambda: encode_json(state.to_dict()))
    yield "save queue of 10,000 jobs", median_s(lambda: states.save_queue_state(state))
    yield "load queue of 10,000 jobs", median_s(states.load_queue_state)
    files = [Path(f"/{n}/part.stl" if n % 2 else f"/a/m{n}.stl") for n in range(10_000)]
    yield "name the outputs of 10,000 files", median_s(lambda: _claim_all(folder / "named", files))
    changes = {"output_base_folder": folder / "summed", "state": JobState.COMPLETED}
    ended = [dataclasses.replace(job, output_name=f"m{n}", **changes) for n, job in enumerate(jobs[:1000])]
    yield "summary of 1,000 models", median_s(lambda: write_summary(folder / "summed", ended))
    outputs = folder / "outputs"
    outputs.mkdir()
    written = [outputs / f"{n}.png" for n in range(10_000)]
    for path in written:
        path.touch()
    yield "disk usage of 10,000 outputs", median_s(lambda: measure_usage(home, written))


def _claim_all(base, files):
    names, settings = OutputNames(base), OutputSettings()
    for file in files:
        names.claim(file, settings)


def history_figures(folder):
    """The history of a hundred thousand jobs as tables and figures."""
    history = History(folder / "history.db")
    fill_history(history, 100_000)
    yield "table of 100,000 jobs", median_s(history.to_dataframe)
    everything = {"unpack_options": True, "unpack_stages": True}
    yield "table of 100,000 jobs, unpacked", median_s(lambda: history.to_dataframe(**everything))
    yield "tables of 100,000 jobs in chunks", median_s(lambda: [len(f) for f in history.iter_dataframes()])
    yield "newest 100 of 100,000 jobs", median_s(history.records)
    yield "statistics of 100,000 jobs", median_s(lambda: history.get_processing_statistics(days=3650))
    history.close()


def fill_history(history, count):
    """Record jobs of made-up models, one every five minutes up to now; every tenth has failed."""
    settings = {"validation": ValidationOptions(), "output": OutputSettings()}
    renders = [RenderOptions(material=material, quality=quality) for material in Material for quality in Quality]
    generator = np.random.default_rng(20260115)
    start = utc_now() - timedelta(minutes=5 * count)
    for first in range(0, count, 5000):
        numbers = range(first, min(first + 5000, count))
        history.record_job_completions(
            JobEnd(job=made_up_job(n, start, generator), render=renders[n % len(renders)], concurrency=2, **settings)
            for n in numbers
        )


def made_up_job(number, start, generator):
    """A job whose duration goes with its faces, give or take a fifth."""
    faces = int(10 ** generator.uniform(2, 6))
    duration_s = (0.5 + faces / 20_000) * generator.uniform(0.8, 1.2)
    created_at = start + timedelta(minutes=5 * number)
    name, failed = f"model_{number % 5000}", number % 10 == 0
    output = Path("/out") / name
    return QueueJob(
        id=f"job_{number:08d}",
        stl_path=Path(f"/models/{name}.stl"),
        output_folder=output,
        output_base_folder=output.parent,
        output_name=name,
        state=JobState.FAILED if failed else JobState.COMPLETED,
        created_at=created_at,
        started_at=created_at,
        completed_at=created_at + timedelta(seconds=duration_s),
        estimated_duration=duration_s * generator.uniform(0.7, 1.3),
        actual_duration=duration_s,
        attempts=1,
        error_message=f"triangle {faces} cannot be read" if failed else None,
        results=JobResults(
            validation_passed=not failed,
            files_generated=() if failed else (output / "render.png", output / "analysis.json"),
            warnings=(f"{faces % 97} open edges",) if number % 3 == 0 else (),
            stl_size=84 + 50 * faces,
            stl_checksum=f"{number % 5000:064x}",
            faces=faces,
            stage_durations_s={"intake": duration_s / 4, "image": duration_s / 2, "finish": duration_s / 4},
            peak_memory_bytes=100_000_000 + 300 * faces,
            output_bytes=200_000,
            geometry_hash=f"{number % 5000:032x}",
            geometry_size_mm=float(number % 100 + 1),
        ),
    )


def engine_figures(folder):
    """Whole jobs through worker processes."""
    models = folder / "models"
    models.mkdir()
    data = encode_binary_stl(sphere(20))
    for number in range(40):
        (models / f"{number}.stl").write_bytes(data)
    for template in ("batch_analysis", "quick_preview"):
        with Workspace(folder / template, output=folder / f"out-{template}") as ws:
            ws.queue.use_template(ws.templates.load_template(template))
            ws.queue.add(models)
            started = time.perf_counter()
            ws.queue.start()
            ws.queue.wait()
            yield f"job of template {template}, two at a time, each", (time.perf_counter() - started) / 40


def _written(folder, rings):
    path = folder / f"picture-{rings}.stl"
    path.write_bytes(encode_binary_stl(sphere(rings)))
    return path


def main():
    table = Table("what", "median seconds", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for figures in (mesh_figures, picture_figures, storage_figures, history_figures, engine_figures):
            for what, seconds in figures(folder):
                table.add_row(what, f"{seconds:.4f}")
    Console(width=100).print(table)
    table = Table("how well times are told", "median relative error", box=None, pad_edge=False)
    for what, error in estimate_figures():
        table.add_row(what, f"{error:.1%}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
