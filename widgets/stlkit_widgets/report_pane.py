"""The report of an output folder, made and shown in the page."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import traitlets

from stlkit.errors import StlkitError
from stlkit.files import one_line, printable
from stlkit.workspace import Workspace
from stlkit_widgets.background import Background
from stlkit_widgets.handing_out import OPENED_AS, piece_of
from stlkit_widgets.page_part import Answer, Content, PagePart

TELL_EVERY_S = 0.25
LARGEST_REPORT_BYTES = 1 << 28


class ReportPane(PagePart, page="report_pane"):
    """Makes ``report.html`` of an output folder when a person asks for it, and shows it in a frame of its own.

    Parameters
    ----------
    workspace : Workspace

    Attributes
    ----------
    made : dict
        Of the report that was made last: its path and key figures, and the endings of the files that may be opened.
    """

    made: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path: Path | None = None
        self._working = Background("stlkit-report")
        super().__init__(self._working)
        self.answer("folders", lambda _, __: {"folders": [one_line(printable(each)) for each in self._folders()]})
        self.answer("make", lambda asked, _: self._make(int(asked["folder"])))
        self.answer("piece", lambda asked, _: self._piece(int(asked["at"])))
        self.answer("linked", lambda asked, _: self._linked(str(asked["address"]), int(asked["at"])))

    def close(self) -> None:
        """End the pane. Harmless the second time."""
        if hasattr(self, "_working"):
            self._working.close()
        super().close()

    def _folders(self) -> tuple[Path, ...]:
        """Return the output folders that are known, the newest first."""
        try:
            state = self._workspace.queue.state()
        except StlkitError:  # another's queue, and damaged
            return ()
        folders = [job.output_base_folder for job in sorted(state.jobs, key=lambda job: job.created_at, reverse=True)]
        if state.queue_settings.output_base_folder:
            folders.append(Path(state.queue_settings.output_base_folder))
        return tuple(dict.fromkeys(folders))

    def _make(self, number: int) -> Content:
        last_told = 0.0

        def tell(done: int, total: int) -> None:
            nonlocal last_told
            if (now := time.monotonic()) - last_told >= TELL_EVERY_S:
                last_told = now
                self.tell("making", {"done": done, "total": total})

        report = self._workspace.report(self._folders()[number], on_progress=tell)
        self._path = report.path
        self.made = {
            "path": one_line(printable(report.path)),
            "figures": report.figures,
            "notes": [one_line(note) for note in report.notes],
            "at": report.path.stat().st_mtime,
            "opens": list(OPENED_AS),
        }
        return {}

    def _piece(self, at_byte: int) -> Answer:
        if self._path is None:
            raise ValueError("make the report first")
        return piece_of(self._path, at_byte, limit_bytes=LARGEST_REPORT_BYTES, kind="text/html")

    def _linked(self, address: str, at_byte: int) -> Answer:
        """Return a piece of a file that the report links to; nothing outside its folder."""
        if self._path is None:
            raise ValueError("make the report first")
        folder = self._path.parent.resolve()
        path = (folder / os.fsdecode(unquote_to_bytes(address))).resolve()
        if not path.is_relative_to(folder):
            raise ValueError("this link leads out of the report's folder")
        return piece_of(path, at_byte)
