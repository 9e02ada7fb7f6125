"""What is asked of the drives of a job before it begins, without waiting for ever for one that hangs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stlkit.engine.limits import full_disk
from stlkit.model.jobs import QueueJob
from stlkit.patience import answer_within
from stlkit.pipeline.size import ModelSize, measure_model

ANSWER_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFacts:
    """What the drives of a job have said.

    Parameters
    ----------
    size : ModelSize
        Of the job's file.
    full : tuple of Path and float, or None
        A folder on a disk with too little room, and the MB that are free there.
    """

    size: ModelSize
    full: tuple[Path, float] | None = None


def ask_drives(job: QueueJob, folders: tuple[Path, ...], min_free_mb: float) -> DriveFacts | None:
    """Ask how large a job's file is, and whether there is room for what it makes; None where a drive hangs.

    Parameters
    ----------
    job : QueueJob
    folders : tuple of Path
        That are written to.
    min_free_mb : float
        As `stlkit.engine.limits.full_disk` takes it.
    """

    def ask() -> DriveFacts:
        return DriveFacts(size=measure_model(job.stl_path), full=full_disk(folders, min_free_mb))

    return answer_within(ANSWER_WITHIN_S, ask)


def drives_answer(job: QueueJob) -> bool:
    """Say whether the drives of a job's file and of its outputs answer at all, whatever they say."""

    def ask() -> bool:
        # os.path: the methods of Path raise an error where a drive says that it cannot tell
        os.path.exists(job.stl_path)  # noqa: PTH110
        os.path.isdir(job.output_base_folder)  # noqa: PTH112
        return True

    return answer_within(ANSWER_WITHIN_S, ask) is not None


def drives_are_back(job: QueueJob) -> bool:
    """Say whether a job's file can be found again, and a place for its outputs."""
    base = job.output_base_folder
    return os.path.exists(job.stl_path) and (os.path.isdir(base) or os.path.isdir(base.parent))  # noqa: PTH110, PTH112
