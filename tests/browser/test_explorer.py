"""Somebody looks through the history: jobs, figures, plots, code."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from stlkit.analytics.sample_history import write_sample_history
from stlkit.workspace import Workspace

OPEN = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({home!r})
stlkit_widgets.HistoryExplorer(ws)
"""


@pytest.fixture
def home(tmp_path):
    """A home with a hundred and twenty jobs of a year, of which some failed."""
    with Workspace(tmp_path / "home") as ws:
        write_sample_history(ws.history, jobs=120, until=datetime(2026, 11, 1, tzinfo=UTC))
    return tmp_path / "home"


def test_jobs_are_chosen_paged_and_given_as_code(notebook, page, home, shot):
    """A choice changes the table; older pages follow; run in the notebook, the shown code gives as many rows."""
    opened = notebook(OPEN.format(home=str(home)), "# the cell of code")
    explorer = page.locator(".sk-history_explorer")
    status = explorer.locator(".sk-pager").get_by_role("status")
    expect(status).to_have_text("Page 1, 50 jobs", timeout=30_000)
    shot(explorer, "jobs")
    explorer.get_by_role("button", name="Older").click()
    expect(status).to_have_text("Page 2, 50 jobs")
    explorer.get_by_role("button", name="Older").click()
    expect(status).to_have_text("Page 3, 20 jobs, the last page")
    explorer.get_by_label("State", exact=True).select_option("completed")
    explorer.get_by_label("Path", exact=True).fill("*gear*")
    expect(status).to_have_text(re.compile(r"Page 1, \d+ jobs, the last page"))
    rows = explorer.locator(".sk-jobs tbody tr:not(.sk-details)").count()
    first = explorer.locator(".sk-jobs .sk-link").first
    first.click()
    expect(explorer.locator(".sk-details:visible")).to_contain_text("Options")
    explorer.get_by_role("tab", name="Code").click()
    code = explorer.locator(".sk-code").text_content()
    shot(explorer, "code")
    assert 0 < rows < 50 and "*gear*" in code
    cell = page.locator(".jp-CodeCell").nth(1)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f"{code}\nlen(frame)")
    page.keyboard.press("Control+Enter")
    expect(cell.locator(".jp-OutputArea-output")).to_have_text(str(rows), timeout=30_000)
    assert opened is not None


def test_figures_and_plots_are_seen_in_the_dark(notebook, page, home, shot, nothing_serious):
    """Every plot arrives with a text for those who do not see it, and reads on a dark page."""
    opened = notebook(OPEN.format(home=str(home)), run=False)
    opened.use_theme("JupyterLab Dark")
    try:
        opened.run_all()
        explorer = page.locator(".sk-history_explorer")
        explorer.get_by_role("tab", name="Jobs").press("ArrowRight")
        expect(explorer.get_by_role("tabpanel")).to_contain_text("Success rate", timeout=30_000)
        shot(explorer, "figures")
        explorer.get_by_role("tab", name="Plots").click()
        expect(explorer.locator(".sk-plot img")).to_have_count(7, timeout=60_000)
        assert all(image.get_attribute("alt") for image in explorer.locator(".sk-plot img").all())
        shot(explorer, "plots")
        nothing_serious(page, ".sk-history_explorer")
    finally:
        opened.use_theme("JupyterLab Light")
