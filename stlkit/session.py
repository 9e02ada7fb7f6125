"""What exists once for a home folder: its queue, its history, and whatever writes for them."""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from typing import cast

from stlkit.analytics.estimates import LearnedCosts
from stlkit.analytics.history import History
from stlkit.engine.backgrounds import with_usable_background
from stlkit.engine.events import EventKind, QueueEvent
from stlkit.engine.new_jobs import with_names_of_their_own
from stlkit.engine.queue import JobQueue
from stlkit.engine.stores import Stores
from stlkit.engine.view import ObservedQueue
from stlkit.errors import OptionError, StlkitError, StorageError
from stlkit.files import remove_abandoned_parts
from stlkit.model.jobs import QueueState
from stlkit.model.options import CleanupOptions, OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.storage.cache import TempFileManager
from stlkit.storage.cleaning import clean_cache
from stlkit.storage.config import UserConfig, load_config
from stlkit.storage.home import Home
from stlkit.storage.lock import HomeLock
from stlkit.storage.output_index import OutputIndex
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.recovery import RecoveryResult, SessionRecoveryManager
from stlkit.storage.templates import TemplateManager
from stlkit.storage.writer import CoalescingWriter

_log = logging.getLogger(__name__)

_CLOSES_WITHIN_S = 60.0


class Session:
    """The queue of a home folder, opened; or a look at it, where another process has it open. Thread-safe.

    Parameters
    ----------
    home : Home
    created_by : str
        Goes into the history.
    observe : bool
        Only look, even where nobody owns the queue.

    Attributes
    ----------
    queue : JobQueue
    history : History
    templates : TemplateManager
    cache : TempFileManager
    outputs : OutputIndex
    states : QueueStateManager
    lock : HomeLock
    recovery : RecoveryResult
        What an earlier, interrupted session left.
    is_observer : bool
    """

    def __init__(self, home: Home, *, created_by: str, observe: bool = False) -> None:
        self.home = home
        self.session_id = f"session_{utc_now():%Y%m%dT%H%M%S}_{secrets.token_hex(4)}"
        self.templates = TemplateManager(home.templates)
        self.cache = TempFileManager(home.cache)
        self.history = History(home.history)
        self.outputs = OutputIndex(home.history)
        self._learned = LearnedCosts(self.history)
        config, notes = self._preferences_at_start()
        cleanup = CleanupOptions().merged(config.cleanup)
        self.lock = HomeLock(home.lock)
        self.states = QueueStateManager(home, keep_backups=cleanup.backup_keep_count, lock=self.lock)
        self.is_observer = observe or not self.lock.try_acquire()
        self.recovery = RecoveryResult(state=QueueState())
        if self.is_observer:
            # An observer has the reading half of a queue; the other half raises the error that names the owner.
            observed = ObservedQueue(self.states, self.lock, _commands_of(JobQueue), self._learned.learned)
            self.queue = cast(JobQueue, observed)
            return
        try:
            self._open_queue(created_by, config)
            self.recovery = replace(self.recovery, notes=(*self.recovery.notes, *notes))
        except BaseException:
            self.lock.release()
            self.history.close()
            self.outputs.close()
            raise

    def _open_queue(self, created_by: str, config: UserConfig) -> None:
        self.templates.install_built_in()
        self.recovery = self._recover(config)
        unfinished = {job.job_id for job in self.recovery.unfinished}
        clean_cache(self.cache, CleanupOptions().merged(config.cleanup), unfinished)
        state = replace(self.recovery.state, queue_session_id=self.session_id)
        self._writer = CoalescingWriter(self.states.save_queue_state, name="stlkit-state-writer")
        self.queue = JobQueue(
            state,
            Stores(
                writer=self._writer,
                history=self.history,
                cache=self.cache,
                outputs=self.outputs,
                costs=lambda: self._learned.costs,
                await_costs=self._learned.wait,
            ),
            created_by=created_by,
            after_crash=self.lock.dead_owner is not None,
        )
        self._learned.learn_soon()
        self.queue.subscribe(self._learn_from)

    def _learn_from(self, event: QueueEvent) -> None:
        if event.kind is EventKind.CHANGED and event.job is not None:
            self._learned.note_end(event.job)

    def _recover(self, config: UserConfig) -> RecoveryResult:
        notes: tuple[str, ...] = ()
        if self.lock.dead_owner is not None:
            notes = (f"{self.lock.dead_owner} ended without closing its queue, which was taken over",)
        for folder in (self.home.root, self.home.templates, self.home.backups):
            remove_abandoned_parts(folder)
        loaded = self.states.load_queue_state()
        if loaded is None:
            render = RenderOptions().merged(config.render_options)
            try:
                render = with_usable_background(render)
            except OptionError as error:  # moved since; no reason not to open
                render = replace(render, background_image=None)
                notes = (*notes, f"the preferred background picture is not used: {error}")
            state = QueueState(
                global_render_options=render,
                global_validation_options=ValidationOptions().merged(config.validation_options),
                global_output_settings=OutputSettings().merged(config.output_settings),
            )
            return RecoveryResult(state=state, notes=notes)
        state, renamed = with_names_of_their_own(loaded.state)
        manager = SessionRecoveryManager(self.states, self.history, self.cache)
        recovered = manager.recover_interrupted_jobs(state)
        return replace(recovered, notes=(*notes, *loaded.notes, *renamed, *recovered.notes))

    def _preferences_at_start(self) -> tuple[UserConfig, tuple[str, ...]]:
        """Return the preferences, and what of them is not used: broken ones are no reason not to open."""
        try:
            return load_config(self.home.config), ()
        except (StorageError, OSError) as error:
            return UserConfig(), (f"the defaults were used instead of the preferences: {error}",)

    def close(self) -> None:
        """Stop the queue, write everything down, give the home folder free; harmless the second time."""
        try:
            if not self.is_observer and self.lock.is_held:
                self._close_queue()
        finally:
            self._learned.close()
            self.history.close()
            self.outputs.close()

    def _close_queue(self) -> None:
        try:
            try:
                self.queue.close()
            finally:
                self._writer.close()
        finally:
            self.lock.release()


