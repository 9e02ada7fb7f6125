"""What every command shares: exit codes, options, and text that reaches a terminal as text."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Column, Table

from stlkit.engine.progress_bar import MARKS
from stlkit.errors import OptionError
from stlkit.files import one_line
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobState
from stlkit.model.options import CheckedOptions, parse_option, unknown_option

ALL_COMPLETED, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

# Where nobody sets a width, as in a pipe, a table gets room for its notes.
out = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160, emoji=False)
err = Console(stderr=True, emoji=False)

_LEAST_NOTE_WIDTH = 36
_LONGEST_NAME = 40

HomeOption = Annotated[Path | None, typer.Option("--home", help="Home folder; else STLKIT_HOME, else the default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
KeyValueOption = Annotated[
    list[str] | None,
    typer.Option("--option", "-O", help="key=value; may be given several times. 'stlkit options' lists them."),
]


def parse_options(
    texts: Iterable[str], groups: tuple[type[CheckedOptions], ...]
) -> dict[type[CheckedOptions], dict[str, Any]]:
    """Read ``key=value`` texts.

    Parameters
    ----------
    texts : iterable of str
    groups : tuple of type
        Where the keys may belong.

    Returns
    -------
    dict of type to dict
        Every group, with the options that were given.

    Raises
    ------
    OptionError
        A text is no such pair, no group has the key, or the value does not fit.
    """
    chosen: dict[type[CheckedOptions], dict[str, Any]] = {group: {} for group in groups}
    for text in texts:
        name, separator, value = text.partition("=")
        name = name.strip()
        if not separator:
            raise OptionError(f"{text!r} is no option; write --option {name}=value", field=name)
        group = next((g for g in groups if name in g.names()), None)
        if group is None:
            raise unknown_option(name, tuple(known for g in groups for known in g.names()))
        chosen[group][name] = parse_option(group, name, value.strip())
    return chosen


def written(value: Any) -> str:
    """Return the value of an option as ``--option`` takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def shown(text: Path | str) -> str:
    """Return text that neither the terminal nor rich takes for a command."""
    return escape(one_line(text))


def styled(state: str) -> str:
    """Return the state of a job with its mark and colour."""
    mark, color = MARKS.get(JobState(state), ("…", "cyan")) if state in set(JobState) else ("?", "cyan")
    return f"[{color}]{mark} {shown(state)}[/]"


def plain_table(*columns: str | Column) -> Table:
    """Return a table without lines."""
    return Table(*columns, box=None, pad_edge=False)


def note_column(name: str = "note") -> Column:
    """Return a column whose text is folded where there is too much of it."""
    return Column(name, overflow="fold")


def file_column() -> Column:
    """Return a column of file names, whose longest leave room for what else there is to say."""
    return Column("file", overflow="fold", max_width=_LONGEST_NAME)


def short_column(name: str) -> Column:
    """Return a column of words that are never broken."""
    return Column(name, no_wrap=True)


def number_column(name: str) -> Column:
    """Return a column of numbers."""
    return Column(name, justify="right", no_wrap=True)


def print_noted(columns: Sequence[Column], rows: Sequence[tuple[str, ...]], notes: Sequence[tuple[str, str]]) -> None:
    """Print a table whose rows have notes: beside them where there is room, else below the table.

    Parameters
    ----------
    columns : sequence of Column
    rows : sequence of tuple of str
        As wide as `columns`; nothing is printed where there are none.
    notes : sequence of tuple of str
        For each row what it is about and the note, which may be empty.
    """
    if not rows:
        return
    narrow, wide = plain_table(*deepcopy(columns)), plain_table(*deepcopy(columns), note_column())  # they hold cells
    for row, (_, note) in zip(rows, notes, strict=True):
        narrow.add_row(*row)
        wide.add_row(*row, note)
    room = out.width - Measurement.get(out, out.options.update(max_width=10_000), narrow).maximum
    if room >= _LEAST_NOTE_WIDTH:
        out.print(wide)
        return
    out.print(narrow)
    for subject, note in notes:
        if note:
            out.print(f"{subject}: {note}", highlight=False)


def tell(text: str, *, as_json: bool = False) -> None:
    """Tell something beside the result, unless a machine reads it."""
    for line in [] if as_json else text.splitlines():
        err.print(one_line(line), markup=False, highlight=False, soft_wrap=True)


def print_error(text: str) -> None:
    """Print an error on one line."""
    err.print(f"stlkit: {one_line(text)}", markup=False, highlight=False, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object; escaped, so that a file name that is no UTF-8 comes through any pipe."""
    typer.echo(json.dumps(to_plain(value), indent=2))
