"""The queue: what a person does with many jobs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from stlkit.engine.book import JobBook
from stlkit.engine.changes import JobChanges
from stlkit.engine.desk import SupervisorDesk
from stlkit.engine.events import EventKind, EventPublisher, Observer, QueueEvent
from stlkit.engine.local_worker import LocalWorker
from stlkit.engine.new_jobs import NewJobs, Overrides, base_folder, repeat
from stlkit.engine.protocol import Worker
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.scan import Source, find_stl_files
from stlkit.engine.stores import Stores
from stlkit.engine.supervisor import Seat, Supervisor
from stlkit.engine.view import QueueView
from stlkit.errors import JobError
from stlkit.files import one_line
from stlkit.model.html import headline, joined
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.options import (
    CheckedOptions,
    OutputSettings,
    QueueSettings,
    RenderOptions,
    ValidationOptions,
)
from stlkit.model.showing import jobs_html
from stlkit.model.templates import QueueTemplate
from stlkit.model.times import utc_now

OptionGroup = TypeVar("OptionGroup", bound=CheckedOptions)

JobRef = QueueJob | str
WAIT_STEP_S = 0.5  # how often a waiting caller looks up, so that Ctrl-C is heard everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of adding files.

    Parameters
    ----------
    jobs : tuple of QueueJob
        New in the queue.
    duplicates : tuple of Path
        Files that have an unfinished job in the queue already.
    """

    jobs: tuple[QueueJob, ...]
    duplicates: tuple[Path, ...] = ()

    def __str__(self) -> str:
        text = f"{len(self.jobs)} job{'s' if len(self.jobs) != 1 else ''} added"
        if self.duplicates:
            text += f"; already in the queue: {', '.join(one_line(path.name) for path in self.duplicates)}"
        return text

    def _repr_html_(self) -> str:
        return joined(headline(str(self)), jobs_html(self.jobs))


