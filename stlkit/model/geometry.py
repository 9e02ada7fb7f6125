"""Triangles in memory, and the one binary record that an STL file is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HEADER_BYTES = 80
"""Length of the free text in front of a binary STL; a little-endian uint32 count follows it."""

STL_RECORD = np.dtype(
    [("normal", "<f4", (3,)), ("corners", "<f4", (3, 3)), ("attribute", "<u2")],
)
"""One facet of a binary STL, 50 bytes. Source: 3D Systems, *StereoLithography Interface Specification*, 1989."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriangleMesh:
    """A triangle mesh with shared vertices, in millimetres.

    Parameters
    ----------
    vertices : (v, 3) float64
        Positions.
    faces : (n, 3) int32
        Three vertex indices a face, counter-clockwise seen from outside.
    face_colors : (n, 3) uint8, optional
        sRGB colour of each face, where the file had them.

    Notes
    -----
    The arrays are shared, not copied; treat them as read-only.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int32]
    face_colors: npt.NDArray[np.uint8] | None = None

    @property
    def triangles(self) -> npt.NDArray[np.float64]:
        """Corners of every face, (n, 3, 3)."""
        return self.vertices[self.faces]

    @property
    def bounds_mm(self) -> npt.NDArray[np.float64]:
        """Lowest and highest corner of the axis-aligned box around the faces, (2, 3)."""
        is_used = np.zeros(len(self.vertices), dtype=bool)
        is_used[self.faces] = True
        used = self.vertices[is_used]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    @property
    def extents_mm(self) -> npt.NDArray[np.float64]:
        """Width (x), depth (y) and height (z) of that box, (3,)."""
        low, high = self.bounds_mm
        extents: npt.NDArray[np.float64] = high - low
        return extents


def facet_normals(triangles: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Compute unit normals by the right-hand rule; a face without area gets zeros.

    Parameters
    ----------
    triangles : (n, 3, 3) float

    Returns
    -------
    (n, 3) float64
    """
    corners = np.asarray(triangles, dtype=np.float64)
    with np.errstate(invalid="ignore"):  # a corner at infinity has no direction either
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit: npt.NDArray[np.float64] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    return unit


def encode_binary_stl(triangles: npt.NDArray[np.floating], header: str = "stlkit") -> bytes:
    """Write triangles as the bytes of a binary STL file.

    Parameters
    ----------
    triangles : (n, 3, 3) float
        In millimetres.
    header : str
        Free text; only its first 80 ASCII bytes are kept.

    Returns
    -------
    bytes
        84 + 50 n of them.
    """
    records = np.zeros(len(triangles), dtype=STL_RECORD)
    records["normal"] = facet_normals(triangles)
    records["corners"] = triangles
    head = header.encode("ascii", "replace")[:HEADER_BYTES].ljust(HEADER_BYTES, b"\0")
    return head + len(triangles).to_bytes(4, "little") + records.tobytes()
