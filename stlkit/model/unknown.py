"""Keys of a file that this version does not know: kept apart, and written back to where they stood."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from typing import Any

Groups = Mapping[str, frozenset[str]]
"""Names of the fields that are objects themselves, with the keys that are known inside each."""


def split_unknown(kind: type[Any], data: Mapping[str, Any], groups: Groups) -> dict[str, Any]:
    """Separate what this version knows from the rest, in the object itself and in the groups it holds.

    Parameters
    ----------
    kind : type
        A slots dataclass with a field ``unknown``.
    data : mapping
        JSON values of one such object.
    groups : mapping of str to frozenset of str

    Returns
    -------
    dict
        The fields of `kind`; the rest stands in ``unknown``, that of a group under the group's name.
    """
    known = kind.__slots__
    plain = {key: data[key] for key in data if key in known and key != "unknown"}
    unknown = {key: value for key, value in data.items() if key not in plain}
    for name, group in groups.items():
        if name in plain and isinstance(plain[name], dict):
            inner = {key: value for key, value in plain[name].items() if key not in group}
            if inner:
                unknown[name] = inner
                plain[name] = {key: value for key, value in plain[name].items() if key not in inner}
    return plain | {"unknown": unknown}


def join_unknown(data: dict[str, Any]) -> dict[str, Any]:
    """Undo `split_unknown`; where both sides have a key, the known one wins."""
    known = {key: value for key, value in data.items() if key != "unknown"}
    return _merged(data["unknown"], known)


def unknown_paths(unknown: Mapping[str, Any], groups: Collection[str]) -> Iterator[str]:
    """Yield the unknown keys as a person finds them in the file, such as ``render_options.shader``."""
    for name, value in unknown.items():
        if name in groups and isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield name


def names_of(group: type[Any]) -> frozenset[str]:
    """Return the names of a dataclass's fields."""
    return frozenset(each.name for each in fields(group))


def _merged(unknown: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    merged = known | {key: value for key, value in unknown.items() if key not in known}
    for key, inner in unknown.items():
        if isinstance(inner, dict) and isinstance(known.get(key), dict):
            merged[key] = _merged(inner, known[key])
    return merged
