"""Between typed data and plain JSON values; wrong input is named field by field."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any, TypeVar

import msgspec

from stlkit.errors import OptionError

T = TypeVar("T")


def _encode_unknown(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _decode_unknown(kind: type, value: Any) -> Any:
    if issubclass(kind, PurePath):
        if not isinstance(value, str):
            raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
        if "\0" in value or not (value.isascii() or _is_encodable(value)):
            raise ValueError(f"{value!a} cannot be a path")
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} cannot be read from JSON")


def _is_encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return False
    return True


def to_plain(value: Any) -> Any:
    """Turn dataclasses, enums, paths, times and tuples into JSON values.

    Parameters
    ----------
    value : Any
        Anything from `stlkit.model`, or containers of it.

    Returns
    -------
    Any
        ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or ``None``.
    """
    return msgspec.to_builtins(value, enc_hook=_encode_unknown, str_keys=True)


def from_plain(kind: type[T], data: Any) -> T:
    """Build typed data from JSON values.

    Parameters
    ----------
    kind : type
        A dataclass of `stlkit.model`.
    data : Any
        What `json.load` returned.

    Returns
    -------
    object of type `kind`

    Raises
    ------
    ValueError
        Something does not fit; the message ends with the field's path, such as ``at `$.jobs[3].state```.
    """
    return msgspec.convert(data, kind, dec_hook=_decode_unknown)


def explain(error: ValueError) -> tuple[str, str | None]:
    """Say what does not fit, and where.

    Parameters
    ----------
    error : ValueError
        From `from_plain`.

    Returns
    -------
    text : str
        For example ``Expected int >= 16``.
    field : str or None
        For example ``jobs[3].render_options.width``; None where it is about the whole.
    """
    text, separator, where = str(error).rpartition(" - at ")
    steps = [where.strip("`$.")] if separator else []
    if isinstance(error.__cause__, OptionError):
        steps.append(error.__cause__.field)
        text = text.removeprefix(f"{error.__cause__.field}: ")
    return (text if separator else str(error)).replace("`", ""), ".".join(filter(None, steps)) or None
