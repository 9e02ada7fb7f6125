"""Documents of an output folder, read again: the counterpart of `stlkit.outputs.placing.place_json`."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, TypeVar

from stlkit.files import LARGEST_JSON_BYTES, decode_json, open_regular_file, read_json
from stlkit.model.encoding import from_plain

T = TypeVar("T")


def read_document(kind: type[T], path: Path) -> T:
    """Read a document that anybody may have written, compressed where its name ends in ``.gz``.

    Parameters
    ----------
    kind : type
        A dataclass of `stlkit.model`, such as `AnalysisReport`.
    path : Path
        Links are followed.

    Returns
    -------
    object of type `kind`

    Raises
    ------
    ValueError
        It is no such document; the message says where or why.
    OSError
        It is missing or cannot be read.
    """
    return from_plain(kind, _unpacked(path) if path.suffix == ".gz" else read_json(path))


def _unpacked(path: Path) -> Any:
    with open_regular_file(path, limit_bytes=LARGEST_JSON_BYTES) as stream, gzip.open(stream) as unpacked:
        try:
            data = unpacked.read(LARGEST_JSON_BYTES + 1)  # a few kilobytes can unpack to more than the memory holds
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"it is not whole: {error}") from error
    if len(data) > LARGEST_JSON_BYTES:
        raise ValueError(f"it unpacks to more than the {LARGEST_JSON_BYTES:,} bytes that are read of such a file")
    return decode_json(data)
