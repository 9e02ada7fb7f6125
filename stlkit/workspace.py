"""One home folder, opened: the queue, the history, the templates and the cache, wired together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from stlkit.errors import JobError, OptionError, StlkitError, StorageError
from stlkit.model.html import Content, facts_table, headline, isolated, joined
from stlkit.model.options import CleanupOptions
from stlkit.model.showing import counts_text
from stlkit.model.times import utc_now
from stlkit.outputs.summary import base_of
from stlkit.session import SESSIONS, Session
from stlkit.storage.cleaning import Cleaned, clean_home
from stlkit.storage.config import UserConfig, load_config, save_config
from stlkit.storage.home import Home, find_home
from stlkit.storage.lock import LockOwner
from stlkit.storage.usage import DiskUsage, measure_usage

if TYPE_CHECKING:
    from stlkit.outputs.report import Report

CREATORS = ("notebook", "cli", "gui")
_CONFIG_LOCK = threading.Lock()  # several parts of a page write into one file


class Workspace:
    """Everything that belongs to one home folder.

    The first process that opens a home owns its queue. Any other may open it too, but only look: `is_observer` is
    True there, and every command of the queue raises `HomeLockedError`. Within a process all workspaces of a home
    share one queue, so a cell that opens one may run again at any time. `close` ends it for all of them; the end of a
    ``with`` statement ends it where nobody else has opened it. Thread-safe.

    Parameters
    ----------
    home : path, optional
        The home folder; else ``STLKIT_HOME``, else ``~/.local/stl_listing_tool``.
    output : path, optional
        Where outputs go unless a job says otherwise; holds for the whole queue from now on.
    created_by : str
        ``notebook``, ``cli`` or ``gui``; goes into the history. The first workspace of a home decides.
    observe : bool
        Only look, even where nobody owns the queue.

    Raises
    ------
    OptionError
        `created_by` is none of those, or the preferences of a new queue do not fit.
    StorageError
        The home folder cannot be used, or there is none to observe; `NewerVersionError` where a newer stlkit wrote it.

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
        if created_by not in CREATORS:
            raise OptionError(f"created_by: {created_by!r:.60} is none of {', '.join(CREATORS)}", field="created_by")
        self.home: Home = find_home(home)
        if not observe:
            self.home.create()
        elif not self.home.is_there:  # looking for a mistyped one makes none, and a folder of models becomes none
            raise StorageError(f"{self.home.root} is no home folder; nothing was ever done there", path=self.home.root)
        self._session = (
            Session(self.home, created_by=created_by, observe=True)
            if observe
            else SESSIONS.join(self.home, created_by=created_by)
        )
        self._is_entered = False
        self.queue = self._session.queue
        self.history = self._session.history
        self.templates = self._session.templates
        self.cache = self._session.cache
        self.recovery = self._session.recovery
        self.is_observer = self._session.is_observer
        self.session_id = self._session.session_id
        if output is not None and not self.is_observer:
            try:
                self.queue.configure(settings={"output_base_folder": str(Path(output).expanduser().absolute())})
            except BaseException:
                with self:  # used by nobody
                    raise

    @property
    def config(self) -> UserConfig:
        """The preferences on disk; assign to change them."""
        return load_config(self.home.config)

    @config.setter
    def config(self, config: UserConfig) -> None:
        save_config(self.home.config, config)

    def change_config(self, change: Callable[[UserConfig], UserConfig]) -> None:
        """Change the preferences on disk; no such change of another thread of this process is lost.

        Parameters
        ----------
        change : callable
            Called with the preferences as they are, returns them as they are to be. What it raises changes nothing.

        Raises
        ------
        StorageError, OSError
            The file cannot be read or written.
        """
        with _CONFIG_LOCK:
            self.config = change(self.config)

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
        history. Jobs of the queue that have ended go with their rows in the history. An observer may clean too, while
        nobody owns the home.

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
        with self._session.lock.borrowed() if self.is_observer and not dry_run else nullcontext():
            unfinished = {job.id for job in self.queue.jobs if not job.state.ended}
            if not dry_run:
                self._session.outputs.prune()  # rows without a file; they count for nothing
                if chosen.history_keep_days is not None:
                    self._drop_ended_jobs(chosen.history_keep_days)
            return clean_home(
                self.cache, self._session.states.backups, self.history, chosen, keep=unfinished, dry_run=dry_run
            )

    def _drop_ended_jobs(self, keep_days: int) -> None:
        """Take jobs that the history is to forget out of the queue, where nobody would know any more how they went."""
        since = utc_now() - timedelta(days=keep_days)
        old = {job.id for job in self.queue.jobs if job.state.ended and job.created_at < since}
        if not old:
            return
        if self.is_observer:
            state = self.queue.state()
            kept = tuple(job for job in state.jobs if job.id not in old)
            self._session.states.save_queue_state(replace(state, jobs=kept))
            return
        for job_id in old:
            with suppress(JobError):  # removed by another thread
                self.queue.remove(job_id)
        self.queue.flush()

    @property
    def owner(self) -> LockOwner | None:
        """Who owns the queue now; None where nobody does."""
        return self._session.lock.owner()

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
            The output folder; `output_folder`, unless given.
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
        if (newest := self.output_folder) is not None:
            return newest
        raise OptionError("no output folder is known here; name the one to report on", field="folder")

    @property
    def output_folder(self) -> Path | None:
        """Where outputs go: of the newest job in the queue, else as it is set, else where the newest job ever put them.

        None where none of them tells.
        """
        newest = max(self.queue.jobs, key=lambda job: (job.created_at, job.id), default=None)
        if newest is not None:
            return newest.output_base_folder
        if self.queue.settings.output_base_folder:
            return Path(self.queue.settings.output_base_folder)
        records = self.history.records(limit=1)
        return base_of(Path(records[0].output_folder)) if records else None

    def close(self) -> None:
        """Stop the queue, write everything down, give the home folder free; harmless the second time.

        This is the end for all workspaces of this home in this process.
        """
        SESSIONS.close(self._session)

    def __enter__(self) -> Self:
        is_first, self._is_entered = not self._is_entered, True
        SESSIONS.enter(self._session, is_first=is_first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        SESSIONS.leave(self._session)

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
