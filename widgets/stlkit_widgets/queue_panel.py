"""A panel that shows a queue live and gives its commands."""

from __future__ import annotations

import textwrap
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from stlkit.engine.events import QueueEvent
from stlkit.errors import StlkitError, TemplateError
from stlkit.model.jobs import JobState, QueueState
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.reports import Severity
from stlkit.model.templates import QueueTemplate
from stlkit.workspace import Workspace
from stlkit_widgets.job_table import JobTable
from stlkit_widgets.markup import STYLE, line
from stlkit_widgets.parts import parts_of
from stlkit_widgets.publisher import Publisher

OptionGroups = tuple[RenderOptions, ValidationOptions, OutputSettings]

OWN_OPTIONS = "(own options)"
OBSERVER_LOOKS_EVERY_S = 1.0
LONGEST_NOTICE = 600


class QueuePanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The queue of a workspace: add files, choose a template, start, pause, resume, stop, and watch.

    Several panels may show one queue. Commands run off the caller's thread, so that no cell and no click waits for a
    slow disk or a worker that ends; what came of them is said in the panel. In a workspace that only observes, the
    panel shows the queue as its owner last wrote it, and says who that is. `close` ends a panel that is not wanted
    any more; the queue is closed by its workspace.

    Parameters
    ----------
    workspace : Workspace

    Examples
    --------
    >>> ws = stlkit.Workspace(output="listings")             # doctest: +SKIP
    >>> stlkit_widgets.QueuePanel(ws)                        # doctest: +SKIP
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._rows_of_jobs = JobTable()
        self._notice = (Severity.INFO, "")  # what the last command said
        self._stopping = False
        self._left_over = {job.job_id for job in workspace.recovery.unfinished}
        self._templates: dict[str, QueueTemplate] = {}
        self._templates_written: int | None = None
        self._options: OptionGroups | None = None
        self._showing_in: int | None = None  # the thread that sets the template box to what the queue has
        self._build()
        super().__init__([widgets.HTML(STYLE, layout={"display": "none"}), *self._rows()])
        self.add_class("stlkit-queue-panel")
        self._publish()
        observing = workspace.is_observer
        self._publisher = Publisher(self._publish, look_every_s=OBSERVER_LOOKS_EVERY_S if observing else None)
        self._unsubscribe: Callable[[], None] = (
            (lambda: None) if observing else workspace.queue.subscribe(self._on_event)
        )
        self._publisher.nudge()  # what changed between the first look and the subscription

    def close(self) -> None:
        """End the panel: its subscription, its thread and its view; the queue goes on. Harmless the second time."""
        if hasattr(self, "_publisher"):  # also called for a panel that could not be built
            self._unsubscribe()
            self._publisher.close()
            for part in parts_of(self):
                part.close()
        super().close()

    def __repr__(self) -> str:
        return f"<QueuePanel of {self._workspace!r}>"

    # --- how it looks ---

    def _build(self) -> None:
        wide = {"flex": "1 1 260px", "width": "auto", "min_width": "220px"}
        self.path_box = widgets.Text(description="STL files", placeholder="file, folder or pattern", layout=wide)
        self.output_box = widgets.Text(
            value=self._workspace.queue.settings.output_base_folder,
            description="Output",
            placeholder="folder for the results",
            layout=wide,
        )
        self.template_box = widgets.Dropdown(description="Template", options=[OWN_OPTIONS], layout={"width": "320px"})
        self.add_button = _button("Add", "plus", "Add these files to the queue", self._add)
        self.start_button = _button("Start", "play", "Begin to work on the jobs", self._start)
        self.pause_button = _button("Pause", "pause", "Running jobs finish their stage and hold", self._pause)
        self.resume_button = _button("Resume", "forward", "Let all paused jobs go on", self._resume)
        self.stop_button = _button("Stop", "stop", "Running jobs go back into the queue", self._stop)
        self.start_button.button_style = "primary"
        self.progress = widgets.FloatProgress(min=0.0, max=1.0, layout={"width": "260px"})
        self.progress.style.bar_color = "var(--jp-brand-color1, #1976d2)"
        self.summary, self.message = widgets.HTML(), widgets.HTML()
        self.table = widgets.HTML(layout={"max_height": "440px", "overflow": "auto"})
        self.path_box.on_msg(self._on_path_message)
        self.template_box.observe(self._on_template, names="value")

    def _rows(self) -> list[Any]:
        wrapping = {"flex_flow": "row wrap", "align_items": "center"}
        buttons = [self.start_button, self.pause_button, self.resume_button, self.stop_button]
        return [
            widgets.HBox([self.path_box, self.output_box, self.add_button], layout=wrapping),
            widgets.HBox([self.template_box, *buttons], layout=wrapping),
            widgets.HBox([self.progress, self.summary], layout=wrapping),
            self.message,
            self.table,
        ]

    # --- from the queue to the page; only ever one thread at a time ---

    def _on_event(self, _: QueueEvent) -> None:
        self._publisher.nudge()

    def _publish(self) -> None:
        state = self._workspace.queue.state()
        self._show_template(state)
        self._show_controls(state)
        self.progress.max = float(max(1, len(state.jobs)))  # first: a value above it would be cut
        self.progress.value = sum(100.0 if job.state.ended else job.progress for job in state.jobs) / 100.0
        self.summary.value = f'<span class="stlkit">{_summary(state)}</span>'
        lines = "".join(line(severity, text) for severity, text in self._messages(state) if text)
        self.message.value = f'<div class="stlkit" role="status">{lines}</div>' if lines else ""
        self.table.value = self._rows_of_jobs.render(state.jobs)

    def _show_template(self, state: QueueState) -> None:
        """Show which template has the queue's options; looked up anew only where one of the two has changed."""
        folder = self._workspace.templates.folder
        written = folder.stat().st_mtime_ns if folder.is_dir() else None
        options = (state.global_render_options, state.global_validation_options, state.global_output_settings)
        if (written, options) == (self._templates_written, self._options):
            return
        self._templates_written, self._options = written, options
        templates = self._workspace.templates
        try:
            self._templates = {title: templates.load_template(title) for title in templates.list_templates()}
        except TemplateError as error:  # one was taken away in between
            self._notice = (Severity.ERROR, str(error))
        if problems := templates.problems():
            self._notice = (Severity.ERROR, "; ".join(problems))
        same = next((title for title, template in self._templates.items() if _options_of(template) == options), None)
        self._showing_in = threading.get_ident()
        try:
            self.template_box.options = [*([] if same else [OWN_OPTIONS]), *self._templates]
            self.template_box.value = same or OWN_OPTIONS
        finally:
            self._showing_in = None

    def _show_controls(self, state: QueueState) -> None:
        mine = not self._workspace.is_observer
        for box in (self.path_box, self.output_box, self.template_box, self.add_button):
            box.disabled = not mine
        free = mine and not self._stopping
        running = free and self._workspace.queue.is_running
        paused = free and self._workspace.queue.is_paused
        held = free and any(job.state is JobState.PAUSED for job in state.jobs)
        self.start_button.disabled = not free or running or paused
        self.pause_button.disabled = not running
        self.resume_button.disabled = not (paused or held)
        self.stop_button.disabled = not (running or paused)

    def _messages(self, state: QueueState) -> list[tuple[Severity, str]]:
        if self._workspace.is_observer:
            owner = self._workspace.owner
            belongs = f"This queue belongs to {owner}" if owner else "The process that owned this queue has ended"
            return [self._notice, (Severity.WARNING, f"{belongs}; here it can only be looked at.")]
        self._left_over &= {job.id for job in state.jobs if job.state is JobState.PAUSED}
        count = len(self._left_over)
        waiting = f"{count} job{'s' if count != 1 else ''} of an earlier session wait{'' if count != 1 else 's'}"
        reason = self._workspace.queue.pause_reason
        return [
            self._notice,
            (Severity.ERROR, f"The queue has paused: {reason}. Press Resume once that is mended." if reason else ""),
            (Severity.WARNING, f"{waiting}; press Resume." if count else ""),
            *((Severity.INFO, note) for note in self._workspace.recovery.notes),
        ]

    # --- from the page to the queue ---

    def _add(self) -> None:
        source, output = self.path_box.value.strip(), self.output_box.value.strip()
        if not source or not output:
            self._say(
                Severity.WARNING, f"Name {'the folder for the results' if source else 'a file or a folder'} first."
            )
            return
        self._command(lambda: str(self._workspace.queue.add(source, output=output)))

    def _on_path_message(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("event") == "submit":  # the Enter key
            self._add()

    def _start(self) -> None:
        self._command(self._workspace.queue.start)

    def _pause(self) -> None:
        self._command(self._workspace.queue.pause)

    def _resume(self) -> None:
        def resume_and_work() -> None:
            self._workspace.queue.resume()
            self._workspace.queue.start()  # after an interrupted session nothing runs yet

        self._command(resume_and_work)

    def _stop(self) -> None:
        def stop() -> None:
            try:
                self._workspace.queue.stop()
            finally:
                self._stopping = False

        self._stopping = True
        self._say(Severity.INFO, "Stopping: running jobs go back into the queue …")
        self._command(stop)

    def _on_template(self, change: dict[str, Any]) -> None:
        template = self._templates.get(change["new"])
        if template is not None and self._showing_in != threading.get_ident():  # else nobody has chosen it
            self._command(lambda: self._workspace.queue.use_template(template))

    def _command(self, command: Callable[[], str | None]) -> None:
        """Do something on a thread of its own, and say what came of it."""

        def run() -> None:
            try:
                self._say(Severity.INFO, command() or "")
            except (StlkitError, OSError) as error:
                self._say(Severity.ERROR, str(error))

        threading.Thread(target=run, name="stlkit-panel-command", daemon=True).start()

    def _say(self, severity: Severity, text: str) -> None:
        self._notice = (severity, textwrap.shorten(text, LONGEST_NOTICE, placeholder=" …"))
        self._publisher.nudge()


def _button(label: str, icon: str, tooltip: str, on_click: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout={"width": "96px"})
    button.on_click(lambda _: on_click())
    return button


def _options_of(template: QueueTemplate) -> OptionGroups:
    return template.render_options, template.validation_options, template.output_settings


def _summary(state: QueueState) -> str:
    counts = Counter(job.state for job in state.jobs)
    ended = sum(count for job_state, count in counts.items() if job_state.ended)
    each = "".join(f" · {counts[job_state]:,} {job_state}" for job_state in JobState if counts[job_state])
    return f"{ended:,} of {len(state.jobs):,} done{each}"
