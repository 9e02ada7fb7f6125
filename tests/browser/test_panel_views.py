"""However often a panel is closed, opened, copied or orphaned: what is shown is how the queue stands."""

import re

import pytest
from playwright.sync_api import expect

ADD = """
ws.queue.use_template(ws.templates.load_template("batch_analysis"))
ws.queue.add({folder!r})
"""
SLOW = """
ws.queue.use_template(ws.templates.load_template("default_render"))
ws.queue.configure(render={{"generate_video": True, "video_duration": 60}}, settings={{"max_concurrent_jobs": 1}})
ws.queue.add({folder!r})
ws.queue.start()
"""
OBSERVE = "import stlkit, stlkit_widgets\nstlkit_widgets.QueuePanel(stlkit.Workspace({home!r}))"


def test_a_reopened_notebook_and_a_second_view_show_the_truth(open_panel, page, shot, models):
    """What happened while the notebook was closed is there when it opens again, and a second view shows it too."""
    opened, panel = open_panel(more=ADD.format(folder=str(models)), name="reopened.ipynb")
    rows = panel.locator(".sk-body [role=row]")
    expect(rows).to_have_count(7)
    opened.menu("File", "Save Notebook")
    expect(page.locator(".jp-DirListing-item", has_text="reopened.ipynb")).to_be_visible()
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".sk-run_bar")).to_contain_text(re.compile("validating|processing|done"))
    page.goto("about:blank")
    opened.open()
    expect(panel.locator(".sk-run_bar")).to_contain_text("7 of 7 done", timeout=60_000)
    expect(rows.filter(has_text="completed")).to_have_count(6)
    panel.click(button="right", position={"x": 5, "y": 5})
    page.get_by_role("menuitem", name="Create New View for Cell Output").click()
    second = page.locator(".jp-LinkedOutputView .stlkit-queue-panel")
    expect(second.locator(".sk-body [role=row]").filter(has_text="completed")).to_have_count(6)
    second.get_by_role("row", name="page.stl").click()
    second.get_by_role("button", name="Remove", exact=True).click()
    expect(rows).to_have_count(6)
    shot(page, "two-views")


@pytest.mark.gl
def test_a_kernel_restart_is_said_and_recovered_from(open_panel, shot, models):
    """The old panel says that its kernel has ended; the cell run again offers what was interrupted, and resumes it."""
    opened, panel = open_panel(more="if len(ws.queue) == 0:\n" + _indented(SLOW.format(folder=str(models))))
    expect(panel.locator(".sk-run_bar")).to_contain_text("1 processing", timeout=60_000)
    opened.restart_kernel()
    expect(panel).to_contain_text("The kernel of this panel has ended. Run the cell again")
    shot(panel, "ended")
    opened.run_all()
    banner = panel.locator(".sk-notice", has_text="7 jobs were interrupted when the last session ended.")
    expect(banner).to_be_visible()
    shot(panel, "recovery")
    banner.get_by_role("button", name="Review").click()
    expect(panel).to_contain_text("7 selected")
    discard = banner.get_by_role("button", name="Discard")
    discard.click()
    expect(banner.get_by_role("button", name="Really discard 7 jobs")).to_be_visible()
    panel.get_by_label("Template", exact=True).select_option("Batch Analysis")
    expect(panel.get_by_label("Template", exact=True)).to_have_value("Batch Analysis")
    banner.get_by_role("button", name="Resume").click()
    expect(panel.locator(".sk-run_bar")).to_contain_text("7 of 7 done", timeout=60_000)
    expect(panel).not_to_contain_text("interrupted")


def test_a_second_kernel_observes(open_panel, notebook, new_page, shot, models, tmp_path):
    """Another notebook on the same home sees what the owner does, can press nothing, and says why."""
    _, panel = open_panel(more=ADD.format(folder=str(models)))
    other_page = new_page()
    notebook(OBSERVE.format(home=str(tmp_path / "home")), page=other_page, name="observer.ipynb")
    other = other_page.locator(".stlkit-queue-panel")
    expect(other).to_contain_text("This queue belongs to process")
    expect(other.locator(".sk-body [role=row]")).to_have_count(7)
    for name in ("Start", "Add", "Upload", "Clear done"):
        expect(other.get_by_role("button", name=name)).to_be_disabled()
    panel.get_by_role("button", name="Start").click()
    expect(other.locator(".sk-run_bar")).to_contain_text("7 of 7 done", timeout=60_000)
    other.get_by_role("row", name="page.stl").click()
    expect(other.get_by_role("region", name="Details of page.stl")).to_contain_text("web page")
    shot(other, "observer")


def test_a_cell_that_runs_again_closes_its_earlier_panel(open_panel, page):
    """Ten runs leave the threads and widgets of one."""
    count = """
import threading
from ipywidgets import Widget
print(len(Widget.get_manager_state()["state"]), sum(t.name.startswith("stlkit-feed") for t in threading.enumerate()))
"""
    opened, _ = open_panel("panel = stlkit_widgets.QueuePanel(ws); panel", count, name="again.ipynb")
    output = page.locator(".jp-OutputArea-output pre").last
    expect(output).to_contain_text(re.compile(r"\d+ 1"))
    first = output.text_content()
    for _ in range(5):
        page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt").click()
        page.keyboard.press("Control+Enter")
        opened.wait_idle()
    page.locator(".jp-CodeCell").nth(2).locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    opened.wait_idle()
    expect(output).to_have_text(first)


def test_a_notebook_that_runs_again_goes_on(open_panel, models):
    """The cell that opens the workspace gets the queue that is running, and its new panel commands it."""
    opened, panel = open_panel(more=ADD.format(folder=str(models)), name="twice.ipynb")
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".sk-run_bar")).to_contain_text(re.compile("validating|processing|done"))
    opened.run_all()
    expect(panel.locator(".sk-run_bar")).to_contain_text("7 of 7 done", timeout=60_000)
    expect(panel).not_to_contain_text("only looks")
    panel.get_by_role("button", name="Clear done").click()
    expect(panel.locator(".sk-body [role=row]")).to_have_count(0)


def test_the_kernel_answers_while_jobs_run(open_panel, page, models):
    """A cell can await the end of the queue, and the panel goes on showing how it comes about."""
    opened, panel = open_panel(
        "ws.queue.start()\nawait ws.queue.wait_async()", more=ADD.format(folder=str(models)), name="await.ipynb"
    )
    expect(panel.locator(".sk-run_bar")).to_contain_text("7 of 7 done")
    expect(page.locator(".jp-OutputArea-output pre").last).to_have_text("True")
    assert opened is not None


def _indented(text):
    return "\n".join(f"    {line}" for line in text.strip().splitlines())
