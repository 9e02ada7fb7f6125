"""The queue at work: its settings, and its start, pauses and end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from stlkit.engine.backgrounds import overrides_with_usable_background, with_usable_background
from stlkit.engine.editing import EditableQueue, JobRef, id_of
from stlkit.engine.events import EventKind, Observer, QueueEvent
from stlkit.engine.local_worker import LocalWorker
from stlkit.engine.protocol import Worker
from stlkit.engine.stores import Stores
from stlkit.engine.supervisor import Seat, Supervisor
from stlkit.errors import JobError, OptionError
from stlkit.model.jobs import JobState, QueueState
from stlkit.model.options import (
    CheckedOptions,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
)
from stlkit.model.templates import QueueTemplate
from stlkit.model.times import utc_now

OptionGroup = TypeVar("OptionGroup", bound=CheckedOptions)

WAIT_STEP_S = 0.5  # how often a waiting caller looks up, so that Ctrl-C is heard everywhere


class JobQueue(EditableQueue):
    """Jobs in order, worked off by worker processes in the background.

    Thread-safe. Jobs are frozen snapshots; only the methods of the queue change anything.

    Parameters
    ----------
    state : QueueState
        What to begin with.
    stores : Stores
        Where it is kept; closed by the caller, after the queue.
    created_by : str
        ``notebook``, ``cli`` or ``gui``; goes into every job.
    new_worker : callable, optional
        Starts a worker; a child process on this machine unless given.
    after_crash : bool
        The last session did not close its queue: logs and summaries in the output folders may lack what it did last.
    """

    def __init__(
        self,
        state: QueueState,
        stores: Stores,
        *,
        created_by: str = "notebook",
        new_worker: Callable[[], Worker] | None = None,
        after_crash: bool = False,
    ) -> None:
        super().__init__(state, stores, created_by=created_by)
        self._await_costs = stores.await_costs
        self._new_worker = new_worker or self._start_local_worker
        self._switch = self._desk.switch
        self._supervisors: list[Supervisor] = []
        if after_crash or state.reports_due:
            self._recorder.catch_up()

    # --- looking ---

    @property
    def is_running(self) -> bool:
        """Whether jobs are being taken, or would be if there were any."""
        return self._switch.running and not self._switch.paused

    @property
    def is_paused(self) -> bool:
        """Whether the queue as a whole is paused."""
        return self._switch.paused

    @property
    def pause_reason(self) -> str | None:
        """Why the queue paused itself; None where it did not."""
        return self._switch.pause_reason

    @property
    def is_closed(self) -> bool:
        """Whether the queue was closed: it can still be looked at, but does nothing any more."""
        return self._closed

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called with a `QueueEvent` for everything that happens, on the queue's event thread.

        An observer may give commands, but not wait for the queue, which waits for it.

        Returns
        -------
        callable
            Ends the subscription.
        """
        return self._events.subscribe(observer)

    # --- settings ---

    def configure(
        self,
        *,
        settings: QueueSettings | Mapping[str, Any] | None = None,
        render: RenderOptions | Mapping[str, Any] | None = None,
        validation: ValidationOptions | Mapping[str, Any] | None = None,
        output: OutputSettings | Mapping[str, Any] | None = None,
    ) -> None:
        """Change how the queue works; jobs that have begun keep what they began with.

        Parameters
        ----------
        settings, render, validation, output : options or mapping
            A whole group, or just what changes.

        Raises
        ------
        OptionError
            A name or a value does not fit, or a picture cannot be drawn; nothing has changed.
        """
        base = self._state.global_render_options
        if isinstance(render, Mapping):
            render = overrides_with_usable_background(render, base)
        elif isinstance(render, RenderOptions):
            render = with_usable_background(render, base.background_image)
        with self._command():
            self._state = replace(
                self._state,
                queue_settings=_updated(self._state.queue_settings, settings, "settings"),
                global_render_options=_updated(self._state.global_render_options, render, "render"),
                global_validation_options=_updated(self._state.global_validation_options, validation, "validation"),
                global_output_settings=_updated(self._state.global_output_settings, output, "output"),
            )
            if settings is not None:
                for name in settings if isinstance(settings, Mapping) else settings.names():
                    self._before.pop(name, None)
            if self._switch.running:
                self._fill_seats()
            self._changes.tell("settings changed")

    def configure_for_now(self, settings: Mapping[str, Any]) -> None:
        """Change settings until the queue is closed; the next session has those of before, however this one ends.

        Raises
        ------
        OptionError
            A name or a value does not fit; nothing has changed.
        """
        with self._command():
            present = self._state.queue_settings
            before = {name: getattr(present, name, None) for name in settings} | self._before
            self.configure(settings=settings)
            self._before = before

    def use_template(self, template: QueueTemplate) -> None:
        """Take over the options of a template."""
        self.configure(
            render=template.render_options, validation=template.validation_options, output=template.output_settings
        )

    # --- running ---

    def start(self) -> None:
        """Begin to work, once everything that is to be done is on disk; harmless where it has begun.

        Raises
        ------
        OSError
            The queue's state cannot be written; nothing has begun.
        """
        self._require_open()
        self._writer.flush()
        self._await_costs()  # outside the lock; the first jobs are to have estimates and limits of the history too
        with self._command():
            self._switch.running = True
            self._switch.resume()
            self._fill_seats()
            self._changes.tell("started")

    def pause(self, job: JobRef | None = None) -> None:
        """Pause one job, or the whole queue: what runs finishes its stage and holds.

        Raises
        ------
        JobError
            The job has ended.
        """
        with self._command():
            if job is None:
                self._switch.pause()
                self._changes.tell("paused")
                return
            found = self._book.get(id_of(job))
            if found.in_hand:
                self._desk.hold(found.id)
            elif found.state is JobState.PAUSED:
                self._desk.waiting.stay_paused(found)
            else:
                self._changes.announce(self._book.move_to(found.id, JobState.PAUSED))

    def resume(self, job: JobRef | None = None) -> None:
        """Let one paused job, or the whole queue and every paused job, go on.

        Jobs of an interrupted session are paused, so this takes them up again too.

        Raises
        ------
        JobError
            The job is not paused.
        """
        with self._command():
            if job is None:
                self._switch.resume()
                # a job that was asked to pause and has not come to it yet is meant too
                chosen = [other for other in self._book if other.state is JobState.PAUSED or other.in_hand]
            else:
                chosen = [self._book.get(id_of(job))]
                if chosen[0].state is not JobState.PAUSED and not chosen[0].in_hand:
                    raise JobError(f"job {chosen[0].id} is {chosen[0].state}, not paused", job_id=chosen[0].id)
            for found in chosen:
                self._desk.release(found.id)
                if not found.in_hand:
                    self._desk.waiting.let_go_on(found.id)
            self._changes.tell("resumed")

    def cancel(self, job: JobRef) -> None:
        """End a job as ``cancelled``; a running one stops within seconds and leaves nothing half done.

        Raises
        ------
        JobError
            The job has ended.
        """
        self._end(job, JobState.CANCELLED)

    def skip(self, job: JobRef) -> None:
        """End a job as ``skipped``; otherwise as `cancel`."""
        self._end(job, JobState.SKIPPED)

    def stop(self) -> None:
        """Stop working: running jobs go back into the queue, workers end. Returns when they have."""
        with self._changed:
            self._switch.running = False
            for job in self._book:
                if job.in_hand:
                    self._desk.end(job.id, JobState.PENDING)
            supervisors = list(self._supervisors)
            for supervisor in supervisors:
                supervisor.seat.given_up = True
            self._changed.notify_all()
        for supervisor in supervisors:
            supervisor.join()
        with self._changed:
            self._changes.tell("stopped")

    def wait(self, timeout_s: float | None = None, *, progress: bool = False) -> bool:
        """Block until no job is left to do.

        Jobs that a person paused are not waited for, unless the queue as a whole is paused.

        Parameters
        ----------
        timeout_s : float, optional
            Longest time to wait.
        progress : bool
            Show a progress bar (plain lines where there is no terminal).

        Returns
        -------
        bool
            False where the time ran out first.

        Raises
        ------
        JobError
            Jobs wait, but the queue was not started.
        """
        if progress:
            from stlkit.engine.progress_bar import showing_progress  # noqa: PLC0415 - loads rich, which only this needs

            with showing_progress(self):
                return self.wait(timeout_s)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._must_be_waited_for():
                left_s = WAIT_STEP_S if deadline is None else min(WAIT_STEP_S, deadline - time.monotonic())
                if left_s <= 0:
                    return False
                self._changed.wait(left_s)
        self.flush()
        return True

    async def wait_async(self, timeout_s: float | None = None) -> bool:
        """Wait as `wait` does, but let everything else of a notebook go on: ``await ws.queue.wait_async()``.

        Parameters
        ----------
        timeout_s : float, optional
            Longest time to wait.

        Returns
        -------
        bool
            False where the time ran out first.

        Raises
        ------
        JobError
            Jobs wait, but the queue was not started, or was stopped meanwhile.
        """
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def note(event: QueueEvent) -> None:
            if event.kind is not EventKind.PROGRESS:
                with contextlib.suppress(RuntimeError):  # the loop was closed, so nobody waits any more
                    loop.call_soon_threadsafe(changed.set)

        unsubscribe = self.subscribe(note)
        try:
            async with asyncio.timeout(timeout_s):
                while self._must_be_waited_for():
                    await changed.wait()
                    changed.clear()
                await asyncio.to_thread(self.flush)
        except TimeoutError:
            return False
        finally:
            unsubscribe()
        return True

    def flush(self) -> None:
        """Wait until state and summaries are on disk and every observer was told."""
        with self._changed:
            self._desk.endings.finish()
        self._writer.flush()
        self._recorder.flush()
        self._events.flush()

    def close(self) -> None:
        """Stop, write everything down, and end the queue's threads; the queue cannot be used afterwards."""
        with self._changed:
            self._closed = True  # first: nobody may start it again while it stops
        self.stop()
        self._desk.watcher.close()
        with self._changed:
            self._desk.endings.close()
        self._recorder.close()
        if self._recorder.has_refused:
            with self._changed:
                self._state = replace(self._state, reports_due=True)
                self._save()
        self._events.close()

    # --- inside ---

    def _must_be_waited_for(self) -> bool:
        with self._changed:
            has_work = any(job.state is JobState.PENDING or job.in_hand for job in self._book)
            if has_work and not self._switch.running:
                raise JobError("jobs are waiting, but the queue is not running; call start() first")
            return has_work

    def _end(self, job: JobRef, state: JobState) -> None:
        with self._command():
            found = self._book.get(id_of(job))
            if found.in_hand:
                self._desk.end(found.id, state)
                return
            if found.state.ended or not self._desk.reserve(found.id):
                raise JobError(f"job {found.id} has ended", job_id=found.id)
            ended = replace(found, state=state, completed_at=utc_now(), question=None)
            end = self._desk.assignments.end_of(ended)
        # outside the lock: a busy database must not stop the queue
        self._desk.endings.commit(end)

    def _fill_seats(self) -> None:
        wanted = self._state.queue_settings.max_concurrent_jobs
        self._supervisors = [thread for thread in self._supervisors if thread.is_alive()]
        taken = {thread.seat.number for thread in self._supervisors if not thread.seat.given_up}
        for number in sorted(set(range(wanted)) - taken):
            supervisor = Supervisor(Seat(number=number), self._desk, self._new_worker)
            supervisor.start()
            self._supervisors.append(supervisor)

    def _start_local_worker(self) -> Worker:
        cores = os.cpu_count() or 1
        return LocalWorker(threads=max(1, cores // self._state.queue_settings.max_concurrent_jobs))


def _updated(old: OptionGroup, new: OptionGroup | Mapping[str, Any] | None, name: str) -> OptionGroup:
    if new is None:
        return old
    if isinstance(new, Mapping):
        return old.merged(new)
    if not isinstance(new, type(old)):
        group = type(old).__name__
        raise OptionError(f"{name} takes {group}, or a mapping of what changes in them, not {new!r:.60}", field=name)
    return new
