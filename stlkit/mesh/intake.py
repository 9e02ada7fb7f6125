"""Any file to triangles and a report: damaged files give findings, never exceptions and never an empty success."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stlkit.mesh.ascii_reader import read_ascii
from stlkit.mesh.binary_reader import read_binary
from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.mesh.facets import Facets, numbers_in_file, zero_area_faces, zero_area_finding
from stlkit.mesh.sniffing import Content, sniff
from stlkit.mesh.source import read_source
from stlkit.model.reports import Finding, IntakeReport, Severity, StlFormat


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StlReading:
    """What was read from a file.

    Parameters
    ----------
    report : IntakeReport
    triangles : (n, 3, 3) float32
        Corners of every usable facet, in the order of the file, in its own units.
    face_colors : (n, 3) uint8, optional
        sRGB, where the facets carry colours.
    face_numbers : (n,) int64, optional
        Place of each facet in the file, counted from 0; None where every facet was usable.
    """

    report: IntakeReport
    triangles: npt.NDArray[np.float32]
    face_colors: npt.NDArray[np.uint8] | None = None
    face_numbers: npt.NDArray[np.int64] | None = None


def read_stl(path: Path) -> StlReading:
    """Read an STL file, binary or ASCII, sound or damaged.

    Whatever is wrong with the file, or with what stands where a file should be, is a finding in the report.
    The checksum is that of the very bytes that were parsed.

    Parameters
    ----------
    path : Path

    Returns
    -------
    StlReading
        ``report.usable`` tells whether there is anything to work with.

    Raises
    ------
    OSError
        The file is there but could not be read this time (I/O error, stale network handle, another program's
        lock on Windows); trying again may help.
    """
    source = read_source(path)
    return _nothing(source, b"", None) if isinstance(source, Finding) else parse_stl(source)


def parse_stl(data: bytes) -> StlReading:
    """Read the bytes of an STL file.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    StlReading
    """
    checksum = hashlib.sha256(data).hexdigest()
    content = sniff(data)
    if isinstance(content, Finding):
        return _nothing(content, data, checksum)
    facets = read_binary(data) if content is Content.BINARY else read_ascii(data)
    return StlReading(
        report=IntakeReport(
            format=facets.format,
            file_size_bytes=len(data),
            checksum_sha256=checksum,
            triangle_count=len(facets.triangles),
            declared_triangle_count=facets.declared_count,
            solid_names=facets.solid_names,
            header=facets.header,
            has_colors=facets.face_colors is not None,
            findings=(*facets.findings, *_last_findings(facets)),
        ),
        triangles=facets.triangles,
        face_colors=facets.face_colors,
        face_numbers=facets.face_numbers,
    )


def _last_findings(facets: Facets) -> tuple[Finding, ...]:
    if not len(facets.triangles):
        return (_no_triangle(facets.findings),)
    flat = np.flatnonzero(zero_area_faces(facets.triangles))
    return (zero_area_finding(numbers_in_file(flat, facets.face_numbers)),) if len(flat) else ()


def _no_triangle(findings: tuple[Finding, ...]) -> Finding:
    """Say that nothing usable is left, and what became of it where that is known."""
    reason = next((f.message for f in findings if f.severity is Severity.WARNING), "export the model again")
    return intake_finding(IntakeCode.ZERO_TRIANGLES, f"the file holds no usable triangle; {reason}")


def _nothing(finding: Finding, data: bytes, checksum: str | None) -> StlReading:
    report = IntakeReport(
        format=StlFormat.UNKNOWN,
        file_size_bytes=len(data),
        checksum_sha256=checksum,
        triangle_count=0,
        findings=(finding,),
    )
    return StlReading(report=report, triangles=np.empty((0, 3, 3), dtype=np.float32))
