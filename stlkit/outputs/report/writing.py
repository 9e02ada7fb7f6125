"""From an output folder to ``report.html`` in it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.files import one_line, open_regular_file, printable
from stlkit.model.amounts import file_size
from stlkit.model.html import element, isolated
from stlkit.model.jobs import JobState
from stlkit.model.reports import counted
from stlkit.outputs.names import REPORT_NAME
from stlkit.outputs.placing import place_text
from stlkit.outputs.report.addresses import relative_url
from stlkit.outputs.report.collecting import collect_cards
from stlkit.outputs.report.listing import listed_models
from stlkit.outputs.report.model import ReportPage
from stlkit.outputs.report.page import page_html
from stlkit.outputs.report.pictures import Progress, with_thumbnails
from stlkit.outputs.report.statistics import statistics_of
from stlkit.outputs.summary import ModelEntry

_MARK = b'name="generator" content="stlkit '
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that was written.

    Parameters
    ----------
    path : Path
        The page.
    size_bytes : int
        Of the page.
    counts : dict of JobState to int
        Models in each state that occurs.
    with_warnings : int
        Models.
    notes : tuple of str
        What is missing or damaged in the folder, each with its model.
    """

    path: Path
    size_bytes: int
    counts: dict[JobState, int]
    with_warnings: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.figures}"

    @property
    def figures(self) -> str:
        """The key figures in one line."""
        parts = [counted(sum(self.counts.values()), "model")]
        parts += [f"{count:,} {state}" for state, count in self.counts.items()]
        parts.append(f"{self.with_warnings:,} with warnings")
        if self.notes:
            parts.append(counted(len(self.notes), "note"))
        return ", ".join((*parts, file_size(self.size_bytes)))

    def _repr_html_(self) -> str:
        # A notebook's server hands out what lies below the notebook, and no other file.
        below = self.path.is_relative_to(Path.cwd())
        address = relative_url(os.path.relpath(self.path).replace(os.sep, "/")) if below else self.path.as_uri()
        link = element("a", isolated(printable(self.path)), href=address, target="_blank")
        return element("p", link, element("br"), self.figures)


def write_report(base_folder: Path, *, title: str | None = None, on_progress: Progress | None = None) -> Report:
    """Write one page about everything in an output folder: pictures, measures, findings, links, figures.

    The page needs nothing beside itself, and can be sent. What is missing or damaged in the folder becomes a note
    in it.

    Parameters
    ----------
    base_folder : Path
        A folder with a ``queue_summary.json``.
    title : str, optional
        Headline of the page; the folder's name, unless given.
    on_progress : callable, optional
        Called with the number of pictures that were made small, and of all.

    Returns
    -------
    Report

    Raises
    ------
    OutputError
        The folder has no summary that can be read, the page cannot be placed in it, or something that stlkit did not
        make has its name.
    """
    base_folder = Path(os.path.abspath(base_folder))  # noqa: PTH100 - resolve() would follow links
    path = base_folder / REPORT_NAME
    summary, summary_notes = listed_models(base_folder)
    _require_ours(path)
    entries = sorted(summary.models, key=_natural_order)
    cards = with_thumbnails(collect_cards(entries, base_folder), on_progress)
    page = ReportPage(
        title=title or base_folder.name or "Models",
        begun_at=min((entry.created_at for entry in summary.models), default=summary.created_at),
        ended_at=summary.last_updated,
        cards=cards,
        notes=summary_notes,
    )
    statistics = statistics_of(cards)
    text = page_html(page, statistics)
    return Report(
        path=place_text(path, text, within=base_folder),
        size_bytes=len(text.encode()),
        counts=statistics.counts,
        with_warnings=statistics.with_warnings,
        notes=(
            *map(one_line, summary_notes),
            *(f"{one_line(card.name)}: {one_line(note)}" for card in cards for note in card.notes),
        ),
    )


def _natural_order(entry: ModelEntry) -> tuple[tuple[int, str], ...]:
    """Put ``part 9`` before ``part 10``, whatever the case of the letters."""
    # Text and digits take turns, so equal places hold equal kinds; more digits make a larger number.
    parts = re.split(r"([0-9]+)", entry.name.casefold())
    return tuple((len(part.lstrip("0")) if number % 2 else 0, part) for number, part in enumerate(parts))


def _require_ours(path: Path) -> None:
    """Check that nothing but an earlier report is replaced."""
    if not os.path.lexists(path):
        return
    try:
        with open_regular_file(path, limit_bytes=sys.maxsize) as stream:
            ours = _MARK in stream.read(_HEAD_BYTES)
    except (OSError, ValueError):
        ours = False
    if not ours:
        raise OutputError(
            f"{printable(path)} was not made by stlkit and is in the way of the report; move it away", path=path
        )
