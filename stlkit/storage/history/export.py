"""Rows of the history as CSV, JSON lines or Parquet, written a piece at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from stlkit.errors import OutputError
from stlkit.files import decode_json, printable, writing_atomically
from stlkit.model.times import parse_utc
from stlkit.storage.history.rows import FACT_COLUMNS, RECORD_COLUMNS
from stlkit.storage.history.streaming import Row

COLUMNS = (*RECORD_COLUMNS, *(name for name in FACT_COLUMNS if name != "job_id"))

_TIMES = frozenset({"created_at", "started_at", "completed_at"})
_LISTS = frozenset({"files_generated", "warnings", "errors"})
_OBJECTS = frozenset({"render_options", "validation_options", "output_settings", "stage_durations"})
_INTEGERS = frozenset(
    {"stl_size", "faces", "peak_memory_bytes", "output_bytes", "attempts", "concurrency", "reused_files"}
)
_FLOATS = frozenset({"estimated_duration", "actual_duration", "geometry_size_mm", "saved_s"})


class ExportFormat(StrEnum):
    """What a file of exported rows is; the value is the ending of its name."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


def format_of(path: Path, name: str | None) -> ExportFormat:
    """Return the format of that name, or the one that a file's name ends in.

    Raises
    ------
    OutputError
        There is no such format.
    """
    wanted = path.suffix[1:].lower() if name is None else name
    try:
        return ExportFormat(wanted)
    except ValueError:
        known = ", ".join(ExportFormat)
        raise OutputError(
            f"there is no format {wanted!r} to export {printable(path)} in; choose one of {known}, as the ending of "
            "the file's name or as the format",
            path=path,
        ) from None


def export_rows(chunks: Iterable[Sequence[Row]], path: Path, kind: ExportFormat) -> int:
    """Write rows to a file, which appears whole or not at all.

    Parameters
    ----------
    chunks : iterable of sequence of tuple
        Values of `COLUMNS`, as SQLite has them.
    path : Path
    kind : ExportFormat

    Returns
    -------
    int
        How many rows there were.

    Raises
    ------
    OutputError
        The file cannot be written, or pyarrow is not there.
    ValueError, TypeError, AttributeError
        A row was written by no stlkit.
    """
    write = _writer(path, kind)
    try:
        with writing_atomically(path) as stream:
            return write(stream, chunks)
    except OSError as error:
        raise OutputError(
            f"{printable(path)} cannot be written: {error.strerror}; choose another file, or make room", path=path
        ) from error


Writer = Callable[[BinaryIO, Iterable[Sequence[Row]]], int]


def _writer(path: Path, kind: ExportFormat) -> Writer:
    if kind is not ExportFormat.PARQUET:
        return _write_csv if kind is ExportFormat.CSV else _write_json_lines
    if find_spec("pyarrow") is None:
        raise OutputError(
            "Parquet needs pyarrow, which is not installed: pip install 'stlkit[parquet]', or export to CSV or JSON "
            "lines",
            path=path,
        )
    return _write_parquet


def _write_csv(stream: BinaryIO, chunks: Iterable[Sequence[Row]]) -> int:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for rows in chunks:
        writer.writerows(rows)
        count += len(rows)
    text.flush()
    text.detach()  # else it would close the stream
    return count


def _write_json_lines(stream: BinaryIO, chunks: Iterable[Sequence[Row]]) -> int:
    encoder = msgspec.json.Encoder()
    count = 0
    for rows in chunks:
        stream.write(encoder.encode_lines([_plain(dict(zip(COLUMNS, row, strict=True))) for row in rows]))
        count += len(rows)
    return count


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    for name in _LISTS | _OBJECTS:
        row[name] = None if row[name] is None else decode_json(row[name].encode())
    if row["validation_passed"] is not None:
        row["validation_passed"] = bool(row["validation_passed"])
    return row


def _write_parquet(stream: BinaryIO, chunks: Iterable[Sequence[Row]]) -> int:
    import pyarrow as pa  # noqa: PLC0415 - an extra, which only this format needs
    from pyarrow import parquet  # noqa: PLC0415

    text = pa.string()
    types = dict.fromkeys(COLUMNS, text)
    types |= dict.fromkeys(_TIMES, pa.timestamp("us", tz="UTC")) | dict.fromkeys(_LISTS, pa.list_(text))
    types |= dict.fromkeys(_INTEGERS, pa.int64()) | dict.fromkeys(_FLOATS, pa.float64())
    types["validation_passed"] = pa.bool_()
    schema = pa.schema([(name, types[name]) for name in COLUMNS])
    count = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows in chunks:
            columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
            arrays = [pa.array(_typed(name, values), type=types[name]) for name, values in columns.items()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(rows)
    return count


def _typed(name: str, values: Sequence[Any]) -> list[Any]:
    convert = _CONVERSIONS.get(name)
    return list(values) if convert is None else [None if value is None else convert(value) for value in values]


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_TIMES, parse_utc),
    **dict.fromkeys(_LISTS, lambda text: decode_json(text.encode())),
    "validation_passed": bool,
}
