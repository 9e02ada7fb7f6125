"""From a job in the queue to an attempt that a supervisor can take on."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from stlkit.engine.forecast import Forecaster
from stlkit.engine.limits import forecast_memory_bytes, memory_limit_bytes, timeout_s
from stlkit.engine.supervisor import Assignment
from stlkit.model.jobs import QueueJob, QueueState
from stlkit.model.options import CheckedOptions, OutputSettings, RenderOptions, ValidationOptions
from stlkit.pipeline.order import JobOrder
from stlkit.pipeline.size import ModelSize
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobEnd
from stlkit.storage.progress import PlacedFile, ProcessingState, load_processing_state, save_processing_state

_log = logging.getLogger(__name__)

OptionGroup = TypeVar("OptionGroup", bound=CheckedOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNeeds:
    """What a job is expected to take.

    Parameters
    ----------
    duration_s : float
    memory_bytes : int
    """

    duration_s: float
    memory_bytes: int


@functools.lru_cache(maxsize=256)
def _merged(base: OptionGroup, overrides: str) -> OptionGroup:
    # thousands of jobs share a few sets of options, and checking one takes longer than looking it up
    return base.merged(json.loads(overrides))


class AssignmentMaker:
    """Turns jobs into assignments. Keeps nothing, hence thread-safe.

    Parameters
    ----------
    state : callable
        Returns the present `QueueState`, for settings and options.
    cache : TempFileManager
    forecaster : Forecaster
    """

    def __init__(self, state: Callable[[], QueueState], cache: TempFileManager, forecaster: Forecaster) -> None:
        self._state = state
        self._cache = cache
        self._forecaster = forecaster

    def options_of(self, job: QueueJob) -> tuple[RenderOptions, ValidationOptions, OutputSettings]:
        """Return the queue's options with the job's own on top."""
        state = self._state()
        return (
            _merged(state.global_render_options, json.dumps(job.render_options)),
            _merged(state.global_validation_options, json.dumps(job.validation_options)),
            _merged(state.global_output_settings, json.dumps(job.output_settings)),
        )

    def end_of(self, ended: QueueJob) -> JobEnd:
        """Return the end of a job that no worker had in hand, with the options it would have run with."""
        render, validation, output = self.options_of(ended)
        return JobEnd(job=ended, render=render, validation=validation, output=output)

    def needs_of(self, job: QueueJob, size: ModelSize, concurrency: int = 1) -> JobNeeds:
        """Forecast time and memory.

        Parameters
        ----------
        job : QueueJob
        size : ModelSize
            Of its file.
        concurrency : int
            Jobs that run side by side, this one included.
        """
        render, _, _ = self.options_of(job)
        return JobNeeds(
            duration_s=self._forecaster.job_s(job, size, self._state(), concurrency=concurrency),
            memory_bytes=forecast_memory_bytes(size.binary_bytes, render),
        )

    def make(self, job: QueueJob, needs: JobNeeds, known: tuple[PlacedFile, ...] = ()) -> Assignment:
        """Prepare the next attempt at a job, and write down that it begins.

        Parameters
        ----------
        job : QueueJob
        needs : JobNeeds
        known : tuple of PlacedFile
            Outputs that need not be made, or must not be lost.

        Raises
        ------
        OSError
            The job's cache folder cannot be written.
        """
        attempt = job.attempts + 1
        folder = self._cache.create_job_cache_dir(job.id)
        # On disk before anything else happens: a job that takes its worker or this process down must not start afresh.
        earlier = load_processing_state(folder) or ProcessingState(job_id=job.id, attempt=attempt)
        save_processing_state(folder, replace(earlier, attempt=attempt))
        render, validation, output = self.options_of(job)
        settings = self._state().queue_settings
        order = JobOrder(
            job_id=job.id,
            stl_path=job.stl_path,
            output_base_folder=job.output_base_folder,
            output_name=job.output_name,
            cache_folder=folder,
            attempt=attempt,
            created_at=job.created_at,
            render=render,
            validation=validation,
            output=output,
            known=known,
        )
        return Assignment(
            order=order,
            timeout_s=timeout_s(settings, needs.duration_s, job.timeouts),
            memory_limit_bytes=memory_limit_bytes(settings, needs.memory_bytes),
        )

    def folders_of(self, job: QueueJob) -> tuple[Path, ...]:
        """Return the folders that an attempt at a job writes to."""
        return job.output_base_folder, self._cache.job_cache

    def take_back(self, job: QueueJob) -> int:
        """Write down that the latest attempt at a job does not count, so that no later session counts it either.

        Parameters
        ----------
        job : QueueJob
            With that attempt counted; no worker has it any more.

        Returns
        -------
        int
            How many attempts are left to count.
        """
        attempts = job.attempts - 1
        folder = self._cache.job_folder(job.id)
        progress = load_processing_state(folder)
        if progress is not None:
            try:
                save_processing_state(folder, replace(progress, attempt=attempts))
            except OSError as error:  # a full disk may be why the job is put back
                _log.warning("an attempt at job %s may be counted that should not be: %s", job.id, error)
        return attempts
