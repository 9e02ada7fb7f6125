"""How long jobs took, where the time went, and how well that was foreseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator

from stlkit.analytics.plots.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    bar_chart_size,
    duration_ticks,
    label,
    legend,
    name_bars,
    no_data,
    note,
    prepare,
    rule,
    short_duration,
)
from stlkit.pipeline.plan import Stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from numpy.typing import NDArray

_DRAWN_POINTS = 20_000
_FITTED_POINTS = 800  # of each kind; the slopes of all pairs are looked at
_KINDS = {"with a video": ORANGE, "pictures": BLUE, "checks alone": GREEN}
_GOOD_ERROR = 0.25


def plot_duration_vs_faces(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how long completed jobs took against their faces, with the exponent by which time grows.

    Both axes are logarithmic. Videos, pictures and checks take times of their own, so each kind has a line of its own;
    the exponent is theirs in common: the median of the slopes between all pairs of jobs of one kind (Theil and Sen's
    estimator), which a few odd jobs do not move.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes
    """
    done = _worked(history)
    if "faces" in done:
        done = done[done["faces"].fillna(0) > 0]
    if done.empty or "faces" not in done:
        return no_data(ax, "Duration against faces", "no completed job with a known number of faces")
    ax = prepare(ax, "Duration against faces", size=(7.0, 4.2))
    kinds = done["render_options"].map(_kind)
    faces = done["faces"].to_numpy(dtype=float)
    seconds = done["actual_duration"].to_numpy(dtype=float)
    groups = {kind: np.flatnonzero((kinds == kind).to_numpy()) for kind in _KINDS}
    groups = {kind: rows for kind, rows in groups.items() if len(rows)}
    exponent = _common_exponent([(np.log(faces[rows]), np.log(seconds[rows])) for rows in groups.values()])
    for kind, rows in groups.items():
        drawn = _thinned(rows, _DRAWN_POINTS)
        _dots(ax, faces[drawn], seconds[drawn], color=_KINDS[kind], label=f"{kind} ({len(rows):,})")
        if exponent is not None:
            factor = np.exp(np.median(np.log(seconds[rows]) - exponent * np.log(faces[rows])))
            ends = np.array([faces[rows].min(), faces[rows].max()])
            ax.plot(ends, factor * ends**exponent, color=_KINDS[kind], linewidth=2)
    ax.set(xscale="log", yscale="log")
    ax.xaxis.set_major_locator(LogLocator(numticks=8))
    ax.xaxis.set_major_formatter(lambda value, _: _short_count(value))
    ax.xaxis.set_minor_formatter(NullFormatter())
    _mark_durations(ax.yaxis)
    rule(ax, axis="both")
    label(ax, x="faces", y="working time")
    if exponent is not None:
        note(ax, f"time ∝ faces$^{{\\,{exponent:.2f}}}$")
    legend(ax)
    return ax


