"""How much there is in a model's file, told from its size and its beginning alone."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from stlkit.files import open_regular_file

# A binary file is a header with a count, and 50 bytes a facet.
_HEADER_BYTES, _BYTES_PER_FACET = 84, 50
_BEGINNING_BYTES = 1 << 14
_FACET_END = b"endfacet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """How large a model is.

    Parameters
    ----------
    faces : float
        Triangles, as far as they can be told.
    text_bytes : int
        Size of the file where it is text, which takes longer to read; 0 where it is binary.
    """

    faces: float
    text_bytes: int = 0

    @classmethod
    def known(cls, faces: int, file_bytes: int) -> ModelSize:
        """Return the size of a model that was read: with many more bytes than a binary file needs, it was text."""
        is_text = file_bytes > 2 * (_HEADER_BYTES + _BYTES_PER_FACET * faces)
        return cls(faces=faces, text_bytes=file_bytes if is_text else 0)

    @property
    def binary_bytes(self) -> int:
        """Size of the file if it were binary."""
        return round(_BYTES_PER_FACET * self.faces)


NO_SIZE = ModelSize(faces=0)


def measure_model(path: Path) -> ModelSize:
    """Tell the size of a model without reading it.

    A facet takes three to six times the room as text; how much it is in this file is seen from its beginning.

    Parameters
    ----------
    path : Path
        What cannot be read, or is no file, has no size.

    Returns
    -------
    ModelSize
    """
    try:
        with open_regular_file(path, limit_bytes=sys.maxsize) as stream:
            size_bytes = os.fstat(stream.fileno()).st_size
            start = (stream.read(_BEGINNING_BYTES) or b"").lower()
    except (OSError, ValueError):  # the job will say why
        return NO_SIZE
    facets = start.count(_FACET_END)
    if facets == 0 or b"\0" in start:
        return ModelSize(faces=max(0, size_bytes - _HEADER_BYTES) // _BYTES_PER_FACET)
    seen_bytes = start.rindex(_FACET_END) + len(_FACET_END)
    return ModelSize(faces=size_bytes * facets / seen_bytes, text_bytes=size_bytes)
