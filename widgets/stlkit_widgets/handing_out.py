"""Files of the kernel's machine, handed to a page piece by piece."""

from __future__ import annotations

import os
from pathlib import Path

from stlkit.files import one_line, open_regular_file, printable
from stlkit_widgets.page_part import Answer

PIECE_BYTES = 4 << 20  # far below the 10 MiB at which the server closes the connection
LARGEST_FILE_BYTES = 1 << 40

_TEXT = "text/plain"
OPENED_AS = {".png": "image/png", ".mp4": "video/mp4", ".json": _TEXT, ".log": _TEXT, ".txt": _TEXT}
"""What a browser may show of what is opened; anything else is downloaded, because it could be a page with a script."""


def piece_of(path: Path, at_byte: int, *, limit_bytes: int = LARGEST_FILE_BYTES, kind: str | None = None) -> Answer:
    """Return a piece of a file.

    Parameters
    ----------
    path : Path
    at_byte : int
        Where the piece begins.
    limit_bytes : int
        Of the whole file.
    kind : str, optional
        What to call it; else as `OPENED_AS` says.

    Returns
    -------
    (dict, (bytes,))
        ``size`` of the whole file, ``type`` and ``name``; and the piece, which is empty at its end.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is no regular file, or too large.
    """
    with open_regular_file(path, limit_bytes=limit_bytes) as stream:
        size = os.fstat(stream.fileno()).st_size
        stream.seek(max(0, at_byte))
        piece = stream.read(PIECE_BYTES)
    kind = kind or OPENED_AS.get(path.suffix.lower(), "application/octet-stream")
    return {"size": size, "type": kind, "name": one_line(printable(path.name))}, (piece,)
