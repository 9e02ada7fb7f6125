"""The first line of text files that stlkit makes, by which it knows its own again before it removes or replaces one."""

from __future__ import annotations

from pathlib import Path

from stlkit.files import one_line

_MARK = "# stlkit, source: "
_MAX_LINE_BYTES = 64 * 1024


def signature(stl_path: Path) -> str:
    """Return the line that says: made by stlkit, for this file."""
    return _MARK + one_line(stl_path)


def is_signed(path: Path, stl_path: Path | None = None) -> bool:
    """Tell whether a text file was made by stlkit.

    Parameters
    ----------
    path : Path
        Need not exist; a link is never one of ours.
    stl_path : Path, optional
        The file it has to be made for; any, unless given.

    Returns
    -------
    bool
    """
    if path.is_symlink() or not path.is_file():  # opening a pipe would wait for ever
        return False
    try:
        with path.open("rb") as stream:
            line = stream.readline(_MAX_LINE_BYTES).rstrip(b"\r\n")
    except OSError:
        return False
    return line.startswith(_MARK.encode()) if stl_path is None else line == signature(stl_path).encode()
