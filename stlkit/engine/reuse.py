"""What of a job's work is done already, found out before a worker gets it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from stlkit.errors import StlkitError
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.outputs.layout import OutputLayout
from stlkit.pipeline.known import is_of_that_run
from stlkit.pipeline.recipes import Recipe, Recipes, work_key
from stlkit.storage.history import JobEnd
from stlkit.storage.output_index import FinishedWork, OutputIndex
from stlkit.storage.progress import PlacedFile, ProcessingState

T = TypeVar("T")

_log = logging.getLogger(__name__)

OptionGroups = tuple[RenderOptions, ValidationOptions, OutputSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What was found of one job's work.

    Parameters
    ----------
    job : QueueJob
        As it was when it was looked up.
    options : tuple of options
        Those it would run with then.
    stl_checksum : str or None
        None where the source cannot be read, or nothing is to be reused.
    known : tuple of PlacedFile
        For the worker.
    finished : FinishedWork or None
        The earlier job that did all of this, where everything it made is still whole.
    moment : float
        When looking it up began, by `time.monotonic`.
    """

    job: QueueJob
    options: OptionGroups
    stl_checksum: str | None = None
    known: tuple[PlacedFile, ...] = ()
    finished: FinishedWork | None = None
    moment: float = field(default_factory=time.monotonic)

    def holds_for(self, job: QueueJob, options: OptionGroups) -> bool:
        """Whether nothing about the job has changed since."""
        same = (job.stl_path, job.output_base_folder, job.output_name, job.force)
        mine = (self.job.stl_path, self.job.output_base_folder, self.job.output_name, self.job.force)
        return same == mine and options == self.options

    def up_to_date(self) -> JobEnd:
        """Return the end of a job that has nothing left to do."""
        earlier = _required(self.finished)
        now = utc_now()
        results = replace(
            earlier.results,
            stage_durations_s={},
            peak_memory_bytes=None,
            reused_files=len(earlier.results.files_generated),
            saved_s=round(earlier.duration_s, 3),
        )
        ended = replace(
            self.job,
            state=JobState.COMPLETED,
            progress=100.0,
            started_at=self.job.started_at or now,
            completed_at=now,
            actual_duration=0.0,
            estimated_duration=0.0,
            results=results,
        )
        render, validation, output = self.options
        return JobEnd(job=ended, render=render, validation=validation, output=output)


class Reuse:
    """Looks work up in the index of outputs, and takes it down there. Thread-safe.

    Parameters
    ----------
    index : OutputIndex
    options_of : callable
        Returns the effective options of a job.
    """

    def __init__(self, index: OutputIndex, options_of: Callable[[QueueJob], OptionGroups]) -> None:
        self._index = index
        self._options_of = options_of

    def look_up(self, job: QueueJob) -> Lookup:
        """Find out what need not be done; may read the source, and waits for nobody.

        Whatever goes wrong here costs only the help: the worker finds it again, and says so.
        """
        options = self._options_of(job)
        lookup = Lookup(job=job, options=options)
        try:
            return self._look_up(lookup)
        except (StlkitError, OSError, ValueError) as error:
            _log.warning("nothing can be reused for job %s: %s", job.id, error)
            return lookup

    def _look_up(self, lookup: Lookup) -> Lookup:
        job = lookup.job
        recipes = self._recipes(job, lookup.options)
        known = self._index.outputs_at(recipe.target for recipe in recipes)
        checksum = None if job.force else self._index.checksum_of(job.stl_path)
        if checksum is None:  # outputs that a person changed are kept all the same
            return replace(lookup, known=tuple(replace(output, key=None) for output in known))
        keys = {recipe.target: recipe.key(checksum) for recipe in recipes}
        finished = self._index.finished(work_key(job.stl_path, checksum, recipes, lookup.options[2]))
        if finished is not None and _is_all_there(finished.results, keys, known):
            return replace(lookup, stl_checksum=checksum, known=known, finished=finished)
        elsewhere = self._index.outputs_of(keys.values())
        return replace(lookup, stl_checksum=checksum, known=(*known, *elsewhere))

    def record(self, end: JobEnd, progress: ProcessingState | None) -> None:
        """Take down what a job placed, however it ended, and that it was done in full if it was.

        Parameters
        ----------
        end : JobEnd
        progress : ProcessingState or None
            What its worker left; None where no worker had it.

        Raises
        ------
        HistoryError
            The database cannot be written.
        """
        job = end.job
        if progress is not None:
            self._index.record(job.id, filter(None, map(_as_it_is, progress.outputs)))
        if job.state is JobState.COMPLETED and job.results.stl_checksum and not job.results.is_up_to_date:
            options = (_required(end.render), _required(end.validation), _required(end.output))
            recipes = self._recipes(job, options)
            duration_s = (job.actual_duration or 0.0) + job.results.saved_s
            lasting = tuple(warning for warning in job.results.warnings if not is_of_that_run(warning))
            results = replace(job.results, warnings=lasting)
            work = FinishedWork(job_id=job.id, results=results, duration_s=duration_s)
            key = work_key(job.stl_path, job.results.stl_checksum, recipes, options[2])
            self._index.record_finished(key, work)

    def _recipes(self, job: QueueJob, options: OptionGroups) -> tuple[Recipe, ...]:
        render, validation, output = options
        layout = OutputLayout(
            base_folder=job.output_base_folder,
            output_name=job.output_name,
            settings=output,
            render_options=render,
            moment=job.created_at,
        )
        return tuple(Recipes(layout, job.stl_path, render, validation, self._index.checksum_of))


def _is_all_there(results: JobResults, keys: dict[Path, str], known: tuple[PlacedFile, ...]) -> bool:
    whole = {output.path for output in known if output.key == keys.get(output.path) and output.is_untouched()}
    made = set(results.files_generated)
    # pictures and measurements by what they are made of, links and logs by being there
    return (keys.keys() & made) <= whole and all(map(os.path.lexists, made - whole))


def _as_it_is(output: PlacedFile) -> PlacedFile | None:
    """Return an output as it is in its place; None where a killed worker had not come to moving it."""
    if output.mtime_ns:
        return output
    return output.at(output.path) if output.is_whole() else None


def _required(value: T | None) -> T:
    if value is None:
        raise ValueError("an end without options, or without the work that it repeats")
    return value
