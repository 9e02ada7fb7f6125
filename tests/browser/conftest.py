"""A real browser on a real JupyterLab. Screenshots are kept in ``artefacts/`` beside this file."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import calibration_cube

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from lab import Lab, Notebook  # noqa: E402 - beside this file

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = (
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",  # WebGL without a GPU
)  # fmt: skip
OPEN = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({folder!r} + "/home", output={folder!r} + "/out")
{more}
panel = stlkit_widgets.QueuePanel(ws)
panel
"""
ARTEFACTS = HERE / "artefacts"

HARMLESS = {
    # what the console may say: why
    r"t\.on is not a function": "pythreejs with a directional or point light; the picture is right",
    r"Failed to load resource.*404.*/api/(contents|workspaces)": "JupyterLab looks for what it has not saved yet",
    r"Failed to load resource.*https://cdn\.jsdelivr\.net/": "Voila's page asks for icons and mathematics from outside",
    r"WebSocket is closed before the connection is established": "a kernel was restarted while the page spoke with it",
}


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items):
    """Have one worker run all stories: one server and one browser at a time are enough for two cores."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


def chromium_path():
    """Path of the browser; None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def launch(playwright, path):
    """Start the browser as every story needs it."""
    return playwright.chromium.launch(
        executable_path=path, args=list(CHROMIUM_OPTIONS), ignore_default_args=["--disable-gpu"]
    )


@pytest.fixture(scope="session")
def chromium():
    """Path of the browser; without one the stories are skipped, but on a CI machine they fail."""
    found = chromium_path()
    if found is None:
        message = "no Chromium here; to run these tests: make chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    return found


@pytest.fixture(scope="session")
def lab(chromium, tmp_path_factory):
    """The JupyterLab server of the whole run."""
    assert chromium, "without a browser a server is of no use"
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def browser(chromium):
    """A browser; ended with its module, because while it lives no other test of this process can run asyncio."""
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser, request):
    """Give the function that opens a page; what any of them writes as an error on its console fails the test."""
    contexts, errors = [], []

    def note(text):
        if not any(re.search(harmless, text) for harmless in HARMLESS):
            errors.append(text)

    def open_page(*, width=1400, height=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda message: note(_text_of(message)) if message.type == "error" else None)
        return page

    yield open_page
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=_picture(request, f"end{number or ''}"))
        context.close()
    assert errors == []


def _text_of(message):
    return f"{message.text} {message.location.get('url', '')}"


@pytest.fixture
def page(new_page):
    """A page of a desktop's size."""
    return new_page()


@pytest.fixture
def notebook(lab, request, page):
    """Give the function that opens a notebook with the given cells and runs them; its kernel ends with the test."""

    def open_notebook(*cells, page=page, name=None, run=True):
        opened = Notebook(page, lab, cells, name or f"{request.node.name}.ipynb").open()
        if run:
            opened.run_all()
        return opened

    yield open_notebook
    lab.end_kernels()


@pytest.fixture
def models(tmp_path):
    """A folder with six small models, no two alike, and a web page that calls itself an STL file."""
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(6):
        (folder / f"model{number}.stl").write_bytes(encode_binary_stl(calibration_cube() * (1 + number / 10)))
    (folder / "page.stl").write_text("<!DOCTYPE html><html><body>Please log in</body></html>")
    return folder


@pytest.fixture
def open_panel(notebook, page, tmp_path):
    """Give the function that opens a notebook whose first cell shows the panel of a workspace; returns the panel."""

    def open_panel(*further_cells, more="", page=page, name=None):
        opened = notebook(OPEN.format(folder=str(tmp_path), more=more), *further_cells, page=page, name=name)
        panel = page.locator(".stlkit-queue-panel").first
        expect(panel.locator(".sk-grid")).to_be_visible(timeout=30_000)
        return opened, panel

    return open_panel


@pytest.fixture
def shot(request):
    """Give the function that keeps a picture of a page, or of one element of it."""

    def keep(target, name):
        target.screenshot(path=_picture(request, name))

    return keep


@pytest.fixture
def nothing_serious():
    """Give the function that asks axe-core about a part of a page; what would keep somebody out fails the test."""

    def check(page, selector):
        found = Axe().run(page, selector).response["violations"]
        serious = [
            (rule["id"], [node["html"][:200] for node in rule["nodes"][:3]])
            for rule in found
            if rule["impact"] in {"serious", "critical"}
        ]
        assert serious == []

    return check


@pytest.fixture
def keep_text(request):
    """Give the function that keeps a text, such as what was measured."""
    return lambda name, text: _artefact(request, f"{name}.txt").write_text(f"{text}\n")


def _picture(request, name):
    return _artefact(request, f"{name}.png")


def _artefact(request, name):
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS / f"{request.node.name}-{name}"
