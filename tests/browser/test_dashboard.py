"""Somebody works on one page: queue, previewer, gallery, history, report."""

import pytest
from playwright.sync_api import expect

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import gear

OPEN = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({home!r}, output={output!r})
ws.queue.use_template(ws.templates.load_template("quick_preview"))
added = ws.queue.add({model!r})
stlkit_widgets.Dashboard(ws)
"""


@pytest.mark.gl
def test_a_job_leads_from_the_queue_to_all_other_tabs(notebook, page, shot, tmp_path):
    """What a job made is shown in the gallery and its model in the previewer; the history and the report know it."""
    model = tmp_path / "gear.stl"
    model.write_bytes(encode_binary_stl(gear()))
    notebook(OPEN.format(home=str(tmp_path / "home"), output=str(tmp_path / "out"), model=str(model)))
    dashboard = page.locator(".stlkit-dashboard")
    dashboard.get_by_role("button", name="Start").click(timeout=30_000)
    row = dashboard.get_by_role("row", name="gear.stl")
    expect(row).to_contain_text("completed", timeout=60_000)
    row.click()
    shot(page, "queue")
    dashboard.get_by_role("button", name="Show in gallery").click()
    box = dashboard.get_by_role("dialog")
    expect(box.locator(".sk-zoom img")).to_be_visible(timeout=20_000)
    shot(page, "gallery")
    box.get_by_role("button", name="Show in previewer").click()
    expect(dashboard.locator(".stlkit-previewer")).to_be_visible(timeout=30_000)
    expect(dashboard.locator(".stlkit-previewer")).to_contain_text("gear.stl")
    shot(page, "preview")
    dashboard.get_by_role("tab", name="History").click()
    expect(dashboard.locator(".sk-jobs")).to_contain_text("gear.stl")
    dashboard.get_by_role("tab", name="Report").click()
    dashboard.get_by_role("button", name="Make the report").click()
    frame = page.frame_locator(".sk-report iframe")
    expect(frame.get_by_role("heading", name="gear")).to_be_visible(timeout=20_000)
    shot(page, "report")
    link = frame.locator(".card a[href$='_render.png']").first
    expect(link.locator("img")).to_have_js_property("complete", True)  # until then the page may still move
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.locator("img")).to_have_js_property("naturalWidth", 960)
