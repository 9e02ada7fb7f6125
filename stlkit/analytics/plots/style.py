"""How the pictures of the history look: one ink and a few colours that read on a white and on a nearly black page."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from matplotlib.legend import Legend
    from matplotlib.patches import Rectangle

# Figures are transparent, so that a picture belongs to the page it stands on. No colour reaches a contrast of 4.5
# against both #ffffff and #111111 (the product of the two is 18.88 for every colour between them); this one comes
# closest, with 4.34 against each.
INK = "#797979"
QUIET = "#79797940"  # lines that guide the eye, places where nothing is

# Hues of Okabe and Ito's palette, which people with any colour vision tell apart; the bright ones are darkened, so
# that every area keeps a contrast of 3 against both pages.
GREEN, RED, ORANGE, BLUE, PURPLE = "#009e73", "#d55e00", "#c48700", "#1f85c4", "#c06a9a"
GREY = "#8c8c8c"
STATE_COLORS = {"completed": GREEN, "failed": RED, "skipped": ORANGE, "cancelled": GREY}
"""Colour of each state in which a job may end."""

_TEXT_PT, _TITLE_PT = 9.5, 11.5
_SCREEN_DPI = 200
_LEAST_BARS = 3
_NAME_WIDTH = 42  # letters a line
_DURATION_MARKS = (
    *(factor * 10.0**power for power in range(-3, 1) for factor in (1, 2, 5)),
    *(10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 18_000, 36_000, 86_400),
)
_ROUND_MARKS = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 36_000)


class HistoryAxes(Axes):
    """Axes with a figure of their own, which a notebook shows when they are the value of a cell.

    pyplot would show the figure too, but keeps every figure until somebody closes it, and decides for the whole
    process how figures are shown.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        figure = self.get_figure(root=True)
        if figure is None:
            return b"", {}
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_SCREEN_DPI)
        width, height = figure.get_size_inches() * 100
        # twice as many pixels as it takes on the page, for screens that have them
        return picture.getvalue(), {"width": int(width), "height": int(height)}


def prepare(ax: Axes | None, title: str, *, size: tuple[float, float] = (7.0, 3.2)) -> Axes:
    """Return axes in the house's look, new ones unless some are given.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
    title : str
    size : tuple of float
        Width and height of a new figure, in inches.
    """
    if ax is None:
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        ax = figure.add_subplot(axes_class=HistoryAxes)
    ax.set_facecolor("none")
    ax.set_title(title, loc="left", color=INK, fontsize=_TITLE_PT, fontweight="bold", pad=10)
    ax.set_axisbelow(True)
    ax.tick_params(which="both", colors=INK, labelcolor=INK, labelsize=_TEXT_PT, length=0)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)
        spine.set_linewidth(0.8)
    return ax


def label(ax: Axes, *, x: str = "", y: str = "") -> None:
    """Name the axes."""
    ax.set_xlabel(x, color=INK, fontsize=_TEXT_PT)
    ax.set_ylabel(y, color=INK, fontsize=_TEXT_PT)


def rule(ax: Axes, *, axis: str) -> None:
    """Draw quiet lines across, at the ticks of the ``x`` axis, the ``y`` axis, or ``both``."""
    ax.grid(visible=True, axis=axis, color=QUIET, linewidth=0.8)  # type: ignore[arg-type]


def count_axis(ax: Axes) -> None:
    """Let the y axis count: whole numbers from 0."""
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.set_ylim(bottom=0)
    rule(ax, axis="y")


def legend(ax: Axes, **options: Any) -> Legend:
    """Name the colours, beside the axes unless `options` say otherwise."""
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} | options
    return ax.legend(frameon=False, labelcolor=INK, fontsize=_TEXT_PT, **place)


def no_data(ax: Axes | None, title: str, reason: str) -> Axes:
    """Say calmly that there is nothing to show, and why."""
    ax = prepare(ax, title, size=(7.0, 1.5))
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines["bottom"].set_visible(False)
    ax.text(
        0.5, 0.5, f"no data: {reason}", transform=ax.transAxes, ha="center", va="center",
        color=INK, fontsize=_TITLE_PT, wrap=True,
    )  # fmt: skip
    return ax


def ended(history: pd.DataFrame) -> pd.Series:
    """Return when each job ended; where that is not known, when it was made."""
    return history["completed_at"].fillna(history["created_at"])


def bar_chart_size(bars: int) -> tuple[float, float]:
    """Return the size of a figure of so many horizontal bars, in inches."""
    return 7.0, 0.75 + 0.37 * max(bars, _LEAST_BARS)


def name_bars(ax: Axes, names: Sequence[str], bars: Iterable[Rectangle], texts: Iterable[str]) -> None:
    """Write a name to the left of each horizontal bar and a text to its right; the first bar stands on top."""
    ax.set_yticks(range(len(names)), [_in_two_lines(name) for name in names])
    ax.set_ylim(max(len(names), _LEAST_BARS) - 0.5, -0.5)
    for bar, text in zip(bars, texts, strict=True):
        ax.annotate(
            text, (bar.get_width(), bar.get_y() + bar.get_height() / 2), xytext=(6, 0), textcoords="offset points",
            va="center", ha="left", color=INK, fontsize=_TEXT_PT,
        )  # fmt: skip
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)


def duration_ticks(low_s: float, high_s: float) -> list[float]:
    """Return durations that a person would choose to mark a logarithmic axis, such as 1 s, 10 s, 1 min."""
    wide = high_s > 100 * low_s
    return [mark for mark in (_ROUND_MARKS if wide else _DURATION_MARKS) if low_s <= mark <= high_s]


def short_duration(seconds: float) -> str:
    """Write a duration in the unit a person would choose, such as ``0.4 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    return f"{hours:,} h {rest} min" if rest and hours < 10 else f"{hours:,} h"


def _in_two_lines(text: str) -> str:
    lines = textwrap.wrap(text, _NAME_WIDTH, max_lines=2, placeholder="…")
    return "\n".join(lines).replace("$", r"\$")  # a dollar sign would begin a formula
