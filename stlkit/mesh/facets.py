"""What both readers hand back, and what is checked on facets whatever they were written in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import IntakeCode, intake_finding
from stlkit.model.reports import Finding, StlFormat, counted

_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facets:
    """The facets of one file as a reader understood them.

    Parameters
    ----------
    format : StlFormat
    triangles : (n, 3, 3) float32
    face_numbers : (n,) int64, optional
        Place of each facet in the file, counted from 0; None where nothing was left out.
    face_colors : (n, 3) uint8, optional
    declared_count : int, optional
        What the header of a binary file claims.
    solid_names : tuple of str
    header : str, optional
    findings : tuple of Finding
    """

    format: StlFormat
    triangles: npt.NDArray[np.float32]
    face_numbers: npt.NDArray[np.int64] | None = None
    face_colors: npt.NDArray[np.uint8] | None = None
    declared_count: int | None = None
    solid_names: tuple[str, ...] = ()
    header: str | None = None
    findings: tuple[Finding, ...] = ()


def numbers_in_file(
    faces: npt.NDArray[np.integer], face_numbers: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.integer]:
    """Translate positions in an array of faces to the places of those faces in the file."""
    return faces if face_numbers is None else face_numbers[faces]


def finite_faces(triangles: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Tell which faces have nine finite coordinates, (n,)."""
    return np.asarray(np.isfinite(triangles.reshape(len(triangles), 9)).all(axis=1))


def zero_area_faces(triangles: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Tell which faces have no area that their coordinates could express.

    A face counts as such when its height over its longest edge is below the spacing of 32-bit floats at the
    size of its coordinates: its normal is then made of rounding alone. The measure is relative, so it means
    the same for a model of a micrometre and of a kilometre.

    Parameters
    ----------
    triangles : (n, 3, 3) float

    Returns
    -------
    (n,) bool
    """
    flat = np.empty(len(triangles), dtype=np.bool_)
    # In blocks: the 64-bit copies of a large model would cost several times its file.
    for start in range(0, len(triangles), _BLOCK):
        corners = triangles[start : start + _BLOCK].astype(np.float64)
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        longest = np.sqrt(np.max([_squared(first), _squared(second), _squared(second - first)], axis=0))
        doubled_area = np.sqrt(_squared(np.cross(first, second)))
        spacing = np.finfo(np.float32).eps * np.abs(corners).max(axis=(1, 2))
        flat[start : start + _BLOCK] = doubled_area <= spacing * longest
    return flat


def non_finite_finding(dropped: npt.NDArray[np.integer]) -> Finding:
    """Build the finding for facets that were left out because a coordinate is NaN or infinite."""
    one = "facet has a coordinate that is no finite number (NaN or infinite) and was"
    many = "facets have a coordinate that is no finite number (NaN or infinite) and were"
    return intake_finding(
        IntakeCode.NON_FINITE,
        f"{counted(len(dropped), one, many)} left out; expect holes there",
        count=len(dropped),
        faces=dropped,
    )


def zero_area_finding(faces: npt.NDArray[np.integer]) -> Finding:
    """Build the finding for facets without area."""
    flat = counted(len(faces), "facet has no area: its", "facets have no area: their")
    return intake_finding(
        IntakeCode.ZERO_AREA_FACES,
        f"{flat} corners coincide or lie on one line",
        count=len(faces),
        faces=faces,
    )


def _squared(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squared: npt.NDArray[np.float64] = np.einsum("ij,ij->i", vectors, vectors)
    return squared
