"""The program ``stlkit``: its commands, put together, and its endings."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from stlkit._version import __version__
from stlkit.cli import history, listing, looking, machine, reporting, room, runs, template
from stlkit.cli.console import WRONG_USAGE, print_error
from stlkit.errors import StlkitError

app = typer.Typer(
    name="stlkit",
    help="Turn folders of STL files into pictures, size charts, videos, checks and a history.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    runs.run,
    runs.watch,
    runs.resume,
    looking.status,
    reporting.report,
    listing.options,
    room.usage,
    room.clean,
    machine.samples,
    machine.doctor,
):
    app.command()(command)
app.add_typer(history.app, name="history")
app.add_typer(template.app, name="template")


def main() -> None:
    """Run the command line; every ending becomes an exit code, every error one line."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except (StlkitError, OSError) as error:
        print_error(str(error))
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
