"""The demonstration models as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.files import printable, write_atomically
from stlkit.samples import mechanical, turned
from stlkit.samples.damaged import DAMAGED, HEADER, binary
from stlkit.samples.surfaces import Floats

SOUND: dict[str, tuple[Callable[[], Floats], str]] = {
    "bracket.stl": (mechanical.bracket, "A rounded L-bracket with four countersunk holes."),
    "calibration_cube.stl": (mechanical.calibration_cube, "The 20 mm cube with chamfers and sunk letters."),
    "chain_links.stl": (turned.chain_links, "A closed chain of twelve separate links."),
    "chess_rook.stl": (turned.chess_rook, "A Staunton rook with battlements."),
    "gear.stl": (mechanical.gear, "A spur gear with 24 involute teeth and a keyed bore."),
    "honeycomb_cup.stl": (turned.honeycomb_cup, "A pen cup with a wall of open hexagons."),
    "torus_knot.stl": (turned.torus_knot, "A trefoil knot."),
    "twisted_vase.stl": (turned.twisted_vase, "A vase of twelve twisted ribs."),
}
"""File name to how its triangles are made and what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One demonstration file.

    Parameters
    ----------
    name : str
        Of the file.
    path : Path
        Where it was written.
    sound : bool
        Whether it is a closed, correctly wound model; else it is damaged on purpose.
    description : str
        One sentence.
    """

    name: str
    path: Path
    sound: bool
    description: str


def write_samples(folder: Path) -> tuple[Sample, ...]:
    """Write the demonstration models, the sound ones and the damaged ones.

    The same bytes each time. Samples that are there already are written anew; a file of the same name that is not a
    sample is left alone.

    Parameters
    ----------
    folder : Path
        Made where it is missing.

    Returns
    -------
    tuple of Sample
        The sound ones first.

    Raises
    ------
    OutputError
        A file cannot be written, or something else has its name; nothing has been written in the second case.
    """
    samples = [Sample(name=name, path=folder / name, sound=True, description=what) for name, (_, what) in SOUND.items()]
    samples += [
        Sample(name=name, path=folder / name, sound=False, description=what) for name, (_, what) in DAMAGED.items()
    ]
    for sample in samples:
        _require_free(sample.path)
    for sample in samples:
        _write(sample.path, sample_bytes(sample.name))
    return tuple(samples)


def sample_bytes(name: str) -> bytes:
    """Return the content of one demonstration file.

    Parameters
    ----------
    name : str
        A key of `SOUND` or `DAMAGED`.

    Returns
    -------
    bytes
    """
    if name in SOUND:
        return binary(SOUND[name][0](), name.removesuffix(".stl"))
    return DAMAGED[name][0]()


def _require_free(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_file() or not _is_sample(path):
        raise OutputError(
            f"{printable(path)} is not a sample; choose another folder, or move that file away", path=path
        )


def _is_sample(path: Path) -> bool:
    with path.open("rb") as stream:
        beginning = stream.read(80)
    return not beginning or HEADER.encode() in beginning


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        message = f"cannot write {printable(path)}: {error.strerror}; choose another folder"
        raise OutputError(message, path=path) from error
