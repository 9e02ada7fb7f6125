"""One home folder, opened: the queue, the history, the templates and the cache, wired together."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import secrets
import weakref
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from stlkit.analytics.estimates import LearnedCosts
from stlkit.analytics.history import History
from stlkit.engine.events import EventKind, QueueEvent
from stlkit.engine.queue import JobQueue
from stlkit.engine.stores import Stores
from stlkit.engine.view import ObservedQueue
from stlkit.errors import OptionError, StlkitError, StorageError
from stlkit.files import remove_abandoned_parts
from stlkit.model.html import Content, facts_table, headline, isolated, joined
from stlkit.model.jobs import QueueState
from stlkit.model.options import CleanupOptions, OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.showing import counts_text
from stlkit.model.times import utc_now
from stlkit.storage.cache import TempFileManager
from stlkit.storage.cleaning import Cleaned, clean_cache, clean_home
from stlkit.storage.config import UserConfig, load_config, save_config
from stlkit.storage.home import Home, find_home
from stlkit.storage.lock import HomeLock, LockOwner
from stlkit.storage.output_index import OutputIndex
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.recovery import RecoveryResult, SessionRecoveryManager
from stlkit.storage.templates import TemplateManager
from stlkit.storage.usage import DiskUsage, measure_usage
from stlkit.storage.writer import CoalescingWriter

if TYPE_CHECKING:
    from stlkit.outputs.report import Report

_log = logging.getLogger(__name__)


class Workspace:
    """Everything that belongs to one home folder.

    The first process that opens a home owns its queue. Any other may open it too, but only look: `is_observer` is
    True there, and every command of the queue raises `HomeLockedError`. Thread-safe.

    Parameters
    ----------
    home : path, optional
        The home folder; else ``STLKIT_HOME``, else ``~/.local/stl_listing_tool``.
    output : path, optional
        Where outputs go unless a job says otherwise.
    created_by : str
        ``notebook``, ``cli`` or ``gui``; goes into the history.
    observe : bool
        Only look, even where nobody owns the queue.

    Attributes
    ----------
    queue : JobQueue
    history : History
    templates : TemplateManager
    cache : TempFileManager
    recovery : RecoveryResult
        What an earlier, interrupted session left: its unfinished jobs are in the queue, paused;
        ``queue.resume()`` takes them up.
    is_observer : bool

    Examples
    --------
    >>> with Workspace(output="listings") as ws:             # doctest: +SKIP
    ...     ws.queue.use_template(ws.templates.load_template("Quick Preview"))
    ...     ws.queue.add("models/")
    ...     ws.queue.start()
    ...     ws.queue.wait(progress=True)
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        output: str | os.PathLike[str] | None = None,
        created_by: str = "notebook",
        observe: bool = False,
    ) -> None:
        self.home: Home = find_home(Path(home) if home is not None else None)
        self.home.create()
        self.session_id = f"session_{utc_now():%Y%m%dT%H%M%S}_{secrets.token_hex(4)}"
        self.templates = TemplateManager(self.home.templates)
        self.cache = TempFileManager(self.home.cache)
        self.history = History(self.home.history)
        self._learned = LearnedCosts(self.history)
        self.outputs = OutputIndex(self.home.history)
        cleanup, notes = self._cleanup_at_start()
        self._states = QueueStateManager(self.home, keep_backups=cleanup.backup_keep_count)
        self._lock = HomeLock(self.home.lock)
        self.is_observer = observe or not self._lock.try_acquire()
        self.recovery = RecoveryResult(state=QueueState())
        if self.is_observer:
            # An observer has the reading half of a queue; the other half raises the error that names the owner.
            observed = ObservedQueue(self._states, self._lock, _commands_of(JobQueue), self._learned.learned)
            self.queue = cast(JobQueue, observed)
            return
        try:
            self._open_queue(output, created_by, cleanup)
            self.recovery = replace(self.recovery, notes=(*self.recovery.notes, *notes))
        except BaseException:
            self._lock.release()
            self.history.close()
            self.outputs.close()
            raise
        _close_at_exit(self)

    def _open_queue(self, output: str | os.PathLike[str] | None, created_by: str, cleanup: CleanupOptions) -> None:
        self.templates.install_built_in()
        self.recovery = self._recover()
        unfinished = {job.job_id for job in self.recovery.unfinished}
        clean_cache(self.cache, cleanup, unfinished)
        state = replace(self.recovery.state, queue_session_id=self.session_id)
        self._writer = CoalescingWriter(self._states.save_queue_state, name="stlkit-state-writer")
        self.queue = JobQueue(
            state,
            Stores(
                writer=self._writer,
                history=self.history,
                cache=self.cache,
                outputs=self.outputs,
                costs=lambda: self._learned.costs,
            ),
            created_by=created_by,
            after_crash=self._lock.dead_owner is not None,
        )
        if output is not None:
            self.queue.configure(settings={"output_base_folder": str(Path(output).expanduser().absolute())})
        self._learned.learn_soon()
        self.queue.subscribe(self._learn_from)

    def _learn_from(self, event: QueueEvent) -> None:
        if event.kind is EventKind.CHANGED and event.job is not None:
            self._learned.note_end(event.job)

    def _recover(self) -> RecoveryResult:
        notes: tuple[str, ...] = ()
        if self._lock.dead_owner is not None:
            notes = (f"{self._lock.dead_owner} ended without closing its queue, which was taken over",)
        for folder in (self.home.root, self.home.templates, self.home.backups):
            remove_abandoned_parts(folder)
        loaded = self._states.load_queue_state()
        if loaded is None:
            config = self.config
            state = QueueState(
                global_render_options=RenderOptions().merged(config.render_options),
                global_validation_options=ValidationOptions().merged(config.validation_options),
                global_output_settings=OutputSettings().merged(config.output_settings),
            )
            return RecoveryResult(state=state, notes=notes)
        manager = SessionRecoveryManager(self._states, self.history, self.cache)
        return replace(manager.recover_interrupted_jobs(loaded.state), notes=(*notes, *loaded.notes))

    def _cleanup_at_start(self) -> tuple[CleanupOptions, tuple[str, ...]]:
        """Return the options, and what kept them from being read: broken preferences are no reason not to open."""
        try:
            return self.cleanup_options, ()
        except (StorageError, OSError) as error:
            return CleanupOptions(), (f"what to keep was decided by the defaults: {error}",)

    @property
    def config(self) -> UserConfig:
        """The preferences on disk; assign to change them."""
        return load_config(self.home.config)

    @config.setter
    def config(self, config: UserConfig) -> None:
        save_config(self.home.config, config)

    @property
    def cleanup_options(self) -> CleanupOptions:
        """What this home folder keeps, as the preferences say; assign `config` to change it.

        The limits of the cache hold when the home is opened, and in `clean`, like that of the history, which otherwise
        keeps everything. The number of backups holds from the next opening.
        """
        return CleanupOptions().merged(self.config.cleanup)

    def disk_usage(self) -> DiskUsage:
        """Measure the home folder, and the files that jobs of the queue and the history made.

        Returns
        -------
        DiskUsage
            A table, in a notebook and printed.
        """
        queued = (path for job in self.queue.jobs for path in job.results.files_generated)
        return measure_usage(self.home, chain(queued, self.history.recorded_files()))

    def clean(self, *, dry_run: bool = False, options: Mapping[str, Any] | None = None) -> Cleaned:
        """Remove what need not be kept any longer: temporary files, thumbnails, backups, old jobs of the history.

        Outputs and what running jobs work with are never touched, nor are labelled backups and archives of the
        history. An observer may clean too, while nobody owns the home.

        Parameters
        ----------
        dry_run : bool
            Only say what would be removed; works in a home that another process owns, too.
        options : mapping, optional
            What differs from `cleanup_options` this once, such as ``{"cache_max_size_mb": 0}``.

        Returns
        -------
        Cleaned
            A table, in a notebook and printed.

        Raises
        ------
        HomeLockedError
            Another process owns this home; the message names it.
        OptionError
            There is no such option, or its value does not fit.
        """
        chosen = self.cleanup_options.merged(options or {})
        with self._lock.borrowed() if self.is_observer and not dry_run else nullcontext():
            unfinished = {job.id for job in self.queue.jobs if not job.state.ended}
            if not dry_run:
                self.outputs.prune()  # rows without a file; they count for nothing
            return clean_home(self.cache, self._states.backups, self.history, chosen, keep=unfinished, dry_run=dry_run)

    @property
    def owner(self) -> LockOwner | None:
        """Who owns the queue now; None where nobody does."""
        return self._lock.owner()

    def report(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        title: str | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Report:
        """Write ``report.html``, one page about everything in an output folder; it needs nothing beside itself.

        Parameters
        ----------
        folder : path, optional
            The output folder; that of the newest job, unless given.
        title : str, optional
            Headline of the page; the folder's name, unless given.
        on_progress : callable, optional
            Called with the number of pictures that were made small, and of all.

        Returns
        -------
        Report
            A notebook shows it as a link with the key figures.

        Raises
        ------
        OptionError
            No folder is given, and no job was ever added.
        OutputError
            The folder has no summary, or the page cannot be placed in it.
        """
        from stlkit.outputs.report import write_report  # noqa: PLC0415 - Pillow, which only a report needs

        if not self.is_observer:
            self.queue.flush()
        return write_report(self._folder_to_report(folder), title=title, on_progress=on_progress)

    def _folder_to_report(self, folder: str | os.PathLike[str] | None) -> Path:
        if folder is not None:
            return Path(folder).expanduser()
        newest = max(self.queue.jobs, key=lambda job: (job.created_at, job.id), default=None)
        if newest is not None:
            return newest.output_base_folder
        if self.queue.settings.output_base_folder:
            return Path(self.queue.settings.output_base_folder)
        raise OptionError("no output folder is known here; name the one to report on", field="folder")

    def close(self) -> None:
        """Stop the queue, write everything down, give the home folder free; harmless the second time."""
        if not self.is_observer and self._lock.is_held:
            try:
                try:
                    self.queue.close()
                finally:
                    self._writer.close()
            finally:
                self._lock.release()
        self._learned.close()
        self.history.close()
        self.outputs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        role = "observed" if self.is_observer else "owned"
        return f"<Workspace {self.home.root} ({role}): {self.queue!r}>"

    def _repr_html_(self) -> str:
        try:
            jobs = counts_text(self.queue.jobs)
            output = self.queue.settings.output_base_folder
        except StlkitError as error:  # the queue of another process, and damaged
            jobs, output = str(error), ""
        role = f"observed; it belongs to {self.owner or 'nobody now'}" if self.is_observer else "owned"
        waiting = len(self.recovery.unfinished)
        facts: list[tuple[str, Content]] = [
            ("Home", isolated(str(self.home.root))),
            ("Queue", f"{jobs} ({role})"),
            ("Output", isolated(output) if output else "not chosen yet"),
            ("Templates", ", ".join(self.templates.list_templates())),
            ("Recovery", f"{waiting} of an earlier session to resume" if waiting else None),
        ]
        return joined(headline("Workspace"), facts_table(facts))


def _commands_of(queue: type[JobQueue]) -> frozenset[str]:
    return frozenset(name for name in vars(queue) if not name.startswith("_"))


def _close_at_exit(workspace: Workspace) -> None:
    """Close a forgotten workspace when the interpreter ends, while threads can still be joined."""
    reference = weakref.ref(workspace)

    def close() -> None:
        found = reference()
        if found is not None:
            with contextlib.suppress(OSError, StlkitError):
                found.close()

    atexit.register(close)
