"""The command line: parse, call the façade, print."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from stlkit._version import __version__
from stlkit.engine.progress_bar import MARKS, showing_progress
from stlkit.errors import JobError, OptionError, StlkitError
from stlkit.files import one_line
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import (
    CheckedOptions,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
    parse_option,
    unknown_option,
)
from stlkit.workspace import Workspace

ALL_COMPLETED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_GROUPS: tuple[type[CheckedOptions], ...] = (RenderOptions, ValidationOptions, OutputSettings, QueueSettings)

app = typer.Typer(
    name="stlkit",
    help="Turn folders of STL files into pictures, size charts, videos, checks and a history.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# Where nobody sets a width, as in a pipe, a table gets room for its notes.
_out = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160, emoji=False)
_err = Console(stderr=True, emoji=False)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Home folder; else STLKIT_HOME, else the default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", min=1, max=64, help="Jobs that run side by side.")]


def main() -> None:
    """Run the command line; every ending becomes an exit code, every error one line."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except StlkitError as error:
        _err.print(f"stlkit: {one_line(str(error))}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(WRONG_USAGE)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stlkit {__version__}")
        raise typer.Exit


@app.callback()
def _stlkit(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Turn folders of STL files into pictures, size charts, videos, checks and a history."""


@app.command()
def run(
    paths: Annotated[list[Path], typer.Argument(help="STL files, folders or patterns.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the outputs.", show_default=False)],
    template: Annotated[str, typer.Option("--template", "-t", help="Template, by name.")] = "default_render",
    option: Annotated[
        list[str] | None, typer.Option("--option", "-O", help="key=value; may be given several times.")
    ] = None,
    jobs: JobsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Process STL files."""
    chosen = _parse_options(option or [])
    with Workspace(home, created_by="cli") as workspace:
        queue = workspace.queue
        wanted = workspace.templates.load_template(template)
        # As the jobs' own options: what an earlier session left in the queue keeps its own.
        render = wanted.render_options.merged(chosen[RenderOptions]).differing_from(queue.render_options)
        validation = wanted.validation_options.merged(chosen[ValidationOptions])
        naming = wanted.output_settings.merged(chosen[OutputSettings])
        _configure(workspace, chosen[QueueSettings], jobs)
        queue.clear()
        for note in workspace.recovery.notes:
            _note(note, as_json=as_json)
        waiting = len(queue.jobs)
        added = queue.add(
            paths,
            output=output,
            render_options=render,
            validation_options=validation.differing_from(queue.validation_options),
            output_settings=naming.differing_from(queue.output_settings),
        )
        if waiting:
            _note(f"{waiting} unfinished jobs of an earlier run wait; 'stlkit resume' takes them up", as_json=as_json)
        if added.duplicates:
            _note(str(added), as_json=as_json)
        if not added.jobs and not added.duplicates:
            raise JobError(f"there are no STL files in {', '.join(map(one_line, paths))}")
        _work(workspace, [job.id for job in added.jobs], as_json=as_json)


@app.command()
def resume(jobs: JobsOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Finish what an interrupted run left."""
    with Workspace(home, created_by="cli") as workspace:
        _tell_recovery(workspace, as_json=as_json)
        open_ids = [job.id for job in workspace.queue.jobs if not job.state.ended]
        if not open_ids:
            _note("nothing to resume", as_json=as_json)
        _configure(workspace, {}, jobs)
        workspace.queue.resume()
        _work(workspace, open_ids, as_json=as_json)


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the queue, without touching it."""
    with Workspace(home, observe=True) as workspace:
        jobs = workspace.queue.jobs
        counts = workspace.queue.counts()
        owner = workspace.owner
        if as_json:
            data = {"home": workspace.home.root, "owner": owner, "counts": counts, "jobs": jobs}
            _print_json(data)
            return
        _out.print(f"home: {_shown(workspace.home.root)}", highlight=False)
        _out.print(f"owner: {_shown(str(owner or 'nobody, no queue is running'))}", highlight=False)
        _print_jobs(jobs)


@app.command()
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
        _print_json({"jobs": records, "statistics": statistics})
        return
    note_column = Column("note", overflow="fold")
    table = Table("ended", "file", "state", "seconds", "files", note_column, box=None, pad_edge=False)
    for record in records:
        ended = f"{record.completed_at:%Y-%m-%d %H:%M:%S}" if record.completed_at else ""
        seconds = f"{record.actual_duration:.1f}" if record.actual_duration is not None else ""
        note = record.error_message or "; ".join(record.warnings)
        table.add_row(
            ended, _shown(record.stl_filename), _styled(record.state), seconds, str(len(record.files_generated)),
            _shown(note),
        )  # fmt: skip
    _out.print(table)
    rate = f", {statistics.success_rate:.0%} of them completed" if statistics.success_rate is not None else ""
    _out.print(f"{statistics.total} jobs in the last {statistics.days} days{rate}", highlight=False)


@app.command()
def samples(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write demonstration models, sound and damaged."""
    from stlkit.samples import write_samples  # noqa: PLC0415 - only this command needs it

    for sample in write_samples(folder):
        typer.echo(f"{one_line(sample.path)}  {sample.description}")


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check that this machine can draw: render a known cube and compare."""
    from stlkit.doctor import examine  # noqa: PLC0415 - starts the renderer

    findings = examine()
    if as_json:
        _print_json({"passed": all(f.passed for f in findings), "checks": findings})
    for finding in [] if as_json else findings:
        mark, style = ("✓", "green") if finding.passed else ("✗", "red")
        _out.print(f"{mark} {finding.name}: {one_line(finding.detail)}", style=style, markup=False, highlight=False)
    raise typer.Exit(ALL_COMPLETED if all(f.passed for f in findings) else SOME_FAILED)


def _work(workspace: Workspace, job_ids: Sequence[str], *, as_json: bool) -> NoReturn:
    """Run the queue to its end, print what came out, and end with the exit code."""
    queue = workspace.queue
    queue.start()
    try:
        with nullcontext() if as_json else showing_progress(queue, _err):
            queue.wait()
    except KeyboardInterrupt:
        _note("interrupted; 'stlkit resume' takes up what is unfinished", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None
    jobs = [queue.job(job_id) for job_id in job_ids]
    folders = sorted({job.output_base_folder for job in jobs})
    if as_json:
        _print_json({"counts": queue.counts(), "output_folders": folders, "jobs": jobs})
    else:
        _print_jobs(jobs)
        for folder in folders:
            _out.print(f"outputs: {_shown(folder)}", highlight=False, soft_wrap=True)
    completed = all(job.state is JobState.COMPLETED for job in jobs)
    raise typer.Exit(ALL_COMPLETED if completed else SOME_FAILED)


def _parse_options(texts: Iterable[str]) -> dict[type[CheckedOptions], dict[str, Any]]:
    chosen: dict[type[CheckedOptions], dict[str, Any]] = {group: {} for group in _GROUPS}
    for text in texts:
        name, separator, value = text.partition("=")
        name = name.strip()
        if not separator:
            raise OptionError(f"{text!r} is no option; write --option {name}=value", field=name)
        group = next((g for g in _GROUPS if name in g.names()), None)
        if group is None:
            raise unknown_option(name, tuple(known for g in _GROUPS for known in g.names()))
        chosen[group][name] = parse_option(group, name, value.strip())
    return chosen


def _configure(workspace: Workspace, settings: Mapping[str, Any], jobs: int | None) -> None:
    wanted = {**settings, **({"max_concurrent_jobs": jobs} if jobs else {})}
    workspace.queue.configure(settings=wanted)


def _print_jobs(jobs: Iterable[QueueJob]) -> None:
    note_column = Column("note", overflow="fold")
    table = Table("file", "state", "faces", "seconds", "files", note_column, box=None, pad_edge=False)
    for job in jobs:
        seconds = f"{job.actual_duration:.1f}" if job.actual_duration is not None else ""
        faces = f"{job.results.faces:,}" if job.results.faces is not None else ""
        note = job.question or job.error_message or "; ".join(job.results.warnings)
        files = str(len(job.results.files_generated) or "")
        table.add_row(_shown(job.stl_path.name), _styled(job.state), faces, seconds, files, _shown(note))
    _out.print(table)


def _shown(text: Path | str) -> str:
    """Return text that neither the terminal nor rich takes for a command."""
    return escape(one_line(text))


def _styled(state: str) -> str:
    mark, color = MARKS.get(JobState(state), ("…", "cyan")) if state in set(JobState) else ("?", "cyan")
    return f"[{color}]{mark} {_shown(state)}[/]"


def _tell_recovery(workspace: Workspace, *, as_json: bool) -> None:
    recovery = workspace.recovery
    if recovery.jobs or recovery.notes or recovery.removed:
        _note(str(recovery), as_json=as_json)


def _note(text: str, *, as_json: bool) -> None:
    if not as_json:
        _err.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


def _print_json(value: Mapping[str, Any]) -> None:
    # escaped, so that a file name that is no UTF-8 comes through any pipe
    typer.echo(json.dumps(to_plain(value), indent=2))
