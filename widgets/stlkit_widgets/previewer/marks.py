"""Where in a model its findings are: lines and faces to draw, and places to fly to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import CheckCode
from stlkit.mesh.examination import Examination
from stlkit.mesh.surface import Surface
from stlkit.mesh.topology import components
from stlkit.mesh.winding import align_winding
from stlkit.model.reports import counted
from stlkit.rendering.normals import CREASE_RAD
from stlkit.rendering.scene import FloatArray

MOST_PLACES = 100
"""So many places of one finding are listed, the largest first; all of them are drawn."""

Integers = npt.NDArray[np.integer]
Nouns = tuple[str, str]
"""What one is called, and several."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """One spot of a finding, such as one hole.

    Parameters
    ----------
    label : str
        What is there, for a person.
    center_mm : (3,) float64
    radius_mm : float
        Of a ball around it.
    normal : (3,) float64
        Unit vector from which it is seen well.
    """

    label: str
    center_mm: FloatArray
    radius_mm: float
    normal: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mark:
    """What is drawn for one finding.

    Parameters
    ----------
    color : str
    segments_mm : (k, 2, 3) float64
        Lines.
    triangles_mm : (m, 3, 3) float64
        Faces.
    places : tuple of Place
        At most `MOST_PLACES`, the largest first.
    place_count : int
        How many there are in all.
    """

    color: str
    segments_mm: FloatArray
    triangles_mm: FloatArray
    places: tuple[Place, ...]
    place_count: int


def mark(code: str, examination: Examination) -> Mark | None:
    """Find where a finding of the checks is.

    Parameters
    ----------
    code : str
        Of the finding.
    examination : Examination
        Of the mesh it was found in.

    Returns
    -------
    Mark or None
        None for what has no place.
    """
    if code not in _FINDERS:
        return None
    return _FINDERS[CheckCode(code)](examination)


def creases(examination: Examination) -> FloatArray:
    """Return the edges that a person would draw: sharp ones and those with other than two faces, (k, 2, 3) in mm."""
    mesh, edges = examination.mesh, examination.topology.edges
    corners = mesh.triangles
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    drawn = edges.counts != 2
    starts = edges.starts[~drawn]
    first, second = normals[edges.sides[starts] // 3], normals[edges.sides[starts + 1] // 3]
    # neighbours that are wound against each other have opposite normals where the surface is smooth
    agreement = np.abs(np.einsum("ij,ij->i", first, second))
    drawn[~drawn] = agreement < np.cos(CREASE_RAD)
    segments: FloatArray = mesh.vertices[edges.ends[drawn]]
    return segments


def _edges(color: str, nouns: Nouns, chosen: Callable[[Examination], npt.NDArray[np.bool_]]) -> Finder:
    def find(examination: Examination) -> Mark:
        mesh, edges = examination.mesh, examination.topology.edges
        mask = chosen(examination)
        ends = edges.ends[mask]
        beside = edges.sides[edges.starts[mask]] // 3
        labels = components(len(mesh.vertices), ends[:, 0], ends[:, 1])[ends[:, 0]]
        places, count = _places(mesh.vertices[ends], mesh.triangles[beside], labels, nouns)
        return Mark(
            color=color,
            segments_mm=mesh.vertices[ends],
            triangles_mm=np.empty((0, 3, 3)),
            places=places,
            place_count=count,
        )

    return find


def _faces(
    color: str,
    nouns: Nouns,
    chosen: Callable[[Examination], Integers],
    *,
    outlined: bool = False,
    flipped: bool = False,
) -> Finder:
    def find(examination: Examination) -> Mark:
        mesh = examination.mesh
        numbers = chosen(examination)
        faces = mesh.faces[numbers].astype(np.int64)
        links = np.concatenate([faces[:, :2], faces[:, 1:]])
        labels = components(len(mesh.vertices), links[:, 0], links[:, 1])[faces[:, 0]]
        triangles = mesh.vertices[faces]
        places, count = _places(triangles, triangles[:, ::-1] if flipped else triangles, labels, nouns)
        sides = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2, 3)
        return Mark(
            color=color,
            segments_mm=sides if outlined else np.empty((0, 2, 3)),
            triangles_mm=triangles,
            places=places,
            place_count=count,
        )

    return find


def _places(
    points: FloatArray, beside: FloatArray, labels: npt.NDArray[np.int64], nouns: Nouns
) -> tuple[tuple[Place, ...], int]:
    """Gather what hangs together: (k, p, 3) points of k edges or faces, and a face beside each, (k, 3, 3)."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    normals = np.cross(beside[:, 1] - beside[:, 0], beside[:, 2] - beside[:, 0])
    found = []
    for number in np.argsort(-sizes, kind="stable")[:MOST_PLACES].tolist():
        members = order[starts[number] : starts[number] + sizes[number]]
        low, high = points[members].min(axis=(0, 1)), points[members].max(axis=(0, 1))
        normal = normals[members].sum(axis=0)
        length = float(np.linalg.norm(normal))
        found.append(
            Place(
                label=counted(len(members), *nouns),
                center_mm=(low + high) / 2,
                radius_mm=float(np.linalg.norm(high - low)) / 2,
                normal=normal / length if length > 0 else np.zeros(3),
            )
        )
    return tuple(found), len(sizes)


def _flipped(examination: Examination) -> Integers:
    """Return the faces that a repair would turn over; where that mends nothing, all at the doubtful edges."""
    step = align_winding(Surface(examination, np.arange(len(examination.mesh.faces))))
    if step is None:
        return examination.topology.faces_at(examination.topology.inconsistent_edges)
    return np.flatnonzero((step.surface.mesh.faces != examination.mesh.faces).any(axis=1))


def _inside_out(examination: Examination) -> Integers:
    inverted = np.flatnonzero(examination.shells.inverted)
    return np.flatnonzero(np.isin(examination.topology.bodies, inverted))


Finder = Callable[[Examination], Mark]

_FINDERS: MappingProxyType[str, Finder] = MappingProxyType(
    {
        CheckCode.OPEN_EDGES: _edges("#e5194b", ("open edge", "open edges"), lambda e: e.topology.open_edges),
        CheckCode.NON_MANIFOLD_EDGES: _edges(
            "#c026d3", ("crowded edge", "crowded edges"), lambda e: e.topology.non_manifold_edges
        ),
        CheckCode.INCONSISTENT_WINDING: _faces("#e0007a", ("flipped face", "flipped faces"), _flipped, flipped=True),
        CheckCode.INVERTED_NORMALS: _faces(
            "#e0007a", ("face inside out", "faces inside out"), _inside_out, flipped=True
        ),
        CheckCode.DEGENERATE_FACES: _faces(
            "#7c3aed",
            ("face without area", "faces without area"),
            lambda e: np.flatnonzero(e.degenerate),
            outlined=True,
        ),
        CheckCode.DUPLICATE_FACES: _faces(
            "#0284c7", ("repeated face", "repeated faces"), lambda e: np.flatnonzero(e.duplicate), outlined=True
        ),
    }
)
