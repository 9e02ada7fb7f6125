"""Learning what jobs cost from jobs that were done: robust regression, drawn towards what was known before.

The coefficients of a stage are fitted on the logarithm of its time, so that an error of a tenth weighs the same in a
job of a second and in one of an hour. Huber's weights keep the few jobs during which the machine did something else
from counting for more than they say (P. J. Huber, Robust Estimation of a Location Parameter, 1964). Few jobs say
little: first they only move the speed of the machine as a whole, then that of single stages, then coefficients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.pipeline.costs import BETWEEN_STAGES, CostModel, PastJob, StageCosts, features_of
from stlkit.pipeline.plan import stages_of

Floats = npt.NDArray[np.float64]

_ROUNDS = 15
_DESCENTS = 60
_HALVINGS = 6
_HUBER = 1.345  # in standard deviations: 95 % as good as least squares where nothing is odd
_SD_PER_MAD = 1.4826
_LEAST_S = 0.002  # stages are timed in milliseconds
_LARGEST_STEP = 1.0  # of a logarithm
# How far the truth may lie from what was expected, as standard deviations of logarithms.
_SPEED_SD, _STAGE_SD, _COEFFICIENT_SD, _EXPONENT_SD = 1.5, 0.5, 0.6, 0.3
_LEAST_NOISE_SD = 0.1
_LARGEST_EXPONENT = 1.5


def fit_costs(jobs: Sequence[PastJob], known: CostModel) -> CostModel:
    """Learn what jobs cost.

    Parameters
    ----------
    jobs : sequence of PastJob
    known : CostModel
        What is expected where the jobs say nothing.

    Returns
    -------
    CostModel
        `known` itself where there are no jobs.
    """
    if not jobs:
        return known
    timed = {name: _Timings.of_stage(name, jobs, costs) for name, costs in known.stages.items()}
    ratios = np.concatenate([timings.log_ratios() for timings in timed.values()])
    speed = _drawn_median(ratios, _SPEED_SD)
    return CostModel(stages={name: _fit_stage(each, speed) for name, each in timed.items()}, jobs=len(jobs))


@dataclass(frozen=True, slots=True, eq=False)
class _Timings:
    """What jobs say about one stage: n of them, over p features."""

    known: StageCosts
    names: tuple[str, ...]
    features: Floats  # (n, p), each as seconds that the known coefficients make of it
    seconds: Floats  # (n,)
    log_concurrency: Floats  # (n,)

    @classmethod
    def of_stage(cls, name: str, jobs: Iterable[PastJob], known: StageCosts) -> _Timings:
        names = tuple(known.coefficients)
        rows = [row for job in jobs if (row := _row_of(name, job)) is not None]
        features = np.array([[each.get(n, 0.0) for n in names] for each, _, _ in rows]).reshape(-1, len(names))
        coefficients = np.array([known.coefficients[n] for n in names])
        seconds = np.array([max(s, _LEAST_S) for _, s, _ in rows])
        concurrency = np.array([max(1, c) for _, _, c in rows], dtype=float)
        return cls(known, names, features * coefficients, seconds, np.log(concurrency))

    def log_ratios(self) -> Floats:
        """Return how much longer than known each took, as logarithms."""
        expected = self.features.sum(axis=1) * np.exp(self.known.exponent * self.log_concurrency)
        ratios: Floats = np.log(self.seconds / np.maximum(expected, _LEAST_S))
        return ratios


def _row_of(name: str, job: PastJob) -> tuple[Mapping[str, float], float, int] | None:
    stages = stages_of(job.render, job.validation)
    if name == BETWEEN_STAGES:
        rest_s = job.duration_s - sum(job.stage_durations_s.values())
        return ({"job": 1.0}, rest_s, job.concurrency) if job.stage_durations_s else None
    stage = next((each for each in stages if each == name), None)
    if stage is None or name not in job.stage_durations_s:
        return None
    features = features_of(stage, job.size, job.render, job.validation)
    return features, job.stage_durations_s[name], job.concurrency


def _fit_stage(timings: _Timings, speed: float) -> StageCosts:
    """Fit the coefficients, as factors of the known ones, and the exponent, by turns."""
    if not len(timings.seconds):
        return StageCosts(
            coefficients={name: value * np.exp(speed) for name, value in timings.known.coefficients.items()},
            exponent=timings.known.exponent,
        )
    expected = np.exp(speed + _drawn_median(timings.log_ratios() - speed, _STAGE_SD))
    factors, exponent = np.full(len(timings.names), expected), timings.known.exponent
    for _ in range(_ROUNDS):
        residuals = _residuals(timings, factors, exponent)
        noise = _noise_sd(residuals)
        weights = _huber_weights(residuals, noise)
        aim = _aim(timings, factors, residuals, weights, expected, (noise / _COEFFICIENT_SD) ** 2)
        factors = _towards(aim, timings, factors, exponent, expected, noise)
        residuals = _residuals(timings, factors, exponent)
        exponent = _fitted_exponent(timings, exponent, residuals, weights, (noise / _EXPONENT_SD) ** 2)
    coefficients = timings.known.coefficients.items()
    return StageCosts(
        coefficients={name: float(value * factor) for (name, value), factor in zip(coefficients, factors, strict=True)},
        exponent=exponent,
    )


def _residuals(timings: _Timings, factors: Floats, exponent: float) -> Floats:
    fitted = np.maximum(timings.features @ factors, _LEAST_S / 10)
    residuals: Floats = np.log(timings.seconds / fitted) - exponent * timings.log_concurrency
    return residuals


def _aim(
    timings: _Timings, factors: Floats, residuals: Floats, weights: Floats, expected: float, ridge: float
) -> Floats:
    """Return where a step of Gauss and Newton's method on the logarithms leads, among factors that are not negative."""
    # log(x + dx) is log(x) + dx / x: shares of the fitted time are what a change of a factor moves
    shares = timings.features / np.maximum(timings.features @ factors, _LEAST_S / 10)[:, None] * expected
    target = shares @ (factors / expected) + np.clip(residuals, -_LARGEST_STEP, _LARGEST_STEP)
    gram = shares.T @ (shares * weights[:, None]) + ridge * np.eye(len(factors))
    moments = shares.T @ (target * weights) + ridge
    return _nonnegative_solution(gram, moments, factors / expected) * expected


