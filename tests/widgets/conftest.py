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


@pytest.fixture
def panel(workspace):
    """Its panel."""
    return QueuePanel(workspace)


class Watch:
    """Waits until a panel shows something, told by its widgets themselves."""

    def __init__(self, panel):
        self._changed = threading.Condition()
        for part in (panel.message, panel.table, panel.summary, panel.template_box):
            part.observe(self._note, names="value")
        for button in (panel.start_button, panel.pause_button, panel.resume_button, panel.stop_button):
            button.observe(self._note, names="disabled")

    def _note(self, _):
        with self._changed:
            self._changed.notify_all()

    def until(self, condition, timeout_s=60):
        with self._changed:
            assert self._changed.wait_for(condition, timeout_s)


@pytest.fixture
def watching():
    """Give the function that waits until a panel shows something."""
    return lambda panel: Watch(panel).until


@pytest.fixture
def until(panel, watching):
    """Wait until the panel shows something."""
    return watching(panel)
