"""From a file to what can be shown of it: a model, or the reasons why there is none.

In two steps, so that a model is on the screen while what is wrong with it is still being found out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stlkit.errors import RenderError
from stlkit.mesh.intake import StlReading, read_stl
from stlkit.mesh.merging import merge_vertices
from stlkit.mesh.validation import Validated, validate
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import Finding, Severity
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import FloatArray, Geometry
from stlkit_widgets.previewer.reduction import reduced

LARGE_FACES = 600_000
"""Models with more faces than this are reduced for the screen."""
SHOWN_FACES = 250_000
"""About so many faces are left of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """What is drawn of a model.

    Parameters
    ----------
    geometry : Geometry
    face_count : int
        Of the model itself.
    bounds_mm : (2, 3) float64
        Lowest and highest corner of the model itself.
    is_reduced : bool
        Whether the geometry only looks like the model, with fewer faces.
    """

    geometry: Geometry
    face_count: int
    bounds_mm: FloatArray
    is_reduced: bool

    def in_model_space(self, points_mm: FloatArray) -> FloatArray:
        """Return points of the model, (..., 3), where the geometry has them."""
        points: FloatArray = (points_mm - self.geometry.center_mm) / self.geometry.radius_mm
        return points

    def in_mm(self, points: FloatArray) -> FloatArray:
        """Return points of the geometry, (..., 3), where the model has them."""
        points_mm: FloatArray = points * self.geometry.radius_mm + self.geometry.center_mm
        return points_mm


def read(path: Path) -> StlReading | Finding:
    """Read a file; where that fails altogether, a finding says why.

    Parameters
    ----------
    path : Path

    Returns
    -------
    StlReading or Finding
        A reading may hold nothing usable; its report says why.
    """
    try:
        return read_stl(path)
    except OSError as error:
        return _refusal(f"{error.strerror or error}; try again")


def picture(validated_or_read: Validated | StlReading, *, full: bool = False) -> Picture | Finding:
    """Make what is drawn of a model, unmended, or repaired where the validation repaired it.

    Parameters
    ----------
    validated_or_read : Validated or StlReading
    full : bool
        Draw every face, however many there are.

    Returns
    -------
    Picture or Finding
        The reason where there is nothing that could be drawn.
    """
    if isinstance(validated_or_read, StlReading):
        triangles, colors = validated_or_read.triangles, validated_or_read.face_colors
    else:
        mesh = validated_or_read.mesh
        triangles, colors = mesh.triangles.astype(np.float32), mesh.face_colors
    corners = triangles.reshape(-1, 3)
    try:
        is_reduced = not full and len(triangles) > LARGE_FACES
        mesh = reduced(triangles, colors, faces=SHOWN_FACES) if is_reduced else merge_vertices(triangles, colors)
        return Picture(
            geometry=prepare_geometry(mesh),
            face_count=len(triangles),
            bounds_mm=np.stack([corners.min(axis=0), corners.max(axis=0)]).astype(np.float64),
            is_reduced=is_reduced,
        )
    except RenderError as error:
        return _refusal(str(error))


def judge(reading: StlReading, *, repair: bool) -> Validated:
    """Check a model, and mend it where that is wanted, as a job does.

    Parameters
    ----------
    reading : StlReading
        Of a usable file.
    repair : bool

    Returns
    -------
    Validated
    """
    return validate(reading, ValidationOptions(level=ValidationLevel.STANDARD, auto_repair=repair))


def _refusal(message: str) -> Finding:
    return Finding(code="not_drawable", severity=Severity.ERROR, message=message)
