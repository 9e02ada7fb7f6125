"""One attempt at one job: what its stages share, and what they do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from stlkit.errors import BackendUnavailableError, BackgroundError, RenderError
from stlkit.files import sha256_of
from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.fingerprint import Fingerprint, fingerprint
from stlkit.mesh.intake import StlReading, read_stl
from stlkit.mesh.validation import Validated, validate
from stlkit.mesh.writing import write_stl
from stlkit.model.causes import refusal_of
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import BackendName, Quality, RenderOptions, ValidationLevel
from stlkit.model.reports import AnalysisReport, Finding, Severity
from stlkit.outputs.documents import file_info
from stlkit.outputs.failed import clear_failure, record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.logs import JobLog
from stlkit.outputs.placing import json_bytes, keep_aside, link_source, place, place_json, place_text
from stlkit.outputs.reading import read_document
from stlkit.pipeline.known import KnownOutputs, kept_aside
from stlkit.pipeline.order import JobOrder
from stlkit.pipeline.plan import Stage
from stlkit.pipeline.recipes import Recipe, Recipes, options_hash
from stlkit.pipeline.source import working_copy
from stlkit.rendering.backends import Backend
from stlkit.rendering.studio import Studio
from stlkit.storage.progress import PlacedFile, ProcessingState, load_processing_state, save_processing_state

T = TypeVar("T")

StageProgress = Callable[[float], None]  # share of the stage that is done, 0 to 1


class JobRefused(Exception):  # noqa: N818 - an ending, not an error: it never leaves the pipeline
    """The job ends here, by a judgement over its file.

    Parameters
    ----------
    state : JobState
        ``failed`` where nothing could be read, ``skipped`` where the validation refused what was read.
    message : str
    findings : tuple of Finding
    """

    def __init__(self, state: JobState, message: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(message)
        self.state = state
        self.findings = findings


class JobWork:
    """The stages of one attempt, each a method, and what they hand on to each other. Not thread-safe.

    Parameters
    ----------
    order : JobOrder
    open_backend : callable
        Returns the process's one renderer, started for the first job that draws.
    """

    def __init__(self, order: JobOrder, open_backend: Callable[[BackendName], Backend]) -> None:
        self.order = order
        self.log = JobLog(order.stl_path)
        self.layout = OutputLayout(
            base_folder=order.output_base_folder,
            output_name=order.output_name,
            settings=order.output,
            render_options=order.render,
            moment=order.created_at,
        )
        self._open_backend = open_backend
        self._opening_s = 0.0  # of what has passed of the stage
        self._studio: Studio | None = None
        self._reading: StlReading | None = None
        self._validated: Validated | None = None
        self._fingerprint: Fingerprint | None = None
        self._recipes = Recipes(self.layout, order.stl_path, order.render, order.validation, _checksum_of)
        earlier = load_processing_state(order.cache_folder)
        self._known = KnownOutputs((*(earlier.outputs if earlier else ()), *order.known))
        self._placed: list[Path] = []
        self._outputs: dict[Path, PlacedFile] = {out.path: out for out in (earlier.outputs if earlier else ())}
        self._reused: list[PlacedFile] = []
        self._warnings: list[str] = []
        self._durations_s: dict[str, float] = {}
        self._stages: dict[Stage, Callable[[StageProgress], None]] = {
            Stage.INTAKE: self._intake,
            Stage.VALIDATION: self._validation,
            Stage.ANALYSIS: self._analysis,
            Stage.IMAGE: self._image,
            Stage.SIZE_CHART: self._size_chart,
            Stage.COLOR_VARIATIONS: self._color_variations,
            Stage.VIDEO: self._video,
            Stage.FINISH: self._finish,
        }

    def do(self, stage: Stage, on_progress: StageProgress) -> None:
        """Do one stage, and write down that it is done.

        Raises
        ------
        JobRefused
            The file is judged unfit.
        StlkitError, OSError
            Something went wrong; everything placed so far is whole.
        """
        started, self._opening_s = time.monotonic(), 0.0
        self._stages[stage](on_progress)
        # a renderer is started for a process, not for a job: what a stage takes must not look longer by it
        duration_s = time.monotonic() - started - self._opening_s
        self._durations_s[stage] = round(duration_s, 3)
        self.log.stage(stage, duration_s)
        self._save_progress(stage)

    def results(self, errors: tuple[str, ...] = ()) -> JobResults:
        """Return what came out so far."""
        intake = self._reading.report if self._reading else None
        return JobResults(
            validation_passed=self._validated.report.passed if self._validated else None,
            files_generated=tuple(self._placed),
            errors=errors,
            warnings=tuple(self._warnings),
            stl_size=intake.file_size_bytes if intake else None,
            stl_checksum=intake.checksum_sha256 if intake else None,
            faces=intake.triangle_count if intake else None,
            stage_durations_s=dict(self._durations_s),
            output_bytes=sum(map(_size_of, self._placed)),
            geometry_hash=self._fingerprint.digest if self._fingerprint else None,
            geometry_size_mm=self._fingerprint.size_mm if self._fingerprint else None,
            options_hash=options_hash(self.order.render, self.order.validation, self.order.output),
            reused_files=len(self._reused),
            saved_s=round(sum(out.made_in_s for out in self._reused), 3),
        )

    def record_failure(self, message: str, findings: tuple[Finding, ...]) -> None:
        """Put the file into ``failed/``, and the logs to what was made of it."""
        made_something = bool(self._placed)
        self._placed.extend(record_failure(self.layout, self.order.stl_path, message, findings))
        if made_something:
            self._place_logs()

    # --- stages ---

    def _intake(self, _: StageProgress) -> None:
        self.log.info(f"attempt {self.order.attempt} at {self.order.stl_path}")
        self.log.options(self.order.render, self.order.validation, self.order.output)
        self._reading = read_stl(working_copy(self.order.stl_path, self.order.cache_folder / "stl_copy.stl"))
        self._fingerprint = fingerprint(self._reading.triangles)
        findings = self._reading.report.findings
        if not self._reading.report.usable:
            message = "; ".join(f.message for f in findings if f.severity is Severity.ERROR) or "no triangles"
            raise JobRefused(JobState.FAILED, message, findings)

    def _validation(self, _: StageProgress) -> None:
        self._validated = validate(self._read, self.order.validation)
        report = self._validated.report
        for message in report.warnings:
            self._warn(message)
        self._make(self._recipes.validation, _writing(to_plain(report)))
        if report.repair is not None and report.repair.changed:
            self._warn("repaired: " + "; ".join(action.message for action in report.repair.actions))
            if self.order.validation.save_repaired:
                self._make(self._recipes.repaired, lambda path: write_stl(self._sound.mesh, path))
        if not report.passed and self.order.validation.level is ValidationLevel.STRICT:
            raise JobRefused(JobState.SKIPPED, refusal_of(report.warnings), report.findings)

    def _analysis(self, _: StageProgress) -> None:
        mesh = self._sound.mesh
        if self._take(self._recipes.analysis):
            units_doubt = read_document(AnalysisReport, self.layout.analysis).units_doubt
        else:
            analysis = analyze(mesh, self._read.report, self.order.validation, examination=self._sound.examination)
            units_doubt = analysis.units_doubt
            self._make(self._recipes.analysis, _writing(to_plain(analysis)))
        if units_doubt:
            self._warn(units_doubt)
        if not self._take(self._recipes.dimensions):
            self._make(self._recipes.dimensions, _writing(to_plain(measure_dimensions(mesh))))

    def _image(self, _: StageProgress) -> None:
        self._draw(self._recipes.image, Studio.draw_still)

    def _size_chart(self, _: StageProgress) -> None:
        def draw(studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.draw_size_chart(options, path, title=self._recipes.title)

        self._draw(self._recipes.size_chart, draw)

    def _color_variations(self, on_progress: StageProgress) -> None:
        def draw(color: str, studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.draw_color_variation(options, color, path)

        palette = self.order.render.color_palette
        for count, color in enumerate(palette):
            on_progress(count / len(palette))
            self._draw(self._recipes.color_variation(color), partial(draw, color))

    def _video(self, on_progress: StageProgress) -> None:
        def draw(studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.record_turntable(options, path, on_progress=on_progress)

        self._draw(self._recipes.video, draw)

    def _finish(self, _: StageProgress) -> None:
        layout, source = self.layout, self.order.stl_path
        if layout.source_link is not None:
            self._placed.append(link_source(layout.source_link, source, within=layout.base_folder))
        if layout.file_info is not None:
            info = file_info(source, self._read.report, self._sound.report)
            self._placed.append(place_json(layout.file_info, info, within=layout.base_folder))
        clear_failure(layout, source)
        self._place_logs()

    # --- what stages use ---

    @property
    def _read(self) -> StlReading:
        return _required(self._reading)

    @property
    def _sound(self) -> Validated:
        return _required(self._validated)

    def _draw(self, recipe: Recipe, draw: Callable[[Studio, RenderOptions, Path], None]) -> None:
        """Draw, with lower quality and then smaller where the chosen settings fail."""
        if self._take(recipe):
            return
        name, attempts = recipe.target.name, _with_fallbacks(self.order.render)
        for number, (options, described) in enumerate(attempts, start=1):
            try:
                self._make(recipe, partial(self._drawn, draw, options), as_asked=number == 1)
            except (BackendUnavailableError, BackgroundError):  # no other settings would help
                raise
            except (RenderError, MemoryError) as error:
                self.log.warn(f"{name}: {described} failed: {error}")
                if number == len(attempts):
                    raise
            else:
                if number > 1:
                    self._warn(f"{name} was made with {described}, because the chosen settings failed")
                return

    def _drawn(self, draw: Callable[[Studio, RenderOptions, Path], None], options: RenderOptions, path: Path) -> None:
        if self._studio is None:  # opened for the first picture that has to be made
            started = time.monotonic()
            backend = self._open_backend(self.order.render.backend)
            self._opening_s += time.monotonic() - started
            self._studio = Studio(backend, self._sound.mesh)
        draw(self._studio, options, path)

    def _take(self, recipe: Recipe) -> bool:
        """Use an output that exists already, in its place or elsewhere; False where it has to be made."""
        key = recipe.key(self._checksum)
        if (kept := self._known.in_place(recipe.target, key)) is not None:
            self._outputs[kept.path] = kept
            how = "is up to date"
        else:
            temporary = self._temporary(recipe.target)
            try:
                if (copy := self._known.copy_of(key, temporary)) is None:
                    return False
                kept = self._put(copy, temporary, recipe.target)
            finally:
                temporary.unlink(missing_ok=True)
            how = "was copied from the same work elsewhere"
        self.log.info(f"{recipe.target.name} {how}")
        self._placed.append(recipe.target)
        self._reused.append(kept)
        return True

    def _make(self, recipe: Recipe, write: Callable[[Path], None], *, as_asked: bool = True) -> None:
        """Write a file in the job's cache folder, then move it to its place whole; unless it is there already."""
        if as_asked and self._take(recipe):
            return
        temporary = self._temporary(recipe.target)
        started = time.monotonic()
        try:
            write(temporary)
            key = recipe.key(self._checksum) if as_asked else None
            made = PlacedFile.of(temporary, key=key, made_in_s=round(time.monotonic() - started, 3))
            self._put(made, temporary, recipe.target)
        finally:
            temporary.unlink(missing_ok=True)
        self._placed.append(recipe.target)

    def _put(self, made: PlacedFile, temporary: Path, target: Path) -> PlacedFile:
        """Move a finished file to its place; one that stands there and may be a person's is kept beside it."""
        within = self.layout.base_folder
        if (reason := self._known.reason_to_keep(target, made)) is not None:
            self._warn(kept_aside(target, reason, keep_aside(target, within=within)))
        # on disk first: whoever comes after a kill in between must know the file for one of ours
        self._outputs[target] = replace(made, path=target, mtime_ns=0)
        self._save_progress(None)
        place(temporary, target, within=within)
        self._outputs[target] = made.at(target)
        return self._outputs[target]

    def _save_progress(self, stage: Stage | None) -> None:
        """Write down what there is; `stage` has just been finished."""
        state = ProcessingState(
            job_id=self.order.job_id,
            attempt=self.order.attempt,
            stage=stage or next(reversed(self._durations_s), None),
            finished_stages=tuple(self._durations_s),
            outputs=tuple(self._outputs.values()),
            stl_checksum=self._checksum or None,
        )
        save_processing_state(self.order.cache_folder, state)

    @property
    def _checksum(self) -> str:
        return self._read.report.checksum_sha256 or ""

    def _temporary(self, target: Path) -> Path:
        return self.order.cache_folder / f"render_temp{target.suffix}"

    def _place_logs(self) -> None:
        self.log.files(self._placed, self.layout.base_folder)
        within = self.layout.base_folder
        if self.log.errors_text:
            self._placed.append(place_text(self.layout.errors_log, self.log.errors_text, within=within))
        self._placed.append(place_text(self.layout.processing_log, self.log.text, within=within))

    def _warn(self, message: str) -> None:
        self._warnings.append(message)
        self.log.warn(message)


def _with_fallbacks(options: RenderOptions) -> tuple[tuple[RenderOptions, str], ...]:
    draft = replace(options, quality=Quality.DRAFT)
    small = replace(draft, width=max(16, options.width // 2), height=max(16, options.height // 2))
    return (
        (options, f"quality {options.quality}"),
        (draft, "quality draft"),
        (small, f"quality draft at {small.width}x{small.height}"),
    )


def _writing(value: object) -> Callable[[Path], None]:
    return lambda path: _write_json(path, value)


def _write_json(path: Path, value: object) -> None:
    path.write_bytes(json_bytes(value, compressed=path.suffix == ".gz"))


def _size_of(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else path.stat().st_size
    except OSError:  # taken away since
        return 0


def _checksum_of(path: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError):
        return sha256_of(path)
    return None


def _required(value: T | None) -> T:
    if value is None:
        raise RuntimeError("a stage came before the one it builds on")
    return value
