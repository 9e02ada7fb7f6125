"""Between ended jobs and the rows of the history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import TextClause, text

from stlkit._version import __version__
from stlkit.files import decode_json, printable
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import format_utc, parse_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """A job that has ended, and what it ran with.

    Parameters
    ----------
    job : QueueJob
        In its final state, with its results.
    render, validation, output : options or None
        The effective ones; where they are None only the job's own overrides are kept.
    concurrency : int or None
        How many jobs ran at its end, itself included; None where it never ran.
    """

    job: QueueJob
    render: RenderOptions | None = None
    validation: ValidationOptions | None = None
    output: OutputSettings | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistoryRecord:
    """One row of the history; times are UTC, durations in seconds, sizes in bytes."""

    id: str
    stl_path: str
    stl_filename: str
    stl_size: int
    stl_checksum: str
    output_folder: str
    queue_session_id: str
    render_options: dict[str, Any]
    validation_options: dict[str, Any]
    state: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    estimated_duration: float | None
    actual_duration: float | None
    validation_passed: bool | None
    files_generated: tuple[str, ...]
    error_message: str | None
    warnings: tuple[str, ...]
    app_version: str
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What is known of a job beside the documented columns; None where it is not known.

    Parameters
    ----------
    job_id : str
    faces : int or None
        Triangles in the file.
    stage_durations : dict of str to float
        Seconds by stage.
    peak_memory_bytes : int or None
    output_bytes : int or None
        Size of the files it made.
    output_settings : dict
    errors : tuple of str
    attempts : int or None
    concurrency : int or None
        How many jobs ran at its end, itself included.
    options_hash : str or None
        Of everything that decides over its outputs.
    geometry_hash : str or None
        Equal for the same model at any size and place, under any name.
    geometry_size_mm : float or None
        Length that `geometry_hash` took as 1.
    reused_files : int
        Outputs that were there already and were not made again.
    saved_s : float
        Working time that this saved.
    """

    job_id: str
    faces: int | None = None
    stage_durations: dict[str, float]
    peak_memory_bytes: int | None = None
    output_bytes: int | None = None
    output_settings: dict[str, Any]
    errors: tuple[str, ...] = ()
    attempts: int | None = None
    concurrency: int | None = None
    options_hash: str | None = None
    geometry_hash: str | None = None
    geometry_size_mm: float | None = None
    reused_files: int = 0
    saved_s: float = 0.0


RECORD_COLUMNS = tuple(field.name for field in fields(JobHistoryRecord))
FACT_COLUMNS = tuple(field.name for field in fields(JobFacts))


def record_row(end: JobEnd, session_id: str) -> dict[str, Any]:
    """Return the values of an ended job's row in ``job_history``."""
    job, results = end.job, end.job.results
    row = {
        "id": job.id,
        "stl_path": printable(job.stl_path),
        "stl_filename": printable(job.stl_path.name),
        "stl_size": results.stl_size or 0,
        "stl_checksum": results.stl_checksum or "",
        "output_folder": printable(job.output_folder),
        "queue_session_id": session_id,
        "render_options": json_text(to_plain(end.render) if end.render else job.render_options),
        "validation_options": json_text(to_plain(end.validation) if end.validation else job.validation_options),
        "state": job.state.value,
        "created_at": format_utc(job.created_at),
        "started_at": format_utc(job.started_at) if job.started_at else None,
        "completed_at": format_utc(job.completed_at) if job.completed_at else None,
        "estimated_duration": job.estimated_duration,
        "actual_duration": job.actual_duration,
        "validation_passed": results.validation_passed,
        "files_generated": json_text([printable(path) for path in results.files_generated]),
        "error_message": job.error_message,
        "warnings": json_text(list(results.warnings)),
        "app_version": __version__,
        "created_by": job.created_by,
    }
    return _storable(row)


def fact_row(end: JobEnd) -> dict[str, Any]:
    """Return the values of an ended job's row in ``job_facts``."""
    job, results = end.job, end.job.results
    row = {
        "job_id": job.id,
        "faces": results.faces,
        "stage_durations": json_text(results.stage_durations_s),
        "peak_memory_bytes": results.peak_memory_bytes,
        "output_bytes": results.output_bytes,
        "output_settings": json_text(to_plain(end.output) if end.output else job.output_settings),
        "errors": json_text(list(results.errors)),
        "attempts": job.attempts,
        "concurrency": end.concurrency,
        "options_hash": results.options_hash,
        "geometry_hash": results.geometry_hash,
        "geometry_size_mm": results.geometry_size_mm,
        "reused_files": results.reused_files,
        "saved_s": results.saved_s,
    }
    return _storable(row)


def insertion(table: str, columns: Sequence[str], on_conflict: str) -> TextClause:
    """Return the statement that inserts a row with these columns."""
    values = ", ".join(f":{name}" for name in columns)
    return text(f"INSERT OR {on_conflict} INTO {table} ({', '.join(columns)}) VALUES ({values})")  # noqa: S608 - our own names


def read_record(row: Mapping[str, Any]) -> JobHistoryRecord:
    """Build a record from a row's values; raises as `record_values` does."""
    return JobHistoryRecord(**record_values(row))


def record_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """Decode a row's values; what no stlkit wrote is a ValueError, TypeError or AttributeError."""
    values = dict(row)
    for name in ("created_at", "started_at", "completed_at"):
        values[name] = parse_utc(values[name]) if values[name] else None
    for name in ("render_options", "validation_options"):
        values[name] = decode_json(values[name].encode())
    for name in ("files_generated", "warnings"):
        values[name] = _texts(values[name])
    if values["validation_passed"] is not None:
        values["validation_passed"] = bool(values["validation_passed"])
    return values


def read_facts(row: Mapping[str, Any]) -> JobFacts:
    """Build the facts from a row's values; raises as `read_record` does."""
    values = dict(row)
    for name in ("stage_durations", "output_settings"):
        values[name] = decode_json((values[name] or "{}").encode())
    values["errors"] = _texts(values["errors"])
    return JobFacts(**values)


def _texts(text: str | None) -> tuple[str, ...]:
    return tuple(decode_json((text or "[]").encode()))


def json_text(value: Any) -> str:
    """Write plain values as JSON that SQLite takes."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate, which only the escaped form carries
        return json.dumps(value)


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """Return values that SQLite takes: a lone surrogate, which it does not, shows as an escape."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value
        for name, value in row.items()
    }