class JobQueue(QueueView):
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
        super().__init__(stores.costs)
        self._state = replace(state, jobs=())
        self._before: dict[str, Any] = {}  # what settings that hold for this session only were before
        self._book = JobBook(state.jobs)
        self._writer = stores.writer
        self._await_costs = stores.await_costs
        self._created_by = created_by
        self._new_worker = new_worker or self._start_local_worker
        self._changed = threading.Condition(threading.RLock())
        self._events = EventPublisher()
        self._recorder = JobRecorder(stores.history, state.queue_session_id, lambda: self.jobs)
        self._changes = JobChanges(self._changed, self._book, self._events, self._save)
        self._desk = SupervisorDesk(self._changes, lambda: self._state, self._events, self._recorder, stores)
        self._switch = self._desk.switch
        self._supervisors: list[Supervisor] = []
        self._closed = False
        if after_crash:
            self._recorder.catch_up()

    # --- looking ---

    def state(self) -> QueueState:
        """Return everything about the queue, as it is now."""
        with self._changed:
            return replace(self._state, jobs=tuple(self._book), last_updated=utc_now())

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
        """Why the queue paused itself; None where a person did it, or it is not paused."""
        return self._switch.pause_reason

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Have `observer` called with a `QueueEvent` for everything that happens, on the queue's event thread.

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
            A name or a value does not fit; nothing has changed.
        """
        with self._command():
            self._state = replace(
                self._state,
                queue_settings=_updated(self._state.queue_settings, settings),
                global_render_options=_updated(self._state.global_render_options, render),
                global_validation_options=_updated(self._state.global_validation_options, validation),
                global_output_settings=_updated(self._state.global_output_settings, output),
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

    # --- jobs in and out ---

    def add(
        self,
        source: Source,
        *,
        output: str | os.PathLike[str] | None = None,
        recursive: bool = True,
        render_options: Mapping[str, Any] | None = None,
        validation_options: Mapping[str, Any] | None = None,
        output_settings: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> Added:
        """Add files to the end of the queue.

        Outputs of earlier work that are whole and made of the same file, with the same options, are used again. One
        that a person changed since is kept under another name.

        Parameters
        ----------
        source : path, pattern, or iterable of these
            A file, a folder, a pattern such as ``models/**/*.stl``, or several.
        output : path, optional
            Base folder of the outputs; the queue's ``output_base_folder`` unless given.
        recursive : bool
            Whether folders inside folders are searched.
        render_options, validation_options, output_settings : mapping, optional
            What differs from the queue's own options for these jobs.
        force : bool
            Make everything anew, whatever exists.

        Returns
        -------
        Added

        Raises
        ------
        JobError
            Nothing exists under a name.
        OptionError
            An option does not fit, or nobody said where outputs go.
        """
        overrides = Overrides.checked(self._state, render_options, validation_options, output_settings)
        base = base_folder(output, self._state)
        files = list(find_stl_files(source, recursive=recursive))
        with self._command():
            new_jobs = NewJobs(base, self.state())
            open_paths = {job.stl_path for job in self._book if not job.state.ended}
            jobs, duplicates = [], []
            for path in files:
                if path in open_paths:
                    duplicates.append(path)
                    continue
                open_paths.add(path)
                jobs.append(new_jobs.make(path, overrides, self._created_by, force=force))
            for job in jobs:
                self._book.add(job)
                self._events.publish(QueueEvent(kind=EventKind.ADDED, job=job))
            self._save()
            self._changed.notify_all()
        return Added(jobs=tuple(jobs), duplicates=tuple(duplicates))

    def take_up(
        self,
        jobs: Iterable[JobRef],
        *,
        output: str | os.PathLike[str] | None = None,
        render_options: Mapping[str, Any] | None = None,
        validation_options: Mapping[str, Any] | None = None,
        output_settings: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> tuple[QueueJob, ...]:
        """Have jobs that wait or are paused go on as if their files were added now.

        They keep their places. What they made already and is still whole is used again, unless `force` is new to them.

        Parameters
        ----------
        jobs : iterable of QueueJob or str
        output, render_options, validation_options, output_settings, force
            As `add` takes them; they replace what the jobs had.

        Returns
        -------
        tuple of QueueJob

        Raises
        ------
        JobError
            A job is running, or has ended; nothing has changed.
        OptionError
            An option does not fit, or nobody said where outputs go; nothing has changed.
        """
        overrides = Overrides.checked(self._state, render_options, validation_options, output_settings)
        base = base_folder(output, self._state)
        with self._command():
            found = [self._book.get(_id(job)) for job in jobs]
            for job in found:
                if job.in_hand or self._desk.endings.is_reserved(job.id) or job.state.ended:
                    raise JobError(f"job {job.id} is {job.state}; it cannot be taken up", job_id=job.id)
            new_jobs = NewJobs(base, self.state())
            for job in found:
                if force and not job.force:
                    self._desk.forget(job.id)
                self._book.replace(job.id, new_jobs.renew(job, overrides, force=force))
                if job.state is JobState.PAUSED:
                    self._desk.let_go_on(job.id)
                self._events.publish(QueueEvent(kind=EventKind.CHANGED, job=self._book.get(job.id)))
            self._save()
            self._changed.notify_all()
            return tuple(self._book.get(job.id) for job in found)

    def retry(self, job: JobRef, *, force: bool = False) -> QueueJob:
        """Do an ended job again, as a new job in the old one's place.

        Parameters
        ----------
        job : QueueJob or str
        force : bool
            Make everything anew; else what the job made and is still whole is kept.

        Returns
        -------
        QueueJob
            The new one; the old one stays in the history.

        Raises
        ------
        JobError
            The job has not ended.
        """
        with self._command():
            old = self._book.get(_id(job))
            if not old.state.ended:
                raise JobError(f"job {old.id} is {old.state}; only an ended job can be retried", job_id=old.id)
            new = repeat(old, force=force)
            self._book.replace(old.id, new)
            self._changes.announce(new, EventKind.ADDED)
            return new

    def set_output(self, job: JobRef, folder: str | os.PathLike[str]) -> QueueJob:
        """Send a job's outputs elsewhere; one that was paused because its folder refused them goes on.

        Parameters
        ----------
        job : QueueJob or str
        folder : path
            The new base folder.

        Returns
        -------
        QueueJob

        Raises
        ------
        JobError
            The job is running, or has ended.
        """
        base = base_folder(folder, self._state)
        with self._command():
            found = self._book.get(_id(job))
            if found.in_hand or found.state.ended:
                raise JobError(f"job {found.id} is {found.state}; its outputs cannot be moved", job_id=found.id)
            self._book.replace(found.id, NewJobs(base, self.state()).move(found))
            if found.state is JobState.PAUSED:
                self._desk.let_go_on(found.id)
            moved = self._book.get(found.id)
            self._changes.announce(moved, EventKind.CHANGED)
            return moved

    def set_options(
        self,
        job: JobRef,
        *,
        render_options: Mapping[str, Any] | None = None,
        validation_options: Mapping[str, Any] | None = None,
        output_settings: Mapping[str, Any] | None = None,
    ) -> QueueJob:
        """Give a job that has not begun options of its own.

        Parameters
        ----------
        job : QueueJob or str
        render_options, validation_options, output_settings : mapping, optional
            All that is to differ from the queue's own options: what the job had of such a group is forgotten, an empty
            mapping leaves it none. A group that is not given stays as it is.

        Returns
        -------
        QueueJob

        Raises
        ------
        JobError
            The job is running, or has ended.
        OptionError
            A name or a value does not fit; nothing has changed.
        """
        with self._command():
            found = self._book.get(_id(job))
            if found.in_hand or found.state.ended:
                raise JobError(f"job {found.id} is {found.state}; its options cannot be changed", job_id=found.id)
            Overrides.checked(self._state, render_options, validation_options, output_settings)
            chosen = replace(
                found,
                render_options=found.render_options if render_options is None else dict(render_options),
                validation_options=found.validation_options if validation_options is None else dict(validation_options),
                output_settings=found.output_settings if output_settings is None else dict(output_settings),
            )
            if output_settings is not None:
                chosen = NewJobs(found.output_base_folder, self.state()).move(chosen)
            self._book.replace(found.id, chosen)
            self._changes.announce(chosen, EventKind.CHANGED)
            return chosen

    def remove(self, job: JobRef) -> None:
        """Take a job out of the queue, without a trace where it has not begun.

        Raises
        ------
        JobError
            The job is running; cancel it instead.
        """
        with self._command():
            found = self._book.get(_id(job))
            if found.in_hand or self._desk.endings.is_reserved(found.id):
                raise JobError(f"job {found.id} is running; cancel it first", job_id=found.id)
            self._book.remove(found.id)
            self._desk.forget(found.id)
            self._changes.announce(found, EventKind.REMOVED)

    def clear(self) -> int:
        """Take all ended jobs out of the queue; the history keeps them.

        Returns
        -------
        int
            How many.
        """
        with self._command():
            ended = [job for job in self._book if job.state.ended]
            for job in ended:
                self.remove(job)
            return len(ended)

    def move(self, job: JobRef, position: int) -> None:
        """Put a job at another place in the order, counted from 0."""
        with self._command():
            ids = [other.id for other in self._book if other.id != self._book.get(_id(job)).id]
            ids.insert(position, _id(job))
            self.reorder(ids)

    def reorder(self, jobs: Iterable[JobRef]) -> None:
        """Put the given jobs first, in the given order."""
        with self._command():
            self._book.reorder([_id(job) for job in jobs])
            self._events.publish(QueueEvent(kind=EventKind.REORDERED))
            self._save()

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
            found = self._book.get(_id(job))
            if found.in_hand:
                self._desk.hold(found.id)
            else:
                self._changes.announce(self._book.move_to(found.id, JobState.PAUSED), EventKind.CHANGED)

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
                chosen = [self._book.get(_id(job))]
            for found in chosen:
                self._desk.release(found.id)
                if not found.in_hand:
                    self._desk.let_go_on(found.id)
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
            self._desk.endings.await_reports()
        self._writer.flush()
        self._recorder.flush()
        self._events.flush()

    def close(self) -> None:
        """Stop, write everything down, and end the queue's threads; the queue cannot be used afterwards."""
        self.stop()
        self._closed = True
        self._desk.watcher.close()
        self._recorder.close()
        self._events.close()

    # --- inside ---

    @contextmanager
    def _command(self) -> Iterator[None]:
        """Hold the lock for a command, which a closed queue refuses."""
        with self._changed:
            self._require_open()
            yield

    def _require_open(self) -> None:
        if self._closed:
            raise JobError("the queue is closed; open its workspace again")

    def _must_be_waited_for(self) -> bool:
        with self._changed:
            has_work = any(job.state is JobState.PENDING or job.in_hand for job in self._book)
            if has_work and not self._switch.running:
                raise JobError("jobs are waiting, but the queue is not running; call start() first")
            return has_work

    def _end(self, job: JobRef, state: JobState) -> None:
        with self._command():
            found = self._book.get(_id(job))
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
            self._supervisors.append(supervisor)
            supervisor.start()

    def _start_local_worker(self) -> Worker:
        cores = os.cpu_count() or 1
        return LocalWorker(threads=max(1, cores // self._state.queue_settings.max_concurrent_jobs))

    def _save(self) -> None:
        self._writer.schedule(self._lasting_state)

    def _lasting_state(self) -> QueueState:
        with self._changed:
            state = self.state()
            return replace(state, queue_settings=state.queue_settings.merged(self._before))


def _id(job: JobRef) -> str:
    return job if isinstance(job, str) else job.id


def _updated(old: OptionGroup, new: OptionGroup | Mapping[str, Any] | None) -> OptionGroup:
    if new is None:
        return old
    return old.merged(new) if isinstance(new, Mapping) else new
