"""Half-written files that a process left in output folders when it was killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from stlkit.files import remove_abandoned_parts


def remove_partial_outputs(output_folder: Path, base_folder: Path) -> tuple[Path, ...]:
    """Remove what a killed job had begun to write beside its outputs.

    Only files that carry the mark of a dead stlkit process of this machine go; finished outputs are left for the next
    attempt, which keeps those that are whole.

    Parameters
    ----------
    output_folder : Path
        Where the job's files go; searched to the bottom where it is the job's own.
    base_folder : Path
        Shared by many jobs; searched together with the folders directly inside it where those are shared too.

    Returns
    -------
    tuple of Path
        What was removed.
    """
    folders = _own(output_folder, base_folder) if output_folder != base_folder else _shared(base_folder)
    return tuple(path for folder in folders for path in remove_abandoned_parts(folder))


def _own(output_folder: Path, base_folder: Path) -> Iterator[Path]:
    yield base_folder
    for top in (base_folder / "failed", output_folder):
        # An edited state may name any folder; and a link may lead to one.
        if top.parent == base_folder and not os.path.islink(top):  # noqa: PTH114 - see _shared
            for folder, _, _ in os.walk(top):
                yield Path(folder)


def _shared(base_folder: Path) -> Iterator[Path]:
    yield base_folder
    # not the methods of Path, which raise an error where a drive does not answer
    with contextlib.suppress(OSError), os.scandir(base_folder) as entries:
        yield from [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