class _Share:
    """A session that is open in this process."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.pid = os.getpid()  # a fork has a copy of everything but the threads
        self.made = 1  # workspaces that no ``with`` statement has begun to use: nobody knows when they are done
        self.blocks = 0  # ``with`` statements that use it now
        self.is_closing = False
        self.closed = threading.Event()


class SharedSessions:
    """The sessions of this process, one for each home folder. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: dict[Path, _Share] = {}

    def join(self, home: Home, *, created_by: str) -> Session:
        """Return the session of a home folder: the one that is open here, or a new one.

        Parameters
        ----------
        home : Home
        created_by : str
            Of a new one.

        Returns
        -------
        Session
            An observer's is shared with nobody.
        """
        key = home.root.resolve()
        while True:
            with self._lock:
                share = self._shares.get(key)
                if share is None or share.pid != os.getpid():
                    session = Session(home, created_by=created_by)
                    if not session.is_observer:
                        self._shares[key] = _Share(session)
                    return session
                is_closing = share.is_closing
                if not is_closing and share.session.lock.is_in_place:
                    share.made += 1
                    return share.session
            if not is_closing:
                self._close_quietly(share.session)  # somebody has deleted the home
            elif not share.closed.wait(_CLOSES_WITHIN_S):  # whoever closes it may be waiting for us
                return Session(home, created_by=created_by, observe=True)

    def enter(self, session: Session, *, is_first: bool) -> None:
        """Take note that a ``with`` statement begins to use a workspace, for the first time or again."""
        with self._lock:
            if (share := self._share_of(session)) is not None:
                share.made -= is_first
                share.blocks += 1

    def leave(self, session: Session) -> None:
        """Take note of the end of a ``with`` statement; the last one closes a session that nobody else uses."""
        with self._lock:
            if (share := self._share_of(session)) is not None:
                share.blocks -= 1
                if share.blocks > 0 or share.made > 0:
                    return
        self.close(session)

    def close(self, session: Session) -> None:
        """Close a session for everybody who uses it; harmless the second time."""
        with self._lock:
            share = self._share_of(session)
            is_closing = share is not None and share.is_closing
            if share is not None:
                share.is_closing = True
        if share is not None and is_closing:
            share.closed.wait(_CLOSES_WITHIN_S)
            return
        try:
            session.close()
        finally:
            if share is not None:
                with self._lock:
                    self._shares = {key: other for key, other in self._shares.items() if other is not share}
                share.closed.set()

    def close_all(self) -> None:
        """Close every session, whoever uses it."""
        for share in list(self._shares.values()):
            if share.pid == os.getpid():
                self._close_quietly(share.session)

    def _close_quietly(self, session: Session) -> None:
        try:
            self.close(session)
        except (OSError, StlkitError):  # nobody is there to be told
            _log.exception("%s could not be closed", session.home.root)

    def _share_of(self, session: Session) -> _Share | None:
        return next((share for share in self._shares.values() if share.session is session), None)


def _commands_of(queue: type[JobQueue]) -> frozenset[str]:
    return frozenset(name for name, _ in inspect.getmembers(queue, inspect.isfunction) if not name.startswith("_"))


SESSIONS = SharedSessions()
atexit.register(SESSIONS.close_all)  # of forgotten workspaces too, while threads can still be joined
