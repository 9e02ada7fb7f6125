"""The shape of triangles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.mesh.examination import Examination
from stlkit.mesh.plain import spread
from stlkit.model.reports import Spread, TriangleQuality


def triangle_quality(examination: Examination) -> TriangleQuality:
    """Measure angles, ratios, edges and areas of all faces.

    Parameters
    ----------
    examination : Examination
        Of a mesh with at least one face.

    Returns
    -------
    TriangleQuality
    """
    mesh = examination.mesh
    corners = mesh.triangles
    sides = corners[:, [1, 2, 0]] - corners
    doubled_area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    sound = ~examination.degenerate & (doubled_area > 0)
    lengths = np.sort(np.linalg.norm(sides[sound], axis=2), axis=1)
    angles = _smallest_angles(lengths, doubled_area[sound])
    ends = mesh.vertices[examination.topology.edges.ends]
    return TriangleQuality(
        min_angle_deg=spread(angles),
        aspect_ratio=spread(_aspect_ratios(lengths, doubled_area[sound])),
        edge_length_mm=spread(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)),
        face_area_mm2=spread(doubled_area / 2) or Spread(min=0.0, mean=0.0, median=0.0, max=0.0),
        faces_below_1_deg=int(np.count_nonzero(angles < 1.0)),
        degenerate_faces=int(np.count_nonzero(examination.degenerate)),
    )


def _smallest_angles(
    lengths: npt.NDArray[np.float64], doubled_area: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the angle opposite the shortest side, in degrees, from sides in ascending order."""
    shortest, middle, longest = lengths.T
    # The tangent: doubled area over the dot product of the two longer sides; exact for the thinnest needle.
    dot = (middle**2 + longest**2 - shortest**2) / 2
    return np.asarray(np.degrees(np.arctan2(doubled_area, dot)))


def _aspect_ratios(lengths: npt.NDArray[np.float64], doubled_area: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return circumradius over twice the inradius."""
    # R = abc / 4A and r = 2A / (a + b + c).
    ratios: npt.NDArray[np.float64] = lengths.prod(axis=1) * lengths.sum(axis=1) / (4 * doubled_area**2)
    return ratios
