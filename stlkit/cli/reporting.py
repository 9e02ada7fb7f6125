"""The command that makes a page of an output folder: report."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from stlkit.cli.console import HomeOption, JsonOption, err, print_json, tell
from stlkit.errors import OptionError
from stlkit.workspace import Workspace

if TYPE_CHECKING:
    from stlkit.outputs.report import Progress as OnProgress
    from stlkit.outputs.report import Report

_NOTES_SHOWN = 10


def report(
    folder: Annotated[Path | None, typer.Argument(help="An output folder; else that of the newest job.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The same, as 'run' calls it.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Headline; else the folder's name.")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write report.html: one page with every picture, measure and finding, to look at or to send."""
    if folder is not None and output is not None:
        raise OptionError("name the folder once: as it is, or with --output", field="output")
    with _progress(hidden=as_json) as on_progress:
        made = _made(folder or output, title, home, on_progress)
    if as_json:
        print_json({name: getattr(made, name) for name in ("path", "size_bytes", "counts", "with_warnings", "notes")})
    else:
        for note in made.notes[:_NOTES_SHOWN]:
            tell(note)
        if len(made.notes) > _NOTES_SHOWN:
            tell(f"… and {len(made.notes) - _NOTES_SHOWN:,} more notes, which stand in the page")
        typer.echo(str(made))
    if open_page:
        webbrowser.open(made.path.as_uri())


def _made(folder: Path | None, title: str | None, home: Path | None, on_progress: OnProgress) -> Report:
    from stlkit.outputs.report import write_report  # noqa: PLC0415 - Pillow, which no other command needs

    if folder is not None:  # a folder is all that its page is made of
        return write_report(folder, title=title, on_progress=on_progress)
    with Workspace(home, observe=True) as workspace:
        return workspace.report(title=title, on_progress=on_progress)


@contextmanager
def _progress(*, hidden: bool) -> Iterator[OnProgress]:
    with Progress(console=err, transient=True, disable=hidden or not err.file.isatty()) as bars:
        bar = bars.add_task("pictures", total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
