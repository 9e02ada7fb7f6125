"""Commands that work: run, watch, resume."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from stlkit.cli.console import (
    ALL_COMPLETED,
    INTERRUPTED,
    SOME_FAILED,
    HomeOption,
    JsonOption,
    KeyValueOption,
    err,
    out,
    parse_options,
    print_json,
    shown,
    tell,
)
from stlkit.cli.looking import print_jobs
from stlkit.engine.folder_watch import SETTLE_S, FolderWatch
from stlkit.engine.progress_bar import showing_progress
from stlkit.engine.queue import JobQueue
from stlkit.engine.scan import find_stl_files
from stlkit.errors import JobError
from stlkit.files import one_line
from stlkit.model.jobs import JobState, QueueJob
from stlkit.model.options import CheckedOptions, OutputSettings, QueueSettings, RenderOptions, ValidationOptions
from stlkit.model.showing import counts_text
from stlkit.workspace import Workspace

_LOOK_EVERY_S = 0.5
_GROUPS: tuple[type[CheckedOptions], ...] = (RenderOptions, ValidationOptions, OutputSettings, QueueSettings)

JobsOption = Annotated[int | None, typer.Option("--jobs", "-j", min=1, max=64, help="Jobs that run side by side.")]


TemplateOption = Annotated[str, typer.Option("--template", "-t", help="Template, by name.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="Folder for the outputs.", show_default=False)]
ForceOption = Annotated[bool, typer.Option("--force", help="Make everything anew, whatever exists.")]


def run(
    paths: Annotated[list[Path], typer.Argument(help="STL files, folders or patterns.", show_default=False)],
    output: OutputOption,
    template: TemplateOption = "default_render",
    option: KeyValueOption = None,
    jobs: JobsOption = None,
    force: ForceOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Process STL files; what is up to date is not made again, what an interrupted run left of them goes on."""
    chosen = parse_options(option or (), _GROUPS)
    with Workspace(home, created_by="cli") as workspace:
        queue = workspace.queue
        _tell_recovery(workspace, as_json=as_json)
        files = list(find_stl_files(paths))  # before what is shown of the last run goes: a name may be mistyped
        if not files:
            raise JobError(f"there are no STL files in {', '.join(map(one_line, paths))}")
        own_options = _own_options(workspace, template, chosen)
        _configure(workspace, chosen[QueueSettings], jobs)
        queue.clear()
        earlier = queue.jobs
        added = queue.add(files, output=output, force=force, **own_options)
        named = set(added.duplicates)
        meant = [job for job in earlier if job.stl_path in named]
        queue.take_up(meant, output=output, force=force, **own_options)
        if waiting := len(earlier) - len(meant):
            tell(f"{waiting} unfinished jobs of an earlier run wait; 'stlkit resume' takes them up", as_json=as_json)
        _tell_taken_up(meant, as_json=as_json)
        twice = replace(added, duplicates=tuple(job.stl_path for job in added.jobs if job.stl_path in named))
        if twice.duplicates:
            tell(str(twice), as_json=as_json)
        _work(workspace, [job.id for job in (*meant, *added.jobs)], as_json=as_json)


