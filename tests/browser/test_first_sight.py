from playwright.sync_api import expect


def test_a_queue_panel_appears(notebook, page, shot):
    """The first cell of a notebook shows the panel of an empty queue."""
    notebook("import stlkit, stlkit_widgets\nstlkit_widgets.QueuePanel(stlkit.Workspace('first-sight'))")
    panel = page.locator(".stlkit-queue-panel")
    expect(panel).to_contain_text("No jobs yet", timeout=30_000)
    shot(panel, "panel")