def plot_stage_breakdown(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw where the working time went, stage by stage, in the order in which they run.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it with its stages unpacked: columns ``stage_<name>_s``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes
    """
    columns = [f"stage_{stage}_s" for stage in Stage if f"stage_{stage}_s" in history]
    table = history[columns].astype("float64")
    totals = table.sum()[lambda sums: sums > 0]
    if totals.empty:
        return no_data(ax, "Where the time goes", "the stages of no job were timed, or were not unpacked")
    ax = prepare(ax, f"Where the time goes: {short_duration(totals.sum())}", size=bar_chart_size(len(totals)))
    bars = ax.barh(range(len(totals)), totals, color=BLUE, height=0.62)
    medians = table[totals.index].median()
    texts = [
        f"{total / totals.sum():.0%} · {short_duration(total)} · {short_duration(median)} a job"
        for total, median in zip(totals, medians, strict=True)
    ]
    names = [str(name).removeprefix("stage_").removesuffix("_s").replace("_", " ") for name in totals.index]
    name_bars(ax, names, bars, texts)
    ax.set_xlim(0, totals.max() * 1.55)
    return ax


def plot_estimate_vs_actual(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how long completed jobs took against what was foreseen, with the median relative error.

    On the line the estimate was right; within the band it was wrong by at most a quarter. The relative error is
    ``|estimate - actual| / actual``. Jobs that found outputs made before are left out.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.

    Returns
    -------
    matplotlib.axes.Axes
    """
    done = _worked(history)
    done = done[done["estimated_duration"].fillna(0) > 0]
    if done.empty:
        return no_data(ax, "Estimate against what it took", "no completed job was estimated")
    ax = prepare(ax, "Estimate against what it took", size=(4.8, 4.4))
    actual = done["actual_duration"].to_numpy(dtype=float)
    estimated = done["estimated_duration"].to_numpy(dtype=float)
    error = float(np.median(np.abs(estimated - actual) / actual))
    both = np.concatenate([actual, estimated])
    low, high = both.min() / 1.5, both.max() * 1.5
    line = np.array([low, high])
    band = {"color": QUIET, "linewidth": 0, "label": f"within {_GOOD_ERROR:.0%}"}
    ax.fill_between(line, line * (1 - _GOOD_ERROR), line * (1 + _GOOD_ERROR), **band)  # type: ignore[arg-type]
    ax.plot(line, line, color=INK, linewidth=1)
    drawn = _thinned(np.arange(len(done)), _DRAWN_POINTS)
    _dots(ax, actual[drawn], estimated[drawn], color=BLUE)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis in (ax.xaxis, ax.yaxis):
        _mark_durations(axis)
    rule(ax, axis="both")
    label(ax, x="working time", y="estimate")
    note(ax, f"median error {error:.0%} · {len(done):,} job{'s' if len(done) != 1 else ''}")
    legend(ax, loc="lower right", bbox_to_anchor=None)
    return ax


def _worked(history: pd.DataFrame) -> pd.DataFrame:
    """Return the jobs that completed by work of their own, with a duration."""
    done = history[(history["state"] == "completed") & (history["actual_duration"].fillna(0) > 0)]
    return done[done["reused_files"].fillna(0) == 0] if "reused_files" in done else done


def _kind(options: Any) -> str:
    wanted = options if isinstance(options, dict) else {}
    if wanted.get("generate_video"):
        return "with a video"
    pictures = ("generate_image", "generate_size_chart", "generate_color_variations")
    return "pictures" if any(wanted.get(name, name == "generate_image") for name in pictures) else "checks alone"


def _common_exponent(groups: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float | None:
    slopes = []
    for x, y in groups:
        order = _thinned(np.argsort(x, kind="stable"), _FITTED_POINTS)
        dx, dy = (np.subtract.outer(values[order], values[order]) for values in (x, y))
        apart = np.triu(np.abs(dx) > np.log(1.5), 1)  # of nearly equal sizes only the noise could be compared
        slopes.append(dy[apart] / dx[apart])
    pooled = np.concatenate(slopes) if slopes else np.array([])
    return float(np.median(pooled)) if len(pooled) >= 3 else None


def _thinned(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most so many rows, evenly from the first to the last."""
    kept: NDArray[np.intp] = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int))]
    return kept


def _dots(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], **options: Any) -> None:
    few = len(x) < 500
    ax.scatter(x, y, s=22 if few else 12, alpha=0.75 if few else 0.5, linewidths=0, rasterized=not few, **options)


def _mark_durations(axis: Axis) -> None:
    marks = duration_ticks(*axis.get_view_interval())
    axis.set_major_locator(FixedLocator(marks))
    axis.set_major_formatter(lambda value, _: short_duration(value))
    axis.set_minor_locator(NullLocator())


def _short_count(value: float) -> str:
    for unit in ("", " k", " M"):
        if value < 999.5:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g} G"
