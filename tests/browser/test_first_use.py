"""Somebody opens the panel for the first time, brings models, and gets pictures."""

import hashlib
import json
import os

import pytest
from playwright.sync_api import expect

from stlkit.model.geometry import encode_binary_stl
from stlkit.samples.mechanical import gear

LARGE_BYTES = 25_000_000  # more than the server takes in one message, in more pieces than one


@pytest.mark.gl
def test_upload_start_and_see_the_picture(open_panel, page, shot, tmp_path):
    """A file from the browser becomes a job, Start makes its picture, and the picture is seen in the panel."""
    model = tmp_path / "gear.stl"
    model.write_bytes(encode_binary_stl(gear()))
    _, panel = open_panel()
    expect(panel).to_contain_text("No jobs yet")
    shot(panel, "empty")
    panel.get_by_label("Template", exact=True).select_option("Quick Preview")
    panel.get_by_label("Upload STL files").set_input_files(model)
    row = panel.get_by_role("row", name="gear.stl")
    expect(row).to_contain_text("pending")
    panel.get_by_role("button", name="Start").click()
    expect(row).to_contain_text("completed", timeout=60_000)
    row.click()
    detail = panel.get_by_role("region", name="Details of gear.stl")
    expect(detail).to_contain_text("gear_render.png")
    picture = detail.locator(".sk-pictures img")
    expect(picture).to_have_js_property("naturalWidth", 360)
    expect(row.locator("img")).to_have_js_property("naturalWidth", 96)
    shot(panel, "done")
    with page.expect_popup() as opened:
        picture.click()
    expect(opened.value.locator("img")).to_have_js_property("naturalWidth", 960)
    opened.value.close()


def test_a_large_file_arrives_whole_and_others_are_named(open_panel, page, shot, tmp_path):
    """Dropped files of any size come in pieces, with a bar; what is no STL is named and left out."""
    data = os.urandom(LARGE_BYTES)
    (tmp_path / "large.stl").write_bytes(data)
    (tmp_path / "notes.txt").write_text("x")
    _, panel = open_panel()
    panel.get_by_label("Upload STL files").set_input_files([tmp_path / "large.stl", tmp_path / "notes.txt"])
    expect(panel).to_contain_text("Not STL, left out: notes.txt")
    expect(panel.get_by_role("progressbar", name="Upload of large.stl")).to_be_visible()
    shot(panel.locator(".sk-add_files"), "uploading")
    expect(panel.get_by_role("row", name="large.stl")).to_contain_text("pending", timeout=60_000)
    arrived = tmp_path / "home" / "uploads" / "large.stl"
    assert hashlib.sha256(arrived.read_bytes()).digest() == hashlib.sha256(data).digest()
    expect(panel.locator(".sk-uploads li")).to_have_count(0)
    page.evaluate(DROP, json.dumps({"dropped.stl": "solid", "other.exe": "x"}))
    expect(panel.get_by_role("row", name="dropped.stl")).to_contain_text("pending")
    expect(panel).to_contain_text("Not STL, left out: other.exe")


DROP = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, text] of Object.entries(JSON.parse(files))) transfer.items.add(new File([text], name));
    const form = document.querySelector('.sk-add_files .sk-form');
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        form.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: transfer}));
    }
}"""


def test_paths_are_completed_counted_and_browsed(open_panel, page, shot, models, tmp_path):
    """Typing offers what is there, a folder says how many files are in it, and the dialog finds them too."""
    (models / "inner").mkdir()
    (models / "inner" / "deep.stl").write_bytes(b"x")
    _, panel = open_panel()
    box = panel.get_by_role("combobox", name="STL files")
    box.fill(f"{tmp_path}/mod")
    option = panel.get_by_role("option", name="models")
    expect(option).to_be_visible()
    shot(page, "completing")
    box.press("ArrowDown")
    box.press("Enter")
    expect(box).to_have_value(f"{models}/")
    expect(panel).to_contain_text("8 STL files in this folder")
    box.press("Escape")
    panel.get_by_role("checkbox", name="with folders inside").uncheck()
    expect(panel).to_contain_text("7 STL files in this folder")
    panel.get_by_role("button", name="Browse: STL files").click()
    dialog = page.get_by_role("dialog", name="Choose files or a folder")
    expect(dialog).to_contain_text(str(models))
    dialog.get_by_role("option", name="model1.stl").click()
    dialog.get_by_role("option", name="model2.stl").click()
    shot(page, "browsing")
    dialog.get_by_role("button", name="Choose 2 files").click()
    expect(panel.locator(".sk-body [role=row]")).to_have_count(2)
    box.fill(str(models))
    box.press("Enter")
    expect(panel).to_contain_text("5 jobs added; already in the queue: model1.stl, model2.stl")
