"""How jobs ended, why they failed, and what they made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from stlkit.analytics.made import were_up_to_date
from stlkit.analytics.plots.style import (
    BLUE,
    INK,
    STATE_COLORS,
    bar_chart_size,
    count_axis,
    ended,
    label,
    legend,
    name_bars,
    no_data,
    prepare,
    rule,
)
from stlkit.model.amounts import file_size
from stlkit.model.causes import causes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRAWN_POINTS = 4000


def plot_jobs_per_day(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many jobs ended each day, stacked by their state; by week or month where there are very many days.

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
    if history.empty:
        return no_data(ax, "Jobs per day", "no job has ended yet")
    days = ended(history).dt.floor("D")
    span = (days.max() - days.min()).days + 1
    unit, step = next(choice for choice in (("day", "D"), ("week", "W-MON"), ("month", "MS")) if _fits(span, choice[0]))
    ax = prepare(ax, f"Jobs per {unit}")
    counts = days.to_frame("end").assign(state=history["state"].astype(str)).groupby(["end", "state"]).size()
    table = counts.unstack(fill_value=0).resample(step, label="left", closed="left").sum()
    width = {"day": 0.8, "week": 6.2, "month": 26.0}[unit]
    middle = table.index + pd.Timedelta(days={"day": 0, "week": 3.5, "month": 15}[unit])
    below = np.zeros(len(table))
    for state in (*STATE_COLORS, *sorted(set(table) - set(STATE_COLORS))):
        if state in table:
            color = STATE_COLORS.get(state, INK)
            ax.bar(middle, table[state], bottom=below, width=width, color=color, label=state)
            below += table[state].to_numpy()
    _date_axis(ax, middle, at_least=pd.Timedelta(days=8 * width))
    label(ax, y="jobs")
    count_axis(ax)
    legend(ax)
    return ax


def plot_failure_causes(history: pd.DataFrame, ax: Axes | None = None, *, most: int = 8) -> Axes:
    """Draw why jobs failed or were skipped: the most frequent reasons, alike ones taken together.

    A job that strict validation refused counts once for each thing that was found; shares are of the jobs.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.
    most : int
        How many reasons; the rest is one bar.

    Returns
    -------
    matplotlib.axes.Axes
    """
    bad = history[history["state"].isin(["failed", "skipped"])].reset_index(drop=True)
    if bad.empty:
        reason = "no job has ended yet" if history.empty else "nothing has failed"
        return no_data(ax, "Why jobs failed", reason)
    causes = bad.assign(cause=_causes(bad), state=bad["state"].astype(str))[["cause", "state"]].explode("cause")
    table = pd.crosstab(causes["cause"], causes["state"])
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    if len(table) > most + 1:
        others = causes[~causes["cause"].isin(table.index[:most])]
        rest = others[~others.index.duplicated()]["state"].value_counts().rename(f"{len(table) - most} other reasons")
        table = pd.concat([table.iloc[:most], rest.to_frame().T]).fillna(0)
    ax = prepare(ax, "Why jobs failed", size=bar_chart_size(len(table)))
    left = np.zeros(len(table))
    for state in ("failed", "skipped"):
        if state in table:
            ax.barh(range(len(table)), table[state], left=left, color=STATE_COLORS[state], label=state, height=0.62)
            left += table[state].to_numpy()
    totals = [f"{count:,} · {count / len(bad):.0%}" for count in left.astype(int)]
    ends = ax.barh(range(len(table)), left, color="none", height=0.62)
    name_bars(ax, [str(cause) for cause in table.index], ends, totals)
    ax.set_xlim(0, left.max() * 1.25)
    if table.shape[1] > 1:
        legend(ax, loc="lower right", bbox_to_anchor=None)
    return ax


def plot_cumulative_output(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how the size of everything that was made grew over time; a job that was up to date made nothing.

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
    sizes = history.get("output_bytes", pd.Series(dtype="Int64")).dropna()
    sizes = sizes[~were_up_to_date(history.loc[sizes.index])]
    if sizes.empty:
        return no_data(ax, "Output over time", "the size of no output is known yet")
    ends = ended(history).loc[sizes.index].sort_values(kind="stable")
    total = sizes.loc[ends.index].astype("float64").cumsum().to_numpy()
    jobs = f"{len(sizes):,} job{'s' if len(sizes) != 1 else ''}"
    ax = prepare(ax, f"Output over time: {file_size(total[-1])} from {jobs}")
    kept = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), _DRAWN_POINTS)).astype(int))
    times, total = ends.iloc[kept], total[kept]
    ax.fill_between(times, total, step="post", color=BLUE, alpha=0.25, linewidth=0)
    ax.step(times, total, where="post", color=BLUE, linewidth=1.8)
    ax.plot(times.iloc[-1:], total[-1:], "o", color=BLUE, markersize=5)
    _date_axis(ax, pd.DatetimeIndex(times), at_least=pd.Timedelta(hours=1))
    ax.set_ylim(0, total[-1] * 1.15 or 1)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.yaxis.set_major_formatter(lambda value, _: file_size(value))
    rule(ax, axis="y")
    return ax


def _fits(days: int, unit: str) -> bool:
    return days <= {"day": 120, "week": 1000}.get(unit, days)


def _date_axis(ax: Axes, moments: pd.DatetimeIndex, *, at_least: pd.Timedelta) -> None:
    """Show days from the first moment to the last, with room where these lie close together."""
    first, last = moments.min(), moments.max()
    room = max((at_least - (last - first)) / 2, (last - first) * 0.02, at_least / 16)
    ax.set_xlim(first - room, last + room)  # type: ignore[arg-type]
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8, tz=first.tz)  # type: ignore[no-untyped-call]
    formatter = mdates.ConciseDateFormatter(locator, tz=first.tz)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(formatter)
    ax.xaxis.get_offset_text().set_color(INK)


def _causes(bad: pd.DataFrame) -> pd.Series[Any]:
    warnings = bad["warnings"] if "warnings" in bad else [()] * len(bad)
    causes = [
        list(dict.fromkeys(map(_cause, causes_of(message if isinstance(message, str) else "", said))))
        for message, said in zip(bad["error_message"], warnings, strict=True)
    ]
    return pd.Series(causes, index=bad.index, dtype=object)


def _cause(message: str) -> str:
    """Reduce a message to what it shares with others of its kind: names, paths and numbers left out."""
    first = re.split(r"[;\n]|\.\s", message.strip(), maxsplit=1)[0]
    first = re.sub(r"'[^']*'|\"[^\"]*\"|(?<![\w.])[~.]{0,2}[/\\][^\s:]+|\b\S+\.stl\b", "…", first, flags=re.IGNORECASE)
    first = re.sub(r"\b\d[\d,.]*(?:e[+-]?\d+)?\b", "…", first)
    return first.strip(" :,") or "no reason given"
