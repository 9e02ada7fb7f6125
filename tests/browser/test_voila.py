"""The dashboard as an application, without a notebook to be seen."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

APP = Path(__file__).parents[2] / "notebooks" / "app.ipynb"


@pytest.fixture
def address(chromium, tmp_path):
    """Where Voila serves the application, with a home of its own."""
    assert chromium, "without a browser a server is of no use"
    pytest.importorskip("voila")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "STLKIT_HOME")
    places = {name: str(tmp_path / name.lower()) for name in names}
    Path(places["HOME"]).mkdir()
    command = [sys.executable, "-m", "voila", "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1", str(APP)]
    with (tmp_path / "voila.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **places, "JUPYTER_PLATFORM_DIRS": "1"}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await_answer(port, server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(30)


def _await_answer(port, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/voila/static/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)


def test_the_application_works_without_a_notebook(address, page, shot):
    """Voila serves the dashboard: its tabs open, its parts are live, and no code is shown."""
    page.goto(address)
    dashboard = page.locator(".stlkit-dashboard")
    expect(dashboard).to_contain_text("No jobs yet", timeout=60_000)
    shot(page, "queue")
    dashboard.get_by_role("tab", name="Gallery").click()
    expect(dashboard).to_contain_text("Nothing has been made yet")
    dashboard.get_by_role("tab", name="History").click()
    expect(dashboard).to_contain_text("No job has ended yet")
    shot(page, "history")
    assert "import stlkit" not in page.locator("body").inner_text()
