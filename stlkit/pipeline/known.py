"""What a job need not make: outputs of earlier work that are still as they were left."""

from __future__ import annotations

import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from stlkit.storage.progress import PlacedFile

_KEPT_AS = "; that version is kept as "


class KnownOutputs:
    """Outputs that somebody placed before, by place and by what they are made of.

    Nothing is believed: a file is looked at before it is used.

    Parameters
    ----------
    outputs : iterable of PlacedFile
        Several may name one place: what the index has, and what an earlier attempt was about to put there.
    """

    def __init__(self, outputs: Iterable[PlacedFile]) -> None:
        self._by_path: dict[Path, list[PlacedFile]] = defaultdict(list)
        self._by_key: dict[str, list[PlacedFile]] = defaultdict(list)
        for output in outputs:
            self._by_path[output.path].append(output)
            if output.key is not None:
                self._by_key[output.key].append(output)

    def in_place(self, target: Path, key: str) -> PlacedFile | None:
        """Return the output at a place, if it is whole and made of just this."""
        found = (out for out in self._by_path.get(target, ()) if out.key == key and out.is_untouched())
        return next((out.at(target) for out in found), None)

    def copy_of(self, key: str, target: Path) -> PlacedFile | None:
        """Copy an output that is made of just this from wherever it lies.

        Returns
        -------
        PlacedFile or None
            The copy; None where there is none that is whole.
        """
        for output in self._by_key.get(key, ()):
            if output.is_untouched():
                try:
                    shutil.copyfile(output.path, target)
                except OSError:  # gone since, or on a disk that fails: then it is made
                    continue
                copy = PlacedFile.of(target, key=key, made_in_s=output.made_in_s)
                if copy.checksum_sha256 == output.checksum_sha256:
                    return copy
        return None

    def reason_to_keep(self, target: Path, made: PlacedFile) -> str | None:
        """Say why a file must not be lost when another one takes its place.

        Parameters
        ----------
        target : Path
            The place; need not exist.
        made : PlacedFile
            What is to take it.

        Returns
        -------
        str or None
            None where nothing would be lost: it is as stlkit left it, or is just what was made again.
        """
        known = self._by_path.get(target, ())
        if not os.path.lexists(target) or any(out.is_untouched() for out in known):
            return None
        if known:
            return "had been changed by hand"
        # by another home folder, before this folder was moved here, or by a person: nobody can tell
        is_file = stat.S_ISREG(target.lstat().st_mode)
        return None if not is_file or replace(made, path=target).is_whole() else "was there already, and is another"


def kept_aside(target: Path, reason: str, aside: Path) -> str:
    """Return the warning that a file was kept."""
    return f"{target.name} {reason}{_KEPT_AS}{aside.name}"


def is_of_that_run(warning: str) -> bool:
    """Whether a warning tells what a run met, and not what its outputs are: it is not to be said again."""
    return _KEPT_AS in warning
