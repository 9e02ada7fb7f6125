"""How the whole queue stands, and the buttons that move it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import traitlets

from stlkit_widgets.background import Background
from stlkit_widgets.page_part import PagePart

COMMANDS = ("start", "pause", "resume", "stop", "clear")


class RunBar(PagePart, page="run_bar"):
    """Start, pause, resume, stop, clear; jobs at once; progress, time left, room on the disk and in memory.

    Parameters
    ----------
    background : Background
    command : callable
        Called with one of `COMMANDS`; must return at once.
    set_concurrency : callable
        Called with the number of jobs that are to run at once.

    Attributes
    ----------
    status : dict
        How the queue stands; see ``static/run_bar.js``.
    left : str
        How long the queue will still take, such as ``about 3 min``; empty where that is not known.
    gauges : dict
        Room on the disk and in memory.
    """

    read_only = traitlets.Bool().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    left = traitlets.Unicode().tag(sync=True)
    gauges = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        background: Background,
        *,
        command: Callable[[str], None],
        set_concurrency: Callable[[int], None],
        **traits: Any,
    ) -> None:
        super().__init__(background, **traits)
        for name in COMMANDS:
            self.hear(name, lambda said: command(said["do"]))
        self.hear("concurrency", lambda said: set_concurrency(int(said["jobs"])))


def measure_room(folder: str) -> dict[str, Any]:
    """Return how much room there is on the disk of a folder, and in memory.

    Parameters
    ----------
    folder : str
        Need not exist yet; then the nearest folder above counts. Nothing is said of no folder.

    Returns
    -------
    dict
        ``disk_free`` and ``disk_total`` in bytes, or None; ``memory_used`` and ``memory_total`` in bytes.
    """
    memory = psutil.virtual_memory()
    room: dict[str, Any] = {
        "disk_free": None,
        "disk_total": None,
        "memory_used": memory.total - memory.available,
        "memory_total": memory.total,
    }
    try:
        path = Path(folder).expanduser()
        existing = next((each for each in (path, *path.parents) if each.is_dir()), None) if folder else None
        if existing is not None:
            usage = shutil.disk_usage(existing)
            room |= {"disk_free": usage.free, "disk_total": usage.total}
    except (OSError, RuntimeError):  # away, or ~somebody whom nobody knows
        return room
    return room
