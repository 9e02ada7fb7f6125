"""A heat map of the days on which work was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

from stlkit.analytics.plots.style import BLUE, INK, QUIET, ended, no_data, prepare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAINTEST = 0.3  # opacity of a day with one job; what shines through is the page, light or dark
_LEAST_WEEKS = 18
_STEPS = 5
_TEXT_PT = 8.5


def plot_calendar(history: pd.DataFrame, ax: Axes | None = None, *, weeks: int = 53) -> Axes:
    """Draw how many jobs ended on each day: a column for each week, a row for each day of the week.

    Parameters
    ----------
    history : pandas.DataFrame
        As `History.to_dataframe` returns it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes unless given.
    weeks : int
        The longest time shown, up to the last job.

    Returns
    -------
    matplotlib.axes.Axes
    """
    if history.empty:
        return no_data(ax, "Jobs by day", "no job has ended yet")
    # dates without a zone: a week has seven of them, wherever clocks change
    ends = ended(history).dt.tz_localize(None).dt.floor("D")
    last = ends.max()
    final_monday = last - pd.Timedelta(days=last.weekday())
    monday_of_first = ends.min() - pd.Timedelta(days=ends.min().weekday())
    shown = int(np.clip((final_monday - monday_of_first).days // 7 + 1, min(_LEAST_WEEKS, weeks), weeks))
    start = final_monday - pd.Timedelta(weeks=shown - 1)
    days = pd.date_range(start, last, freq="D")
    counts = ends.value_counts().reindex(days, fill_value=0).to_numpy()
    earlier = int((ends < start).sum())
    title = f"Jobs by day: {counts.sum():,} in {shown} weeks" + (f", {earlier:,} before" if earlier else "")
    ax = prepare(ax, title, size=(max(3.6, 0.6 + 0.152 * shown), 2.0))
    _draw_days(ax, counts)
    _name_rows_and_months(ax, days)
    _explain(ax, int(counts.max()), shown)
    ax.set_xlim(-0.2, shown + 0.2)
    ax.set_ylim(8.9, -0.2)
    ax.set_aspect("equal")
    ax.spines["bottom"].set_visible(False)
    return ax


def _draw_days(ax: Axes, counts: np.ndarray) -> None:
    cells = [_cell(number // 7, number % 7) for number in range(len(counts))]
    ax.add_collection(PatchCollection(cells, facecolors=_colors(counts, int(counts.max())), edgecolors="none"))


def _cell(x: float, y: float) -> FancyBboxPatch:
    return FancyBboxPatch((x + 0.1, y + 0.1), 0.8, 0.8, boxstyle="round,pad=0,rounding_size=0.18")


def _colors(counts: np.ndarray, most: int) -> list[tuple[float, float, float, float]]:
    # by the root: one busy day does not pale all others
    shares = np.sqrt(counts / max(most, 1))
    return [to_rgba(BLUE, _FAINTEST + (1 - _FAINTEST) * share) if share else to_rgba(QUIET, 0.16) for share in shares]


def _name_rows_and_months(ax: Axes, days: pd.DatetimeIndex) -> None:
    ax.set_yticks([0.5, 2.5, 4.5, 6.5], ["Mon", "Wed", "Fri", "Sun"], fontsize=_TEXT_PT)
    firsts = [n // 7 + (n % 7 > 0) for n, day in enumerate(days) if day.day == 1 and n // 7 + 1 < len(days) // 7]
    names = [f"{days[min(7 * week + 6, len(days) - 1)]:%b}" for week in firsts]
    ax.set_xticks([week + 0.5 for week in firsts], names, fontsize=_TEXT_PT)
    ax.xaxis.tick_top()


def _explain(ax: Axes, most: int, weeks: int) -> None:
    """Draw the scale below the days, to the right."""
    steps = np.unique(np.round(most * np.linspace(0, 1, _STEPS) ** 2).astype(int))
    x = weeks - len(steps) - len(f"{most:,}") * 0.6 - 0.6
    for n, color in enumerate(_colors(steps, most)):
        cell = _cell(x + n, 7.7)
        cell.set(facecolor=color, edgecolor="none")
        ax.add_patch(cell)
    words = {"va": "center", "color": INK, "fontsize": _TEXT_PT}
    ax.text(x - 0.3, 8.2, "0", ha="right", **words)  # type: ignore[arg-type]
    ax.text(x + len(steps) + 0.3, 8.2, f"{most:,} job{'s' if most != 1 else ''}", ha="left", **words)  # type: ignore[arg-type]
