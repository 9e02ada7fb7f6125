"""Which jobs of the history are wanted, as a condition in SQL."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypedDict

import msgspec

from stlkit.errors import OptionError
from stlkit.files import printable
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobState
from stlkit.model.options import (
    CheckedOptions,
    OutputSettings,
    RenderOptions,
    ValidationOptions,
    unknown_name,
    unknown_option,
)
from stlkit.model.times import format_utc

SOURCE = "job_history LEFT JOIN job_facts ON job_id = id"
PERIOD = "created_at >= :since AND created_at < :until"

ENDINGS = tuple(state.value for state in JobState if state.ended)

_GROUPS: Mapping[str, type[CheckedOptions]] = {
    "render_options": RenderOptions,
    "validation_options": ValidationOptions,
    "output_settings": OutputSettings,
}


class JobFilter(TypedDict, total=False):
    """Which jobs are wanted; what is missing or None does not matter.

    Parameters
    ----------
    since, until : datetime
        Created at or after, and created before; local times where they are naive.
    state : str or collection of str
        The state, or states, they ended in.
    path : str or path
        Pattern for the whole path of the STL file: ``*`` for any text, slashes included, ``?`` for one character,
        ``[ab]`` for one of several. Upper and lower case differ. A path that has such signs itself fits, too.
    checksum : str
        SHA-256 of the STL file.
    session : str
        The workspace that ran them.
    options : mapping of str to Any
        Options they ran with, by name, such as ``{"material": "wood"}``.
    """

    since: datetime | None
    until: datetime | None
    state: str | Collection[str] | None
    path: str | os.PathLike[str] | None
    checksum: str | None
    session: str | None
    options: Mapping[str, Any] | None


Parameters = dict[str, Any]


def condition_of(wanted: JobFilter) -> tuple[str, Parameters]:
    """Turn a filter into a condition over `SOURCE`, and its parameters.

    Raises
    ------
    OptionError
        There is no filter, state or option of that name, or a value is not what the filter takes.
    """
    _check_names(wanted)
    parts, parameters = ["1"], Parameters()
    simple = {
        "created_at >= :since": _moment(wanted, "since"),
        "created_at < :until": _moment(wanted, "until"),
        "stl_path GLOB :path OR stl_path = :path": _path(wanted),
        "stl_checksum = :checksum": _text(wanted, "checksum"),
        "queue_session_id = :session": _text(wanted, "session"),
    }
    for condition, value in simple.items():
        if value is not None:
            parts.append(condition)
            parameters[condition.rsplit(":", 1)[1]] = value
    states = _states(wanted)
    if states is not None:
        names = {f"state{number}": each for number, each in enumerate(states)}
        parts.append(f"state IN ({', '.join(f':{name}' for name in names)})")
        parameters |= names
    for number, (name, value) in enumerate(_options(wanted).items()):
        parts.append(_option_is(name, f"option{number}"))
        parameters[f"option{number}"] = _as_sqlite_has_it(value)
    return " AND ".join(f"({part})" for part in parts), parameters


def _check_names(wanted: Mapping[str, Any]) -> None:
    known = tuple(JobFilter.__annotations__)
    for name in wanted:
        if name not in known:
            raise unknown_name("filter", name, known, field=name)


def _moment(wanted: JobFilter, name: Literal["since", "until"]) -> str | None:
    value = wanted.get(name)
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise _wrong(name, "a datetime", value)
    return format_utc(value)


def _path(wanted: JobFilter) -> str | None:
    value = wanted.get("path")
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, os.PathLike):
        raise _wrong("path", "a text or a path", value)
    return printable(os.fspath(value))


def _text(wanted: JobFilter, name: Literal["checksum", "session"]) -> str | None:
    value = wanted.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "a text", value)
    return value


def _states(wanted: JobFilter) -> list[str] | None:
    value = wanted.get("state")
    if value is None:
        return None
    if not isinstance(value, Iterable):
        raise _wrong("state", "a state or several", value)
    states = [value] if isinstance(value, str) else list(value)
    for state in states:
        if not isinstance(state, str):
            raise _wrong("state", "a state or several", state)
        if state not in ENDINGS:
            raise unknown_name("state", str(state), ENDINGS, field="state")
    return [str(state) for state in states]


def _options(wanted: JobFilter) -> Mapping[str, Any]:
    value = wanted.get("options")
    if value is not None and not isinstance(value, Mapping):
        raise _wrong("options", "a mapping of names to values", value)
    return value or {}


def _wrong(name: str, expected: str, value: object) -> OptionError:
    return OptionError(f"the filter {name!r} takes {expected}, not: {value!r:.60}", field=name)


def _option_is(name: str, parameter: str) -> str:
    column = next((column for column, group in _GROUPS.items() if name in group.names()), None)
    if column is None:
        raise unknown_option(name, tuple(known for group in _GROUPS.values() for known in group.names()))
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END IS :{parameter}"


def _as_sqlite_has_it(value: Any) -> Any:
    plain = to_plain(value.value if isinstance(value, Enum) else value)
    return msgspec.json.encode(plain).decode() if isinstance(plain, list | tuple | dict) else plain
