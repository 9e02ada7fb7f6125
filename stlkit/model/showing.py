"""How reports and jobs show themselves where a notebook has one as the last value of a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from stlkit.model.amounts import file_size
from stlkit.model.html import (
    Content,
    Markup,
    Right,
    element,
    facts_table,
    headline,
    isolated,
    joined,
    remark,
    rows_table,
)
from stlkit.model.text import one_line

if TYPE_CHECKING:
    from stlkit.model.jobs import QueueJob
    from stlkit.model.reports import (
        AnalysisReport,
        DimensionReport,
        Finding,
        IntakeReport,
        MeshSummary,
        RepairReport,
        ValidationReport,
    )

MOST_FINDINGS = 50
MOST_FILES = 20
MOST_JOBS = 20

# A sign beside every word, and a colour only on the sign: these keep a contrast of 3 on white and on nearly black.
_GREEN, _RED, _ORANGE, _BLUE, _GREY = "#009e73", "#d55e00", "#c48700", "#1f85c4", "#8c8c8c"
_SIGNS: Mapping[str, tuple[str, str]] = {
    "error": ("✗", _RED),
    "warning": ("!", _ORANGE),
    "info": ("i", _BLUE),
    "completed": ("✓", _GREEN),
    "failed": ("✗", _RED),
    "skipped": ("»", _ORANGE),
    "cancelled": ("–", _GREY),
    "paused": ("‖", _ORANGE),
    "pending": ("○", _GREY),
    "validating": ("▸", _BLUE),
    "processing": ("▸", _BLUE),
}


def signed(word: str) -> Markup:
    """Write a state or a severity with its sign."""
    sign, color = _SIGNS.get(word, ("·", _GREY))
    return joined(element("b", sign, style=f"color: {color}", aria_hidden="true"), f" {word}")


def intake_html(report: IntakeReport) -> Markup:
    """Show what the reader understood of a file."""
    kind = "not understood" if report.format == "unknown" else f"{report.format} STL"
    facts: list[tuple[str, Content]] = [
        ("Format", kind),
        ("Size", file_size(report.file_size_bytes)),
        ("Triangles", f"{report.triangle_count:,}"),
        ("Declared", None if report.declared_triangle_count is None else f"{report.declared_triangle_count:,}"),
        ("Solids", ", ".join(report.solid_names[:MOST_FILES])),
        ("Header", report.header),
        ("Colours", "yes" if report.has_colors else None),
        ("SHA-256", report.checksum_sha256),
    ]
    verdict = "usable" if report.usable else "nothing usable"
    return joined(headline("Intake", verdict), facts_table(facts), findings_html(report.findings))


def validation_html(report: ValidationReport) -> Markup:
    """Show the judgement over a file, and what a repair changed."""
    verdict = "passed" if report.passed else "not passed"
    return joined(
        headline("Validation", f"{verdict}, level {report.level}"),
        None if report.repair is not None or report.summary is None else facts_table(mesh_figures(report.summary)),
        None if report.repair is None else repair_html(report.repair),
        findings_html(report.findings),
    )


def repair_html(report: RepairReport) -> Markup:
    """Show what a repair did, and the mesh before and after it."""
    what = "changed the mesh" if report.changed else "changed nothing"
    before, after = mesh_figures(report.before), mesh_figures(report.after)
    rows = [(name, Right(old), Right(new)) for (name, old), (_, new) in zip(before, after, strict=True)]
    return joined(
        headline("Repair", f"refused: {report.refused}" if report.refused else what),
        *(remark(f"✓ {action.message}") for action in report.actions),
        rows_table(("", Right("before"), Right("after")), rows),
    )


def analysis_html(report: AnalysisReport) -> Markup:
    """Show what was measured on a model."""
    cubic = None if report.volume_cm3 is None else f"{report.volume_cm3:,.4g} cm³"
    mass = report.estimated_mass_g
    facts: list[tuple[str, Content]] = [
        ("Size", f"{_sizes(report.size_mm)} mm"),
        ("", f"{_sizes(report.size_inch)} in"),
        ("Volume", cubic or "none: the surface is not closed"),
        ("Surface", f"{report.area_mm2 / 100:,.4g} cm²"),
        ("Mass, solid", None if mass is None else f"{mass:,.4g} g at {report.density_g_cm3:g} g/cm³"),
        ("Faces", f"{report.faces:,}"),
        ("Vertices", f"{report.vertices:,}"),
        ("Bodies", f"{report.bodies:,}"),
        ("Watertight", _yes(report.watertight)),
        ("Wound consistently", _yes(report.winding_consistent)),
        ("Units", report.units_doubt),
        ("File", f"{report.format}, {file_size(report.file_size_bytes)}"),
    ]
    return joined(headline("Analysis"), facts_table(facts))


def dimensions_html(report: DimensionReport) -> Markup:
    """Show how large a model is."""
    facts: list[tuple[str, Content]] = [
        ("Width × depth × height", f"{_sizes((report.width_mm, report.depth_mm, report.height_mm))} mm"),
        ("", f"{_sizes((report.width_inch, report.depth_inch, report.height_inch))} in"),
        ("Diagonal", f"{report.diagonal_mm:,.4g} mm"),
        ("Smallest box, turned", f"{_sizes(report.minimal_box.size_mm)} mm"),
    ]
    return joined(headline("Dimensions"), facts_table(facts))


def findings_html(findings: Sequence[Finding]) -> Markup:
    """Show findings, the heaviest first."""
    weight = {"error": 0, "warning": 1}
    ordered = sorted(findings, key=lambda finding: weight.get(finding.severity, 2))
    if not ordered:
        return remark("✓ nothing was found")
    rows = [(signed(finding.severity), finding.message) for finding in ordered[:MOST_FINDINGS]]
    return joined(rows_table(("weight", "finding"), rows), more(len(ordered) - MOST_FINDINGS))


def job_html(job: QueueJob) -> Markup:
    """Show a job: where it stands, and what came of it."""
    results = job.results
    running = f" {job.progress:.0f} %, {job.stage}" if job.state.running and job.stage else ""
    stages = ", ".join(f"{name} {seconds:.2g} s" for name, seconds in results.stage_durations_s.items())
    files = tuple(element("div", isolated(path.name)) for path in results.files_generated[:MOST_FILES])
    facts: list[tuple[str, Content]] = [
        ("State", joined(signed(job.state), running)),
        ("Model", isolated(str(job.stl_path))),
        ("Outputs in", isolated(str(job.output_folder))),
        ("Waits for", job.question),
        ("Reason", job.error_message),
        ("Took", None if job.actual_duration is None else f"{job.actual_duration:,.1f} s"),
        ("Stages", stages),
        ("Attempts", f"{job.attempts}" if job.attempts > 1 else None),
        ("Faces", None if results.faces is None else f"{results.faces:,}"),
        ("Files", joined(*files, more(len(results.files_generated) - MOST_FILES)) if files else None),
        *((signed("warning"), text) for text in results.warnings[:MOST_FINDINGS]),
        ("Job", job.id),
    ]
    return joined(headline(one_line(job.stl_path.name)), facts_table(facts))


def jobs_html(jobs: Sequence[QueueJob]) -> Markup:
    """Show jobs as a table: what runs first, then what ended badly, then the others, each in their order."""
    if not jobs:
        return Markup()
    order = {"validating": 0, "processing": 0, "failed": 1, "paused": 2, "pending": 3}
    shown = sorted(jobs, key=lambda job: order.get(job.state, 4))[:MOST_JOBS]
    rows = [
        (
            signed(job.state),
            isolated(job.stl_path.name),
            Right(f"{job.progress:.0f} %" if job.state.running else ""),
            Right("" if job.actual_duration is None else f"{job.actual_duration:,.1f} s"),
            job.question or job.error_message or _warned(job),
        )
        for job in shown
    ]
    heads = ("state", "file", Right("done"), Right("took"), "remark")
    return joined(rows_table(heads, rows), more(len(jobs) - len(shown)))


def counts_text(jobs: Iterable[QueueJob]) -> str:
    """Say how many jobs are in which state: ``5 jobs: 1 processing, 1 pending, 3 completed``."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.state.value] = counts.get(job.state.value, 0) + 1
    total = sum(counts.values())
    each = ", ".join(f"{counts[state]:,} {state}" for state in _SIGNS if state in counts)
    return f"{total:,} job{'s' if total != 1 else ''}: {each}" if total else "empty"


