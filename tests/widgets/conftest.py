import json
import threading
from pathlib import Path

import pytest
from ipywidgets import Widget

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import calibration_cube
from stlkit.workspace import Workspace
from stlkit_widgets import QueuePanel


@pytest.fixture(autouse=True)
def _no_widget_is_left():
    """Whatever a test has shown is closed after it: ipywidgets keeps every open widget for ever."""
    yield
    Widget.close_all()


@pytest.fixture
def models(tmp_path) -> Path:
    """A folder with a sound cube and a web page that calls itself an STL file."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "cube.stl").write_bytes(encode_binary_stl(calibration_cube()))
    (folder / "page.stl").write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    return folder


@pytest.fixture
def workspace(tmp_path):
    """A workspace of its own that makes no pictures."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as workspace:
        workspace.queue.use_template(workspace.templates.load_template("batch_analysis"))
        yield workspace


class FakePage:
    """Stands where a browser shows one part: says and asks what a page would, and keeps what it is told."""

    def __init__(self, part):
        self._part = part
        self._changed = threading.Condition()
        self.told = []
        part.send = self._take  # what a comm without a front end would drop
        part.observe(lambda _: self._wake())

    def _take(self, content, buffers=()):
        with self._changed:
            self.told.append((content, [bytes(each) for each in buffers]))
            self._changed.notify_all()

    def _wake(self):
        with self._changed:
            self._changed.notify_all()

    def says(self, what, **details):
        """Send a message that needs no answer."""
        self._part._on_page_message(self._part, {"do": what, **details}, [])

    def asks(self, what, *buffers, **details):
        """Send a question, wait for its answer, and return that and its buffers."""
        number = f"question {len(self.told)}"
        self._part._on_page_message(self._part, {"ask": what, "number": number, **details}, list(buffers))
        self.until(lambda: self._answer_to(number))
        return self._answer_to(number)

    def _answer_to(self, number):
        return next((told for told in self.told if told[0].get("number") == number), None)

    def until(self, condition, timeout_s=60):
        """Wait until something is so, looked at whenever this part of the page changes."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s)

    @property
    def rows(self):
        """The rows that a table would show now, by id, in their order."""
        rows, order = {}, []
        for content, buffers in list(self.told):
            if content["kind"] == "rows":
                news = json.loads(buffers[0])
                rows = {} if news["whole"] else rows
                rows |= {row["id"]: row for row in news["rows"]}
                order = order if news["order"] is None else news["order"]
        return {job_id: rows[job_id] for job_id in order}


@pytest.fixture
def page_of():
    """Give the function that puts a part before a page."""
    return FakePage


@pytest.fixture
def panel(workspace):
    """Its panel."""
    return QueuePanel(workspace)


class PanelPage:
    """A page for each part of a panel."""

    def __init__(self, panel):
        self.panel = panel
        self.add, self.notices, self.run = map(FakePage, (panel.add_files, panel.notices, panel.run_bar))
        self.table, self.detail, self.options = map(FakePage, (panel.table, panel.detail, panel.options))
        self.names = FakePage(panel.names)
        self.table.says("hello")

    def until_said(self, text):
        """Wait until a notice says something."""
        self.notices.until(lambda: any(text in shown for shown in self.panel.notices.texts))

    def until_status(self, **expected):
        """Wait until the bar says how the queue stands."""
        self.run.until(lambda: expected.items() <= self.panel.run_bar.status.items())


@pytest.fixture
def page(panel):
    """What a browser shows of the panel."""
    return PanelPage(panel)


@pytest.fixture
def showing():
    """Give the function that shows a panel in a page."""
    return PanelPage
