"""One attempt at one job: what its stages share, and what they do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from stlkit.errors import BackendUnavailableError, RenderError
from stlkit.files import encode_json
from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.fingerprint import Fingerprint, fingerprint
from stlkit.mesh.intake import StlReading, read_stl
from stlkit.mesh.validation import Validated, validate
from stlkit.mesh.writing import write_stl
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import Quality, RenderOptions, ValidationLevel
from stlkit.model.reports import Finding, Severity
from stlkit.outputs.documents import file_info
from stlkit.outputs.failed import clear_failure, record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.logs import JobLog
from stlkit.outputs.placing import link_source, place, place_json, place_text
from stlkit.pipeline.order import JobOrder
from stlkit.pipeline.plan import Stage
from stlkit.pipeline.source import working_copy
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
    """The stages of one attempt, each a method, and what they hand on to each other.

    Parameters
    ----------
    order : JobOrder
    open_studio : callable
        Loads a mesh into the process's one renderer.
    """

    def __init__(self, order: JobOrder, open_studio: Callable[[Validated, RenderOptions], Studio]) -> None:
        self.order = order
        self.log = JobLog(order.stl_path)
        self.layout = OutputLayout(
            base_folder=order.output_base_folder,
            output_name=order.output_name,
            settings=order.output,
            render_options=order.render,
            moment=order.created_at,
        )
        self._open_studio = open_studio
        self._studio: Studio | None = None
        self._reading: StlReading | None = None
        self._validated: Validated | None = None
        self._fingerprint: Fingerprint | None = None
        self._options_digest = _digest(order)
        self._earlier = self._made_earlier()
        self._placed: list[Path] = []
        self._outputs: list[PlacedFile] = []
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
        started = time.monotonic()
        self._stages[stage](on_progress)
        duration_s = time.monotonic() - started
        self._durations_s[stage] = round(duration_s, 3)
        self.log.stage(stage, duration_s)
        state = ProcessingState(
            job_id=self.order.job_id,
            attempt=self.order.attempt,
            stage=stage,
            finished_stages=tuple(self._durations_s),
            outputs=tuple(self._outputs),
            options_digest=self._options_digest,
            stl_checksum=self._read.report.checksum_sha256,
        )
        save_processing_state(self.order.cache_folder, state)

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
            output_bytes=sum(output.size_bytes for output in self._outputs),
            geometry_hash=self._fingerprint.digest if self._fingerprint else None,
            geometry_size_mm=self._fingerprint.size_mm if self._fingerprint else None,
        )

    def record_failure(self, message: str, findings: tuple[Finding, ...]) -> None:
        """Put the file into ``failed/``, and the logs to what was made of it."""
        self._placed.extend(record_failure(self.layout, self.order.stl_path, message, findings))
        if self._outputs:
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
        self._place_json(self.layout.validation, to_plain(report))
        if report.repair is not None and report.repair.changed:
            self.log.info("repaired: " + "; ".join(action.message for action in report.repair.actions))
            if self.order.validation.save_repaired:
                self._make(self.layout.repaired, lambda path: write_stl(self._sound.mesh, path))
        if not report.passed and self.order.validation.level is ValidationLevel.STRICT:
            message = "refused by strict validation: " + "; ".join(report.warnings)
            raise JobRefused(JobState.SKIPPED, message, report.findings)

    def _analysis(self, _: StageProgress) -> None:
        mesh = self._sound.mesh
        analysis = analyze(mesh, self._read.report, self.order.validation, examination=self._sound.examination)
        if analysis.units_doubt:
            self._warn(analysis.units_doubt)
        self._place_json(self.layout.analysis, to_plain(analysis))
        self._place_json(self.layout.dimensions, to_plain(measure_dimensions(mesh)))

    def _image(self, _: StageProgress) -> None:
        self._draw(self.layout.render, Studio.draw_still)

    def _size_chart(self, _: StageProgress) -> None:
        def draw(studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.draw_size_chart(options, path, title=self.order.output_name)

        self._draw(self.layout.size_chart, draw)

    def _color_variations(self, on_progress: StageProgress) -> None:
        def draw(color: str, studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.draw_color_variation(options, color, path)

        palette = self.order.render.color_palette
        for count, color in enumerate(palette):
            on_progress(count / len(palette))
            self._draw(self.layout.color_variation(color), partial(draw, color))

    def _video(self, on_progress: StageProgress) -> None:
        def draw(studio: Studio, options: RenderOptions, path: Path) -> None:
            studio.record_turntable(options, path, on_progress=on_progress)

        self._draw(self.layout.video, draw)

    def _finish(self, _: StageProgress) -> None:
        layout, source = self.layout, self.order.stl_path
        if layout.source_link is not None:
            self._placed.append(link_source(layout.source_link, source, within=layout.base_folder))
        if layout.file_info is not None:
            self._place_json(layout.file_info, file_info(source, self._read.report, self._sound.report))
        clear_failure(layout, source)
        self._place_logs()

    # --- what stages use ---

    @property
    def _read(self) -> StlReading:
        return _required(self._reading)

    @property
    def _sound(self) -> Validated:
        return _required(self._validated)

    def _draw(self, target: Path, draw: Callable[[Studio, RenderOptions, Path], None]) -> None:
        """Draw, with lower quality and then smaller where the chosen settings fail."""
        attempts = _with_fallbacks(self.order.render)
        for number, (options, described) in enumerate(attempts, start=1):
            try:
                self._make(target, partial(self._drawn, draw, options))
            except BackendUnavailableError:
                raise
            except (RenderError, MemoryError) as error:
                self.log.warn(f"{target.name}: {described} failed: {error}")
                if number == len(attempts):
                    raise
            else:
                if number > 1:
                    self._warn(f"{target.name} was made with {described}, because the chosen settings failed")
                return

    def _drawn(self, draw: Callable[[Studio, RenderOptions, Path], None], options: RenderOptions, path: Path) -> None:
        if self._studio is None:  # opened for the first picture that has to be made
            self._studio = self._open_studio(self._sound, self.order.render)
        draw(self._studio, options, path)

    def _made_earlier(self) -> ProcessingState | None:
        """Return what an earlier attempt placed, if it worked with the same options."""
        earlier = load_processing_state(self.order.cache_folder)
        return earlier if earlier is not None and earlier.options_digest == self._options_digest else None

    def _kept(self, target: Path) -> PlacedFile | None:
        """Return an output of an earlier attempt that is still whole and shows the same source."""
        if self._earlier is None or self._earlier.stl_checksum != self._read.report.checksum_sha256:
            return None
        return next((out for out in self._earlier.outputs if out.path == target and out.is_whole()), None)

    def _make(self, target: Path, write: Callable[[Path], None]) -> None:
        """Write a file in the job's cache folder, then move it to its place whole."""
        if (kept := self._kept(target)) is not None:
            self.log.info(f"{target.name} is kept from an earlier attempt")
            self._placed.append(target)
            self._outputs.append(kept)
            return
        temporary = self.order.cache_folder / f"render_temp{target.suffix}"
        try:
            write(temporary)
            made = PlacedFile.of(temporary)
            place(temporary, target, within=self.layout.base_folder)
        finally:
            temporary.unlink(missing_ok=True)
        self._placed.append(target)
        self._outputs.append(replace(made, path=target))

    def _place_json(self, target: Path, value: object) -> None:
        place_json(target, value, within=self.layout.base_folder)
        self._placed.append(target)
        self._outputs.append(PlacedFile.of(target))

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


def _digest(order: JobOrder) -> str:
    options = encode_json(to_plain([order.render, order.validation, order.output]))
    return hashlib.sha256(options).hexdigest()


def _required(value: T | None) -> T:
    if value is None:
        raise RuntimeError("a stage came before the one it builds on")
    return value
