"""Rows of the history as typed columns of a pandas table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from stlkit.analytics.unpacking import OPTION_GROUPS, unpacked_options, unpacked_stages
from stlkit.collector import collector_paused
from stlkit.files import decode_json
from stlkit.model.times import parse_utc
from stlkit.storage.history.rows import RECORD_COLUMNS

FACTS = (
    "faces",
    "output_bytes",
    "peak_memory_bytes",
    "attempts",
    "concurrency",
    "reused_files",
    "saved_s",
    "options_hash",
    "geometry_hash",
    "geometry_size_mm",
)
"""Facts that stand in every table; the rest is unpacked on request."""

Values = Sequence[Any]

_NOT_OURS = (ValueError, TypeError, AttributeError, OverflowError)


class Columns:
    """Which columns a table gets, and how they are made.

    Parameters
    ----------
    options, stages : bool
        Whether these are unpacked into columns of their own.
    """

    def __init__(self, *, options: bool, stages: bool) -> None:
        self._options = options
        self._stages = stages
        asked = (*(["output_settings"] if options else []), *(["stage_durations"] if stages else []))
        self.names: tuple[str, ...] = (*RECORD_COLUMNS, *FACTS, *asked)

    @collector_paused()
    def frame(self, chunks: Iterable[Sequence[tuple[Any, ...]]], first: int = 0) -> pd.DataFrame:
        """Build a table of rows.

        Parameters
        ----------
        chunks : iterable of sequence of tuple
            Values of `names`, as SQLite has them. They are taken a piece at a time and JSON is decoded at once, so
            that the long texts of one piece are gone before the next one comes.
        first : int
            Where the index begins.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ValueError
            A value is not what stlkit writes; the message names the job and the column.
        """
        decoders = _decoders()
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        for rows in chunks:
            piece = dict(zip(self.names, zip(*rows, strict=True), strict=True))
            for name, values in piece.items():
                decode = decoders.get(name)
                columns[name] += values if decode is None else _made(decode, values, name, piece["id"])
        ids = columns["id"]
        made = {name: _made(_TYPES[name], columns[name], name, ids) for name in (*RECORD_COLUMNS, *FACTS)}
        if self._options:
            for name in OPTION_GROUPS:
                made |= unpacked_options(columns[name], name)
        if self._stages:
            made |= _made(unpacked_stages, columns["stage_durations"], "stage_durations", ids)
        frame = pd.DataFrame(made)
        frame.index = pd.RangeIndex(first, first + len(ids))
        return frame


def _made(make: Callable[[Values], Any], values: Values, name: str, ids: Values) -> Any:
    try:
        return make(values)
    except _NOT_OURS:
        for job_id, value in zip(ids, values, strict=True):  # which one was it?
            try:
                make([value])
            except _NOT_OURS as error:
                raise ValueError(f"{name} of {job_id!r:.60}: {error}") from error
        raise


# --- JSON ---


class _Decoded(dict[Any, Any]):
    """Texts to what they say, each different one decoded once."""

    def __init__(self, decode: Callable[[str], Any], missing: Any) -> None:
        super().__init__({None: missing})
        self._decode = decode

    def __missing__(self, text: str) -> Any:
        self[text] = value = self._decode(text)
        return value


def _decoders() -> dict[str, Callable[[Values], list[Any]]]:
    """Return how columns of JSON are decoded, for one table."""
    lists, stages = msgspec.json.Decoder(tuple[str, ...]), msgspec.json.Decoder(dict[str, float])

    def once(decode: Callable[[str], Any], missing: Any = None) -> Callable[[Values], list[Any]]:
        known = _Decoded(decode, missing)
        return lambda values: [known[value] for value in values]

    def each(decode: Callable[[str], Any], missing: Any) -> Callable[[Values], list[Any]]:
        return lambda values: [missing if value is None else decode(value) for value in values]

    return {
        "render_options": once(_mapping),
        "validation_options": once(_mapping),
        "output_settings": once(_mapping),
        "files_generated": each(lists.decode, ()),  # hardly ever equal
        "warnings": once(lists.decode, ()),
        "stage_durations": each(stages.decode, {}),
    }


def _mapping(text: str) -> dict[str, Any]:
    value = decode_json(text.encode())
    if not isinstance(value, dict):
        raise TypeError(f"a value is a {type(value).__name__}")
    return value


# --- types ---


def _objects(values: Values) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


def _categories(values: Values) -> pd.Categorical:
    known: dict[Any, int] = {value: code for code, value in enumerate(sorted(set(values) - {None}))}
    categories = pd.Index(list(known), dtype="str")
    # faster than to factorize texts
    codes = np.fromiter(map({**known, None: -1}.__getitem__, values), dtype=np.int32, count=len(values))
    return pd.Categorical.from_codes(codes, categories=categories)


def _times(values: Values) -> pd.Series[Any]:
    texts = _objects(values)
    if (kind := pd.api.types.infer_dtype(texts, skipna=True)) not in {"string", "empty"}:
        raise TypeError(f"expected a time as text, not: {kind}")
    moments = pd.Series(pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce"))
    for value in texts[moments.isna().to_numpy()]:
        if value is not None:
            parse_utc(value)  # raises where it is no time; else it is one too far away for nanoseconds
    try:
        return moments.astype("datetime64[ns, UTC]")
    except pd.errors.OutOfBoundsDatetime:
        near = moments.between(pd.Timestamp.min.tz_localize("UTC"), pd.Timestamp.max.tz_localize("UTC"))
        return moments.where(near).astype("datetime64[ns, UTC]")


def _texts(values: Values) -> pd.Series[Any]:
    return pd.Series(values, dtype="str")


def _integers(values: Values) -> Any:
    return _nullable(values, np.int64, pd.arrays.IntegerArray)


def _booleans(values: Values) -> Any:
    return _nullable(values, np.bool_, pd.arrays.BooleanArray)


def _nullable(values: Values, kind: type[np.generic], array: Callable[..., Any]) -> Any:
    if None not in values:
        return array(np.array(values, dtype=kind), np.zeros(len(values), dtype=np.bool_))
    objects = _objects(values)
    missing = np.asarray(pd.isna(objects))
    objects[missing] = 0
    return array(objects.astype(kind), missing)


def _sizes(values: Values) -> Any:
    return np.array(values, dtype=np.int64)


def _floats(values: Values) -> Any:
    return np.array(values, dtype=np.float64)


_TYPES: Mapping[str, Callable[[Values], Any]] = {
    **dict.fromkeys(("id", "stl_path", "stl_filename", "stl_checksum", "output_folder", "error_message"), _texts),
    **dict.fromkeys(("options_hash", "geometry_hash"), _texts),
    **dict.fromkeys(("state", "created_by", "app_version", "queue_session_id"), _categories),
    **dict.fromkeys(("created_at", "started_at", "completed_at"), _times),
    **dict.fromkeys(("estimated_duration", "actual_duration", "geometry_size_mm"), _floats),
    **dict.fromkeys(("render_options", "validation_options", "files_generated", "warnings"), _objects),
    **dict.fromkeys(("faces", "output_bytes", "peak_memory_bytes", "attempts", "concurrency"), _integers),
    "stl_size": _sizes,
    "validation_passed": _booleans,
    "reused_files": lambda values: _sizes([value or 0 for value in values]),
    "saved_s": lambda values: _floats([value or 0.0 for value in values]),
}
