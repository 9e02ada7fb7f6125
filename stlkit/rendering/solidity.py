"""Whether a mesh hides its own inside, so that a backend may leave out every face that looks away.

That halves the work of drawing, but would show holes in an open mesh and the far side of a body turned inside out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Indices = npt.NDArray[np.int64]


def hides_inside(positions: npt.NDArray[np.float32], faces: Indices) -> bool:
    """Tell whether only the outsides of faces can be seen from outside.

    Parameters
    ----------
    positions : (v, 3) float32
        Shared vertices.
    faces : (n, 3) int64
        Vertex indices.

    Returns
    -------
    bool
        Every edge is run along as often one way as the other (the surface is closed and consistently wound), and
        every connected piece has a positive volume (none is inside out, none is a cavity).
    """
    return _edges_cancel(faces) and bool((_volumes(positions, faces) > 0).all())


def _edges_cancel(faces: Indices) -> bool:
    """Compare the edges in both ways by the sums of a hash, without sorting.

    A sum over random 64-bit numbers is zero by chance once in 2**64.
    """
    start, end = faces, np.roll(faces, -1, axis=1)
    low, high = np.minimum(start, end).astype(np.uint64), np.maximum(start, end).astype(np.uint64)
    mixed = _mixed(low << np.uint64(32) | high)
    forward = start < end
    total = np.where(forward, mixed, ~mixed + np.uint64(1)).sum(dtype=np.uint64)
    return bool(total == 0)


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash 64-bit numbers. Source: the finaliser of splitmix64, S. Vigna, 2015."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _volumes(positions: npt.NDArray[np.float32], faces: Indices) -> npt.NDArray[np.float64]:
    """Return six times the signed volume of each connected piece, (k,)."""
    first, second, third = (positions[faces[:, corner]].astype(np.float64) for corner in range(3))
    parts = (
        first[:, 0] * (second[:, 1] * third[:, 2] - second[:, 2] * third[:, 1])
        + first[:, 1] * (second[:, 2] * third[:, 0] - second[:, 0] * third[:, 2])
        + first[:, 2] * (second[:, 0] * third[:, 1] - second[:, 1] * third[:, 0])
    )
    links = np.concatenate([faces[:, :2], faces[:, 1:]]).astype(np.int32)
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(positions),) * 2)
    _, piece = connected_components(graph, directed=False)
    has_faces = np.bincount(piece[faces[:, 0]]) > 0
    volumes = np.bincount(piece[faces[:, 0]], weights=parts)[has_faces]
    return volumes.astype(np.float64)
