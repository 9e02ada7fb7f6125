"""By which power of the faces the time of jobs grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Curve = Callable[[Floats], Floats]

_EXPONENTS = np.arange(0.1, 2.005, 0.01)
_GROUPS, _FEWEST_GROUPS = 24, 4
_LEAST_SPAN = 4.0  # of nearly equal sizes only the noise could be compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How the times of some kinds of jobs grow.

    Parameters
    ----------
    exponent : float
        All have it in common.
    curves : tuple of callable or None
        Of each kind, seconds from faces; None where there are too few jobs.
    """

    exponent: float
    curves: tuple[Curve | None, ...]


def fit_growth(kinds: Sequence[tuple[Floats, Floats]]) -> Growth | None:
    """Find the common exponent of ``fixed + factor * faces ** exponent``, with a curve for each kind of job.

    Parameters
    ----------
    kinds : sequence of tuple of array
        Faces and seconds, (n,) each, all positive.

    Returns
    -------
    Growth or None
        None where no kind has enough jobs of enough different sizes.
    """
    medians = [_medians_by_size(faces, seconds) for faces, seconds in kinds]
    fitted = [each for each in medians if each is not None]
    if not fitted:
        return None
    losses = [sum(_fit(faces, seconds, exponent)[0] for faces, seconds in fitted) for exponent in _EXPONENTS]
    exponent = float(_EXPONENTS[int(np.argmin(losses))])
    curves = (None if each is None else _curve(*_fit(*each, exponent)[1], exponent) for each in medians)
    return Growth(exponent=exponent, curves=tuple(curves))


def thinned(rows: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return at most so many rows, evenly from the first to the last."""
    kept: npt.NDArray[np.intp] = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int))]
    return kept


def _medians_by_size(faces: Floats, seconds: Floats) -> tuple[Floats, Floats] | None:
    order = np.argsort(faces, kind="stable")
    groups = np.array_split(order, min(_GROUPS, len(order)))
    if len(groups) < _FEWEST_GROUPS or faces.max() < _LEAST_SPAN * faces.min():
        return None
    return tuple(np.array([np.median(values[group]) for group in groups]) for values in (faces, seconds))  # type: ignore[return-value]


def _fit(faces: Floats, seconds: Floats, exponent: float) -> tuple[float, tuple[float, float]]:
    """Fit the two coefficients by relative least squares; neither is negative."""
    grown = faces**exponent
    ones, shares = 1 / seconds, grown / seconds
    a, b, c = ones @ ones, ones @ shares, shares @ shares
    left, right = ones.sum(), shares.sum()
    determinant = a * c - b * b
    fixed, factor = 0.0, right / c
    if determinant > 1e-12 * a * c:
        fixed, factor = (left * c - right * b) / determinant, (right * a - left * b) / determinant
    if fixed < 0:
        fixed, factor = 0.0, right / c
    if factor <= 0:
        fixed, factor = left / a, 0.0
    loss = float(np.abs(np.log((fixed + factor * grown) / seconds)).sum())
    return loss, (float(fixed), float(factor))


def _curve(fixed: float, factor: float, exponent: float) -> Curve:
    def seconds(faces: Floats) -> Floats:
        grown: Floats = fixed + factor * faces**exponent
        return grown

    return seconds
