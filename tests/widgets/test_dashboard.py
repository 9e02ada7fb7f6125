"""Everything on one page: what leads from one part to another, and what is left when it closes."""

import threading
from pathlib import Path

import pytest
from ipywidgets import Widget

from stlkit.model.geometry import encode_binary_stl
from stlkit.outputs.report.addresses import relative_url
from stlkit.samples.mechanical import calibration_cube
from stlkit.workspace import Workspace
from stlkit_widgets import Dashboard
from stlkit_widgets.dashboard import TITLES
from stlkit_widgets.memory import remember, remembered


@pytest.fixture
def dashboard(workspace, models):
    (models / "page.stl").unlink()
    (models / "other.stl").write_bytes(encode_binary_stl(calibration_cube()))
    workspace.queue.add(models)
    dashboard = Dashboard(workspace)
    yield dashboard
    dashboard.close()


def open_widgets():
    return set(Widget.get_manager_state()["state"])


def shown_tab(dashboard):
    return TITLES[dashboard._tabs.selected_index]


def test_a_job_leads_to_the_previewer_and_to_the_gallery(dashboard, workspace, page_of):
    """The previewer shows that job's model among those of the queue; the gallery is asked for that model."""
    first, last = workspace.queue.jobs[0], workspace.queue.jobs[-1]
    dashboard._preview_job(last)
    assert shown_tab(dashboard) == "Preview" and dashboard.previewer.path == last.stl_path
    dashboard.preview(first.stl_path, repaired=True)
    assert dashboard.previewer.path == first.stl_path and dashboard.previewer.repaired
    page = page_of(dashboard.gallery)
    dashboard._show_results(last)
    assert shown_tab(dashboard) == "Gallery"
    page.until(lambda: any(content["kind"] == "show" for content, _ in page.told))


def test_a_model_of_an_earlier_queue_is_previewed_too(dashboard, tmp_path):
    """The file itself is enough."""
    path = tmp_path / "earlier.stl"
    path.write_bytes(encode_binary_stl(calibration_cube()))
    dashboard.preview(path)
    assert dashboard.previewer.path == path


def test_the_open_tab_is_remembered_beside_what_the_panel_remembers(tmp_path):
    """Two parts of a page write into the preferences, and neither forgets the other's."""
    with Workspace(tmp_path / "home") as ws:
        dashboard = Dashboard(ws)
        dashboard.open_tab("History")
        dashboard._remembering._executor.submit(lambda: None).result(10)
        dashboard.close()
        remember(ws, "table", {"sort": "name"})
        assert remembered(ws) == {"dashboard_tab": "History", "table": {"sort": "name"}}
        again = Dashboard(ws)
        assert shown_tab(again) == "History"
        again.close()


def test_the_report_is_made_and_handed_out(dashboard, workspace, page_of):
    """In the background, by the number of its folder, and whole."""
    workspace.queue.start()
    workspace.queue.wait()
    page = page_of(dashboard.report)
    folders = page.asks("folders")[0]["folders"]
    assert len(folders) == 1
    assert "error" not in page.asks("make", folder=0)[0]
    answer, buffers = page.asks("piece", at=0)
    assert len(buffers[0]) == answer["size"] and b"stlkit" in buffers[0]
    assert "2 models" in dashboard.report.made["figures"]


def test_what_the_report_links_to_is_handed_out_and_nothing_else(dashboard, workspace, page_of, tmp_path):
    """Files of its folder, under any name; no way leads out, not even through a link in the folder."""
    workspace.queue.start()
    workspace.queue.wait()
    page = page_of(dashboard.report)
    assert "make the report first" in page.asks("linked", address="a.log", at=0)[0]["error"]
    page.asks("make", folder=0)
    folder = Path(workspace.queue.settings.output_base_folder)
    (folder / "a b%.log").write_text("hello")
    answer, buffers = page.asks("linked", address=relative_url("a b%.log"), at=0)
    assert (answer["type"], answer["size"], answer["name"], buffers) == ("text/plain", 5, "a b%.log", [b"hello"])
    assert page.asks("linked", address="report.html", at=0)[0]["type"] == "application/octet-stream"
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (folder / "way_out.txt").symlink_to(secret)
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    outside = ("../secret.txt", "..%2fsecret.txt", relative_url(str(secret)), "way_out.txt")
    for address in (*outside, "", "gone.png", "loop.txt"):
        assert "error" in page.asks("linked", address=address, at=0)[0]


def test_nothing_is_left_of_a_closed_dashboard(tmp_path):
    """No widget and no thread."""
    with Workspace(tmp_path / "home") as ws:
        before, widgets = set(threading.enumerate()), open_widgets()
        dashboard = Dashboard(ws)
        assert repr(dashboard).startswith("<Dashboard of <Workspace")
        dashboard.close()
        dashboard.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
        assert set(threading.enumerate()) - before == set()
        assert open_widgets() == widgets
