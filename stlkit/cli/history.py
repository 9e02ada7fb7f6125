"""Commands about the history: the list of jobs, stats, export, archive, vacuum, check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from stlkit.analytics.history import History
from stlkit.cli.console import (
    ALL_COMPLETED,
    SOME_FAILED,
    HomeOption,
    JsonOption,
    KeyValueOption,
    file_column,
    number_column,
    out,
    parse_options,
    print_json,
    print_noted,
    short_column,
    shown,
    styled,
)
from stlkit.model.amounts import file_size
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.storage.history import JobFacts, JobFilter, JobHistoryRecord
from stlkit.storage.history.presentation import seconds
from stlkit.workspace import Workspace

app = typer.Typer(help="Show the jobs that have ended; count, export and archive them.", invoke_without_command=True)

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

StateOption = Annotated[
    list[str] | None, typer.Option("--state", help="Only jobs that ended so; may be given several times.")
]
SinceOption = Annotated[
    datetime | None, typer.Option("--since", formats=_DAYS, help="Only jobs created then or later, in local time.")
]
UntilOption = Annotated[
    datetime | None, typer.Option("--until", formats=_DAYS, help="Only jobs created before, in local time.")
]
PathOption = Annotated[str | None, typer.Option("--path", help="Only STL files whose whole path fits, as '*/gears/*'.")]
ArchivedOption = Annotated[bool, typer.Option("--archived", help="Archived jobs, too.")]


@app.callback()
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Newest jobs to show.")] = 20,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    path: PathOption = None,
    option: KeyValueOption = None,
    archived: ArchivedOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest ended jobs; or, with a command, count, export, archive or check them."""
    context.obj = home
    if context.invoked_subcommand is not None:
        return
    wanted = _filter(state, since, until, path, option)
    with _opened(context, home) as history:
        records = history.records(limit=limit, include_archived=archived, **wanted)
        facts = history.find_facts([record.id for record in records])
        statistics = history.get_processing_statistics()
        error = history.estimate_error(statistics.days)
    if as_json:
        jobs = [to_plain(record) | _reuse(facts.get(record.id)) for record in records]
        print_json({"jobs": jobs, "statistics": statistics, "estimate_error": error})
        return
    _print_records(records, facts)
    if not records and any(wanted.values()):
        out.print("no job fits", highlight=False)
    judged, share = statistics.judged, statistics.success_rate
    rate = f"; of {judged:,} that completed or failed, {share:.0%} completed" if share is not None else ""
    foreseen = f"; estimates of time were off by {error:.0%} (median)" if error is not None else ""
    out.print(f"{statistics.total} jobs in the last {statistics.days} days{rate}{foreseen}", highlight=False)


@app.command()
def stats(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="Length of the time up to now.")] = 30,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show figures about the jobs of the last days."""
    with _opened(context, home) as history:
        statistics = history.get_processing_statistics(days=days)
    if as_json:
        print_json({"statistics": statistics, "trend": statistics.trend})
        return
    for line in str(statistics).splitlines():
        out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .csv, .jsonl or .parquet.")],
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    path: PathOption = None,
    option: KeyValueOption = None,
    archived: ArchivedOption = False,
    home: HomeOption = None,
) -> None:
    """Write jobs, with all that is known of them, to a file for other programs."""
    wanted = _filter(state, since, until, path, option)
    with _opened(context, home) as history:
        count = history.export(target, include_archived=archived, **wanted)
    out.print(f"{count:,} jobs were written to {shown(target)}", highlight=False, soft_wrap=True)


@app.command()
def archive(
    context: typer.Context,
    keep_days: Annotated[int, typer.Option("--keep-days", min=0, max=36500, help="Younger jobs stay.")] = 90,
    before: Annotated[
        datetime | None,
        typer.Option("--before", formats=_DAYS, help="Move jobs created before this local time."),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move old jobs to one file a year beside the history, where --archived still finds them."""
    with _opened(context, home) as history:
        moved = history.archive(before=before, keep_days=keep_days)
    if as_json:
        print_json({"moved": {str(path): count for path, count in moved.items()}})
        return
    for path, count in moved.items():
        out.print(f"{count:,} jobs were moved to {shown(path)}", highlight=False, soft_wrap=True)
    if not moved:
        out.print("no job is old enough", highlight=False)


@app.command()
def vacuum(context: typer.Context, home: HomeOption = None) -> None:
    """Give the room of removed jobs back to the disk."""
    with _opened(context, home) as history:
        freed_bytes = history.vacuum()
    out.print(f"the history is {file_size(max(0, freed_bytes))} smaller", highlight=False)


@app.command()
def check(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Look for damage in the history and its archives."""
    with _opened(context, home) as history:
        problems = history.check_integrity()
    if as_json:
        print_json({"sound": not problems, "problems": problems})
    else:
        for problem in problems or ("the history is sound",):
            out.print(shown(problem), highlight=False, soft_wrap=True)
    raise typer.Exit(SOME_FAILED if problems else ALL_COMPLETED)


def _print_records(records: Iterable[JobHistoryRecord], facts: Mapping[str, JobFacts]) -> None:
    rows, notes = [], []
    for record in records:
        ended = f"{record.completed_at:%Y-%m-%d %H:%M:%S}" if record.completed_at else ""
        took = f"{record.actual_duration:.1f}" if record.actual_duration is not None else ""
        name = shown(record.stl_filename)
        rows.append((ended, name, styled(record.state), took, str(len(record.files_generated))))
        said = (record.error_message,) if record.error_message else record.warnings
        notes.append((name, shown("; ".join(filter(None, (_saved(record, facts.get(record.id)), *said))))))
    columns = (file_column(), short_column("state"), number_column("seconds"), number_column("files"))
    print_noted((short_column("ended (UTC)"), *columns), rows, notes)


def _reuse(facts: JobFacts | None) -> dict[str, float]:
    return {"reused_files": facts.reused_files if facts else 0, "saved_s": facts.saved_s if facts else 0.0}


def _saved(record: JobHistoryRecord, facts: JobFacts | None) -> str:
    """Say what a job did not make again; empty where it made everything."""
    files = tuple(map(Path, record.files_generated))
    reuse = JobResults(files_generated=files, reused_files=facts.reused_files).reuse if facts else ""
    return f"{reuse}, saved {seconds(facts.saved_s)}" if facts and reuse else ""


@contextmanager
def _opened(context: typer.Context, home: Path | None) -> Iterator[History]:
    """Open the home folder that was named after the command, or before it."""
    with Workspace(home or context.obj, observe=True) as workspace:
        yield workspace.history


def _filter(
    state: list[str] | None,
    since: datetime | None,
    until: datetime | None,
    path: str | None,
    option: list[str] | None,
) -> JobFilter:
    groups = parse_options(option or (), (RenderOptions, ValidationOptions, OutputSettings))
    chosen = {name: value for group in groups.values() for name, value in group.items()}
    return JobFilter(state=state or None, since=since, until=until, path=path, options=chosen)