def more(count: int) -> Markup | None:
    """Say that a list goes on; None where it does not."""
    return remark(f"and {count:,} more") if count > 0 else None


def _warned(job: QueueJob) -> str:
    warnings = job.results.warnings
    return f"{warnings[0]}{f' (and {len(warnings) - 1} more)' if len(warnings) > 1 else ''}" if warnings else ""


def mesh_figures(summary: MeshSummary) -> list[tuple[str, str]]:
    """Return names and values of the figures by which two states of a mesh are compared."""
    volume = "–" if summary.volume_mm3 is None else f"{summary.volume_mm3 / 1000:,.4g} cm³"
    return [
        ("Faces", f"{summary.faces:,}"),
        ("Vertices", f"{summary.vertices:,}"),
        ("Bodies", f"{summary.bodies:,}"),
        ("Watertight", _yes(summary.watertight)),
        ("Volume", volume),
        ("Surface", f"{summary.area_mm2 / 100:,.4g} cm²"),
        ("Open edges", f"{summary.open_edges:,}"),
        ("Edges of more than two faces", f"{summary.non_manifold_edges:,}"),
        ("Edges wound against each other", f"{summary.inconsistent_edges:,}"),
        ("Faces without area", f"{summary.degenerate_faces:,}"),
        ("Doubled faces", f"{summary.duplicate_faces:,}"),
    ]


def _sizes(lengths: Iterable[float]) -> str:
    return " × ".join(f"{length:,.4g}" for length in lengths)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
