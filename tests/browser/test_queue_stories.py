"""A person works with a queue: by mouse, by keyboard, and with what others call their files."""

import re
import shutil

from many import ACT, QUEUE, SHOW
from PIL import Image
from playwright.sync_api import expect

ADD = "ws.queue.use_template(ws.templates.load_template('batch_analysis'))\nws.queue.add({folder!r})"


def in_order(panel):
    """Names of the files in the rows, from top to bottom."""
    script = """rows => rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
        .map(row => row.querySelector('.sk-file bdi').textContent)"""
    return panel.locator(".sk-body [role=row]").evaluate_all(script)


def expect_order(panel, names):
    expect(panel.locator(".sk-body [role=row]")).to_have_count(len(names))
    for _ in range(50):
        if in_order(panel) == names:
            return
        panel.page.wait_for_timeout(100)
    assert in_order(panel) == names


def test_pause_resume_retry_and_reorder(open_panel, page, shot, models):
    """Every action of a row does what it says, and what it says is shown in the row."""
    _, panel = open_panel(more=ADD.format(folder=str(models)))
    row = panel.get_by_role("row", name="model3.stl")
    row.click()
    panel.get_by_role("button", name="Pause", exact=True).last.click()
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Actions").click()
    shot(page, "menu")
    page.get_by_role("menuitem", name="Resume").click()
    expect(row).to_contain_text("pending")
    panel.get_by_role("button", name="Move to the top").click()
    start = [f"model{number}.stl" for number in (3, 0, 1, 2, 4, 5)]
    expect_order(panel, [*start, "page.stl"])
    grip = panel.get_by_role("row", name="page.stl").locator(".sk-grip")
    grip.hover()  # which may scroll the page
    target = panel.get_by_role("row", name="model0.stl").bounding_box()
    page.mouse.down()
    page.mouse.move(target["x"] + 30, target["y"] + 20, steps=5)
    page.mouse.move(target["x"] + 30, target["y"] + 3, steps=5)
    shot(panel, "dragging")
    page.mouse.up()
    expect_order(panel, ["model3.stl", "page.stl", *start[1:]])
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_role("row", name="page.stl")).to_contain_text("failed", timeout=60_000)
    expect(panel).to_contain_text("7 of 7 done", timeout=60_000)
    shot(panel, "done")
    failed = panel.get_by_role("row", name="page.stl")
    earlier = failed.get_attribute("data-id")
    failed.click()
    panel.get_by_role("button", name="Retry").click()
    expect(panel.locator(f"[data-id='{earlier}']")).to_have_count(0)  # until then everything is done as it was before
    expect(failed).to_contain_text("failed", timeout=60_000)
    expect(panel).to_contain_text("7 of 7 done", timeout=60_000)
    panel.get_by_role("button", name="Clear done").click()
    expect(panel).to_contain_text("7 jobs taken out; the history keeps them")
    expect(panel).to_contain_text("No jobs yet")


