"""Widgets that a notebook cell has made, which go when it runs again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

Cell = tuple[str, str]  # the cell's id, and the run's

_LOCK = threading.Lock()
_MADE: dict[str, tuple[str, list[Callable[[], None]]]] = {}


def replace_earlier(close: Callable[[], None], cell: Cell | None = None) -> None:
    """Close what the running cell had made when it ran before, and remember how to close what it makes now.

    Nobody sees a widget any more whose cell ran again, but ipywidgets keeps it, and a widget that follows a queue goes
    on doing so. Where a front end does not tell which cell runs, nothing happens.

    Parameters
    ----------
    close : callable
        Closes the widget that is being made; harmless where it is closed already.
    cell : tuple of str, optional
        Id of the cell and of its run; what IPython says of the present one unless given.
    """
    cell = cell or running_cell()
    if cell is None:
        return
    cell_id, run_id = cell
    with _LOCK:
        earlier_run, closers = _MADE.get(cell_id, (run_id, []))
        kept = closers if earlier_run == run_id else []
        _MADE[cell_id] = (run_id, [*kept, close])
    if earlier_run != run_id:
        for close_earlier in closers:
            close_earlier()


def running_cell() -> Cell | None:
    """Return the id of the notebook cell that runs now, and of its run; None where there is no such cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    parent: dict[str, Any] = getattr(shell, "get_parent", dict)()
    cell_id = parent.get("metadata", {}).get("cellId")
    run_id = parent.get("header", {}).get("msg_id")
    return (cell_id, run_id) if isinstance(cell_id, str) and isinstance(run_id, str) else None
