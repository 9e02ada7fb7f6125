"""How a queue comes along, on a terminal or as plain lines."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stlkit.engine.countdown import Countdown
from stlkit.engine.events import EventKind, Observer, QueueEvent
from stlkit.engine.forecast import QueueEta
from stlkit.files import one_line
from stlkit.model.jobs import JobState, QueueJob


class Watched(Protocol):
    """What is needed of a queue to show its progress."""

    @property
    def jobs(self) -> tuple[QueueJob, ...]:
        """All jobs as they are now."""

    def eta(self) -> QueueEta:
        """When it will be through."""

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called for every event; returns what ends that."""


LEAST_SAVED_S = 0.05  # less would be shown as 0.0
LOOK_AHEAD_S = 1.0  # between two forecasts

MARKS = {
    JobState.COMPLETED: ("✓", "green"),
    JobState.FAILED: ("✗", "red"),
    JobState.SKIPPED: ("–", "yellow"),
    JobState.CANCELLED: ("–", "yellow"),
}


def ending_line(job: QueueJob) -> str:
    """Say in one line how a job ended."""
    mark, _ = MARKS[job.state]
    text = f"{mark} {one_line(job.stl_path.name)}: {job.state}"
    if job.results.is_up_to_date:
        text += f", {saved_note(job)}"
    elif job.actual_duration is not None:
        text += f" in {job.actual_duration:.1f} s"
    if job.error_message:
        text += f": {one_line(job.error_message)}"
    elif job.results.warnings:
        count = len(job.results.warnings)
        text += f", {count} warning{'s' if count > 1 else ''}"
    return text


def saved_note(job: QueueJob) -> str:
    """Say what a job did not make again; empty where it made everything."""
    results = job.results
    saved = f" ({results.saved_s:.1f} s saved)" if results.saved_s >= LEAST_SAVED_S else ""
    return f"{results.reuse}{saved}"


@contextmanager
def showing_progress(queue: Watched, console: Console | None = None) -> Iterator[None]:
    """Show a queue's progress while the block runs.

    Parameters
    ----------
    queue : Watched
        A `JobQueue`.
    console : rich.console.Console, optional
        Where to; standard error unless given. On a terminal there is a bar for the queue and a line for each running
        job; elsewhere one line for each job that ends.
    """
    console = console or Console(stderr=True, emoji=False)
    # A notebook forces colours on what it starts; a bar that cannot go back over itself would fill its page.
    moves = console.is_terminal and console.file.isatty()
    display = _Bars(queue, console) if moves else _Lines(console)
    unsubscribe = queue.subscribe(display.on_event)
    try:
        with display, _log_not_on_screen():
            yield
    finally:
        unsubscribe()


@contextmanager
def _log_not_on_screen() -> Iterator[None]:
    """Keep pauses, which are shown as notices, from standard error, where Python puts what no log takes."""
    handler = logging.lastResort
    if handler is None:
        yield
        return
    handler.addFilter(_is_not_shown)
    try:
        yield
    finally:
        handler.removeFilter(_is_not_shown)


def _is_not_shown(record: logging.LogRecord) -> bool:
    return record.name != "stlkit.engine.switch"


class _Lines:
    """One plain line for each job that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...

    def on_event(self, event: QueueEvent) -> None:
        if event.kind is EventKind.CHANGED and event.job is not None and event.job.state.ended:
            self._console.print(ending_line(event.job), markup=False, highlight=False, soft_wrap=True)
        elif event.kind is EventKind.NOTICE:
            self._console.print(f"queue: {one_line(event.message)}", markup=False, highlight=False, soft_wrap=True)


class _Bars:
    """A bar for the whole queue, and one for each job that runs."""

    def __init__(self, queue: Watched, console: Console) -> None:
        self._queue = queue
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
        )
        self._lock = threading.Lock()
        self._running: dict[str, TaskID] = {}
        self._ended: set[str] = {job.id for job in queue.jobs if job.state.ended}
        open_jobs = sum(1 for job in queue.jobs if not job.state.ended)
        self._overall = self._bars.add_task("all", total=open_jobs, note="", left="")
        self._countdown = Countdown()
        self._looked_ahead_at: float | None = None
        self._total, self._done = open_jobs, 0

    def __enter__(self) -> None:
        self._show_overall()
        self._bars.start()

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def on_event(self, event: QueueEvent) -> None:
        job = event.job
        if event.kind is EventKind.NOTICE:
            self._print(f"queue: {one_line(event.message)}", "yellow")
        if job is None:
            return
        with self._lock:
            if job.state.ended:
                self._end(job)
            elif job.state.running:
                self._show_running(job)
            self._show_time_left()

    def _show_running(self, job: QueueJob) -> None:
        if job.id not in self._running:
            name = one_line(job.stl_path.name)
            name = name if len(name) <= 28 else f"{name[:13]}…{name[-14:]}"  # names that differ do so at either end
            self._running[job.id] = self._bars.add_task(f"  {name}", total=100, note="", left="")
        self._bars.update(self._running[job.id], completed=job.progress, note=(job.stage or "").replace("_", " "))

    def _end(self, job: QueueJob) -> None:
        if job.id in self._ended:
            return
        self._ended.add(job.id)
        if job.id in self._running:
            self._bars.remove_task(self._running.pop(job.id))
        _, color = MARKS[job.state]
        self._print(ending_line(job), color)
        self._done += 1
        self._show_overall()

    def _print(self, text: str, color: str) -> None:
        self._bars.console.print(text, style=color, markup=False, highlight=False, soft_wrap=True)

    def _show_overall(self) -> None:
        total = max(self._total, self._done)
        self._bars.update(self._overall, completed=self._done, total=total, note=f"{self._done}/{total} jobs")

    def _show_time_left(self) -> None:
        if self._done >= self._total:
            self._bars.update(self._overall, left="")
            return
        now = time.monotonic()
        if self._looked_ahead_at is not None and now - self._looked_ahead_at < LOOK_AHEAD_S:
            return
        self._looked_ahead_at = now
        eta = self._queue.eta()
        self._bars.update(self._overall, left=f"{self._countdown.say(eta.remaining_s)} left" if eta.jobs else "")
