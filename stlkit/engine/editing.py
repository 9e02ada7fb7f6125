"""What a person does with the jobs of a queue, whether it runs or not."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stlkit.engine.book import JobBook
from stlkit.engine.changes import JobChanges
from stlkit.engine.desk import SupervisorDesk
from stlkit.engine.events import EventKind, EventPublisher
from stlkit.engine.new_jobs import NewJobs, Overrides, base_folder, repeat
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.scan import Source, find_stl_files
from stlkit.engine.stores import Stores
from stlkit.engine.view import QueueView
from stlkit.errors import JobError
from stlkit.files import one_line
from stlkit.model.html import headline, joined
from stlkit.model.jobs import JobState, QueueJob, QueueState
from stlkit.model.options import OutputSettings
from stlkit.model.showing import jobs_html
from stlkit.model.times import utc_now

JobRef = QueueJob | str


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
        if not self.jobs and not self.duplicates:
            return "nothing was added: there are no STL files"
        text = f"{len(self.jobs)} job{'s' if len(self.jobs) != 1 else ''} added"
        if self.duplicates:
            text += f"; already in the queue: {', '.join(one_line(path.name) for path in self.duplicates)}"
        return text

    def _repr_html_(self) -> str:
        return joined(headline(str(self)), jobs_html(self.jobs))


class EditableQueue(QueueView):
    """Jobs that are added, changed, put in order and removed; `stlkit.engine.queue.JobQueue` works them off.

    Thread-safe.

    Parameters
    ----------
    state : QueueState
        What to begin with.
    stores : Stores
        Where it is kept; closed by the caller, after the queue.
    created_by : str
        ``notebook``, ``cli`` or ``gui``; goes into every job.
    """

    def __init__(self, state: QueueState, stores: Stores, *, created_by: str) -> None:
        super().__init__(stores.costs)
        self._state = replace(state, jobs=(), reports_due=False)
        self._before: dict[str, Any] = {}  # what settings that hold for this session only were before
        self._book = JobBook(state.jobs)
        self._writer = stores.writer
        self._created_by = created_by
        self._changed = threading.Condition(threading.RLock())
        self._events = EventPublisher()
        self._recorder = JobRecorder(stores.history, state.queue_session_id, lambda: self.jobs)
        self._changes = JobChanges(self._changed, self._book, self._events, self._save)
        self._desk = SupervisorDesk(self._changes, lambda: self._state, self._events, self._recorder, stores)
        self._closed = False

    def state(self) -> QueueState:
        """Return everything about the queue, as it is now."""
        with self._changed:
            return replace(self._state, jobs=tuple(self._book), last_updated=utc_now())

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
        new_jobs = NewJobs(base, self._settings_of(overrides))
        with self._command():
            new_jobs.among(self._book)
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
            self._changes.announce(*jobs, kind=EventKind.ADDED)
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
        new_jobs = NewJobs(base_folder(output, self._state), self._settings_of(overrides))
        with self._command():
            found = [self._waiting(job, "it cannot be taken up") for job in jobs]
            new_jobs.among(self._book)
            for job in found:
                if force and not job.force:
                    self._desk.forget(job.id)
                self._book.replace(job.id, new_jobs.renew(job, overrides, force=force))
                if job.state is JobState.PAUSED:
                    self._desk.waiting.let_go_on(job.id)
            taken_up = tuple(self._book.get(job.id) for job in found)
            self._changes.announce(*taken_up)
            return taken_up

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
            old = self._book.get(id_of(job))
            if not old.state.ended:
                raise JobError(f"job {old.id} is {old.state}; only an ended job can be retried", job_id=old.id)
            new = repeat(old, force=force)
            self._book.replace(old.id, new)
            self._changes.announce(new, kind=EventKind.ADDED)
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
        return self.set_outputs([job], folder)[0]

    def set_outputs(self, jobs: Iterable[JobRef], folder: str | os.PathLike[str]) -> tuple[QueueJob, ...]:
        """Send the outputs of several jobs elsewhere, which is read once; otherwise as `set_output`.

        Raises
        ------
        JobError
            A job is running, or has ended; nothing has changed.
        """
        new_jobs = NewJobs(base_folder(folder, self._state), self._state.global_output_settings)
        with self._command():
            found = [self._waiting(job, "its outputs cannot be moved") for job in jobs]
            new_jobs.among(self._book)
            for job in found:
                self._book.replace(job.id, new_jobs.move(job))
                if job.state is JobState.PAUSED:
                    self._desk.waiting.let_go_on(job.id)
            moved = tuple(self._book.get(job.id) for job in found)
            self._changes.announce(*moved)
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
        with self._changed:
            before = self._book.get(id_of(job))
        own = Overrides.checked(
            self._state,
            render_options,
            validation_options,
            output_settings,
            known_picture=before.render_options.get("background_image"),
        )
        new_jobs = None
        if output_settings is not None:  # else the name stays, and no folder has to be read
            new_jobs = NewJobs(before.output_base_folder, self._settings_of(own))
        with self._command():
            found = self._waiting(job, "its options cannot be changed")
            chosen = replace(
                found,
                render_options=found.render_options if render_options is None else own.render_options,
                validation_options=found.validation_options if validation_options is None else own.validation_options,
                output_settings=found.output_settings if output_settings is None else own.output_settings,
            )
            if new_jobs is not None and found.output_base_folder == before.output_base_folder:
                chosen = new_jobs.among(self._book).move(chosen)
            self._book.replace(found.id, chosen)
            self._changes.announce(chosen)
            return chosen

    def remove(self, job: JobRef) -> None:
        """Take a job out of the queue, without a trace where it has not begun.

        Raises
        ------
        JobError
            The job is running; cancel it instead.
        """
        with self._command():
            found = self._book.get(id_of(job))
            if found.in_hand or self._desk.endings.is_reserved(found.id):
                raise JobError(f"job {found.id} is running; cancel it first", job_id=found.id)
            self._book.remove(found.id)
            self._desk.forget(found.id)
            self._changes.announce(found, kind=EventKind.REMOVED)

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
            ids = [other.id for other in self._book if other.id != self._book.get(id_of(job)).id]
            ids.insert(position, id_of(job))
            self.reorder(ids)

    def reorder(self, jobs: Iterable[JobRef]) -> None:
        """Put the given jobs first, in the given order."""
        with self._command():
            self._book.reorder([id_of(job) for job in jobs])
            self._changes.tell("", EventKind.REORDERED)

    # --- inside ---

    def _waiting(self, job: JobRef, otherwise: str) -> QueueJob:
        """Return a job that has not begun or is paused; the error about any other says what cannot be done."""
        found = self._book.get(id_of(job))
        is_ending = self._desk.endings.is_reserved(found.id)
        if found.in_hand or is_ending or found.state.ended:
            state = "ending" if is_ending else found.state
            raise JobError(f"job {found.id} is {state}; {otherwise}", job_id=found.id)
        return found

    @contextmanager
    def _command(self) -> Iterator[None]:
        """Hold the lock for a command, which a closed queue refuses."""
        with self._changed:
            self._require_open()
            yield

    def _require_open(self) -> None:
        if self._closed:
            raise JobError("the queue is closed; open its workspace again")

    def _settings_of(self, overrides: Overrides) -> OutputSettings:
        return self._state.global_output_settings.merged(overrides.output_settings)

    def _save(self) -> None:
        self._writer.schedule(self._lasting_state)

    def _lasting_state(self) -> QueueState:
        with self._changed:
            state = self.state()
            return replace(state, queue_settings=state.queue_settings.merged(self._before))


def id_of(job: JobRef) -> str:
    """Return the id of a job that was given as such, or by its id."""
    return job if isinstance(job, str) else job.id
