"""Faces that add nothing: without area, or there already."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import RepairCode
from stlkit.mesh.surface import Step, Surface
from stlkit.mesh.welding import merge_clusters
from stlkit.model.reports import RepairAction, counted


def drop_degenerate(surface: Surface) -> Step | None:
    """Remove faces without area where that opens nothing.

    Those are faces that name a vertex twice, bodies made of nothing else, faces that hang on one edge or none,
    and, by merging its ends, faces with one edge too short to be told from a point. What is left are slivers
    between two sound faces; `stlkit.mesh.slivers` deals with them.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where nothing was removed.
    """
    if not surface.examination.degenerate.any():
        return None
    before = len(surface.mesh.faces)
    thinned = _without_idle_faces(_without_needles(surface))
    removed = before - len(thinned.mesh.faces)
    if not removed:
        return None
    message = f"removed {counted(removed, 'face')} without area"
    return Step(thinned, RepairAction(code=RepairCode.REMOVED_DEGENERATE_FACES.value, message=message, count=removed))


def drop_duplicates(surface: Surface) -> Step | None:
    """Remove faces that repeat another one.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where there are none.
    """
    before = len(surface.mesh.faces)
    for _ in range(2):  # copies in the same winding first; which of the opposed ones are left over shows only then
        duplicate = surface.examination.duplicate
        if duplicate.any():
            surface = surface.keeping(~duplicate)
    removed = before - len(surface.mesh.faces)
    if not removed:
        return None
    message = f"removed {counted(removed, 'face')} that repeated another"
    return Step(surface, RepairAction(code=RepairCode.REMOVED_DUPLICATE_FACES.value, message=message, count=removed))


def _without_idle_faces(surface: Surface) -> Surface:
    examination = surface.examination
    topology, shells = examination.topology, examination.shells
    flat_bodies = np.append(shells.flat, False)  # the last one serves faces of no body
    open_sides = np.bincount(topology.edges.sides_of(topology.open_edges) // 3, minlength=len(surface.origin))
    idle = topology.collapsed | flat_bodies[topology.bodies] | (examination.degenerate & (open_sides >= 2))
    return surface.keeping(~idle) if idle.any() and not idle.all() else surface


def _without_needles(surface: Surface) -> Surface:
    """Merge the ends of edges that are too short for their coordinates, if that opens or crowds no edge."""
    examination = surface.examination
    slivers = np.flatnonzero(examination.degenerate & ~examination.topology.collapsed)
    first, second = _shortest_edges(surface, slivers)
    if not len(first):
        return surface
    merged = surface.with_faces(merge_clusters(surface.mesh.faces, first, second, len(surface.mesh.vertices)))
    now, then = merged.examination.topology, examination.topology
    for mask in ("open_edges", "non_manifold_edges"):
        if np.count_nonzero(getattr(now, mask)) > np.count_nonzero(getattr(then, mask)):
            return surface
    return merged


def _shortest_edges(
    surface: Surface, faces: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    corners = surface.mesh.faces[faces].astype(np.int64)
    points = surface.mesh.vertices[corners]
    lengths = np.linalg.norm(np.roll(points, -1, axis=1) - points, axis=2)
    side = lengths.argmin(axis=1)
    rows = np.arange(len(faces))
    spacing = 4 * np.finfo(np.float32).eps * np.abs(points).max(axis=(1, 2), initial=0.0)
    short = lengths[rows, side] <= spacing
    return corners[rows, side][short], corners[rows, (side + 1) % 3][short]
