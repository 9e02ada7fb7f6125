"""What tells a model apart whatever its size, its place and the order of its triangles."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_STEP = 0.003 * math.sqrt(2)
"""Width of a class of figures, 0.4 %. Irrational, because the figures of regular bodies are simple fractions, which
would lie on the border between two classes of a round width and fall to either side."""

_BLOCK = 20_000
_EDGE_POWERS = (1, 2, 4, 8)
_AREA_POWERS = (2, 4)
_SUMS = 17 + len(_EDGE_POWERS) + len(_AREA_POWERS)
_NO_AREA = 1e-12
"""Of the square of the model's size; below it rounding is all there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Of one model.

    Parameters
    ----------
    digest : str
        32 hexadecimal digits; equal for the same model at any size and place.
    size_mm : float
        Square root of the surface area; the quotient of two models of one digest is their scale.
    """

    digest: str
    size_mm: float


def fingerprint(triangles: npt.NDArray[np.floating]) -> Fingerprint | None:
    """Describe a model so coarsely that saving it again in 32-bit floats, scaled, moved or turned, changes nothing.

    What is hashed is the number of triangles, exactly, and these figures, in classes of 0.4 %, lengths divided by the
    square root of the surface area:

    - power means of the edge lengths (exponents 1, 2, 4, 8) and of the triangles' areas (2, 4). Means of this kind are
      ruled by the large edges and triangles, of which rounding changes little; quantiles would hang on single ones,
      and those of slivers are mostly rounding errors.
    - the principal second moments of the surface about its own centre, as a sheet of triangle centres weighted with
      their areas: how the triangles are spread, which the spectra do not tell.
    - the isoperimetric quotient ``36 pi V^2 / A^3`` with the sign of the volume `V`, taken about that centre, so that
      it is defined for open surfaces too; a model turned inside out is another one.

    Neither the order of the triangles nor that of their corners enters. A mirror image has the digest of its original.
    Copies are told apart only by accident: where a figure lies within its rounding error of the border of a class,
    which scaling in 32-bit floats does to few models in ten thousand, and moving a model away from the origin by a
    hundred times its size to some in a hundred. Models that differ by less than 0.4 % throughout may share a digest.

    Parameters
    ----------
    triangles : (n, 3, 3) float
        In millimetres.

    Returns
    -------
    Fingerprint or None
        None where there is no triangle with an area.
    """
    if not len(triangles):
        return None
    low, high = (f(triangles, axis=(0, 1)).astype(np.float64) for f in (np.min, np.max))
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (high > low).any()):
        return None
    extent_mm = float((high - low).max())
    # about the middle of the model and in units of its size, some at a time to save memory
    sums = sum(
        (
            _sums((triangles[start : start + _BLOCK] - (low + high) / 2) / extent_mm)
            for start in range(0, len(triangles), _BLOCK)
        ),
        start=np.zeros(_SUMS),
    )
    area = sums[0]
    if not area > _NO_AREA:
        return None
    classes = [len(triangles), *(round(figure / _STEP) for figure in _figures(sums, len(triangles)))]
    digest = hashlib.sha256(repr(classes).encode()).hexdigest()[:32]
    return Fingerprint(digest=digest, size_mm=math.sqrt(area) * extent_mm)


def _sums(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Add up what the figures are made of, over some triangles; (`_SUMS`,), the area first."""
    # one row a coordinate: several times as fast as one row a corner
    a, b, c = np.ascontiguousarray(corners.reshape(-1, 9).T).reshape(3, 3, -1)
    sides = (b - a, c - b, a - c)
    crossed = np.stack([sides[0][i] * sides[1][j] - sides[0][j] * sides[1][i] for i, j in ((1, 2), (2, 0), (0, 1))])
    squares = np.concatenate([np.einsum("ij,ij->j", side, side) for side in sides])  # of the lengths
    fourths = squares * squares
    area_squares = np.einsum("ij,ij->j", crossed, crossed) / 4
    areas = np.sqrt(area_squares)
    centers = (a + b + c) / 3
    return np.concatenate(
        [
            [areas.sum(), np.vdot(a, crossed)],
            centers @ areas,
            crossed.sum(axis=1),
            ((centers * areas) @ centers.T).ravel(),
            [np.sqrt(squares).sum(), squares.sum(), fourths.sum(), np.vdot(fourths, fourths)],
            [area_squares.sum(), np.vdot(area_squares, area_squares)],
        ]
    )


def _figures(sums: npt.NDArray[np.float64], count: int) -> list[float]:
    """Return the figures that are put into classes, from the sums over all triangles."""
    area, volume6 = sums[:2].tolist()
    center, normals, second = sums[2:5] / area, sums[5:8], sums[8:17].reshape(3, 3)
    edges, areas = sums[17 : 17 + len(_EDGE_POWERS)], sums[17 + len(_EDGE_POWERS) :]
    moments = np.linalg.eigvalsh(second / area - np.outer(center, center)) / area
    volume = (volume6 - float(center @ normals)) / 6
    spread = max(float(moments.sum()), _NO_AREA)
    return [
        *(math.log(s / (3 * count)) / p - math.log(area) / 2 for s, p in zip(edges, _EDGE_POWERS, strict=True)),
        *(math.log(s / count) / p - math.log(area) for s, p in zip(areas, _AREA_POWERS, strict=True)),
        math.log(spread),
        *(moments / spread).tolist(),
        36 * math.pi * volume * abs(volume) / area**3,
    ]
