"""The history, to look through: jobs, figures, plots, and the code that gives the same table."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import traitlets

from stlkit.files import one_line
from stlkit.model.amounts import file_size
from stlkit.model.jobs import JobState
from stlkit.outputs.report.amounts import seconds_text
from stlkit.storage.history import JobFilter, JobHistoryRecord
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.cells import replace_earlier
from stlkit_widgets.feed import Feed, News
from stlkit_widgets.history_filter import choosable_options, code_of, filter_of, name_in_notebook
from stlkit_widgets.page_part import Content, PagePart

if TYPE_CHECKING:
    import pandas as pd

PAGE_ROWS = 50
MOST_WARNINGS = 20
STATISTICS_DAYS = 30
PLOTS = {
    "jobs_per_day": "How many jobs ended each day, stacked by their state",
    "calendar": "How many jobs ended on each day of the last year: a column a week, a row a day of the week",
    "failure_causes": "Why jobs failed or were skipped, the most frequent reasons first",
    "duration_vs_faces": "How long completed jobs took against the number of their faces, both logarithmic",
    "stage_breakdown": "Where the working time went, stage by stage",
    "estimate_vs_actual": "How long completed jobs took against what was foreseen",
    "cumulative_output": "How the size of everything that was made grew over time",
}
"""Functions of `stlkit.analytics.plots` without their ``plot_``, and what each tells those who do not see it."""


class HistoryExplorer(PagePart, page="history_explorer"):
    """Looks through the history of a workspace, live while its queue runs.

    Jobs are chosen by time, state, path and options; a page of them is read at a time, however many there are. The
    figures and plots are of all jobs that are chosen, and so is the table that the shown code gives. Everything is
    read and drawn in the background.

    Parameters
    ----------
    workspace : Workspace
        Its own, or that of another process.

    Examples
    --------
    >>> stlkit_widgets.HistoryExplorer(ws)                   # doctest: +SKIP
    """

    options: Any = traitlets.List().tag(sync=True)
    plots: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._drawing = Background("stlkit-drawing")
        self._reading = Background("stlkit-history")
        self._frame: tuple[str, pd.DataFrame] | None = None  # touched by the drawing thread alone
        self._version = 0
        self._lock = threading.Lock()
        super().__init__(self._reading, options=choosable_options(), plots=PLOTS)
        self.answer("page", lambda asked, _: self._jobs(asked))
        self.answer("code", lambda asked, _: {"code": self._code(filter_of(asked["filter"]))})
        self.answer("figures", lambda asked, _: self._figures(asked["filter"]), self._drawing)
        self.answer("plot", lambda asked, _: self._plot(asked["filter"], str(asked["name"])), self._drawing)
        self._leave: Callable[[], None] = Feed.of(workspace).listen(self._on_news)
        replace_earlier(self.close)

    def close(self) -> None:
        """End the explorer: its threads, its subscription and its view. Harmless the second time."""
        if hasattr(self, "_leave"):  # also called for one that could not be built
            self._leave()
            self._reading.close()
            self._drawing.close()
        super().close()

    def __repr__(self) -> str:
        return f"<HistoryExplorer of {one_line(self._workspace.home.history)}>"

    def _on_news(self, news: News) -> None:
        if any(job.id in news.changed and job.state.ended for job in news.state.jobs):
            with self._lock:
                self._version += 1
            self.tell("changed")

    # --- answers, in the background ---

    def _jobs(self, asked: Content) -> tuple[Content, tuple[bytes, ...]]:
        after = asked.get("after")
        key = None if after is None else (datetime.fromisoformat(str(after[0])), str(after[1]))
        records = self._workspace.history.records(limit=PAGE_ROWS + 1, after=key, **filter_of(asked["filter"]))
        rows = [_row(record) for record in records[:PAGE_ROWS]]
        return {"more": len(records) > PAGE_ROWS}, (json.dumps(rows).encode(),)

    def _code(self, wanted: JobFilter) -> str:
        return code_of(wanted, name_in_notebook(self._workspace), self._workspace.home.root)

    def _figures(self, said: Content) -> Content:
        facts = [[name, value] for name, value in figures_of(self._table(said))]
        period = self._workspace.history.get_processing_statistics(int(said.get("days") or STATISTICS_DAYS))
        return {"facts": facts, "html": period._repr_html_()}

    def _plot(self, said: Content, name: str) -> tuple[Content, tuple[bytes, ...]]:
        if name not in PLOTS:
            raise ValueError(f"there is no plot {name!r}")
        from stlkit.analytics import plots  # noqa: PLC0415 - matplotlib, which only a drawing needs

        axes = getattr(plots, f"plot_{name}")(self._table(said))
        picture, size = axes._repr_png_()
        return {"alt": f"{PLOTS[name]}: {axes.get_title(loc='left')}", **size}, (picture,)

    def _table(self, said: Content) -> pd.DataFrame:
        """Return the chosen jobs; figures and plots of one choice share one table."""
        with self._lock:
            key = json.dumps([self._version, said], sort_keys=True)
        if self._frame is None or self._frame[0] != key:
            frame = self._workspace.history.to_dataframe(unpack_stages=True, **filter_of(said))
            self._frame = (key, frame)
        return self._frame[1]


def figures_of(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Sum up jobs: names and values for a person.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `History.to_dataframe` returns it.
    """
    from stlkit.analytics.made import files_made, were_up_to_date  # noqa: PLC0415 - numpy, which a table has loaded

    states, worked = frame["state"].astype(str), ~were_up_to_date(frame)
    counts = {state: int((states == state).sum()) for state in JobState if state.ended}
    judged = counts[JobState.COMPLETED] + counts[JobState.FAILED]
    done = frame[states == JobState.COMPLETED]
    took = frame["actual_duration"][worked & (states == JobState.COMPLETED)].dropna()
    facts = [("Jobs", f"{len(frame):,}")]
    facts += [(f"… {state}", f"{count:,}") for state, count in counts.items() if count]
    if judged:
        facts.append(("Success rate", f"{counts[JobState.COMPLETED] / judged:.1%}"))
    if len(took):
        facts.append(("Working time", seconds_text(float(frame["actual_duration"].sum()))))
        facts.append(("A job took, typically", seconds_text(float(took.median()))))
        facts.append(("… nine of ten at most", seconds_text(float(took.quantile(0.9)))))
    if len(done):
        facts.append(("Models read", file_size(int(done["stl_size"].sum()))))
    if made := files_made(frame):
        facts.append(("Files made", f"{made:,}"))
    if "output_bytes" in frame and frame["output_bytes"].notna().any():
        facts.append(("Their size", file_size(int(frame["output_bytes"][worked].sum()))))
    return facts


def _row(record: JobHistoryRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "key": [record.created_at.isoformat(), record.id],
        "name": one_line(record.stl_filename),
        "path": one_line(record.stl_path),
        "output": one_line(record.output_folder),
        "state": record.state,
        "when": record.created_at.timestamp() * 1000.0,
        "took": record.actual_duration,
        "size": record.stl_size,
        "files": [one_line(path) for path in record.files_generated],
        "message": one_line(record.error_message or ""),
        "warnings": [one_line(text) for text in record.warnings[:MOST_WARNINGS]],
        "options": {
            name: one_line(str(value))
            for name, value in {**record.render_options, **record.validation_options}.items()
            if value is not None
        },
    }
