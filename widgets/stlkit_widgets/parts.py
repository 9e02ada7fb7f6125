"""What a widget is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets


def parts_of(widget: widgets.Widget) -> list[Any]:
    """Return every widget below a widget: children, layouts, styles, geometries.

    Closing a widget closes that one alone; the others stay in the browser and in ipywidgets's own registry for ever.

    Parameters
    ----------
    widget : Widget

    Returns
    -------
    list of Widget
        Without `widget` itself, each once.
    """
    found: dict[int, Any] = {}
    waiting = [widget]
    while waiting:
        for name in (current := waiting.pop()).keys:
            for part in _widgets_in(getattr(current, name)):
                if part is not widget and id(part) not in found:
                    found[id(part)] = part
                    waiting.append(part)
    return list(found.values())


def _widgets_in(value: object) -> Iterator[Any]:
    if isinstance(value, widgets.Widget):
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _widgets_in(entry)
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _widgets_in(entry)
