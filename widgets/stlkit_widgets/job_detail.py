"""Everything about one job."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import traitlets

from stlkit.errors import JobError, StlkitError
from stlkit.files import one_line, open_regular_file, printable
from stlkit.model.descriptions import describe_options
from stlkit.model.jobs import QueueJob, QueueState
from stlkit.model.options import CheckedOptions
from stlkit.outputs.layout import OutputLayout
from stlkit.storage.history import JobHistoryRecord
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.handing_out import OPENED_AS, piece_of
from stlkit_widgets.options_form import shown_values
from stlkit_widgets.page_part import Content, PagePart
from stlkit_widgets.pictures import reduced_picture

PICTURE_PX = 360
LOG_TAIL_BYTES = 16_000
LOG_LINES = 60
MOST_EARLIER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What a page was told last, so that it can ask for a file by its number, and for no other."""

    job: QueueJob
    files: tuple[Path, ...]


class JobDetail(PagePart, page="job_detail"):
    """The stages, findings, options, files and log of the job that was selected last, and what became of it before.

    Parameters
    ----------
    workspace : Workspace
    background : Background
        Where all of it is read.
    preview : callable or None
        Called with a job when a person wants to see its model; None where there is nothing that could show it.
    results : callable or None
        Called with a job when a person wants to see what it made.

    Attributes
    ----------
    detail : dict
        Empty where nothing is selected; see ``static/job_detail.js``.
    """

    detail = traitlets.Dict().tag(sync=True)
    can_preview = traitlets.Bool().tag(sync=True)
    can_show_results = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        workspace: Workspace,
        background: Background,
        *,
        preview: Callable[[QueueJob], None] | None,
        results: Callable[[QueueJob], None] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(background, can_preview=preview is not None, can_show_results=results is not None, **traits)
        self._workspace = workspace
        self._preview = preview
        self._results = results
        self._wanted: QueueJob | None = None
        self._shown: _Shown | None = None
        self._earlier: tuple[str, list[dict[str, Any]]] = ("", [])
        self.hear("preview", lambda _: self._hand_on(self._preview))
        self.hear("results", lambda _: self._hand_on(self._results))
        self.answer("picture", lambda asked, _: self._picture(int(asked["file"])))
        self.answer("piece", lambda asked, _: piece_of(self._path(int(asked["file"])), int(asked["at"])))

    def show(self, job: QueueJob | None) -> None:
        """Show a job as it is now; returns at once, what has to be read is shown a moment later."""
        if job is self._wanted:
            return
        self._wanted = job
        self._background.do(self._read)

    def _read(self) -> None:
        job = self._wanted  # whoever clicks through a table wants the last one only
        if job is None:
            self._shown, self.detail = None, {}
            return
        if self._shown is not None and self._shown.job == job:
            return
        state = self._workspace.queue.state()
        self._shown = _Shown(job=job, files=tuple(sorted(job.results.files_generated, key=_file_rank)))
        self.detail = {
            **_facts(job),
            "options": _options(state, job),
            "files": _files(self._shown),
            "log": _log(state, job),
        }
        self.detail = {**self.detail, "earlier": self._earlier_runs(job)}

    def _earlier_runs(self, job: QueueJob) -> list[dict[str, Any]]:
        key = f"{job.id} {job.state.ended}"
        if self._earlier[0] != key:
            try:
                records = self._workspace.history.find_similar_jobs(job.stl_path)
            except (StlkitError, OSError):  # the rest of the page is of use without
                records = []
            self._earlier = (key, [_earlier(record) for record in records if record.id != job.id][:MOST_EARLIER])
        return self._earlier[1]

    def _hand_on(self, show: Callable[[QueueJob], None] | None) -> None:
        if show is not None and self._wanted is not None:
            show(self._wanted)

    def _path(self, number: int) -> Path:
        if self._shown is None or not 0 <= number < len(self._shown.files):
            raise JobError("this file is not of the job that is shown; select the job again")
        return self._shown.files[number]

    def _picture(self, number: int) -> tuple[Content, tuple[bytes, ...]]:
        made = reduced_picture(self._path(number), PICTURE_PX)
        return {}, () if made is None else (made,)


def _facts(job: QueueJob) -> dict[str, Any]:
    results = job.results
    return {
        "id": job.id,
        "name": one_line(job.stl_path.name),
        "path": one_line(printable(job.stl_path)),
        "state": job.state.value,
        "stage": job.stage,
        "output": one_line(printable(job.output_folder)),
        "message": one_line(job.error_message or ""),
        "question": one_line(job.question or ""),
        "attempts": job.attempts,
        "created": _moment(job.created_at),
        "took": job.actual_duration if job.state.ended else None,
        "stages": [
            {"name": name.replace("_", " "), "seconds": seconds} for name, seconds in results.stage_durations_s.items()
        ],
        "errors": [one_line(text) for text in results.errors],
        "warnings": [one_line(text) for text in results.warnings],
        "faces": results.faces,
        "peak": results.peak_memory_bytes,
    }


def _options(state: QueueState, job: QueueJob) -> list[dict[str, Any]]:
    groups: tuple[tuple[CheckedOptions, dict[str, Any]], ...] = (
        (state.global_render_options, job.render_options),
        (state.global_validation_options, job.validation_options),
        (state.global_output_settings, job.output_settings),
    )
    shown = []
    for base, own in groups:
        values = shown_values(base.merged(own))
        shown += [
            {"title": option.title, "value": _said(values[option.name]), "own": option.name in own}
            for option in describe_options(type(base))
        ]
    return shown


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else one_line(str(value))


def _files(shown: _Shown) -> list[dict[str, Any]]:
    return [_file(path, shown.job.output_base_folder) for path in shown.files]


def _file(path: Path, base: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
    except (OSError, ValueError):
        size = None
    inside = path.relative_to(base) if path.is_relative_to(base) else path
    return {
        "name": one_line(printable(inside)),
        "path": one_line(printable(path)),
        "size": size,
        "is_picture": path.suffix.lower() == ".png",
        "opens": path.suffix.lower() in OPENED_AS,
    }


def _file_rank(path: Path) -> tuple[int, str]:
    return (0 if path.suffix == ".png" else 1 if path.suffix == ".mp4" else 2, str(path))


def _log(state: QueueState, job: QueueJob) -> str:
    """Return the last lines of a job's own log; empty where there is none yet."""
    try:
        layout = OutputLayout(
            base_folder=job.output_base_folder,
            output_name=job.output_name,
            settings=state.global_output_settings.merged(job.output_settings),
        )
        logs = [path for path in job.results.files_generated if path.suffix == ".log"]
        # a name with the time in it is known only from the list of files; a refused file has its log in failed/
        logs.sort(key=lambda path: path.parent != layout.processing_log.parent)
        path = logs[0] if logs else layout.processing_log
        with open_regular_file(path, limit_bytes=1 << 30) as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - LOG_TAIL_BYTES))
            lines = stream.read(LOG_TAIL_BYTES).decode(errors="replace").splitlines()
    except (OSError, ValueError, StlkitError):
        return ""
    return "\n".join(one_line(each) for each in lines[-LOG_LINES:])


def _earlier(record: JobHistoryRecord) -> dict[str, Any]:
    return {
        "when": _moment(record.created_at),
        "state": record.state,
        "took": record.actual_duration,
        "files": len(record.files_generated),
        "name": one_line(record.stl_filename),
        "message": one_line(record.error_message or ""),
        "output": one_line(record.output_folder),
    }


def _moment(moment: datetime) -> float:
    return moment.timestamp() * 1000.0
