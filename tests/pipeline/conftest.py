from dataclasses import replace

import pytest

from stlkit.engine.local_worker import LocalWorker
from stlkit.engine.protocol import Progress, Result, Run
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.pipeline.order import JobOrder


@pytest.fixture(scope="session")
def worker():
    """One real worker process, with its own renderer."""
    process = LocalWorker(threads=1)
    yield process
    process.kill()


@pytest.fixture
def do(worker, tmp_path):
    """Have the worker do a job, and return its answer and the stages it went through."""

    def run(stl_path, render=None, validation=None, output=None, **changes):
        cache = tmp_path / "cache"
        cache.mkdir(exist_ok=True)
        order = JobOrder(
            job_id="job_test",
            stl_path=stl_path,
            output_base_folder=tmp_path / "out",
            output_name=stl_path.stem,
            cache_folder=cache,
            attempt=1,
            created_at=utc_now(),
            render=render or RenderOptions(generate_image=False),
            validation=validation or ValidationOptions(),
            output=output or OutputSettings(),
        )
        worker.send(Run(order=replace(order, **changes)))
        stages = []
        while True:
            report = worker.receive(60)
            assert report is not None, "the worker said nothing for a minute"
            if isinstance(report, Result):
                return report.answer, list(dict.fromkeys(stages))
            if isinstance(report, Progress):
                stages.append(report.stage)

    return run
