"""Meshes to binary STL files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stlkit.mesh.face_colors import encode_colors
from stlkit.mesh.sniffing import PREAMBLE_BYTES
from stlkit.model.geometry import STL_RECORD, TriangleMesh, encode_binary_stl


def write_stl(mesh: TriangleMesh, path: Path) -> None:
    """Write a mesh as a binary STL file, with the colours of its faces as VisCAM and SolidView write them.

    Parameters
    ----------
    mesh : TriangleMesh
    path : Path
        Replaced where it exists.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    data = encode_binary_stl(mesh.triangles)
    if mesh.face_colors is not None:
        colored = bytearray(data)
        records = np.frombuffer(colored, dtype=STL_RECORD, offset=PREAMBLE_BYTES)
        records["attribute"] = encode_colors(mesh.face_colors)
        data = bytes(colored)
    path.write_bytes(data)
