"""How large a model is."""

from __future__ import annotations

import numpy as np

from stlkit.mesh.merging import used_vertices
from stlkit.mesh.minimal_box import minimal_box
from stlkit.mesh.plain import MM_PER_INCH, bounds, vector
from stlkit.model.geometry import TriangleMesh
from stlkit.model.reports import DimensionReport


def measure_dimensions(mesh: TriangleMesh) -> DimensionReport:
    """Measure a mesh along the axes, and by the smallest box that may be turned.

    Parameters
    ----------
    mesh : TriangleMesh
        With at least one face.

    Returns
    -------
    DimensionReport
    """
    points = mesh.vertices[used_vertices(mesh)]
    low, high = points.min(axis=0), points.max(axis=0)
    width, depth, height = (high - low).tolist()
    return DimensionReport(
        width_mm=width,
        depth_mm=depth,
        height_mm=height,
        width_inch=width / MM_PER_INCH,
        depth_inch=depth / MM_PER_INCH,
        height_inch=height / MM_PER_INCH,
        bounds_mm=bounds(low, high),
        center_mm=vector((low + high) / 2),
        diagonal_mm=float(np.linalg.norm(high - low)),
        box_volume_mm3=width * depth * height,
        minimal_box=minimal_box(points),
    )
