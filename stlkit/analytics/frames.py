"""Rows of the history as typed columns of a pandas table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

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
            Values of `names`, as SQLite has them. Each piece is made into arrays before the next one is asked for:
            its values are then still in the processor's cache, and their memory is used again.
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
        makers = {name: maker for name, maker in _makers().items() if name in self.names}
        parts: dict[str, list[Any]] = {name: [] for name in self.names}
        for rows in chunks:
            piece = dict(zip(self.names, zip(*rows, strict=True), strict=True))
            for name, values in piece.items():
                parts[name].append(_made(makers[name].of_piece, values, name, piece["id"]))
        columns = {name: maker.of_all(_joined(parts[name] or [maker.of_piece(())])) for name, maker in makers.items()}
        made = {name: columns[name] for name in (*RECORD_COLUMNS, *FACTS)}
        if self._options:
            for name in OPTION_GROUPS:
                made |= unpacked_options(columns[name], name)
        if self._stages:
            made |= unpacked_stages(columns["stage_durations"])
        frame = pd.DataFrame(made)
        frame.index = pd.RangeIndex(first, first + len(frame))
        return frame


class _Maker(NamedTuple):
    """How a column is made."""

    of_piece: Callable[[Values], Any]  # an array of values as SQLite has them
    of_all: Callable[[Any], Any] = lambda joined: joined  # the column of all those arrays


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


def _joined(parts: Sequence[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return pd.concat(parts, ignore_index=True)


# --- JSON ---


class _Decoded(dict[Any, Any]):
    """Texts to what they say, each different one decoded once."""

    def __init__(self, decode: Callable[[str], Any], missing: Any) -> None:
        super().__init__({None: missing})
        self._decode = decode

    def __missing__(self, text: str) -> Any:
        self[text] = value = self._decode(text)
        return value


def _once(decode: Callable[[str], Any], missing: Any = None) -> _Maker:
    known = _Decoded(decode, missing)
    return _Maker(lambda values: _objects([known[value] for value in values]))


def _each(decode: Callable[[str], Any], missing: Any) -> _Maker:
    return _Maker(lambda values: _objects([missing if value is None else decode(value) for value in values]))


def _mapping(text: str) -> dict[str, Any]:
    value = decode_json(text.encode())
    if not isinstance(value, dict):
        raise TypeError(f"a value is a {type(value).__name__}")
    return value


# --- types ---


def _objects(values: Values) -> Any:
    return np.fromiter(values, dtype=object, count=len(values))


class _Categories:
    """Texts to codes, and at the end to categories; faster than to factorize each piece."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {None: -1}

    def codes(self, values: Values) -> Any:
        for value in set(values) - self._known.keys():
            if not isinstance(value, str):
                raise TypeError(f"expected a text, not: {type(value).__name__}")
            self._known[value] = len(self._known) - 1
        return np.fromiter(map(self._known.__getitem__, values), dtype=np.int32, count=len(values))

    def column(self, codes: Any) -> pd.Categorical:
        """Return the column that the codes of all pieces make."""
        texts = [text for text in self._known if text is not None]
        rank = {text: number for number, text in enumerate(sorted(texts))}
        ranks = np.array([*(rank[text] for text in texts), -1], dtype=np.int32)  # the last one is that of code -1
        return pd.Categorical.from_codes(ranks[codes], categories=pd.Index(list(rank), dtype="str"))


def _moments(values: Values) -> Any:
    """Return times in UTC, as microseconds."""
    try:
        return _own_moments(values)
    except _NOT_OURS:
        pass
    texts = _objects(values)
    if (kind := pd.api.types.infer_dtype(texts, skipna=True)) not in {"string", "empty"}:
        raise TypeError(f"expected a time as text, not: {kind}")
    moments = pd.Series(pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce"))
    for value in texts[moments.isna().to_numpy()]:
        if value is not None:
            parse_utc(value)  # raises where it is no time; else it is one too far away
    return moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def _own_moments(values: Values) -> Any:
    """Read what `format_utc` writes, several times as fast as anything that a time may look like."""
    letters = np.array(values, dtype="S28").view(np.uint8).reshape(-1, 28)
    if not ((letters[:, 26] == ord("Z")) & (letters[:, 27] == 0)).all():
        raise ValueError("not all of that form")
    return np.ascontiguousarray(letters[:, :26]).view("S26").ravel().astype("datetime64[us]")


def _times(moments: Any) -> pd.Series[Any]:
    times = pd.Series(moments).dt.tz_localize("UTC")
    try:
        return times.astype("datetime64[ns, UTC]")
    except pd.errors.OutOfBoundsDatetime:
        near = times.between(pd.Timestamp.min.tz_localize("UTC"), pd.Timestamp.max.tz_localize("UTC"))
        return times.where(near).astype("datetime64[ns, UTC]")


def _texts(values: Values) -> pd.Series[Any]:
    return pd.Series(values, dtype="str")


def _integers(values: Values) -> pd.Series[Any]:
    return _nullable(values, np.int64, pd.arrays.IntegerArray)


def _booleans(values: Values) -> pd.Series[Any]:
    return _nullable(values, np.bool_, pd.arrays.BooleanArray)


def _nullable(values: Values, kind: type[np.generic], array: Callable[..., Any]) -> pd.Series[Any]:
    if None not in values:
        return pd.Series(array(np.array(values, dtype=kind), np.zeros(len(values), dtype=np.bool_)))
    objects = _objects(values)
    missing = np.asarray(pd.isna(objects))
    objects[missing] = 0
    return pd.Series(array(objects.astype(kind), missing))


def _sizes(values: Values) -> Any:
    return np.array(values, dtype=np.int64)


def _floats(values: Values) -> Any:
    return np.array(values, dtype=np.float64)


# --- columns ---


def _makers() -> dict[str, _Maker]:
    """Return how each column of one table is made; what they learn of one piece serves for the next."""
    texts, sizes, floats = _Maker(_texts), _Maker(_sizes), _Maker(_floats)
    integers, times = _Maker(_integers), _Maker(_moments, _times)
    lists, stages = msgspec.json.Decoder(tuple[str, ...]), msgspec.json.Decoder(dict[str, float])
    made = dict.fromkeys(("id", "stl_path", "stl_filename", "stl_checksum", "output_folder", "error_message"), texts)
    made |= dict.fromkeys(("options_hash", "geometry_hash"), texts)
    made |= dict.fromkeys(("created_at", "started_at", "completed_at"), times)
    made |= dict.fromkeys(("estimated_duration", "actual_duration", "geometry_size_mm"), floats)
    made |= dict.fromkeys(("faces", "output_bytes", "peak_memory_bytes", "attempts", "concurrency"), integers)
    for name in ("state", "created_by", "app_version", "queue_session_id"):
        categories = _Categories()
        made[name] = _Maker(categories.codes, categories.column)
    return made | {
        "stl_size": sizes,
        "validation_passed": _Maker(_booleans),
        "reused_files": _Maker(lambda values: _sizes([value or 0 for value in values])),
        "saved_s": _Maker(lambda values: _floats([value or 0.0 for value in values])),
        "render_options": _once(_mapping),
        "validation_options": _once(_mapping),
        "output_settings": _once(_mapping),
        "files_generated": _each(lists.decode, ()),  # hardly ever equal
        "warnings": _once(lists.decode, ()),
        "stage_durations": _each(stages.decode, {}),
    }
