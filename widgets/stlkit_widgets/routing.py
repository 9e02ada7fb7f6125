"""Which thread of a kernel gets what a page says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets


def route_as_sent(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Have what a page says to these widgets reach the subshell that the page names, or the main one.

    ipykernel 7.4 sends it to the subshell that last made the widget speak instead (`Comm._reply_subshell_for`). A page
    that is closed or loaded again takes its subshells with it, and all further messages would end in
    ``UnknownSubshellError``: a press of a button that does nothing. Harmless on kernels that do no such thing.

    Parameters
    ----------
    widgets : iterable of Widget
        Open ones.
    """
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = _as_sent  # noqa: SLF001 - there is no public way


def _as_sent(_: Any, subshell_of_sender: str | None) -> str | None:
    return subshell_of_sender
