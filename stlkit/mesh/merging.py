"""From a soup of triangles to a mesh with shared vertices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.grouping import group_rows
from stlkit.model.geometry import TriangleMesh


def merge_vertices(
    triangles: npt.NDArray[np.float32], face_colors: npt.NDArray[np.uint8] | None = None
) -> TriangleMesh:
    """Give corners with exactly equal coordinates one shared vertex.

    Parameters
    ----------
    triangles : (n, 3, 3) float32
        Finite.
    face_colors : (n, 3) uint8, optional

    Returns
    -------
    TriangleMesh
        With the same faces in the same order; vertices are in the order in which they first appear.
    """
    # Adding zero turns -0.0 into 0.0; after that equal numbers have equal bits.
    corners = np.asarray(triangles, dtype=np.float32).reshape(-1, 3) + np.float32(0.0)
    bits = corners.view(np.uint32)
    groups = group_rows(
        (np.ascontiguousarray(bits[:, 0]), np.ascontiguousarray(bits[:, 1]), np.ascontiguousarray(bits[:, 2]))
    )
    return TriangleMesh(
        vertices=corners[groups.first].astype(np.float64),
        faces=groups.group.reshape(-1, 3).astype(np.int32),
        face_colors=face_colors,
    )


def used_vertices(mesh: TriangleMesh) -> npt.NDArray[np.bool_]:
    """Tell which vertices are a corner of any face, (v,)."""
    used = np.zeros(len(mesh.vertices), dtype=np.bool_)
    used[mesh.faces.ravel()] = True
    return used


def select_faces(mesh: TriangleMesh, kept: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> TriangleMesh:
    """Return a mesh of some faces and the vertices they use.

    Parameters
    ----------
    mesh : TriangleMesh
    kept : (n,) bool or (k,) int
        A mask over the faces, or their numbers in the wanted order.

    Returns
    -------
    TriangleMesh
    """
    colors = None if mesh.face_colors is None else mesh.face_colors[kept]
    chosen = TriangleMesh(vertices=mesh.vertices, faces=mesh.faces[kept], face_colors=colors)
    used = used_vertices(chosen)
    numbers = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return TriangleMesh(vertices=mesh.vertices[used], faces=numbers[chosen.faces], face_colors=colors)
