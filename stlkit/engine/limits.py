"""How long a job may take, and how much memory and room on disk there has to be for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from stlkit.model.options import QueueSettings, RenderOptions

# Measured on whole jobs: a worker with its libraries takes 300 MB, its renderer and video encoder 100 to 150 more, and
# each face (50 bytes in a binary file) 400 to 1,250 bytes at the peak, its text included where there is any.
_BASE_MEMORY_BYTES = 300_000_000
_RENDERER_MEMORY_BYTES = 150_000_000
_MEMORY_PER_FILE_BYTE = 26
_MEMORY_PER_PIXEL_BYTES = 60
_SHARE_OF_MACHINE = 0.8
# A job is ended when it takes this much more than was forecast.
_LIMIT_PER_FORECAST = 3.0
_LEAST_LIMIT_BYTES = 2_000_000_000

_BASE_TIMEOUT_S = 300.0
# Against the estimate from size and options; generous, because the machine may be busy with other things.
_TIMEOUT_PER_ESTIMATED_S = 15.0
_SECOND_TIMEOUT_FACTOR = 3.0


def timeout_s(settings: QueueSettings, estimated_s: float, timeouts: int = 0) -> float:
    """Return the longest time one attempt may take.

    Parameters
    ----------
    settings : QueueSettings
        ``job_timeout_s`` wins where it is set.
    estimated_s : float
        What the job is expected to take; grows with faces, pixels and frames.
    timeouts : int
        Earlier attempts that took too long; the next one gets three times the time.
    """
    first_s = settings.job_timeout_s or _BASE_TIMEOUT_S + _TIMEOUT_PER_ESTIMATED_S * estimated_s
    return first_s * (_SECOND_TIMEOUT_FACTOR if timeouts else 1.0)


def forecast_memory_bytes(stl_size_bytes: int, render: RenderOptions) -> int:
    """Estimate the memory a job needs, from its file's size and its pictures, before anything is loaded.

    Parameters
    ----------
    stl_size_bytes : int
        As a binary file, see `stlkit.pipeline.size.ModelSize`.
    render : RenderOptions

    Returns
    -------
    int
        Bytes, of the whole worker process.
    """
    loaded = _BASE_MEMORY_BYTES + _MEMORY_PER_FILE_BYTE * stl_size_bytes
    pictures = _RENDERER_MEMORY_BYTES + _MEMORY_PER_PIXEL_BYTES * render.width * render.height
    return loaded + (pictures if render.draws else 0)


def memory_budget_bytes(settings: QueueSettings) -> int:
    """Return the memory that all jobs together may be forecast to need."""
    if settings.memory_budget_mb is not None:
        return int(settings.memory_budget_mb * 1e6)
    return int(_SHARE_OF_MACHINE * psutil.virtual_memory().total)


def memory_limit_bytes(settings: QueueSettings, forecast_bytes: int) -> int:
    """Return the most memory one worker may use before it is ended.

    Parameters
    ----------
    settings : QueueSettings
        ``job_memory_limit_mb`` wins where it is set.
    forecast_bytes : int
        See `forecast_memory_bytes`.
    """
    if settings.job_memory_limit_mb is not None:
        return int(settings.job_memory_limit_mb * 1e6)
    wanted = max(_LIMIT_PER_FORECAST * forecast_bytes, _LEAST_LIMIT_BYTES)
    return int(min(wanted, psutil.virtual_memory().total))


def full_disk(folders: tuple[Path, ...], min_free_mb: float) -> tuple[Path, float] | None:
    """Find a folder on a disk with too little room.

    Parameters
    ----------
    folders : tuple of Path
        Need not exist yet; then the nearest folder above counts.
    min_free_mb : float

    Returns
    -------
    tuple of Path and float, or None
        The first such folder and the MB that are free there; None where there is room everywhere, as far as the drives
        say.
    """
    for folder in folders:
        # not Path.is_dir, which raises an error where a drive does not answer; the job will say so
        existing = next((path for path in (folder, *folder.parents) if os.path.isdir(path)), None)  # noqa: PTH112
        if existing is None:
            continue
        try:
            usage = shutil.disk_usage(existing)
        except OSError:
            continue
        if usage.total and usage.free / 1e6 < min_free_mb:  # file systems without a size have no room to speak of
            return folder, usage.free / 1e6
    return None
