"""Which jobs of the history a page wants, as the history takes it and as a cell of code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stlkit.errors import OptionError
from stlkit.model.descriptions import describe_options
from stlkit.model.encoding import to_plain
from stlkit.model.options import CheckedOptions, OutputSettings, RenderOptions, ValidationOptions, parse_option
from stlkit.storage.history import JobFilter

GROUPS: tuple[type[CheckedOptions], ...] = (RenderOptions, ValidationOptions, OutputSettings)
_PATTERN_SIGNS = frozenset("*?[")


def choosable_options() -> list[dict[str, Any]]:
    """Return every option that jobs may be chosen by, as a page offers it."""
    return [
        {"name": option.name, "title": option.title, "kind": option.kind.value, "choices": list(option.choices)}
        for group in GROUPS
        for option in describe_options(group)
    ]


def filter_of(said: Mapping[str, Any]) -> JobFilter:
    """Read a filter that a page has sent.

    Parameters
    ----------
    said : mapping
        ``since`` and ``until`` in milliseconds since 1970, ``state``, ``path`` (a pattern, or a part of a path) and
        ``options``, pairs of a name and its value as text. What is missing or empty does not matter.

    Returns
    -------
    JobFilter
        Only of what matters.

    Raises
    ------
    OptionError
        A value does not fit its option.
    """
    wanted: JobFilter = {}
    if said.get("since"):
        wanted["since"] = _moment(said["since"])
    if said.get("until"):
        wanted["until"] = _moment(said["until"])
    if said.get("state"):
        wanted["state"] = str(said["state"])
    if path := str(said.get("path") or "").strip():
        wanted["path"] = path if _PATTERN_SIGNS & set(path) else f"*{path}*"
    options = {str(name): _value(str(name), str(text)) for name, text in said.get("options") or () if text != ""}
    if options:
        wanted["options"] = options
    return wanted


def code_of(wanted: JobFilter, workspace_name: str | None, home: Path) -> str:
    """Return a cell that gives the table of the jobs that a filter wants.

    Parameters
    ----------
    wanted : JobFilter
    workspace_name : str or None
        Name of the workspace in the notebook; None where it has none, and the cell opens the home to look at it.
    home : Path

    Returns
    -------
    str
    """
    imports, lines = [], []
    if "since" in wanted or "until" in wanted:
        imports.append("from datetime import datetime, timezone\n")
    if workspace_name is None:
        imports.append("import stlkit\n")
        lines.append(f"ws = stlkit.Workspace({str(home)!r}, observe=True)")
    arguments = [f"    {name}={_written(value)}," for name, value in wanted.items()]
    begin = f"frame = {workspace_name or 'ws'}.history.to_dataframe("
    lines += [begin, *arguments, ")", "frame"] if arguments else [f"{begin})", "frame"]
    return "\n".join([*imports, *lines])


def name_in_notebook(value: object) -> str | None:
    """Return the name that a notebook has given to a value; None where it has none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    names: dict[str, Any] = dict(getattr(shell, "user_ns", {}))
    return next((name for name, found in names.items() if found is value and not name.startswith("_")), None)


def _moment(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(float(milliseconds) / 1000.0, tz=UTC).replace(microsecond=0)


def _value(name: str, text: str) -> Any:
    group = next((group for group in GROUPS if name in group.names()), None)
    if group is None:
        raise OptionError(f"there is no option {name!r}", field=name)
    return to_plain(parse_option(group, name, text))


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        parts = [value.year, value.month, value.day, value.hour, value.minute, value.second]
        while len(parts) > 3 and not parts[-1]:
            parts.pop()
        return f"datetime({', '.join(map(str, parts))}, tzinfo=timezone.utc)"
    return repr(value)
