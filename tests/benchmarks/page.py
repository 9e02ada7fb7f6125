"""How long the notebook's page takes on this machine: the second half of ``make bench``.

A real JupyterLab and a real Chromium. Every figure is what a person waits for: from a press, or from the start of a
cell, to what is seen.
"""

import re
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import expect, sync_playwright
from rich.console import Console
from rich.table import Table
from run import sphere

from stlkit.model.geometry import encode_binary_stl

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from conftest import chromium_path, launch
from lab import Lab, Notebook
from many import ACT, QUEUE, SHOW

ANSWERS = 200
UPLOAD_BYTES = 200_000_000
FOUR_JOBS = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({folder!r} + "/home", output={folder!r} + "/out")
ws.queue.use_template(ws.templates.load_template("complete_processing"))
ws.queue.configure(settings={{"max_concurrent_jobs": 4}})
ws.queue.add({folder!r} + "/models")
panel = stlkit_widgets.QueuePanel(ws)
ws.queue.start()
while sum(job.state.value == "processing" for job in ws.queue.jobs) < 4:
    await asyncio.sleep(0.1)
"""
PANEL = """
import stlkit, stlkit_widgets
ws = stlkit.Workspace({folder!r} + "/panel-home", output={folder!r} + "/out")
stlkit_widgets.QueuePanel(ws)
"""
WATCH = """
window.stlkit = {longest: 0};
new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.stlkit.longest = Math.max(window.stlkit.longest, task.duration);
}).observe({entryTypes: ['longtask']});
new MutationObserver(() => {
    const note = (name, selector) => {
        if (document.querySelector(selector)) window.stlkit[name] ??= performance.now();
    };
    note('table', '.sk-job_table:not(.old)');
    note('rows', '.sk-job_table:not(.old) .sk-body [role=row]');
}).observe(document.body, {subtree: true, childList: true});
"""
FORGET = """() => {
    document.querySelectorAll('.sk-job_table').forEach(table => table.classList.add('old'));
    window.stlkit.rows = window.stlkit.table = undefined;
}"""
PREVIEWER = "import stlkit_widgets\nstlkit_widgets.Previewer({path!r})"


def answer_figures(folder):
    """A cell of ``1+1`` while four jobs draw."""
    (folder / "models").mkdir()
    for number in range(60):
        data = encode_binary_stl(sphere(40 + number) * (1 + number / 100))
        (folder / "models" / f"{number}.stl").write_bytes(data)
    manager, client = start_new_kernel()
    try:
        code = "import asyncio" + FOUR_JOBS.format(folder=str(folder))
        if (reply := client.execute_interactive(code, timeout=120)["content"])["status"] != "ok":
            raise RuntimeError(f"the four jobs do not run: {reply}")
        taken_s = []
        for _ in range(ANSWERS):
            started = time.perf_counter()
            client.execute_interactive("1+1", timeout=60, output_hook=lambda _: None)
            taken_s.append(time.perf_counter() - started)
            time.sleep(0.05)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    for share in (0.5, 0.95):
        yield f"1+1 beside four jobs, {share:.0%} of {ANSWERS} within", float(np.quantile(taken_s, share))


@contextmanager
def notebooks(folder):
    """Give the function that opens a notebook in a page of its own."""
    lab = Lab(folder)
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright, chromium_path())
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            yield lambda code, name, *further: Notebook(page, lab, [code, *further], name).open()
            browser.close()
    finally:
        lab.close()


def previewer_figures(folder, open_notebook):
    """From the start of the cell to the model on the screen, in a kernel that has imported everything."""
    for rings in (113, 354):
        path = folder / f"sphere-{rings}.stl"
        triangles = sphere(rings)
        path.write_bytes(encode_binary_stl(triangles))
        opened = open_notebook(PREVIEWER.format(path=str(path)), f"preview-{rings}.ipynb")
        opened.run_all()  # once for the imports
        opened.page.locator(".stage[data-arrived]").wait_for(timeout=120_000)
        opened.page.evaluate("document.querySelectorAll('.stage').forEach((stage) => stage.classList.add('old'))")
        started = time.perf_counter()
        opened.menu("Run", "Run All Cells")
        opened.page.locator(".stage[data-arrived]:not(.old)").wait_for(timeout=120_000)
        yield f"model of {len(triangles):,} faces in the previewer", time.perf_counter() - started


def upload_figures(folder, open_notebook):
    """A large file from the browser into the queue."""
    path = folder / "large.stl"
    path.write_bytes(encode_binary_stl(np.random.default_rng(1).random((UPLOAD_BYTES // 50, 3, 3), dtype=np.float32)))
    opened = open_notebook(PANEL.format(folder=str(folder)), "upload.ipynb")
    opened.run_all()
    panel = opened.page.locator(".stlkit-queue-panel")
    started = time.perf_counter()
    panel.locator("input[type=file]").first.set_input_files(path)
    expect(panel.get_by_role("row", name="large.stl")).to_be_visible(timeout=300_000)
    yield f"upload of {UPLOAD_BYTES / 1e6:.0f} MB", time.perf_counter() - started


def many_figures(folder, open_notebook):
    """A queue of ten thousand jobs: shown again, then worked off four at a time while a person uses the table."""
    opened = open_notebook(QUEUE.format(folder=str(folder)), "many.ipynb", SHOW)
    opened.run_all(timeout_s=300)
    page, panel = opened.page, opened.page.locator(".stlkit-queue-panel").last
    grid, rows = panel.locator(".sk-grid"), panel.locator(".sk-body [role=row]")
    rows.first.wait_for(timeout=60_000)
    page.evaluate(WATCH)
    page.evaluate(FORGET)
    page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function("window.stlkit.rows !== undefined")
    yield "10,000 jobs, table to rows", page.evaluate("window.stlkit.rows - window.stlkit.table") / 1e3
    panel.get_by_role("button", name="Start").click()
    expect(panel.get_by_text(re.compile("^[1-9].* of 10,000 done"))).to_be_visible(timeout=60_000)
    echoes = [page.evaluate(ACT, action) for action in ("Pause", "Resume", "Cancel")]
    yield "an action is marked, of 10,000 jobs and beside four", max(echo["shown"] for echo in echoes) / 1e3
    yield "the same, the kernel's word", max(echo["done"] for echo in echoes) / 1e3
    page.evaluate("window.stlkit.longest = 0")
    for position in (100_000, 399_000, 0):
        panel.locator(".sk-body").evaluate("(body, top) => { body.scrollTop = top; }", position)
        expect(rows.first).to_be_visible()
    panel.get_by_role("searchbox").press_sequentially("part_99")
    expect(grid).to_have_attribute("aria-rowcount", "101")
    panel.get_by_role("searchbox").fill("")
    panel.get_by_role("columnheader", name="Size").get_by_role("button").click()
    expect(grid).to_have_attribute("aria-rowcount", "10001")
    yield "longest task of the page meanwhile", page.evaluate("window.stlkit.longest") / 1e3


def main():
    if chromium_path() is None:
        Console().print("no Chromium here; for the figures of the page: make chromium")
        return
    table = Table("what", "seconds", box=None, pad_edge=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, seconds in answer_figures(folder):
            table.add_row(what, f"{seconds:.3f}")
        (folder / "lab").mkdir()
        with notebooks(folder / "lab") as open_notebook:
            for figures in (previewer_figures, upload_figures, many_figures):
                for what, seconds in figures(folder, open_notebook):
                    table.add_row(what, f"{seconds:.3f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
