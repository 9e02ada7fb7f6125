"""From files to jobs: where their outputs go and what these are called."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from stlkit.engine.backgrounds import overrides_with_usable_background
from stlkit.errors import OptionError
from stlkit.files import printable
from stlkit.model.jobs import QueueJob, QueueState, new_job_id
from stlkit.model.options import Organization, OutputSettings
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.names import FAILED_FOLDER, is_safe_name
from stlkit.storage.recovery import shared_names

# What a retry takes over from the job it repeats; everything else begins anew.
_KEPT_BY_A_RETRY = (
    "stl_path", "output_folder", "output_base_folder", "output_name",
    "render_options", "validation_options", "output_settings", "created_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What differs from the queue's own options for some jobs."""

    render_options: dict[str, Any] = field(default_factory=dict)
    validation_options: dict[str, Any] = field(default_factory=dict)
    output_settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def checked(
        cls,
        state: QueueState,
        render: Mapping[str, Any] | None,
        validation: Mapping[str, Any] | None,
        output: Mapping[str, Any] | None,
        *,
        known_picture: str | None = None,
    ) -> Overrides:
        """Take overrides that fit the queue's options; a background picture that is known need not be there any more.

        Raises
        ------
        OptionError
            A name is unknown or a value does not fit, or there is no such picture.
        """
        render_options = overrides_with_usable_background(render or {}, state.global_render_options, known_picture)
        state.global_validation_options.merged(validation or {})
        state.global_output_settings.merged(output or {})
        return cls(
            render_options=render_options,
            validation_options=dict(validation or {}),
            output_settings=dict(output or {}),
        )


def base_folder(output: str | os.PathLike[str] | None, state: QueueState) -> Path:
    """Decide which base folder is meant.

    Raises
    ------
    OptionError
        Nobody said where outputs go.
    """
    chosen = output or state.queue_settings.output_base_folder
    if not chosen:
        raise OptionError(
            "nobody said where outputs go; give output=…, or set output_base_folder", field="output_base_folder"
        )
    return Path(chosen).expanduser().absolute()


class NewJobs:
    """Makes jobs whose outputs go to one base folder, each under a name of its own. Used once.

    Parameters
    ----------
    base : Path
        Looked at here and now, which takes its time where a drive is slow: no lock is to be held.
    settings : OutputSettings
        Of the queue; what a job has of its own goes before.
    """

    def __init__(self, base: Path, settings: OutputSettings) -> None:
        self._base = base
        self._settings = settings
        self._names = OutputNames(base)
        self._names.look(settings.organization)

    def among(self, jobs: Iterable[QueueJob]) -> Self:
        """Take the names that jobs of the queue have for taken, unless they have ended and their file is gone.

        A lock is held from here on, until what was made is in the queue.
        """
        self._names.take(
            {
                job.output_name: job.stl_path
                for job in jobs
                if job.output_base_folder == self._base and (not job.state.ended or os.path.lexists(job.stl_path))
            }
        )
        return self

    def make(self, stl_path: Path, overrides: Overrides, created_by: str, *, force: bool = False) -> QueueJob:
        """Make a new job for a file."""
        return QueueJob(
            id=new_job_id(),
            stl_path=stl_path,
            created_by=created_by,
            force=force,
            render_options=overrides.render_options,
            validation_options=overrides.validation_options,
            output_settings=overrides.output_settings,
            **self._place(stl_path, self._settings.merged(overrides.output_settings)),
        )

    def renew(self, job: QueueJob, overrides: Overrides, *, force: bool) -> QueueJob:
        """Return a job as it would be if its file were added now."""
        chosen = {part.name: getattr(overrides, part.name) for part in dataclasses.fields(overrides)}
        return self.move(replace(job, force=force, **chosen))

    def move(self, job: QueueJob) -> QueueJob:
        """Return a job with its outputs in this base folder."""
        settings = self._settings.merged(job.output_settings)
        return replace(job, **self._place(job.stl_path, settings))

    def _place(self, stl_path: Path, settings: OutputSettings) -> dict[str, Any]:
        name = self._names.claim(stl_path, settings)
        own = settings.organization is Organization.PER_STL
        return {
            "output_base_folder": self._base,
            "output_name": name,
            "output_folder": self._base / name if own else self._base,
        }


def with_names_of_their_own(state: QueueState) -> tuple[QueueState, tuple[str, ...]]:
    """Name the outputs of jobs whose file did not, and part unfinished jobs whose outputs would have one name.

    Such jobs come from files of before, or from edited ones; what the queue writes itself has none.

    Parameters
    ----------
    state : QueueState
        As it was read.

    Returns
    -------
    QueueState
    tuple of str
        A note for each job whose outputs get another name.
    """
    jobs = [job if job.output_name else replace(job, output_name=_name_of_files(job)) for job in state.jobs]
    owners = {index: jobs[owner] for index, owner in shared_names(jobs).items()}
    # whoever is to name a folder first names the outputs then, see `WaitingJobs.for_a_first_folder`
    nameless = [at for at, job in enumerate(jobs) if not job.output_name and job.output_base_folder.is_absolute()]
    wanting = {*owners, *nameless}
    named = [job for index, job in enumerate(jobs) if index not in wanting]
    makers: dict[Path, NewJobs] = {}
    notes = []
    for index in sorted(wanting):
        job = jobs[index]
        base = job.output_base_folder
        if base not in makers:
            makers[base] = NewJobs(base, state.global_output_settings).among(named)
        moved = makers[base].move(job)
        jobs[index] = replace(job, output_name=moved.output_name) if job.state.ended else moved
        if (owner := owners.get(index)) is not None:
            notes.append(
                f"outputs of {printable(job.stl_path)} are called {moved.output_name} now, because "
                f"{printable(owner.stl_path)} has the name {job.output_name}"
            )
    return replace(state, jobs=tuple(jobs)), tuple(notes)


def _name_of_files(job: QueueJob) -> str:
    """Return the name under which a job made files in a folder of its own; empty where it made none."""
    for path in job.results.files_generated:
        if path.is_relative_to(job.output_base_folder):
            name, *inside = path.relative_to(job.output_base_folder).parts
            if inside and name != FAILED_FOLDER and is_safe_name(name):
                return name
    return ""


def repeat(old: QueueJob, *, force: bool = False) -> QueueJob:
    """Make a new job that does an ended one again, in the same place and with the same options."""
    kept = {name: getattr(old, name) for name in _KEPT_BY_A_RETRY}
    return QueueJob(id=new_job_id(), retry_of=old.id, force=force, **kept)
