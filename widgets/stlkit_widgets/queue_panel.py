"""A panel that shows a queue live and gives its commands."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from stlkit.engine.countdown import Countdown
from stlkit.errors import StlkitError
from stlkit.files import one_line
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.options import CheckedOptions
from stlkit.model.reports import Severity, counted
from stlkit.workspace import Workspace
from stlkit_widgets.add_files import AddFiles
from stlkit_widgets.background import Background
from stlkit_widgets.cells import replace_earlier
from stlkit_widgets.commands import OVERRIDES, QueueCommands
from stlkit_widgets.feed import Feed, News
from stlkit_widgets.job_detail import JobDetail
from stlkit_widgets.job_table import JobTable
from stlkit_widgets.memory import remember, remembered
from stlkit_widgets.names_preview import NamesPreview
from stlkit_widgets.notices import Choice, Notice, Notices
from stlkit_widgets.options_form import JOB_GROUPS, OptionsForm, shown_values
from stlkit_widgets.parts import parts_of
from stlkit_widgets.routing import route_as_sent
from stlkit_widgets.run_bar import RunBar, measure_room
from stlkit_widgets.situation import Situation, asking_jobs, waiting_jobs
from stlkit_widgets.template_shelf import TemplateShelf
from stlkit_widgets.uploads import Uploads

LOOKS_AROUND_EVERY_S = 1.0
MOST_CONCURRENT = 8
LINES_OF_TEXT = 12
TABS = ("Details", "Options", "Names")
UPLOADS_FOLDER = "uploads"


class QueuePanel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The queue of a workspace: add files, choose options, start, pause, resume, stop, and watch.

    Several panels may show one queue. Commands run off the caller's thread, so that no cell and no click waits for a
    slow disk or a worker that ends; what came of them is said in the panel. In a workspace that only observes, the
    panel shows the queue as its owner last wrote it, and says who that is. A panel is closed when its cell runs again,
    or by `close`; the queue goes on, and is closed by its workspace.

    Parameters
    ----------
    workspace : Workspace
    on_preview : callable, optional
        Called with a job when a person wants to see its model; without it there is no button for that.
    on_results : callable, optional
        Called with a job when a person wants to see what it made.

    Attributes
    ----------
    add_files : AddFiles
    notices : Notices
    run_bar : RunBar
    table : JobTable
    detail : JobDetail
    options : OptionsForm
    names : NamesPreview

    Examples
    --------
    >>> ws = stlkit.Workspace(output="listings")             # doctest: +SKIP
    >>> stlkit_widgets.QueuePanel(ws)                        # doctest: +SKIP
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        on_preview: Callable[[QueueJob], None] | None = None,
        on_results: Callable[[QueueJob], None] | None = None,
    ) -> None:
        self._workspace = workspace
        self._feed = Feed.of(workspace)
        self._reading = Background("stlkit-reading")
        self._commands = QueueCommands(workspace, self._say)
        self._uploads = Uploads(workspace.home.root / UPLOADS_FOLDER)
        self._situation = Situation(workspace)
        self._shelf = TemplateShelf(workspace.templates)
        self._said: Notice | None = None
        self._selected: tuple[str, ...] = ()
        self._shows_options_of_jobs = False
        self._memory = remembered(workspace)
        self._looked_at = float("-inf")
        self._was_running = False
        self._countdown = Countdown()
        self._build(on_preview, on_results)
        super().__init__([self.add_files, self.notices, self.run_bar, self.table, self._tabs])
        self.add_class("stlkit-queue-panel")
        self.show(News(state=self._state()))
        self._leave = self._feed.listen(self.show)
        self._feed.nudge()  # what changed between the first look and now
        replace_earlier(self.close)

    def close(self) -> None:
        """End the panel: its threads, its subscription and its view; the queue goes on. Harmless the second time."""
        if hasattr(self, "_leave"):  # also called for a panel that could not be built
            self._leave()
            self._commands.close()
            self._reading.close()
            self._uploads.close()
            for part in parts_of(self):
                part.close()
        super().close()

    def __repr__(self) -> str:
        return f"<QueuePanel of {self._workspace!r}>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        # ipywidgets cuts the text off after one line
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        return {**bundle, "text/plain": self.text()}

    def text(self) -> str:
        """Return the panel as plain text, for where no widget can be shown."""
        state = self._state()
        lines = [f"Queue in {self._workspace.home.root}: {summary(state)}"]
        lines += [f"  {job.state:<10} {one_line(job.stl_path.name)}" for job in state.jobs[:LINES_OF_TEXT]]
        if len(state.jobs) > LINES_OF_TEXT:
            lines.append(f"  and {len(state.jobs) - LINES_OF_TEXT:,} more")
        return "\n".join(lines)

    def _build(
        self, on_preview: Callable[[QueueJob], None] | None, on_results: Callable[[QueueJob], None] | None
    ) -> None:
        read_only = self._workspace.is_observer
        self.add_files = AddFiles(
            self._uploads,
            self._reading,
            add=self._add,
            set_output=self._commands.set_output,
            use_template=self._commands.use_template,
            recent=self._commands.recent,
            read_only=read_only,
        )
        self.notices = Notices(self._reading, self._choose)
        self.run_bar = RunBar(
            self._reading, command=self._run, set_concurrency=self._commands.set_concurrency, read_only=read_only
        )
        self.table = JobTable(
            self._state,
            self._workspace.cache,
            self._reading,
            act=self._act,
            select=self._select,
            on_layout=lambda layout: self._remember("table", layout),
            read_only=read_only,
            view_layout=_dict(self._memory.get("table")),
        )
        self.detail = JobDetail(self._workspace, self._reading, preview=on_preview, results=on_results)
        self.options = OptionsForm(
            self, self._reading, set_scope=self._set_scope, recent=self._commands.recent, read_only=read_only
        )
        self.names = NamesPreview(self._reading)
        tab = self._memory.get("open_tab")
        self._tabs = widgets.Tab([self.detail, self.options, self.names], titles=TABS)
        route_as_sent([self._tabs])
        self._tabs.selected_index = tab if tab in range(len(TABS)) else 0
        self._tabs.observe(lambda change: self._remember("open_tab", change["new"]), names="selected_index")

    # --- from the queue to the page ---

    def show(self, news: News) -> None:
        """Show what is new; only one thread calls this at a time."""
        state = news.state
        self.table.show(news)
        self._show_run_bar(state)
        shelf = self._shelf.look(state)
        self.add_files.output = state.queue_settings.output_base_folder
        self.add_files.templates = [{"title": each.name, "description": each.description} for each in shelf.templates]
        self.add_files.template, self.add_files.own_options = shelf.current, shelf.own
        damaged = [_problem(number, text) for number, text in enumerate(shelf.problems)]
        said = [self._said] if self._said is not None else []
        notices = self._situation.notices(state, news.problem)
        if self._workspace.queue.is_closed:
            for part in (self.add_files, self.run_bar, self.table, self.options):
                part.read_only = True
        self.notices.show([*said, *damaged, *notices])
        self._show_selection(state)

    def _show_run_bar(self, state: QueueState) -> None:
        counts = Counter(job.state for job in state.jobs)
        ended = sum(count for job_state, count in counts.items() if job_state.ended)
        queue = self._workspace.queue
        mine = not self._workspace.is_observer
        done = sum(100.0 if job.state.ended else job.progress for job in state.jobs)
        concurrency = state.queue_settings.max_concurrent_jobs
        self.run_bar.status = {
            "running": mine and queue.is_running,
            "paused": mine and queue.is_paused,
            "stopping": self._commands.is_stopping,
            "held": counts[JobState.PAUSED] > 0,
            "total": len(state.jobs),
            "ended": ended,
            "done": done / 100.0 / max(1, len(state.jobs)),
            "counts": {job_state.value: counts[job_state] for job_state in JobState if counts[job_state]},
            "concurrency": concurrency,
            "most": max(MOST_CONCURRENT, concurrency),
        }
        if not queue.is_running or ended == len(state.jobs):
            self.run_bar.left = ""
        if queue.is_running != self._was_running:  # a person who has just started it wants to know now
            self._was_running, self._looked_at = queue.is_running, float("-inf")
        self._reading.do(self._look_around)

    def _look_around(self) -> None:
        """Foresee when the queue is through, and measure the room there is; not often, because both touch the disk."""
        now, queue = time.monotonic(), self._workspace.queue
        if now - self._looked_at < LOOKS_AROUND_EVERY_S:
            return
        self._looked_at = now
        eta = queue.eta() if queue.is_running else None
        self.run_bar.left = self._countdown.say(eta.remaining_s) if eta is not None and eta.jobs else ""
        settings = self._state().queue_settings
        room = measure_room(settings.output_base_folder)
        tight = room["disk_free"] is not None and room["disk_free"] < 2e6 * settings.min_free_disk_mb
        self.run_bar.gauges = {**room, "disk_tight": tight}

    def _show_selection(self, state: QueueState) -> None:
        chosen = set(self._selected)
        jobs = {job.id: job for job in state.jobs if job.id in chosen}
        selected = [jobs[job_id] for job_id in self._selected if job_id in jobs]
        self.detail.show(selected[0] if selected else None)
        self.names.show(state, selected)
        if not selected:
            self._shows_options_of_jobs = False
        self._show_options(state, selected)

    def _show_options(self, state: QueueState, selected: list[QueueJob]) -> None:
        bases: dict[str, CheckedOptions] = {
            "render": state.global_render_options,
            "validation": state.global_validation_options,
            "output": state.global_output_settings,
        }
        own: dict[str, list[str]] = {}
        if self._shows_options_of_jobs:
            first = selected[0]
            own = {
                group: sorted({name for job in selected for name in getattr(job, OVERRIDES[group])})
                for group in JOB_GROUPS
            }
            bases = {group: base.merged(getattr(first, OVERRIDES[group])) for group, base in bases.items()}
        else:
            bases["settings"] = state.queue_settings
        self.options.own = own
        self.options.values = {group: shown_values(base) for group, base in bases.items()}
        title = one_line(selected[0].stl_path.name) if selected else ""
        if len(selected) > 1:
            title = f"Shown as of {title}; a change goes to all {len(selected):,} selected jobs that have not begun."
        self.options.scope = {"jobs": self._shows_options_of_jobs, "count": len(selected), "title": title}

    # --- from the page to the queue ---

    def _add(self, sources: tuple[str, ...], recursive: bool) -> None:
        if not self._state().queue_settings.output_base_folder:
            self.add_files.ask_for_output()
            self._say(Severity.WARNING, "Name the folder for the results first, then add the files again.")
            return
        self._commands.add(sources, recursive=recursive)

    def _run(self, command: str) -> None:
        self._commands.run(command)
        self._feed.nudge(at_once=True)

    def _act(self, action: str, job_ids: tuple[str, ...], before: str | None) -> None:
        if action == "open":
            self._tabs.selected_index = TABS.index("Details")
            return
        self._commands.act(action, job_ids, before)

    def _select(self, job_ids: tuple[str, ...]) -> None:
        self._selected = job_ids
        self._feed.nudge(at_once=True)

    def _set_scope(self, jobs: bool) -> None:
        self._shows_options_of_jobs = jobs and bool(self._selected)
        self._feed.nudge(at_once=True)

    def _choose(self, notice_id: str, choice: str, folder: str) -> None:
        state = self._state()
        asking = asking_jobs(state, notice_id)
        left_over = self._situation.left_over(state)
        if choice == "dismiss" and notice_id == "said":
            self._said = None
        elif choice == "dismiss":
            self._situation.dismiss(notice_id)
        elif choice == "elsewhere":
            self._commands.send_elsewhere(asking or waiting_jobs(state.jobs), folder)
        elif choice == "again":
            self._commands.resume_some(asking)
        elif choice == "review":
            self.table.reveal(asking or left_over)
        elif choice == "discard":
            self._commands.remove_some(left_over)
        elif notice_id == "recovery":
            self._commands.resume_some(left_over)
        else:
            self._commands.run("resume")
        self._feed.nudge(at_once=True)

    # --- as the store of the option forms; called in the background ---

    def change(self, group: str, name: str, value: Any) -> None:
        """Set an option of the queue, or of the selected jobs; raises an OptionError where it does not fit."""
        if self._shows_options_of_jobs:
            open_ids = set(waiting_jobs(self._state().jobs))
            self._commands.change_option_of([each for each in self._selected if each in open_ids], group, name, value)
        else:
            self._commands.change_option(group, name, value)
        self._feed.nudge(at_once=True)

    def save_template(self, name: str, description: str) -> str:
        """Keep the queue's options as a template, and say so; raises a TemplateError where the name does not fit."""
        said = self._commands.save_template(name, description)
        self._feed.nudge(at_once=True)
        return said

    # --- inside ---

    def _state(self) -> QueueState:
        try:
            return self._workspace.queue.state()
        except StlkitError:  # only where it is another's and damaged; the feed says so
            return QueueState()

    def _say(self, severity: Severity, text: str) -> None:
        dismiss = Choice(name="dismiss", label="Dismiss")
        self._said = Notice(id="said", text=text, severity=severity, choices=(dismiss,)) if text else None
        self._feed.nudge(at_once=True)

    def _remember(self, what: str, value: Any) -> None:
        self._reading.do(lambda: remember(self._workspace, what, value))


def summary(state: QueueState) -> str:
    """Say how many jobs are in which state: ``3 of 5 done · 1 processing · 1 pending · 3 completed``."""
    counts = Counter(job.state for job in state.jobs)
    ended = sum(count for job_state, count in counts.items() if job_state.ended)
    each = "".join(f" · {counts[job_state]:,} {job_state}" for job_state in JobState if counts[job_state])
    return f"{ended:,} of {counted(len(state.jobs), 'job')} done{each}" if state.jobs else "empty"


def _problem(number: int, text: str) -> Notice:
    return Notice(id=f"template {number}", text=one_line(text), severity=Severity.ERROR)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
