"""From a file to what can be shown of it: a model, or the reasons why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stlkit.errors import RenderError
from stlkit.mesh.intake import read_stl
from stlkit.mesh.validation import validate
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import Finding, Severity
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import Geometry

LARGE_FACES = 500_000
"""From here on a browser takes some seconds until it shows a model."""

_CHECKS = ValidationOptions(level=ValidationLevel.STANDARD, auto_repair=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """What a file gave.

    Parameters
    ----------
    geometry : Geometry or None
        The model as it is in the file, nothing mended; None where there is nothing to show.
    findings : tuple of Finding
        Everything there is to say about the file.
    """

    geometry: Geometry | None
    findings: tuple[Finding, ...]


def load(path: Path) -> Loaded:
    """Read and check a file; whatever is wrong with it is a finding, never an exception.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Loaded
    """
    findings: tuple[Finding, ...] = ()
    try:
        reading = read_stl(path)
        findings = reading.report.findings
        if not reading.report.usable:
            return Loaded(geometry=None, findings=findings)
        validated = validate(reading, _CHECKS)
        findings = validated.report.findings
        return Loaded(geometry=prepare_geometry(validated.mesh), findings=findings)
    except (OSError, RenderError) as error:
        refusal = Finding(code="not_drawable", severity=Severity.ERROR, message=str(error))
        return Loaded(geometry=None, findings=(*findings, refusal))


def described(geometry: Geometry) -> str:
    """Say how many faces a model has and how large it is: ``4,320 faces · 60 × 60 × 12 mm``."""
    low, high = geometry.bounds * geometry.radius_mm
    size = " × ".join(f"{length:.4g}" for length in high - low)
    large = "large: " if len(geometry.faces) > LARGE_FACES else ""
    return f"{large}{len(geometry.faces):,} faces · {size} mm"
