"""Commands about this machine: samples, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from stlkit.cli.console import (
    ALL_COMPLETED,
    SOME_FAILED,
    JsonOption,
    note_column,
    out,
    print_json,
    short_column,
    shown,
)
from stlkit.files import one_line


def samples(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write demonstration models, sound and damaged."""
    from stlkit.samples import write_samples  # noqa: PLC0415 - only this command needs it

    written = write_samples(folder)
    width = max(len(sample.name) for sample in written)
    for sound, title in ((True, "sound"), (False, "damaged")):
        typer.echo(f"{title} models in {one_line(folder)}:")
        for sample in written:
            if sample.sound is sound:
                typer.echo(f"  {sample.name:<{width}}  {sample.description}")


def doctor(as_json: JsonOption = False) -> None:
    """Check that this machine can draw: render a known cube and compare."""
    from stlkit.doctor import examine  # noqa: PLC0415 - starts the renderer

    findings = examine()
    if as_json:
        print_json({"passed": all(f.passed for f in findings), "checks": findings})
    else:
        table = Table.grid(short_column(""), note_column(), padding=(0, 2, 0, 0))
        for finding in findings:
            mark, color = ("✓", "green") if finding.passed else ("✗", "red")
            table.add_row(f"[{color}]{mark} {finding.name}[/]", shown(finding.detail))
        out.print(table, highlight=False)
    raise typer.Exit(ALL_COMPLETED if all(f.passed for f in findings) else SOME_FAILED)
