"""How a queue's progress is shown where colours are forced but nothing can be drawn over."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from stlkit.engine.progress_bar import saved_note, showing_progress
from stlkit.model.jobs import JobResults, JobState, QueueJob


def test_forced_colors_do_not_bring_bars_into_a_file(bench):
    """A notebook forces colours on every program it starts; it still gets one line for each job that ends."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bench.add("ok.stl")
    with showing_progress(bench.queue, console):
        bench.queue.start()  # which a person did, and need not be told of
        assert bench.queue.wait(60)
    assert console.file.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("saved_s", "note"), [(0.0, "up to date"), (0.04, "up to date"), (0.05, "up to date (0.1 s saved)")]
)
def test_no_time_that_reads_as_none_is_told(saved_s, note):
    """What was saved is told where it is worth a word."""
    results = JobResults(files_generated=(Path("/out/a.png"),), reused_files=1, saved_s=saved_s)
    job = QueueJob(
        id="job_1", stl_path=Path("/a.stl"), output_folder=Path("/out"), output_base_folder=Path("/out"),
        output_name="a", state=JobState.COMPLETED, results=results,
    )  # fmt: skip
    assert saved_note(job) == note
