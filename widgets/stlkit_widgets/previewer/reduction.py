"""Fewer triangles for the screen: vertices that fall into one small cell of space become one.

A cell is about a pixel of the drawing area wide, so that what is lost can only be seen from close by.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.grouping import group_rows
from stlkit.model.geometry import TriangleMesh

_FINEST_CELLS = 640
_FEWEST_CELLS = 8
_ENOUGH = 1.2

Triangles = npt.NDArray[np.float32]
Colors = npt.NDArray[np.uint8] | None


def reduced(triangles: Triangles, colors: Colors, *, faces: int) -> TriangleMesh:
    """Return fewer triangles that look like all of them.

    Source: J. Rossignac and P. Borrel, *Multi-resolution 3D approximations for rendering complex scenes*, 1993.

    Parameters
    ----------
    triangles : (n, 3, 3) float32
    colors : (n, 3) uint8, optional
    faces : int
        About so many are wanted.

    Returns
    -------
    TriangleMesh
        Vertices are the means of what fell together.
    """
    cells = _FINEST_CELLS
    mesh = _clustered(triangles.reshape(-1, 3), np.arange(triangles.size // 3).reshape(-1, 3), colors, cells)
    while len(mesh.faces) > _ENOUGH * faces and cells > _FEWEST_CELLS:
        # the faces that are left cover a surface, so their number goes with the square of the cells along a side
        cells = min(cells - 1, max(_FEWEST_CELLS, round(cells * (faces / len(mesh.faces)) ** 0.5)))
        mesh = _clustered(mesh.vertices.astype(np.float32), mesh.faces, mesh.face_colors, cells)
    return mesh


def _clustered(
    points: npt.NDArray[np.float32], faces: npt.NDArray[np.integer], colors: Colors, cells: int
) -> TriangleMesh:
    low, high = points.min(axis=0), points.max(axis=0)
    width = np.float32(max(float((high - low).max()) / cells, float(np.finfo(np.float32).tiny)))
    cell = np.ascontiguousarray(((points - low) / width).astype(np.uint32).T)
    groups = group_rows((cell[0], cell[1], cell[2]))
    a, b, c = groups.group[faces].T
    kept = (a != b) & (b != c) & (c != a)
    sums = [np.bincount(groups.group, weights=points[:, axis]) for axis in range(3)]
    return TriangleMesh(
        vertices=np.stack(sums, axis=1) / np.bincount(groups.group)[:, None],
        faces=np.stack([a[kept], b[kept], c[kept]], axis=1).astype(np.int32),
        face_colors=None if colors is None else colors[kept],
    )
