"""How long jobs took, where the time went, and how well that was foreseen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.collections import PathCollection
from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter, NullLocator

from stlkit.analytics.plots.growth import fit_growth, thinned
from stlkit.analytics.plots.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    bar_chart_size,
    duration_ticks,
    label,
    legend,
    name_bars,
    no_data,
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
_KINDS = {"with a video": ORANGE, "pictures": BLUE, "checks alone": GREEN}
_GOOD_ERROR = 0.25


def plot_duration_vs_faces(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how long completed jobs took against their faces, with the exponent by which time grows.

    Both axes are logarithmic. Videos, pictures and checks take times of their own, so each kind has a curve of its own,
    ``fixed + factor * faces ** exponent``. The exponent is theirs in common: the one with the smallest absolute
    deviations of the logarithms, between the curves and the medians of groups of jobs of like size, which a few odd
    jobs do not move.

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
    kinds = done["render_options"].map(_kind).to_numpy()
    faces = done["faces"].to_numpy(dtype=float)
    seconds = done["actual_duration"].to_numpy(dtype=float)
    groups = {kind: np.flatnonzero(kinds == kind) for kind in _KINDS if kind in kinds}
    growth = fit_growth([(faces[rows], seconds[rows]) for rows in groups.values()])
    grows = f": grows with faces$^{{\\mathbf{{{growth.exponent:.2f}}}}}$" if growth is not None else ""
    ax = prepare(ax, f"Duration against faces{grows}", size=(7.0, 4.2))
    for number, (kind, rows) in enumerate(groups.items()):
        drawn = thinned(rows, _DRAWN_POINTS)
        _dots(ax, faces[drawn], seconds[drawn], color=_KINDS[kind], label=f"{kind} ({len(rows):,})")
        if growth is not None and (curve := growth.curves[number]) is not None:
            along = np.geomspace(faces[rows].min(), faces[rows].max(), 100)
            ax.plot(along, curve(along), color=INK, linewidth=1.6)
    ax.set(xscale="log", yscale="log")
    ax.xaxis.set_major_locator(LogLocator(numticks=8))
    ax.xaxis.set_major_formatter(lambda value, _: _short_count(value))
    ax.xaxis.set_minor_formatter(NullFormatter())
    _mark_durations(ax.yaxis)
    rule(ax, axis="both")
    label(ax, x="faces", y="working time")
    _legend_of_dots(ax)
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

    On the line the estimate was right, between the broken lines it was wrong by at most a quarter. The relative error
    is ``|estimate - actual| / actual``. Jobs that found outputs made before are left out.

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
    actual = done["actual_duration"].to_numpy(dtype=float)
    estimated = done["estimated_duration"].to_numpy(dtype=float)
    error = float(np.median(np.abs(estimated - actual) / actual))
    ax = prepare(ax, f"Estimate against actual: {error:.0%} median error", size=(4.8, 4.4))
    both = np.concatenate([actual, estimated])
    low, high = both.min() / 1.5, both.max() * 1.5
    line = np.array([low, high])
    drawn = thinned(np.arange(len(done)), _DRAWN_POINTS)
    _dots(ax, actual[drawn], estimated[drawn], color=BLUE, label=f"{len(done):,} job{'s' if len(done) != 1 else ''}")
    for factor in (1 - _GOOD_ERROR, 1 + _GOOD_ERROR):
        name = f"off by {_GOOD_ERROR:.0%}" if factor < 1 else None
        ax.plot(line, line * factor, color=INK, linewidth=1, linestyle=(0, (3, 3)), label=name)
    ax.plot(line, line, color=INK, linewidth=1.4)
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    for axis in (ax.xaxis, ax.yaxis):
        _mark_durations(axis)
    rule(ax, axis="both")
    label(ax, x="working time", y="estimate")
    _legend_of_dots(ax, loc="lower right", bbox_to_anchor=None)
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


def _dots(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], **options: Any) -> None:
    few = len(x) < 500
    opacity = 0.75 if few else max(0.08, 0.5 * min(1.0, 1500 / len(x)))
    ax.scatter(x, y, s=22 if few else 10, alpha=opacity, linewidths=0, rasterized=not few, **options)


def _legend_of_dots(ax: Axes, **options: Any) -> None:
    shown = legend(ax, **options)
    for handle in shown.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(alpha=1, sizes=[28])


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