def resume(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another folder for the outputs of all jobs that are left.")
    ] = None,
    jobs: JobsOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finish what an interrupted run left."""
    with Workspace(home, created_by="cli") as workspace:
        _tell_recovery(workspace, as_json=as_json)
        open_ids = [job.id for job in workspace.queue.jobs if not job.state.ended]
        if not open_ids:
            tell("nothing to resume", as_json=as_json)
        _configure(workspace, {}, jobs)
        if output is not None:
            workspace.queue.set_outputs(open_ids, output)
        workspace.queue.resume()
        _work(workspace, open_ids, as_json=as_json)


def watch(
    folders: Annotated[list[Path], typer.Argument(help="Folders to watch, with those inside.", show_default=False)],
    output: OutputOption,
    template: TemplateOption = "default_render",
    option: KeyValueOption = None,
    jobs: JobsOption = None,
    settle: Annotated[
        float, typer.Option("--settle", min=0.1, help="Seconds without a change after which a file is finished.")
    ] = SETTLE_S,
    home: HomeOption = None,
) -> None:
    """Process STL files as they come into folders, and what is unfinished there, until Ctrl-C."""
    chosen = parse_options(option or (), _GROUPS)
    with Workspace(home, created_by="cli") as workspace:
        queue = workspace.queue
        own_options = _own_options(workspace, template, chosen)
        _configure(workspace, chosen[QueueSettings], jobs)
        queue.clear()
        _tell_recovery(workspace, as_json=False)
        watching = FolderWatch(queue, folders, settle_s=settle, add=partial(queue.add, output=output, **own_options))
        meant = [job for job in queue.jobs if watching.covers(job.stl_path)]
        queue.take_up(meant, output=output, **own_options)
        _tell_taken_up(meant, as_json=False)
        queue.start()
        watching.start()
        tell(f"watching {', '.join(map(str, folders))}; Ctrl-C ends")
        try:
            with showing_progress(queue, err):
                while watching.is_alive:
                    time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            came = queue.jobs
            left = "; 'stlkit resume' takes up what is unfinished" if any(not job.state.ended for job in came) else ""
            tell(f"stopped; {counts_text(came)}{left}" if came else "stopped; nothing came in")
            raise typer.Exit(ALL_COMPLETED) from None
        finally:
            watching.stop()
        raise JobError("the folders can be watched no longer; see above")


def _own_options(
    workspace: Workspace, template: str, chosen: Mapping[type[CheckedOptions], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what jobs have of a template and of the command line, as `JobQueue.add` takes it.

    As the jobs' own options: what an earlier session left in the queue keeps its own.
    """
    queue, wanted = workspace.queue, workspace.templates.load_template(template)
    render = wanted.render_options.merged(chosen[RenderOptions])
    validation = wanted.validation_options.merged(chosen[ValidationOptions])
    naming = wanted.output_settings.merged(chosen[OutputSettings])
    return {
        "render_options": render.differing_from(queue.render_options),
        "validation_options": validation.differing_from(queue.validation_options),
        "output_settings": naming.differing_from(queue.output_settings),
    }


def _work(workspace: Workspace, job_ids: Sequence[str], *, as_json: bool) -> NoReturn:
    """Run the queue to its end, print what came out, and end with the exit code."""
    queue = workspace.queue
    began_s = time.monotonic()
    if job_ids:
        _run_to_the_end(queue, as_json=as_json)
    jobs = [queue.job(job_id) for job_id in job_ids]
    folders = sorted({job.output_base_folder for job in jobs})
    if as_json:
        print_json({"counts": queue.counts(), "output_folders": folders, "jobs": jobs})
    else:
        print_jobs(jobs, took_s=time.monotonic() - began_s)
        for folder in folders:
            out.print(f"outputs: {shown(folder)}", highlight=False, soft_wrap=True)
    completed = all(job.state is JobState.COMPLETED for job in jobs)
    raise typer.Exit(ALL_COMPLETED if completed else SOME_FAILED)


def _run_to_the_end(queue: JobQueue, *, as_json: bool) -> None:
    queue.start()
    try:
        with nullcontext() if as_json else showing_progress(queue, err):
            queue.wait()
    except KeyboardInterrupt:
        tell("interrupted; 'stlkit resume' takes up what is unfinished", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None


def _configure(workspace: Workspace, settings: Mapping[str, Any], jobs: int | None) -> None:
    """Set what holds for this run only, as its options of pictures do."""
    wanted = {**settings, **({"max_concurrent_jobs": jobs} if jobs else {})}
    workspace.queue.configure_for_now(wanted)


def _tell_taken_up(jobs: Sequence[QueueJob], *, as_json: bool) -> None:
    if jobs:
        tell(f"{len(jobs)} unfinished job{'s go' if len(jobs) > 1 else ' goes'} on with this run", as_json=as_json)


def _tell_recovery(workspace: Workspace, *, as_json: bool) -> None:
    recovery = workspace.recovery
    if recovery.jobs or recovery.errors or recovery.notes or recovery.removed:
        tell(str(recovery), as_json=as_json)
