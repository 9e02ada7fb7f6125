"""Everything of a workspace on one page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from stlkit.model.jobs import QueueJob
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.cells import replace_earlier
from stlkit_widgets.history_explorer import HistoryExplorer
from stlkit_widgets.memory import remember, remembered
from stlkit_widgets.parts import parts_of
from stlkit_widgets.previewer import Previewer
from stlkit_widgets.queue_panel import QueuePanel
from stlkit_widgets.report_pane import ReportPane
from stlkit_widgets.results_gallery import ResultsGallery
from stlkit_widgets.routing import route_as_sent

TITLES = ("Queue", "Preview", "Gallery", "History", "Report")
_OPEN_TAB = "dashboard_tab"


class Dashboard(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The queue, a previewer, the gallery, the history and the report of a workspace, one of each, in tabs.

    What a job shows can be looked at in the previewer and in the gallery. The tab that was open last opens again in
    the next session. Closing the dashboard closes its parts; the workspace goes on.

    Parameters
    ----------
    workspace : Workspace

    Attributes
    ----------
    queue : QueuePanel
    previewer : Previewer
    gallery : ResultsGallery
    history : HistoryExplorer
    report : ReportPane

    Examples
    --------
    >>> ws = stlkit.Workspace(output="listings")             # doctest: +SKIP
    >>> stlkit_widgets.Dashboard(ws)                         # doctest: +SKIP
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._remembering = Background("stlkit-dashboard")
        self._previews_queue = False
        self.previewer = Previewer()
        self.gallery = ResultsGallery(workspace, on_preview=self.preview)
        self.queue = QueuePanel(workspace, on_preview=self._preview_job, on_results=self._show_results)
        self.history = HistoryExplorer(workspace)
        self.report = ReportPane(workspace)
        self._tabs = widgets.Tab(
            [self.queue, self.previewer, self.gallery, self.history, self.report],
            titles=TITLES,
        )
        route_as_sent([self._tabs])
        super().__init__([self._tabs])
        self.add_class("stlkit-dashboard")
        self._tabs.observe(self._on_tab, names="selected_index")
        self.open_tab(str(remembered(workspace).get(_OPEN_TAB)))
        replace_earlier(self.close)

    def close(self) -> None:
        """End the dashboard and all its parts. Harmless the second time."""
        if hasattr(self, "_tabs"):  # also called for one that could not be built
            for part in self._parts():
                part.close()
            self._remembering.close()
            for part in parts_of(self):
                part.close()
        super().close()

    def __repr__(self) -> str:
        return f"<Dashboard of {self._workspace!r}>"

    def open_tab(self, title: str) -> None:
        """Bring a tab to the front.

        Parameters
        ----------
        title : str
            ``Queue``, ``Preview``, ``Gallery``, ``History`` or ``Report``; any other changes nothing.
        """
        if title in TITLES:
            self._tabs.selected_index = TITLES.index(title)

    def preview(self, stl_path: Path, repaired: bool = False) -> None:
        """Show a model in the previewer.

        Parameters
        ----------
        stl_path : Path
        repaired : bool
            As a repair leaves it.
        """
        self._look_at(lambda job: job.stl_path == stl_path, stl_path)
        self.previewer.repaired = repaired

    # --- from one part to another ---

    def _parts(self) -> tuple[Any, ...]:
        return self.queue, self.previewer, self.gallery, self.history, self.report

    def _preview_job(self, job: QueueJob) -> None:
        self._look_at(lambda other: other.id == job.id, job.stl_path)

    def _look_at(self, is_wanted: Callable[[QueueJob], bool], stl_path: Path) -> None:
        numbers = [number for number, job in enumerate(self._workspace.queue.jobs) if is_wanted(job)]
        if numbers:
            self._follow_queue()
            self.previewer.index = numbers[-1]
        else:  # of an earlier queue
            self._previews_queue = False
            self.previewer.show(stl_path)
        self.open_tab("Preview")

    def _follow_queue(self) -> None:
        if not self._previews_queue:
            self._previews_queue = True
            self.previewer.show(self._workspace)

    def _show_results(self, job: QueueJob) -> None:
        self.open_tab("Gallery")
        self.gallery.show(job.stl_path)

    def _on_tab(self, change: dict[str, Any]) -> None:
        title = TITLES[change["new"]] if change["new"] is not None else TITLES[0]
        if title == "Preview" and self.previewer.path is None:  # the first look costs reading a model, so not before
            self._follow_queue()
            self.previewer.refresh()
        self._remembering.do(lambda: remember(self._workspace, _OPEN_TAB, title))
