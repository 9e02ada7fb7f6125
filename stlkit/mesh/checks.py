"""What is wrong with a mesh, as findings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import CheckCode, check_finding
from stlkit.mesh.examination import Examination
from stlkit.model.options import ValidationLevel
from stlkit.model.reports import Finding, Severity, counted

FaceNumbers = npt.NDArray[np.integer]


def check(
    examination: Examination, level: ValidationLevel, origin: npt.NDArray[np.int64] | None = None
) -> tuple[Finding, ...]:
    """Judge a mesh at a level.

    Parameters
    ----------
    examination : Examination
    level : ValidationLevel
        ``basic`` asks nothing of the mesh; ``standard`` checks edges, winding, orientation, degenerate and
        duplicate faces and bodies; ``strict`` adds non-manifold edges and vertices, and minds several bodies.
    origin : (n,) int64, optional
        Number of each face in the file, negative for faces that are not from there.

    Returns
    -------
    tuple of Finding
        Empty where nothing is wrong.
    """
    if level is ValidationLevel.BASIC:
        return ()
    strict = level is ValidationLevel.STRICT
    findings = (
        *_edge_findings(examination, origin, strict=strict),
        *_face_findings(examination, origin),
        *_body_findings(examination, origin, strict=strict),
    )
    return findings + tuple(_vertex_findings(examination, origin)) if strict else findings


def _numbers(faces: npt.NDArray[np.int64], origin: npt.NDArray[np.int64] | None) -> FaceNumbers:
    if origin is None:
        return faces
    numbers = origin[faces]
    return np.sort(numbers[numbers >= 0])


def _edge_findings(
    examination: Examination, origin: npt.NDArray[np.int64] | None, *, strict: bool
) -> Iterator[Finding]:
    topology = examination.topology
    open_count = int(np.count_nonzero(topology.open_edges))
    if open_count:
        yield check_finding(
            CheckCode.OPEN_EDGES,
            f"the surface is not closed: {counted(open_count, 'edge belongs', 'edges belong')} to one face only",
            count=open_count,
            faces=_numbers(topology.faces_at(topology.open_edges), origin),
        )
    # Below strict these matter only where they are what keeps the surface from being closed.
    crowded = topology.non_manifold_edges if strict or not open_count else np.zeros_like(topology.open_edges)
    if not strict:
        crowded = crowded & (topology.edges.counts % 2 == 1)
    if crowded.any():
        count = int(np.count_nonzero(crowded))
        yield check_finding(
            CheckCode.NON_MANIFOLD_EDGES,
            f"{counted(count, 'edge belongs', 'edges belong')} to more than two faces",
            count=count,
            faces=_numbers(topology.faces_at(crowded), origin),
        )
    count = int(np.count_nonzero(topology.inconsistent_edges))
    if count:
        yield check_finding(
            CheckCode.INCONSISTENT_WINDING,
            f"at {counted(count, 'edge')} the two faces do not agree which side is outside",
            count=count,
            faces=_numbers(topology.faces_at(topology.inconsistent_edges), origin),
        )


def _face_findings(examination: Examination, origin: npt.NDArray[np.int64] | None) -> Iterator[Finding]:
    degenerate = np.flatnonzero(examination.degenerate)
    if len(degenerate):
        yield check_finding(
            CheckCode.DEGENERATE_FACES,
            f"{counted(len(degenerate), 'face has', 'faces have')} no area",
            count=len(degenerate),
            faces=_numbers(degenerate, origin),
        )
    duplicate = np.flatnonzero(examination.duplicate)
    if len(duplicate):
        yield check_finding(
            CheckCode.DUPLICATE_FACES,
            f"{counted(len(duplicate), 'face repeats', 'faces repeat')} another face",
            count=len(duplicate),
            faces=_numbers(duplicate, origin),
        )


def _body_findings(
    examination: Examination, origin: npt.NDArray[np.int64] | None, *, strict: bool
) -> Iterator[Finding]:
    shells = examination.shells
    inverted = np.flatnonzero(shells.inverted)
    if len(inverted):
        faces = np.flatnonzero(np.isin(examination.topology.bodies, inverted))
        yield check_finding(
            CheckCode.INVERTED_NORMALS,
            f"{len(inverted):,} of {len(shells):,} bodies are inside-out: their volume is negative",
            count=len(inverted),
            faces=_numbers(faces, origin),
        )
    bodies = len(shells) - int(np.count_nonzero(shells.cavities))
    if bodies > 1:
        yield check_finding(
            CheckCode.MULTIPLE_BODIES,
            f"the model consists of {bodies:,} separate bodies",
            count=bodies,
            severity=Severity.WARNING if strict else Severity.INFO,
        )


def _vertex_findings(examination: Examination, origin: npt.NDArray[np.int64] | None) -> Iterator[Finding]:
    vertices = examination.topology.non_manifold_vertices
    if len(vertices):
        yield check_finding(
            CheckCode.NON_MANIFOLD_VERTICES,
            f"at {counted(len(vertices), 'vertex', 'vertices')} surfaces touch in a single point",
            count=len(vertices),
            faces=_numbers(examination.topology.faces_around(vertices), origin),
        )
