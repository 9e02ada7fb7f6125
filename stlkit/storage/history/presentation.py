"""Figures of the history for a person, as plain text and as HTML that suits light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stlkit.model.amounts import file_size
from stlkit.model.html import Markup, Right, element, headline, joined, rows_table
from stlkit.model.showing import signed
from stlkit.model.text import one_line

if TYPE_CHECKING:
    from stlkit.storage.history.statistics import ModelFigures, ProcessingStats

LONGEST_TEXT = 90
SHOWN_ROWS = 5

_SIDE_BY_SIDE = "display: flex; flex-wrap: wrap; gap: 14px 36px"
_FAINT = "opacity: .75; font-size: 85%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A small table; the first column is text, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    of_states: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Headline:
    """One figure, and in smaller letters what goes with it."""

    name: str
    value: str
    detail: str = ""


def as_text(stats: ProcessingStats) -> str:
    """Return lines for a terminal."""
    lines = [_title(stats), ""]
    lines += (f"{each.name:<12}{', '.join(filter(None, (each.value, each.detail)))}" for each in _headlines(stats))
    for section in _sections(stats):
        lines += ["", *_text_table(section)]
    return "\n".join(lines)


def as_html(stats: ProcessingStats) -> Markup:
    """Return a fragment of a page."""
    return joined(
        headline(_title(stats)),
        element("div", *map(_tile, _headlines(stats)), style=f"{_SIDE_BY_SIDE}; margin: 8px 0 14px"),
        element("div", *map(_titled_table, _sections(stats)), style=f"{_SIDE_BY_SIDE}; align-items: flex-start"),
    )


def seconds(value: float | None) -> str:
    """Return a duration for a person: ``0.42 s``, ``38 s``, ``3 min 20 s``, ``2 h 05 min``, ``3 d 4 h``."""
    if value is None:
        return "–"
    if value < 9.95:
        return f"{value:.2g} s" if value < 0.995 else f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(value / 60)
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(value / 3600)
    return f"{hours // 24:,} d {hours % 24} h"


def _title(stats: ProcessingStats) -> str:
    days = "day" if stats.days == 1 else f"{stats.days} days"
    compared = f", compared with the {days} before" if stats.trend else ""
    return f"Jobs of the last {days}, {stats.since:%Y-%m-%d} to {stats.until:%Y-%m-%d}{compared}"


def _headlines(stats: ProcessingStats) -> Iterator[_Headline]:
    trend = {name: _signed(change) for name, change in stats.trend.items()}
    yield _Headline(name="jobs", value=f"{stats.total:,}", detail=trend.get("jobs", ""))
    if stats.success_rate is not None and stats.success_interval is not None:
        low, high = stats.success_interval
        points = trend["success_rate"].replace("%", "points, ") if "success_rate" in trend else ""
        sure = f"{points}95 % sure: {_percent(low)} to {_percent(high)}"
        of = f"of {stats.judged:,} that completed or failed, {sure}"
        yield _Headline(name="success", value=_percent(stats.success_rate), detail=of)
    if not stats.total:
        return
    per_hour = f"{stats.jobs_per_hour:,.1f} per busy hour" if stats.jobs_per_hour is not None else ""
    yield _Headline(name="per day", value=f"{stats.jobs_per_day:,.1f}", detail=per_hour)
    if stats.mean_duration_s is not None:
        yield _Headline(name="mean time", value=seconds(stats.mean_duration_s), detail=trend.get("mean_duration", ""))
    if stats.duration_quantiles_s:
        low_s, middle, high_s = (seconds(stats.duration_quantiles_s[share]) for share in (0.05, 0.5, 0.95))
        yield _Headline(name="median", value=middle, detail=f"90 % took {low_s} to {high_s}")
    yield _Headline(name="worked", value=seconds(stats.total_duration_s))
    yield _Headline(name="read", value=file_size(stats.bytes_processed), detail=f"{stats.faces_processed:,} faces")
    yield _Headline(name="made", value=file_size(stats.output_bytes), detail=f"{stats.files_generated:,} files")
    if stats.reused_files:
        there = f"{stats.reused_files:,} files were there already"
        yield _Headline(name="saved", value=seconds(stats.saved_s), detail=there)


def _sections(stats: ProcessingStats) -> Iterable[_Section]:
    in_all = sum(stats.stage_durations_s.values())
    options = sorted({figures.option for figures in stats.by_option})
    sections = [
        _Section(
            title="by state",
            of_states=True,
            columns=("state", "jobs", "share"),
            rows=tuple((state, f"{jobs:,}", _percent(jobs / stats.total)) for state, jobs in stats.by_state.items()),
        ),
        _Section(
            title="time by stage",
            columns=("stage", "time", "share"),
            rows=tuple(
                (name, seconds(time_s), _percent(time_s / in_all))
                for name, time_s in stats.stage_durations_s.items()
                if in_all > 0
            ),
        ),
        *(
            _Section(
                title=f"time by {option}",
                columns=(option, "jobs", "each", "time"),
                rows=tuple(
                    (each.value, f"{each.jobs:,}", seconds(each.mean_duration_s), seconds(each.total_duration_s))
                    for each in stats.by_option
                    if each.option == option
                ),
            )
            for option in options
        ),
        _Section(
            title="most frequent errors",
            columns=("error", "jobs"),
            rows=tuple((each.message, f"{each.jobs:,}") for each in stats.errors[:SHOWN_ROWS]),
        ),
        _Section(
            title="most frequent warnings",
            columns=("warning", "jobs"),
            rows=tuple((each.message, f"{each.jobs:,}") for each in stats.warnings[:SHOWN_ROWS]),
        ),
        _models("slowest files", stats.slowest),
        _models("files that failed most often", stats.most_failing),
    ]
    return [section for section in sections if section.rows]


def _models(title: str, models: Sequence[ModelFigures]) -> _Section:
    return _Section(
        title=title,
        columns=("file", "jobs", "failed", "each"),
        rows=tuple(
            (each.stl_path, f"{each.jobs:,}", f"{each.failed:,}", seconds(each.mean_duration_s))
            for each in models[:SHOWN_ROWS]
        ),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(change: float) -> str:
    return f"{100 * change:+.1f} %".replace("-", "\N{MINUS SIGN}")


def _short(text: str) -> str:
    """Return text on one line; of one that is too long the end, which tells files apart, is kept."""
    line = one_line(text)
    if len(line) <= LONGEST_TEXT:
        return line
    return f"{line[: LONGEST_TEXT // 3]}…{line[-(LONGEST_TEXT - LONGEST_TEXT // 3 - 1) :]}"


def _text_table(section: _Section) -> list[str]:
    rows = [section.columns, *((_short(row[0]), *row[1:]) for row in section.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(section.columns))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return [section.title, *lines]


def _tile(figure: _Headline) -> Markup:
    return element(
        "div",
        element("div", figure.name, style=_FAINT),
        element("div", figure.value, style="font-size: 130%; font-weight: 600"),
        element("div", figure.detail, style=_FAINT),
    )


def _titled_table(section: _Section) -> Markup:
    rows = [
        (
            signed(row[0]) if section.of_states else element("span", _short(row[0]), title=row[0]),
            *map(Right, row[1:]),
        )
        for row in section.rows
    ]
    heads = (section.columns[0], *map(Right, section.columns[1:]))
    return element("div", element("strong", section.title), rows_table(heads, rows))
