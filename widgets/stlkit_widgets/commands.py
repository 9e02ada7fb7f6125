"""What a page may have done with a queue. No click waits: everything happens on threads of its own."""

from __future__ import annotations

import contextlib
import logging
import textwrap
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stlkit.engine.backgrounds import overrides_with_usable_background
from stlkit.errors import OptionError, StlkitError
from stlkit.files import one_line
from stlkit.model.jobs import QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.reports import Severity, counted
from stlkit.model.templates import QueueTemplate
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.situation import waiting_jobs

_log = logging.getLogger(__name__)

LONGEST_SAID = 600
OVERRIDES = {"render": "render_options", "validation": "validation_options", "output": "output_settings"}
"""What a job calls its own options of a group."""

Say = Callable[[Severity, str], None]


class QueueCommands:
    """Gives commands to the queue of a workspace, and says what came of them. Thread-safe.

    Commands are carried out in the order in which they were given; those that may take long, on threads of their own.

    Parameters
    ----------
    workspace : Workspace
    say : callable
        Called with how much it weighs, and a sentence, when a command has something to say; with an empty sentence
        when one is given, because what was said before is over.
    """

    def __init__(self, workspace: Workspace, say: Say) -> None:
        self._workspace = workspace
        self._queue = workspace.queue
        self._say = say
        self._commands = Background("stlkit-commands")
        self.is_stopping = False

    def close(self) -> None:
        """Carry out nothing more."""
        self._commands.close()

    # --- files ---

    def add(self, sources: Sequence[str], *, recursive: bool) -> None:
        """Add files, folders or patterns; a large folder takes its time."""

        def add() -> str:
            added = self._queue.add(list(sources), recursive=recursive)
            self._remember_folder(added.jobs)
            return str(added)

        self._aside(add)

    def _remember_folder(self, jobs: Sequence[QueueJob]) -> None:
        if jobs:
            with contextlib.suppress(StlkitError, OSError):  # a convenience; nobody has asked for it
                self._workspace.change_config(lambda config: config.with_recent_folder(jobs[0].stl_path.parent))

    def recent(self, wanted: str) -> Sequence[Path]:
        """Return what was used before, newest first: folders with ``models``, or ``pictures`` for the background."""
        try:
            config = self._workspace.config
        except (StlkitError, OSError):  # as above
            return ()
        if wanted == "pictures":
            picture = config.usable_background_image()
            return () if picture is None else (picture,)
        return config.recent_folders if wanted == "models" else ()

    # --- jobs ---

    def act(self, action: str, job_ids: Sequence[str], before: str | None = None) -> None:
        """Do something with some jobs: pause, resume, cancel, retry, remove, or place before another.

        Parameters
        ----------
        action : str
        job_ids : sequence of str
        before : str, optional
            For ``place``: the job that they are to stand before; at the end unless given.
        """
        if action == "place":
            self._in_turn(lambda: self._place(job_ids, before))
            return
        actions: dict[str, Callable[[str], object]] = {
            "pause": self._queue.pause,
            "resume": self._queue.resume,
            "cancel": self._queue.cancel,
            "retry": self._queue.retry,
            "remove": self._queue.remove,
        }
        do = actions.get(action)
        if do is None:
            _log.warning("there is no action %.40r", action)
        elif len(job_ids) == 1:
            self._in_turn(lambda: _each(action, do, job_ids))
        else:
            self._aside(lambda: _each(action, do, job_ids))

    def _place(self, job_ids: Sequence[str], before: str | None) -> None:
        order = [job.id for job in self._queue.jobs]
        moving = set(job_ids)
        rest = [job_id for job_id in order if job_id not in moving]
        known = set(order)
        at = rest.index(before) if before in rest else len(rest)
        self._queue.reorder([*rest[:at], *(job_id for job_id in job_ids if job_id in known), *rest[at:]])

    # --- the queue ---

    def run(self, command: str) -> None:
        """Start, pause, resume, stop, or clear the queue."""
        if command == "stop":
            self._stop()
        elif command == "clear":
            self._aside(lambda: f"{counted(self._queue.clear(), 'job')} taken out; the history keeps them")
        elif command == "resume":
            self._in_turn(self._resume)
        else:
            self._in_turn({"start": self._queue.start, "pause": self._queue.pause}[command])

    def _resume(self) -> None:
        self._queue.resume()
        self._queue.start()  # after an interrupted session nothing runs yet

    def _stop(self) -> None:
        def stop() -> str:
            try:
                self._queue.stop()
            finally:
                self.is_stopping = False
            return "Stopped; what was running is back in the queue"

        self.is_stopping = True
        self._aside(stop)

    def resume_some(self, job_ids: Sequence[str]) -> None:
        """Let paused jobs go on, and the queue run."""

        def resume() -> None:
            for job_id in job_ids:
                with contextlib.suppress(StlkitError):  # somebody resumed or removed it meanwhile
                    self._queue.resume(job_id)
            self._queue.start()

        self._in_turn(resume)

    def remove_some(self, job_ids: Sequence[str]) -> None:
        """Take jobs out of the queue."""
        self._aside(lambda: _each("remove", self._queue.remove, job_ids))

    def send_elsewhere(self, job_ids: Sequence[str], folder: str) -> None:
        """Give waiting jobs another output folder, let them go on, and take it for what comes later."""

        def send() -> str:
            if not folder:
                raise OptionError("name another output folder first", field="output_base_folder")
            waiting = set(waiting_jobs(self._queue.jobs))  # one may run or have ended meanwhile
            self._queue.set_outputs([job_id for job_id in job_ids if job_id in waiting], folder)
            self._set_output(folder)
            self._resume()
            return f"Outputs go to {one_line(folder)} now"

        self._in_turn(send)

    # --- options ---

    def set_output(self, folder: str) -> None:
        """Set where outputs go."""
        self._in_turn(lambda: self._set_output(folder))

    def _set_output(self, folder: str) -> None:
        self._queue.configure(settings={"output_base_folder": folder})

    def set_concurrency(self, jobs: int) -> None:
        """Set how many jobs run at once."""
        self._in_turn(lambda: self._queue.configure(settings={"max_concurrent_jobs": jobs}))

    def use_template(self, title: str) -> None:
        """Take over the options of a template."""

        def use() -> None:
            self._queue.use_template(self._workspace.templates.load_template(title))
            self.remember_options()

        self._in_turn(use)

    def save_template(self, name: str, description: str) -> str:
        """Keep the queue's options as a template, and say so; raises a TemplateError where the name does not fit."""
        state = self._queue.state()
        template = QueueTemplate(
            name=name.strip(),
            description=description.strip(),
            render_options=state.global_render_options,
            validation_options=state.global_validation_options,
            output_settings=state.global_output_settings,
        )
        self._workspace.templates.save_template(template)
        return f"Saved as {template.name!r}"

    def change_option(self, group: str, name: str, value: Any) -> None:
        """Set one option of the queue, at once; raises an OptionError where it does not fit."""
        self._queue.configure(**{group: {name: value}})
        self._remember_picture(name, self._queue.render_options.background_image)
        self.remember_options()

    def change_option_of(self, job_ids: Sequence[str], group: str, name: str, value: Any) -> None:
        """Set one option of some jobs that have not begun, at once.

        Raises
        ------
        OptionError
            It does not fit; nothing has changed.
        JobError
            A job has begun.
        """
        state = self._queue.state()
        base = getattr(state, f"global_{OVERRIDES[group]}")
        base.merged({name: value})  # before the first job is changed
        if isinstance(base, RenderOptions):
            value = overrides_with_usable_background({name: value}, base)[name]
        for job_id in job_ids:
            own = {**getattr(self._queue.job(job_id), OVERRIDES[group]), name: value}
            if value == getattr(base, name):  # as the queue's own again
                del own[name]
            self._queue.set_options(job_id, **{OVERRIDES[group]: own})
        self._remember_picture(name, value)

    def _remember_picture(self, name: str, path: str | None) -> None:
        if name == "background_image" and path is not None:
            with contextlib.suppress(StlkitError, OSError):
                self._workspace.change_config(lambda config: config.with_background_image(Path(path)))

    def remember_options(self) -> None:
        """Keep the queue's options as those that a new home begins with; a disk that refuses them is no trouble."""
        state = self._queue.state()
        with contextlib.suppress(StlkitError, OSError):
            self._workspace.change_config(
                lambda config: replace(
                    config,
                    render_options=state.global_render_options.differing_from(RenderOptions()),
                    validation_options=state.global_validation_options.differing_from(ValidationOptions()),
                    output_settings=state.global_output_settings.differing_from(OutputSettings()),
                )
            )

    # --- threads ---

    def _in_turn(self, command: Callable[[], str | None]) -> None:
        self._say(Severity.INFO, "")
        self._commands.do(lambda: self._carry_out(command))

    def _aside(self, command: Callable[[], str | None]) -> None:
        self._say(Severity.INFO, "")
        threading.Thread(target=self._carry_out, args=(command,), name="stlkit-command", daemon=True).start()

    def _carry_out(self, command: Callable[[], str | None]) -> None:
        try:
            if said := command():
                self._say(Severity.INFO, _shortened(said))
        except (StlkitError, OSError) as error:
            self._say(Severity.ERROR, _shortened(str(error)))


def _each(action: str, do: Callable[[str], object], job_ids: Sequence[str]) -> str:
    """Do something with each job; one that refuses does not spare the others."""
    refusals = []
    for job_id in job_ids:
        try:
            do(job_id)
        except StlkitError as error:
            refusals.append(str(error))
    if not refusals:
        return ""
    if len(refusals) == 1:
        return refusals[0]
    return f"{action}: {len(refusals)} of {counted(len(job_ids), 'job')} refused; the first: {refusals[0]}"


def _shortened(text: str) -> str:
    return textwrap.shorten(text, LONGEST_SAID, placeholder=" …")
