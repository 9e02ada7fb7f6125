"""Commands about this machine: samples, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stlkit.cli.console import ALL_COMPLETED, SOME_FAILED, JsonOption, out, print_json
from stlkit.files import one_line


def samples(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Write demonstration models, sound and damaged."""
    from stlkit.samples import write_samples  # noqa: PLC0415 - only this command needs it

    for sample in write_samples(folder):
        typer.echo(f"{one_line(sample.path)}  {sample.description}")


def doctor(as_json: JsonOption = False) -> None:
    """Check that this machine can draw: render a known cube and compare."""
    from stlkit.doctor import examine  # noqa: PLC0415 - starts the renderer

    findings = examine()
    if as_json:
        print_json({"passed": all(f.passed for f in findings), "checks": findings})
    for finding in [] if as_json else findings:
        mark, style = ("✓", "green") if finding.passed else ("✗", "red")
        out.print(f"{mark} {finding.name}: {one_line(finding.detail)}", style=style, markup=False, highlight=False)
    raise typer.Exit(ALL_COMPLETED if all(f.passed for f in findings) else SOME_FAILED)
