"""Which jobs of the history are wanted, as a condition in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypedDict

import msgspec

from stlkit.model.encoding import to_plain
from stlkit.model.options import CheckedOptions, OutputSettings, RenderOptions, ValidationOptions, unknown_option
from stlkit.model.times import format_utc

SOURCE = "job_history LEFT JOIN job_facts ON job_id = id"

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
        Aware; created at or after, and created before.
    state : str or collection of str
        The state, or states, they ended in.
    path : str
        Pattern for the whole path of the STL file: ``*`` for any text, slashes included, ``?`` for one character,
        ``[ab]`` for one of several. Upper and lower case differ.
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
    path: str | None
    checksum: str | None
    session: str | None
    options: Mapping[str, Any] | None


Parameters = dict[str, Any]


def condition_of(wanted: JobFilter) -> tuple[str, Parameters]:
    """Turn a filter into a condition over `SOURCE`, and its parameters.

    Raises
    ------
    OptionError
        There is no option of that name.
    """
    parts, parameters = ["1"], Parameters()
    since, until = wanted.get("since"), wanted.get("until")
    simple = {
        "created_at >= :since": format_utc(since) if since else None,
        "created_at < :until": format_utc(until) if until else None,
        "stl_path GLOB :path": wanted.get("path"),
        "stl_checksum = :checksum": wanted.get("checksum"),
        "queue_session_id = :session": wanted.get("session"),
    }
    for condition, value in simple.items():
        if value is not None:
            parts.append(condition)
            parameters[condition.rsplit(":", 1)[1]] = value
    state = wanted.get("state")
    if state is not None:
        states = [state] if isinstance(state, str) else list(state)
        names = {f"state{number}": str(each) for number, each in enumerate(states)}
        parts.append(f"state IN ({', '.join(f':{name}' for name in names)})")
        parameters |= names
    for number, (name, value) in enumerate((wanted.get("options") or {}).items()):
        parts.append(_option_is(name, f"option{number}"))
        parameters[f"option{number}"] = _as_sqlite_has_it(value)
    return " AND ".join(f"({part})" for part in parts), parameters


def _option_is(name: str, parameter: str) -> str:
    column = next((column for column, group in _GROUPS.items() if name in group.names()), None)
    if column is None:
        raise unknown_option(name, tuple(known for group in _GROUPS.values() for known in group.names()))
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '$.{name}') END IS :{parameter}"


def _as_sqlite_has_it(value: Any) -> Any:
    plain = to_plain(value.value if isinstance(value, Enum) else value)
    return msgspec.json.encode(plain).decode() if isinstance(plain, list | tuple | dict) else plain
