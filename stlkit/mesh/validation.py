"""The judgement over one file: what was read, what is wrong with it, what was mended, and what goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.checks import check
from stlkit.mesh.codes import CheckCode, IntakeCode, check_finding
from stlkit.mesh.examination import Examination
from stlkit.mesh.intake import StlReading
from stlkit.mesh.merging import merge_vertices
from stlkit.mesh.repair import Repaired, repair
from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import Finding, Severity, ValidationReport


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Validated:
    """A judged mesh.

    Parameters
    ----------
    mesh : TriangleMesh
        What goes on: repaired where that succeeded, else as it was read.
    report : ValidationReport
    examination : Examination
        Of that mesh; hand it to `stlkit.mesh.analysis.analyze` to save its work.
    """

    mesh: TriangleMesh
    report: ValidationReport
    examination: Examination


def validate(reading: StlReading, options: ValidationOptions) -> Validated:
    """Judge a file, and mend its mesh where that is wanted.

    Level ``basic`` asks that the file was read without loss, and neither looks at the topology nor mends
    anything. The other levels check the mesh, mend it if `options.auto_repair`, and check what came out.

    Parameters
    ----------
    reading : StlReading
    options : ValidationOptions

    Returns
    -------
    Validated
    """
    examination = Examination(merge_vertices(reading.triangles, reading.face_colors))
    if not reading.report.usable or options.level is ValidationLevel.BASIC:
        return _judged(examination, options.level, reading.report.findings)
    numbers = reading.face_numbers
    found = _read_and_checked(reading, check(examination, options.level, numbers))
    if not options.auto_repair:
        return _judged(examination, options.level, found, before=())
    repaired = repair(examination)
    if repaired.report.refused is not None:
        refusal = check_finding(
            CheckCode.REPAIR_REFUSED,
            f"a repair was tried and thrown away, because {repaired.report.refused}; the mesh goes on as it came",
        )
        return _judged(examination, options.level, (*found, refusal), before=found, repaired=repaired)
    if not repaired.report.changed:
        return _judged(examination, options.level, found, before=found, repaired=repaired)
    left = check(repaired.examination, options.level, _in_file(repaired.origin, numbers))
    return _judged(
        repaired.examination, options.level, _read_and_checked(reading, left), before=found, repaired=repaired
    )


def _judged(
    examination: Examination,
    level: ValidationLevel,
    findings: tuple[Finding, ...],
    *,
    before: tuple[Finding, ...] | None = None,
    repaired: Repaired | None = None,
) -> Validated:
    report = ValidationReport(
        level=level.value,
        passed=all(finding.severity is Severity.INFO for finding in findings),
        findings=findings,
        findings_before_repair=before or (),
        summary=None if before is None else examination.summary,
        repair=None if repaired is None else repaired.report,
    )
    return Validated(mesh=examination.mesh, report=report, examination=examination)


def _read_and_checked(reading: StlReading, checked: tuple[Finding, ...]) -> tuple[Finding, ...]:
    # The checks look for faces without area themselves, before a repair and after it.
    read = (f for f in reading.report.findings if f.code != IntakeCode.ZERO_AREA_FACES.value)
    return (*read, *checked)


def _in_file(origin: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64]:
    """Return the place in the file that each repaired face has; negative for new faces."""
    return origin if numbers is None else np.where(origin >= 0, numbers[origin], origin)
