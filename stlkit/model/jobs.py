"""Jobs, their states and the moves between them, and the state of a whole queue."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from stlkit.errors import OptionError
from stlkit.model import showing
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.options import OutputSettings, QueueSettings, RenderOptions, ValidationOptions
from stlkit.model.times import AwareTime, require_aware, utc_now
from stlkit.model.unknown import join_unknown, names_of, split_unknown

# What is read from a file is held to these; an id becomes the name of a folder, a count goes into the database.
JobId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,100}\Z")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Attempts = Annotated[int, Meta(ge=0, le=1_000_000)]


class JobState(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    VALIDATING = "validating"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"  # the validation refused the file, or a person passed over it
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether a job in this state is over for good."""
        return self in _ENDED

    @property
    def running(self) -> bool:
        """Whether a worker has a job in this state in hand."""
        return self in (JobState.VALIDATING, JobState.PROCESSING)


_ENDED = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED})

TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    # from pending to its end: a person ended it, it cannot run here, or its outputs are up to date
    JobState.PENDING: frozenset({JobState.VALIDATING, JobState.PAUSED, *_ENDED}),
    # back to pending: the worker was lost or stopped, and the job is tried again
    JobState.VALIDATING: frozenset({JobState.PROCESSING, JobState.PENDING, JobState.PAUSED, *_ENDED}),
    JobState.PROCESSING: frozenset({JobState.PENDING, JobState.PAUSED, *_ENDED}),
    JobState.PAUSED: frozenset({JobState.PENDING, JobState.VALIDATING, JobState.PROCESSING, *_ENDED}),
    **{state: frozenset() for state in _ENDED},
}
"""Every legal move of a job; a job that has ended never moves again (a retry is a new job)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResults:
    """What came out of a job.

    Parameters
    ----------
    validation_passed : bool or None
        None where the file was not judged.
    files_generated : tuple of Path
    errors, warnings : tuple of str
    stl_size : int or None
        Bytes.
    stl_checksum : str or None
        SHA-256 of the file as it was read.
    faces : int or None
    stage_durations_s : dict of str to float
    peak_memory_bytes : int or None
    output_bytes : int or None
        Size of the files in `files_generated`.
    options_hash : str or None
        Of everything that decides over the outputs.
    geometry_hash : str or None
        Equal for the same model at any size and place, under any name.
    geometry_size_mm : float or None
        Length that `geometry_hash` took as 1.
    reused_files : int
        Outputs that were there already and were not made again.
    saved_s : float
        Working time that this saved.
    """

    validation_passed: bool | None = None
    files_generated: tuple[Path, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stl_size: Count | None = None
    stl_checksum: str | None = None
    faces: Count | None = None
    stage_durations_s: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: Count | None = None
    output_bytes: Count | None = None
    options_hash: str | None = None
    geometry_hash: str | None = None
    geometry_size_mm: float | None = None
    reused_files: Count = 0
    saved_s: float = 0.0

    @property
    def is_up_to_date(self) -> bool:
        """Whether everything was there already and nothing was made."""
        return bool(self.files_generated) and self.reused_files == len(self.files_generated)

    @property
    def reuse(self) -> str:
        """What was not made again, in words; empty where everything was made."""
        if self.is_up_to_date:
            return "up to date"
        return f"{self.reused_files} files used again" if self.reused_files else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueJob:
    """One STL file and what is to be done with it; a frozen snapshot.

    Parameters
    ----------
    id : str
        Unique for ever.
    stl_path : Path
        Absolute.
    output_folder : Path
        Where this job's files go: the model's own folder in the per-STL layout, else the base folder.
    output_base_folder : Path
        The folder that holds the summary, the log and ``failed/``.
    output_name : str
        Base name of the files, unique in `output_base_folder`; empty in a state whose file does not tell it, until the
        queue is opened.
    state : JobState
    stage : str or None
        What a running job is at, such as ``video``.
    progress : float
        0 to 100.
    created_at, started_at, completed_at : datetime
        UTC.
    estimated_duration, actual_duration : float or None
        Seconds.
    attempts : int
        Attempts that were begun, written to disk before each begins.
    render_options, validation_options, output_settings : dict
        Only what differs from the queue's own.
    results : JobResults
    error_message : str or None
    question : str or None
        What a paused job waits for a person, or for a drive, to settle.
    timeouts : int
        Attempts that took too long.
    retry_of : str or None
        The job this one repeats.
    force : bool
        Make everything anew, whatever exists.
    created_by : str
        ``notebook``, ``cli`` or ``gui``.
    unknown : dict
        Keys of the queue's file that this version does not know, those inside groups under the group's name; kept and
        written back.

    Raises
    ------
    OptionError
        A time says no time zone, or the progress is not finite.
    """

    id: JobId
    stl_path: Path
    output_folder: Path
    output_base_folder: Path
    output_name: str
    state: JobState = JobState.PENDING
    stage: str | None = None
    progress: float = 0.0
    created_at: AwareTime = field(default_factory=utc_now)
    started_at: AwareTime | None = None
    completed_at: AwareTime | None = None
    estimated_duration: float | None = None
    actual_duration: float | None = None
    attempts: Attempts = 0
    render_options: dict[str, Any] = field(default_factory=dict)
    validation_options: dict[str, Any] = field(default_factory=dict)
    output_settings: dict[str, Any] = field(default_factory=dict)
    results: JobResults = JobResults()
    error_message: str | None = None
    question: str | None = None
    timeouts: int = 0
    retry_of: str | None = None
    force: bool = False
    created_by: str = "notebook"
    unknown: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(created_at=self.created_at, started_at=self.started_at, completed_at=self.completed_at)
        if not math.isfinite(self.progress):  # JSON has no such number
            raise OptionError(f"progress: {self.progress} is not a number from 0 to 100", field="progress")

    @property
    def held(self) -> bool:
        """Whether the job is paused between two stages, with its worker waiting."""
        return self.state is JobState.PAUSED and self.stage is not None

    @property
    def in_hand(self) -> bool:
        """Whether a supervisor has the job: it is running, or held."""
        return self.state.running or self.held

    def _repr_html_(self) -> str:
        return showing.job_html(self)


def new_job_id(moment: datetime | None = None) -> str:
    """Make a job id that sorts by time and never comes twice.

    Parameters
    ----------
    moment : datetime, optional
        Now, unless given.

    Returns
    -------
    str
        ``job_20260115T103000_`` and 12 random hexadecimal digits.
    """
    return f"job_{moment or utc_now():%Y%m%dT%H%M%S}_{secrets.token_hex(6)}"


STATE_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """Everything that ``queue_state.json`` holds.

    Parameters
    ----------
    version : str
    created_at, last_updated : datetime
    queue_session_id : str
        The workspace that wrote it.
    queue_settings : QueueSettings
    global_render_options : RenderOptions
    global_validation_options : ValidationOptions
    global_output_settings : OutputSettings
    jobs : tuple of QueueJob
        In the order in which they run.
    reports_due : bool
        Whether an output folder has refused a log or a summary, which is to be written by the next session.
    unknown : dict
        Keys this version does not know, as in a job; kept and written back.
    """

    version: str = STATE_VERSION
    created_at: AwareTime = field(default_factory=utc_now)
    last_updated: AwareTime = field(default_factory=utc_now)
    queue_session_id: str = ""
    queue_settings: QueueSettings = QueueSettings()
    global_render_options: RenderOptions = RenderOptions()
    global_validation_options: ValidationOptions = ValidationOptions()
    global_output_settings: OutputSettings = OutputSettings()
    jobs: tuple[QueueJob, ...] = ()
    reports_due: bool = False
    unknown: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(created_at=self.created_at, last_updated=self.last_updated)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON values of the file."""
        data: dict[str, Any] = to_plain(self)
        data["jobs"] = [join_unknown(job) for job in data["jobs"]]
        return join_unknown(data)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QueueState:
        """Build a state from JSON values.

        Parameters
        ----------
        data : mapping
            What `json.load` returned for the file.

        Returns
        -------
        QueueState

        Raises
        ------
        ValueError
            A value does not fit; the message names its path.
        """
        plain = split_unknown(cls, data, _GROUPS)
        if isinstance(plain.get("jobs"), list):
            plain["jobs"] = [
                split_unknown(QueueJob, _with_place(job), _GROUPS) if isinstance(job, dict) else job
                for job in plain["jobs"]
            ]
        state = from_plain(cls, plain)
        _check_overrides(state)
        return state


