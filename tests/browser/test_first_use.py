"""Somebody opens the panel for the first time, brings a model, and gets a picture."""

import pytest
from playwright.sync_api import expect

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import gear

OPEN = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({home!r}, output={output!r})
panel = stlkit_widgets.QueuePanel(ws)
panel
"""


@pytest.mark.gl
def test_upload_start_and_see_the_picture(notebook, page, shot, tmp_path):
    """A file from the browser becomes a job, Start makes its picture, and the picture is seen in the panel."""
    model = tmp_path / "gear.stl"
    model.write_bytes(encode_binary_stl(gear()))
    notebook(OPEN.format(home=str(tmp_path / "home"), output=str(tmp_path / "out")))
    panel = page.locator(".stlkit-queue-panel")
    expect(panel).to_contain_text("No jobs yet", timeout=30_000)
    shot(panel, "empty")
    panel.get_by_label("Template", exact=True).select_option("Quick Preview")
    panel.get_by_label("Upload STL files").set_input_files(model)
    expect(panel.get_by_role("row", name="gear.stl")).to_contain_text("pending")
    panel.get_by_role("button", name="Start").click()
    row = panel.get_by_role("row", name="gear.stl")
    expect(row).to_contain_text("completed", timeout=60_000)
    row.click()
    expect(panel.get_by_role("region", name="Details of gear.stl")).to_contain_text("gear_render.png")
    expect(panel.locator(".sk-pictures img")).to_have_js_property("complete", True)
    shot(panel, "done")
