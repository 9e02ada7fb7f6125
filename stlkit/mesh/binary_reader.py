"""Binary STL: one numpy view over the bytes, never an allocation that the header asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.mesh.face_colors import decode_colors
from stlkit.mesh.facets import Facets, finite_faces, non_finite_finding
from stlkit.mesh.sniffing import FACET_BYTES, PREAMBLE_BYTES, declared_count, sane_coordinates
from stlkit.model.geometry import HEADER_BYTES, STL_RECORD
from stlkit.model.reports import Finding, StlFormat, counted

# A count that asks for more than this was never meant as a count: writers that stream put 0 or 0xFFFFFFFF there.
_LARGEST_MEANT = 1 << 30


@dataclass(frozen=True, slots=True)
class _Extent:
    """How many whole facets are read, and what did not fit."""

    facets: int
    findings: tuple[Finding, ...] = ()


def read_binary(data: bytes) -> Facets:
    """Read a binary STL file.

    Parameters
    ----------
    data : bytes
        At least 84 of them.

    Returns
    -------
    Facets
        Every whole facet with finite coordinates, whatever the count in the header says.
    """
    extent = _extent(data)
    records = np.frombuffer(data, dtype=STL_RECORD, count=extent.facets, offset=PREAMBLE_BYTES)
    header = data[:HEADER_BYTES]
    colors, color_findings = decode_colors(header, records["attribute"])
    findings = [*_header_findings(header), *extent.findings, *color_findings]
    triangles = np.ascontiguousarray(records["corners"])
    face_numbers = None
    finite = finite_faces(triangles)
    if not finite.all():
        findings.append(non_finite_finding(np.flatnonzero(~finite)))
        face_numbers = np.flatnonzero(finite)
        triangles = triangles[finite]
        colors = None if colors is None else colors[finite]
    return Facets(
        format=StlFormat.BINARY,
        triangles=triangles,
        face_numbers=face_numbers,
        face_colors=colors,
        declared_count=declared_count(data),
        header=_printable(header) or None,
        findings=tuple(findings),
    )


def _extent(data: bytes) -> _Extent:
    declared = declared_count(data)
    room, rest = divmod(len(data) - PREAMBLE_BYTES, FACET_BYTES)
    if declared > room:
        return _Extent(room, _shortfall(declared, room, rest))
    if declared < room and _goes_on(data, declared, room):
        return _Extent(room, (_understated(declared, room), *_trailing(rest, room)))
    return _Extent(declared, _trailing(len(data) - PREAMBLE_BYTES - FACET_BYTES * declared, declared))


def _shortfall(declared: int, room: int, rest: int) -> tuple[Finding, ...]:
    if declared > _LARGEST_MEANT:
        message = (
            f"the header claims {declared:,} facets, which no file of this size holds; {room:,} whole facets were read"
        )
        return (intake_finding(IntakeCode.COUNT_TOO_LARGE, message, count=declared), *_trailing(rest, room))
    if rest:
        return (
            intake_finding(
                IntakeCode.TRUNCATED_BINARY,
                f"the file ends inside a facet: {room:,} of {declared:,} facets are whole and were read; "
                "download or export it again",
                count=declared - room,
            ),
        )
    return (
        intake_finding(
            IntakeCode.COUNT_TOO_LARGE,
            f"the header claims {declared:,} facets but the file ends after {room:,} whole ones, which were read; "
            "either the count is wrong or the file was cut",
            count=declared - room,
        ),
    )


def _understated(declared: int, room: int) -> Finding:
    code = IntakeCode.COUNT_TOO_SMALL if declared else IntakeCode.COUNT_ZERO
    message = f"the header claims {declared:,} facets but {room:,} follow; all of them were read"
    return intake_finding(code, message, count=room - declared)


def _trailing(count: int, facets: int) -> tuple[Finding, ...]:
    if not count:
        return ()
    message = (
        f"{counted(count, 'byte follows', 'bytes follow')} the last of {counted(facets, 'facet')}; "
        "that is no facet and was left out"
    )
    return (intake_finding(IntakeCode.TRAILING_BYTES, message, count=count),)


def _goes_on(data: bytes, declared: int, room: int) -> bool:
    """Tell whether what follows the declared facets is more facets, rather than something appended."""
    records = np.frombuffer(data, dtype=STL_RECORD, count=room, offset=PREAMBLE_BYTES)
    extra = records[declared : declared + 4096]
    believable = sane_coordinates(extra["corners"]) & _unit_or_zero(extra["normal"])
    believable &= (extra["corners"] != 0).any(axis=(1, 2))  # padding with zeros is no facet
    if declared:
        believable &= _near(extra["corners"], records["corners"][:declared][:4096])
    return bool(believable.mean() > 0.9)


def _unit_or_zero(normals: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(normals.astype(np.float64), axis=1)
        fits: npt.NDArray[np.bool_] = (lengths < 1e-6) | (np.abs(lengths - 1.0) < 0.1)
    return fits


def _near(corners: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    points = known[finite_faces(known)].reshape(-1, 3).astype(np.float64)
    if not len(points):
        return np.ones(len(corners), dtype=np.bool_)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = 100.0 * max(float((high - low).max()), float(np.finfo(np.float32).tiny))
    with np.errstate(invalid="ignore"):
        inside: npt.NDArray[np.bool_] = ((corners >= low - reach) & (corners <= high + reach)).all(axis=(1, 2))
    return inside


def _header_findings(header: bytes) -> tuple[Finding, ...]:
    if header.lstrip()[:5].lower() != b"solid":
        return ()
    message = "the header of this binary file begins with 'solid', which some programs take for ASCII"
    return (intake_finding(IntakeCode.SOLID_IN_BINARY_HEADER, message),)


def _printable(header: bytes) -> str:
    text = header.split(b"\0", 1)[0].decode("ascii", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text).strip()
