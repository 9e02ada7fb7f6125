"""Commands that look and touch nothing: status, history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from stlkit.cli.console import HomeOption, JsonOption, note_column, out, plain_table, print_json, shown, styled
from stlkit.engine.progress_bar import saved_note
from stlkit.model.jobs import QueueJob
from stlkit.workspace import Workspace


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the queue, without touching it."""
    with Workspace(home, observe=True) as workspace:
        jobs = workspace.queue.jobs
        counts = workspace.queue.counts()
        owner = workspace.owner
        if as_json:
            data = {"home": workspace.home.root, "owner": owner, "counts": counts, "jobs": jobs}
            print_json(data)
            return
        out.print(f"home: {shown(workspace.home.root)}", highlight=False)
        out.print(f"owner: {shown(str(owner or 'nobody, no queue is running'))}", highlight=False)
        print_jobs(jobs)


def history(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Newest jobs to show.")] = 20,
    state: Annotated[str | None, typer.Option("--state", help="Only jobs that ended so.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest ended jobs."""
    with Workspace(home, observe=True) as workspace:
        records = workspace.history.records(limit=limit, state=state)
        statistics = workspace.history.get_processing_statistics()
    if as_json:
        print_json({"jobs": records, "statistics": statistics})
        return
    table = plain_table("ended", "file", "state", "seconds", "files", note_column())
    for record in records:
        ended = f"{record.completed_at:%Y-%m-%d %H:%M:%S}" if record.completed_at else ""
        seconds = f"{record.actual_duration:.1f}" if record.actual_duration is not None else ""
        note = record.error_message or "; ".join(record.warnings)
        table.add_row(
            ended, shown(record.stl_filename), styled(record.state), seconds, str(len(record.files_generated)),
            shown(note),
        )  # fmt: skip
    out.print(table)
    rate = f", {statistics.success_rate:.0%} of them completed" if statistics.success_rate is not None else ""
    out.print(f"{statistics.total} jobs in the last {statistics.days} days{rate}", highlight=False)


def print_jobs(jobs: Iterable[QueueJob]) -> None:
    """Print one line a job."""
    table = plain_table("file", "state", "faces", "seconds", "files", note_column())
    for job in jobs:
        seconds = f"{job.actual_duration:.1f}" if job.actual_duration is not None else ""
        faces = f"{job.results.faces:,}" if job.results.faces is not None else ""
        notes = (saved_note(job), *job.results.warnings)
        note = job.question or job.error_message or "; ".join(filter(None, notes))
        files = str(len(job.results.files_generated) or "")
        table.add_row(shown(job.stl_path.name), styled(job.state), faces, seconds, files, shown(note))
    out.print(table)
