"""The command that lists what may be said with --option."""

from __future__ import annotations

from typing import Any

from rich.table import Column

from stlkit.cli.console import JsonOption, out, plain_table, print_json, short_column, shown, written
from stlkit.model.descriptions import OptionDescription, describe_options
from stlkit.model.options import (
    CleanupOptions,
    OptionKind,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
)

_WIDEST_DEFAULT, _WIDEST_VALUES = 18, 24

GROUPS = {
    "pictures and videos": RenderOptions,
    "checks and repairs": ValidationOptions,
    "output folders and names": OutputSettings,
    "the queue, for one run": QueueSettings,
    "what 'stlkit clean' keeps": CleanupOptions,
}


def options(as_json: JsonOption = False) -> None:
    """List what --option takes: names, defaults and values."""
    described = {title: describe_options(group) for title, group in GROUPS.items()}
    if as_json:
        print_json({"options": described})
        return
    for number, (title, options) in enumerate(described.items()):
        if number:
            out.print()
        values = Column("values", max_width=_WIDEST_VALUES)
        table = plain_table(
            short_column(title), Column("default", max_width=_WIDEST_DEFAULT), values, Column("what it is")
        )
        for option in options:
            table.add_row(*map(shown, (option.name, _text(option.default), _values(option), option.help)))
        out.print(table)


def _values(option: OptionDescription) -> str:
    """Return which values there are; empty where any text may be one."""
    if option.choices:
        return ", ".join(option.choices)
    if option.kind is OptionKind.FLAG:
        return "yes, no"
    parts = []
    if option.above is not None:
        parts.append(f"above {_text(option.above)}")
    if option.least is not None:
        parts.append(f"from {_text(option.least)}")
    if option.most is not None:
        parts.append(f"to {_text(option.most)}")
    return " ".join(parts) + (", none" if parts and option.optional else "")


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else written(value) or "none"