def _towards(aim: Floats, timings: _Timings, factors: Floats, exponent: float, expected: float, noise: float) -> Floats:
    """Go all the way to the aim, or as far as things do not get worse: logarithms bend, and the aim may lie beyond."""

    def loss(at: Floats) -> float:
        sizes = np.abs(_residuals(timings, at, exponent)) / noise
        odd = np.where(sizes < _HUBER, sizes**2 / 2, _HUBER * sizes - _HUBER**2 / 2)
        return float(odd.sum() + np.sum(((at / expected - 1) / _COEFFICIENT_SD) ** 2) / 2)

    present = loss(factors)
    candidates = (factors + (aim - factors) / 2**halvings for halvings in range(_HALVINGS))
    return next((each for each in candidates if loss(each) <= present), factors)


def _nonnegative_solution(gram: Floats, moments: Floats, start: Floats) -> Floats:
    """Minimise ``x @ gram @ x / 2 - moments @ x`` over x >= 0, one coordinate after the other."""
    x = start.copy()
    for _ in range(_DESCENTS):
        for k in range(len(x)):
            x[k] = max(0.0, x[k] + (moments[k] - gram[k] @ x) / gram[k, k])
    return x


def _fitted_exponent(timings: _Timings, exponent: float, residuals: Floats, weights: Floats, ridge: float) -> float:
    logs, expected = timings.log_concurrency, timings.known.exponent
    change = (np.sum(weights * residuals * logs) + ridge * (expected - exponent)) / (np.sum(weights * logs**2) + ridge)
    return float(np.clip(exponent + change, 0.0, _LARGEST_EXPONENT))


def _drawn_median(values: Floats, expected_sd: float) -> float:
    """Return the median, drawn towards 0 where the values are few or differ widely."""
    if not len(values):
        return 0.0
    noise = _noise_sd(values - np.median(values))
    return float(np.median(values)) / (1 + noise**2 / len(values) / expected_sd**2)


def _noise_sd(residuals: Floats) -> float:
    return max(_LEAST_NOISE_SD, _SD_PER_MAD * float(np.median(np.abs(residuals))))


def _huber_weights(residuals: Floats, noise: float) -> Floats:
    weights: Floats = np.minimum(1.0, _HUBER * noise / np.maximum(np.abs(residuals), 1e-9))
    return weights
