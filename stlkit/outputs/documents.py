"""``source/file_info.json``: where a model came from and what it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stlkit.model.encoding import to_plain
from stlkit.model.reports import Finding, IntakeReport, ValidationReport
from stlkit.model.times import format_utc, utc_now

FILE_INFO_VERSION = "1.0"


def file_info(
    stl_path: Path,
    intake: IntakeReport,
    validation: ValidationReport | None = None,
    *,
    moment: datetime | None = None,
) -> dict[str, Any]:
    """Gather the facts about a source file.

    Parameters
    ----------
    stl_path : Path
        Absolute.
    intake : IntakeReport
    validation : ValidationReport, optional
        None where the file was not judged.
    moment : datetime, optional
        When the file was read; now, unless given.

    Returns
    -------
    dict
        Plain JSON values:

        ``version``
            Of this document, ``"1.0"``.
        ``stl_path``, ``stl_filename``, ``stl_size``, ``stl_checksum``
            The file; its size in bytes; its SHA-256, or null where it could not be read.
        ``stl_modified_at``
            When it was last changed (UTC), or null where it is out of reach by now.
        ``recorded_at``
            When it was read (UTC).
        ``format``, ``triangle_count``, ``declared_triangle_count``, ``solid_names``, ``header``, ``has_colors``
            What the reader understood; see `IntakeReport`.
        ``findings``
            What the reader noticed: list of ``code``, ``severity``, ``message``, ``count``.
        ``validation``
            ``level``, ``passed``, ``repaired`` (whether the mesh was changed) and ``findings``, or null. The faces
            concerned stand in ``ModelA_validation.json``.
    """
    return {
        "version": FILE_INFO_VERSION,
        "stl_path": str(stl_path),
        "stl_filename": stl_path.name,
        "stl_size": intake.file_size_bytes,
        "stl_modified_at": _modified_at(stl_path),
        "stl_checksum": intake.checksum_sha256,
        "recorded_at": format_utc(moment or utc_now()),
        "format": str(intake.format),
        "triangle_count": intake.triangle_count,
        "declared_triangle_count": intake.declared_triangle_count,
        "solid_names": list(intake.solid_names),
        "header": intake.header,
        "has_colors": intake.has_colors,
        "findings": _brief(intake.findings),
        "validation": None if validation is None else _judgement(validation),
    }


def _judgement(validation: ValidationReport) -> dict[str, Any]:
    return {
        "level": str(validation.level),
        "passed": validation.passed,
        "repaired": validation.repair is not None and validation.repair.changed,
        "findings": _brief(validation.findings),
    }


def _brief(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [{key: value for key, value in to_plain(finding).items() if key != "faces"} for finding in findings]


def _modified_at(stl_path: Path) -> str | None:
    try:
        return format_utc(datetime.fromtimestamp(stl_path.stat().st_mtime, tz=UTC))
    except (OSError, ValueError, OverflowError):  # gone, or a clock beyond the year 9999
        return None
