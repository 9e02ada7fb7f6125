"""How the panel looks and reads: in light and dark, wide and narrow, and to a screen reader."""

import pytest
from playwright.sync_api import expect

PANEL = ".stlkit-queue-panel"
MORE = """
ws.queue.use_template(ws.templates.load_template("batch_analysis"))
cube, page, *_ = [*ws.queue.add([{folder!r} + "/model0.stl", {folder!r} + "/page.stl"]).jobs]
ws.queue.start()
ws.queue.wait()
ws.queue.stop()
held, *_ = ws.queue.add([{folder!r} + f"/model{{number}}.stl" for number in range(1, 6)]).jobs
ws.queue.pause(held)
"""


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def theme(request, lab):
    """A theme of JupyterLab."""
    lab.choose_theme(request.param)
    yield request.param
    lab.choose_theme(None)


def test_it_is_readable_and_usable_by_everybody(open_panel, page, nothing_serious, shot, models, theme):
    """In every tab, with a selection, a menu and a wrong value: nothing that axe-core calls serious."""
    page.set_viewport_size({"width": 1400, "height": 1500})
    _, panel = open_panel(more=MORE.format(folder=str(models)), name=f"{theme}.ipynb")
    panel.get_by_role("row", name="page.stl").click()
    expect(panel.get_by_role("region", name="Details of page.stl")).to_contain_text("Log")
    nothing_serious(page, PANEL)
    shot(panel, "details")
    panel.get_by_role("tab", name="Options").click()
    panel.get_by_label("Width, px").fill("huge")
    panel.get_by_label("Width, px").press("Tab")
    expect(panel.locator(".sk-wrong").filter(has_text="Expected a whole number")).to_be_visible()
    nothing_serious(page, PANEL)
    shot(panel, "options")
    panel.get_by_role("tab", name="Names").click()
    expect(panel.locator(".sk-tree")).to_be_visible()
    nothing_serious(page, PANEL)
    shot(panel, "names")
    panel.get_by_role("row", name="model1.stl").get_by_role("button", name="Actions").click()
    shot(page, "menu")
    nothing_serious(page, PANEL)


def test_a_narrow_page_keeps_what_matters(open_panel, new_page, shot, models):
    """State, file and progress stay; nothing runs out of the page."""
    page = new_page(width=620, height=1400)
    _, panel = open_panel(more=MORE.format(folder=str(models)), page=page)
    page.keyboard.press("Control+b")  # the file browser goes
    panel.get_by_role("row", name="model0.stl").click()
    expect(panel.get_by_role("region", name="Details of model0.stl")).to_contain_text("Stages")
    heads = [text.strip() for text in panel.get_by_role("columnheader").all_text_contents()]
    assert heads[:2] == ["State", "File"]
    wider = "panel => [...panel.querySelectorAll('.sk-part')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert panel.evaluate(wider) == 0
    shot(panel, "narrow")


def test_nothing_moves_where_a_person_wants_no_motion(open_panel, new_page, models):
    """With reduced motion no icon turns and no bar glides."""
    page = new_page(reduced_motion="reduce")
    _, panel = open_panel(more=MORE.format(folder=str(models)), page=page)
    moving = """panel => [...panel.querySelectorAll('*')].filter(e => {
        const style = getComputedStyle(e);
        return style.animationName !== 'none' || (style.transitionDuration !== '0s' && e.closest('.sk-part'));
    }).length"""
    assert panel.evaluate(moving) == 0