def _with_place(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job of the file with all that says where its outputs go; the documented fields tell only the folder.

    A folder that is called like the model is the model's own, in the layout of one folder for each. Else it is the one
    that holds all, and the name is left to whoever opens the queue and sees what is in it.
    """
    if {"output_base_folder", "output_name"} <= job.keys():
        return job
    folder, stl_path = job.get("output_folder"), job.get("stl_path")
    if not isinstance(folder, str) or not isinstance(stl_path, str):
        return job  # which is refused, with the name of the field
    own = Path(folder)
    is_own = own.name == Path(stl_path).stem
    place = {"output_base_folder": str(own.parent), "output_name": own.name} if is_own else {}
    return {"output_base_folder": folder, "output_name": ""} | place | job


def _check_overrides(state: QueueState) -> None:
    """Check that every job's own options fit; jobs that were added together share them, so most are checked once."""
    bases = {
        "render_options": state.global_render_options,
        "validation_options": state.global_validation_options,
        "output_settings": state.global_output_settings,
    }
    checked: set[tuple[str, str]] = set()
    for index, job in enumerate(state.jobs):
        for name, base in bases.items():
            overrides = getattr(job, name)
            if overrides and (key := (name, repr(overrides))) not in checked:
                try:
                    base.merged(overrides)
                except OptionError as error:
                    raise ValueError(f"{error} - at `$.jobs[{index}].{name}`") from error
                checked.add(key)


_GROUPS = {
    "queue_settings": names_of(QueueSettings),
    "global_render_options": names_of(RenderOptions),
    "global_validation_options": names_of(ValidationOptions),
    "global_output_settings": names_of(OutputSettings),
    "results": names_of(JobResults),
}
