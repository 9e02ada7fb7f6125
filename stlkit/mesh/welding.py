"""Cracks: open edges whose vertices should be one, and are apart by a rounding error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from stlkit.mesh.codes import RepairCode
from stlkit.mesh.merging import used_vertices
from stlkit.mesh.surface import Step, Surface
from stlkit.mesh.topology import components
from stlkit.model.reports import RepairAction, counted

# Of the model's diagonal. The first is what 32-bit floats round by, the last 1 um on a model of 100 mm.
_TOLERANCES = (1e-7, 1e-6, 1e-5)
_MOST_OPEN_EDGES = 1_000_000
_NEIGHBOURS = 9


def weld_cracks(surface: Surface) -> Step | None:
    """Merge vertices on open edges that lie closer together than a tiny share of the model's size.

    The tolerance grows as long as open edges are left. A weld stays only if it leaves fewer open edges and no
    more non-manifold ones.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where nothing was welded.
    """
    before = surface
    diagonal = float(np.linalg.norm(np.ptp(surface.examination.bounds_mm, axis=0)))
    for tolerance in _TOLERANCES:
        welded = _welded(surface, tolerance * diagonal)
        if welded is not None and _better(welded, surface):
            surface = welded
    if surface is before:
        return None
    merged = int(np.count_nonzero(used_vertices(before.mesh))) - int(np.count_nonzero(used_vertices(surface.mesh)))
    message = f"merged {counted(merged, 'vertex', 'vertices')} that lay apart by rounding errors"
    return Step(surface, RepairAction(code=RepairCode.WELDED_VERTICES.value, message=message, count=merged))


def merge_clusters(
    faces: npt.NDArray[np.int32], first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], vertices: int
) -> npt.NDArray[np.int32]:
    """Replace vertices that are linked, directly or through others, by the lowest of them.

    Parameters
    ----------
    faces : (n, 3) int32
    first, second : (m,) int64
        Both ends of each link.
    vertices : int
        How many vertices there are.

    Returns
    -------
    (n, 3) int32
    """
    labels = components(vertices, first, second)
    lowest = np.empty(int(labels.max(initial=-1)) + 1, dtype=np.int32)
    lowest[labels[::-1]] = np.arange(vertices, dtype=np.int32)[::-1]  # of several values the last one stays
    return np.asarray(lowest[labels][faces])


def _better(new: Surface, old: Surface) -> bool:
    now, then = new.examination.topology, old.examination.topology
    fewer_open = np.count_nonzero(now.open_edges) < np.count_nonzero(then.open_edges)
    return bool(fewer_open and np.count_nonzero(now.non_manifold_edges) <= np.count_nonzero(then.non_manifold_edges))


def _welded(surface: Surface, tolerance: float) -> Surface | None:
    topology = surface.examination.topology
    if not 0 < np.count_nonzero(topology.open_edges) <= _MOST_OPEN_EDGES:
        return None
    vertices = np.unique(topology.edges.ends[topology.open_edges])
    points = surface.mesh.vertices[vertices]
    # A bounded number of neighbours each: all pairs within reach could be as many as the square of the points.
    ranks = range(1, min(_NEIGHBOURS, len(points)) + 1)
    near = np.asarray(cKDTree(points).query(points, k=ranks, distance_upper_bound=tolerance)[1])
    linked = (near < len(points)) & (near != np.arange(len(points))[:, None])
    if not linked.any():
        return None
    first, second = np.nonzero(linked)[0], near[linked]
    kept = _tight(points, first, second, tolerance)
    if not kept.any():
        return None
    faces = merge_clusters(
        surface.mesh.faces, vertices[first[kept]], vertices[second[kept]], len(surface.mesh.vertices)
    )
    return surface.with_faces(faces)


def _tight(
    points: npt.NDArray[np.float64],
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
    tolerance: float,
) -> npt.NDArray[np.bool_]:
    """Tell which links belong to clusters no wider than four tolerances: a chain of points is a shape, not a crack."""
    labels = components(len(points), first, second)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    spread = np.maximum.reduceat(points[order], starts) - np.minimum.reduceat(points[order], starts)
    return np.asarray((spread.max(axis=1) <= 4 * tolerance)[labels[first]])
