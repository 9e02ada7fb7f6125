"""The command that looks and touches nothing: status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stlkit.cli.console import (
    HomeOption,
    JsonOption,
    file_column,
    number_column,
    out,
    print_json,
    print_noted,
    short_column,
    shown,
    styled,
)
from stlkit.engine.countdown import rough_duration
from stlkit.engine.progress_bar import saved_note
from stlkit.engine.waiting import GOES_ON
from stlkit.model.jobs import JobState, QueueJob
from stlkit.workspace import Workspace

_DO = "run 'stlkit resume' when it is back"


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the queue, without touching it."""
    with Workspace(home, observe=True) as workspace:
        jobs = workspace.queue.jobs
        counts = workspace.queue.counts()
        owner = workspace.owner
        eta = workspace.queue.eta()
        if as_json:
            data = {"home": workspace.home.root, "owner": owner, "counts": counts, "eta": eta, "jobs": jobs}
            print_json(data)
            return
        out.print(f"home: {shown(workspace.home.root)}", highlight=False)
        out.print(f"owner: {shown(str(owner or 'nobody, no queue is running'))}", highlight=False)
        print_jobs(jobs, stays_open=owner is not None)
        if eta.jobs:
            left = f"{eta.jobs} job{'s' if eta.jobs > 1 else ''} left, {rough_duration(eta.remaining_s)}"
            out.print(left if eta.finish_at else f"{left} once they run", highlight=False)


def print_jobs(jobs: Sequence[QueueJob], *, took_s: float | None = None, stays_open: bool = False) -> None:
    """Print one line a job, and below how many are in which state; nothing where there are none.

    Where the queue does not stay open, nothing goes on by itself: a job that waits for a drive says what to do.
    """
    rows, notes = [], []
    for job in jobs:
        seconds = f"{job.actual_duration:.1f}" if job.actual_duration is not None else ""
        faces = f"{job.results.faces:,}" if job.results.faces is not None else ""
        said = (saved_note(job), *job.results.warnings)
        question = job.question if stays_open else (job.question or "").replace(GOES_ON, _DO)
        note = question or job.error_message or "; ".join(filter(None, said))
        files = str(len(job.results.files_generated) or "")
        rows.append((shown(job.stl_path.name), styled(job.state), faces, seconds, files))
        notes.append((shown(job.stl_path.name), shown(note)))
    numbers = (number_column("faces"), number_column("seconds"), number_column("files"))
    print_noted((file_column(), short_column("state"), *numbers), rows, notes)
    states = Counter(job.state for job in jobs)
    totals = ", ".join(f"{states[state]:,} {state}" for state in JobState if states[state])
    if totals:
        out.print(totals if took_s is None else f"{totals} in {_duration(took_s)}", highlight=False)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