def test_the_keyboard_reaches_everything(open_panel, page, models):
    """Arrows, Shift, Space, Home and End choose rows; Alt moves them, a menu opens, Delete removes, Escape lets go."""
    _, panel = open_panel(more=ADD.format(folder=str(models)))
    grid = panel.get_by_role("grid")
    expect(panel.locator(".sk-body [role=row]")).to_have_count(7)
    panel.get_by_role("searchbox").focus()
    selected = panel.locator(".sk-body [aria-selected=true]")
    for _ in range(40):  # from the filter, over the buttons and the heads of the columns, to the rows
        if grid.evaluate("grid => grid === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(grid).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    expect(selected).to_have_count(2)
    expect(panel).to_contain_text("2 selected")
    page.keyboard.press("Alt+ArrowDown")
    expect_order(panel, [f"model{number}.stl" for number in (2, 0, 1, 3, 4, 5)] + ["page.stl"])
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menu", name="Actions for 2 jobs")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(panel.locator(".sk-body [role=row]", has_text="cancelled")).to_have_count(2)
    expect(grid).to_be_visible()
    grid.focus()
    page.keyboard.press("Delete")
    expect(panel.locator(".sk-body [role=row]")).to_have_count(5)
    page.keyboard.press("Control+a")
    expect(panel).to_contain_text("5 selected")
    page.keyboard.press("Escape")
    expect(selected).to_have_count(0)
    page.keyboard.press("End")
    expect(panel.locator(".sk-body .sk-current")).to_contain_text("page.stl")
    expect(page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(1)  # no shortcut of JupyterLab was meant


def test_sort_filter_and_options_of_selected_jobs(open_panel, shot, models):
    """Columns sort, text and state filter, and the forms give the selected jobs options of their own."""
    _, panel = open_panel(more=ADD.format(folder=str(models)))
    head = panel.get_by_role("columnheader", name="File")
    head.get_by_role("button").click()
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect_order(panel, ["page.stl", *(f"model{number}.stl" for number in (5, 4, 3, 2, 1, 0))])
    panel.get_by_role("searchbox").fill("PAGE")
    expect_order(panel, ["page.stl"])
    panel.get_by_role("searchbox").fill("")
    panel.get_by_label("Filter jobs by state").select_option("pending")
    expect(panel.locator(".sk-body [role=row]")).to_have_count(7)
    panel.get_by_role("row", name="model2.stl").click()
    panel.get_by_role("row", name="model4.stl").click(modifiers=["Shift"])
    panel.get_by_role("tab", name="Options").click()
    expect(panel.locator(".sk-options_form")).to_be_visible()
    panel.get_by_role("button", name="Selected: 3 jobs").click()
    width = panel.get_by_label("Width, px")
    width.fill("12")
    width.press("Tab")
    expect(panel.locator("[data-option='render.width'] .sk-wrong")).to_contain_text("16")
    expect(width).to_have_attribute("aria-invalid", "true")
    shot(panel, "invalid")
    width.fill("640")
    width.press("Tab")
    expect(panel.locator("[data-option='render.width'] .sk-own")).to_have_text("own")
    expect(width).not_to_have_attribute("aria-invalid", "true")
    panel.get_by_role("tab", name="Names").click()
    expect(panel.locator(".sk-tree")).to_contain_text("model4_validation.json")
    shot(panel, "names")


def test_hostile_names_stay_text(open_panel, page, shot, models):
    """Names, messages and folders that look like pages, or turn the writing, show as what they are."""
    evil = models / "<img src=x onerror=window.evil=1>"
    evil.mkdir()
    for name in ("<script>window.evil=1</script>.stl", "a\nb.stl", "\u202egnp.stl", "'\"&amp;.stl", "x" * 200 + ".stl"):
        (evil / name.replace("/", "∕")).write_bytes(b"solid <b>bold</b>")
    _, panel = open_panel(more=ADD.format(folder=str(evil)))
    expect(panel.locator(".sk-body [role=row]")).to_have_count(5)
    panel.get_by_role("button", name="Start").click()
    expect(panel).to_contain_text("5 of 5 done", timeout=60_000)
    for row in panel.locator(".sk-body [role=row]").all():
        row.click()
        expect(panel.locator(".sk-detail h3")).to_have_text(row.locator(".sk-file bdi").first.text_content())
    shot(panel, "table")
    assert page.evaluate("window.evil") is None
    assert panel.locator("img[src=x], script").count() == 0


def test_ten_thousand_jobs(notebook, page, shot, tmp_path):
    """The page holds the rows that are seen, and shows what was pressed before the kernel has answered."""
    notebook(QUEUE.format(folder=str(tmp_path)), SHOW, run=False).run_all(timeout_s=300)
    panel = page.locator(".stlkit-queue-panel").last
    grid, rows = panel.locator(".sk-grid"), panel.locator(".sk-body [role=row]")
    expect(grid).to_have_attribute("aria-rowcount", "10001", timeout=30_000)
    for height, name in (("body.scrollHeight", "part_9999.stl"), ("0", "part_0000.stl")):
        panel.locator(".sk-body").evaluate(f"body => {{ body.scrollTop = {height}; }}")
        expect(panel.get_by_role("row", name=name)).to_be_visible()
        assert rows.count() <= 30
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_text(re.compile("^[1-9].* of 10,000 done"))).to_be_visible(timeout=60_000)
    panel.get_by_role("searchbox").press_sequentially("part_99")
    expect(grid).to_have_attribute("aria-rowcount", "101")
    shot(panel, "filtered")
    for action, state in (("Pause", "paused"), ("Resume", "pending"), ("Cancel", "cancelled")):
        echo = page.evaluate(ACT, action)
        assert (echo["frames"] <= 2, echo["word"]) == (True, state), echo
    panel.get_by_role("searchbox").fill("")
    panel.get_by_role("columnheader", name="Size").get_by_role("button").click()
    expect(grid).to_have_attribute("aria-rowcount", "10001")
    shot(panel, "sorted")


def test_paths_that_were_used_before_are_offered(open_panel, page, shot, models):
    """A background picture is found by browsing; the folder that models came from is one key press away."""
    Image.new("RGB", (64, 48), "#7aa").save(models / "table.png")
    _, panel = open_panel()
    box = panel.get_by_label("STL files", exact=True)
    box.fill(str(models))
    panel.get_by_role("button", name="Add", exact=True).click()
    expect(panel).to_contain_text("7 jobs added")
    box.press("ArrowDown")
    option = panel.get_by_role("option", name=f"{models}/")
    expect(option).to_be_visible()
    shot(page, "recent")
    option.click()
    expect(box).to_have_value(f"{models}/")
    panel.get_by_role("tab", name="Options").click()
    panel.get_by_role("button", name="Browse: Background picture").click()
    dialog = page.get_by_role("dialog", name="Choose a picture")
    expect(dialog.get_by_role("button", name="Choose", exact=True)).to_be_disabled()
    shot(page, "browse")
    page.keyboard.press("Escape")
    picture = panel.get_by_role("combobox", name="Background picture")
    picture.fill(f"{models}/ta")
    panel.get_by_role("option", name="table.png").click()
    entry = panel.locator("[data-option='render.background_image']")
    expect(entry).to_contain_text("changed")  # the kernel has taken it, and remembers it
    picture.fill("")
    picture.press("Tab")
    picture.press("ArrowDown")
    expect(panel.get_by_role("option", name=f"{models}/table.png")).to_be_visible()
    picture.fill(f"{models}/page.stl")
    picture.press("Tab")
    expect(entry).to_contain_text("is not a picture that can be read")
    shot(page, "refused")
    shutil.copy(models / "table.png", models / "page.stl")
    picture.press("Enter")
    expect(entry).not_to_contain_text("is not a picture that can be read")
