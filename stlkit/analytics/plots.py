"""Pictures of the history; every function takes an axes and returns it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which people with any colour vision can tell apart.
STATE_COLORS = {"completed": "#009e73", "failed": "#d55e00", "skipped": "#e69f00", "cancelled": "#999999"}


def plot_jobs_per_day(history: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many jobs ended each day, stacked by their state.

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
    import matplotlib.pyplot as plt  # noqa: PLC0415 - a second that only plots need
    import pandas as pd  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    if ax is None:
        _, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    counts = history.groupby([history["created_at"].dt.floor("D"), "state"], observed=True).size().unstack(fill_value=0)
    if not counts.empty:
        counts = counts.reindex(pd.date_range(counts.index[0], counts.index[-1], freq="D"), fill_value=0)
    below = pd.Series(0, index=counts.index)
    for state, color in STATE_COLORS.items():
        if state in counts:
            ax.bar(counts.index, counts[state], bottom=below, width=0.8, color=color, label=state)
            below = below + counts[state]
    ax.set_ylabel("jobs")
    ax.set_title("Jobs per day")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if not counts.empty:
        half_day = pd.Timedelta(hours=12)
        room = max(pd.Timedelta(days=3.5) - (counts.index[-1] - counts.index[0]) / 2, half_day)
        ax.set_xlim(counts.index[0] - room, counts.index[-1] + room)
        days = counts.index[:: max(1, len(counts) // 6)]
        ax.set_xticks(days, [f"{day:%d %b}" for day in days])
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax
