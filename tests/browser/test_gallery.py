"""Somebody looks at what was made: sheet, lightbox, video, archive."""

import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.times import utc_now
from stlkit.outputs.summary import write_summary
from stlkit.rendering.video import Mp4Writer

OPEN = """
import stlkit_widgets
gallery = stlkit_widgets.ResultsGallery({folder!r})
gallery
"""
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def folder(tmp_path):
    """Models of plain and spiteful names with pictures, one with a video, one that failed."""
    base = tmp_path / "listings"
    jobs = []
    for number, name in enumerate(["vase", "gear", HOSTILE, "x" * 90, "bracket", "broken"]):
        pictures = base / name / "renders" / f"{name[:80]}_render.png"
        pictures.parent.mkdir(parents=True)
        shade = np.linspace(240, 120 + 15 * number, 540, dtype=np.uint8)[:, None, None]
        pixels = np.broadcast_to(shade, (540, 960, 3)).copy()
        pixels[150:390, 330:630] = (40 * number, 110, 180)
        Image.fromarray(pixels).save(pictures)
        files = [] if name == "broken" else [pictures]
        if name == "gear":
            chart = pictures.with_name("gear_size_chart.png")
            Image.new("RGB", (960, 540), "white").save(chart)
            video = base / name / "videos" / "gear_presentation.mp4"
            video.parent.mkdir()
            with Mp4Writer(video, 320, 180, fps=20, crf=23, preset="veryfast") as writer:
                for frame in range(60):
                    writer.write(np.full((180, 320, 3), 4 * frame, dtype=np.uint8))
            files += [chart, video]
        state = JobState.FAILED if name == "broken" else JobState.COMPLETED
        results = JobResults(files_generated=tuple(files), warnings=("3 open edges",) if name == "vase" else ())
        jobs.append(
            QueueJob(
                id=f"job_{number}",
                stl_path=tmp_path / f"{name[:80]}.stl",
                output_folder=base / name,
                output_base_folder=base,
                output_name=name,
                state=state,
                created_at=utc_now(),
                completed_at=utc_now(),
                actual_duration=1.5,
                results=results,
                error_message="the file is empty" if state is JobState.FAILED else None,
            )
        )
    write_summary(base, jobs)
    return base


@pytest.fixture
def gallery(notebook, page, folder):
    """The gallery of that folder in a page."""
    notebook(OPEN.format(folder=str(folder)))
    gallery = page.locator(".sk-results_gallery")
    expect(gallery.get_by_role("status").first).to_have_text("6 of 6 models", timeout=30_000)
    return gallery


def test_the_sheet_is_filtered_and_a_video_plays(gallery, page, shot):
    """Text, state and kind narrow the sheet; the video of a model plays in the page, and Esc leaves it."""
    expect(gallery.locator(".sk-tile img")).to_have_count(5)
    shot(gallery, "sheet")
    gallery.get_by_label("Search", exact=True).fill("open onerror")
    expect(gallery).to_contain_text("Nothing fits this choice.")
    gallery.get_by_label("Search", exact=True).fill("onerror")
    expect(gallery.locator(".sk-name")).to_have_text([HOSTILE])
    gallery.get_by_label("Search", exact=True).fill("")
    gallery.get_by_label("State", exact=True).select_option("failed")
    expect(gallery.locator(".sk-tile")).to_contain_text("the file is empty")
    gallery.get_by_label("State", exact=True).select_option("any")
    gallery.get_by_label("Findings", exact=True).select_option("with warnings")
    expect(gallery.locator(".sk-name")).to_have_text(["vase"])
    gallery.get_by_label("Findings", exact=True).select_option("any")
    gallery.get_by_label("Show", exact=True).select_option("Videos")
    gallery.get_by_role("button", name="Open gear, Video").click()
    page.wait_for_function("() => document.querySelector('.sk-lightbox video')?.currentTime > 0.3")
    shot(page, "video")
    page.keyboard.press("Escape")
    expect(gallery.locator("dialog")).to_be_hidden()
    expect(gallery.locator("video")).to_have_count(0)


def test_the_lightbox_is_used_by_keyboard(gallery, page, shot):
    """Enter opens, left and right change the model, up and down its outputs, Esc gives the focus back."""
    gallery.get_by_label("Order", exact=True).select_option("by name")
    gallery.get_by_role("button", name=f"Open {HOSTILE}").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(gallery.get_by_role("button", name="Open broken")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(gallery.get_by_role("button", name="Open gear")).to_be_focused()
    page.keyboard.press("Enter")
    box = gallery.get_by_role("dialog")
    expect(box.get_by_role("heading", level=3)).to_have_text("gear")
    expect(box.locator(".sk-stage .sk-zoom img")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(box.locator('.sk-strip [aria-current="true"]')).to_have_attribute("aria-label", "Size chart")
    shot(page, "lightbox")
    page.keyboard.press("ArrowRight")
    expect(box.get_by_role("heading", level=3)).to_have_text("vase")
    page.keyboard.press("Escape")
    expect(gallery.get_by_role("button", name="Open vase")).to_be_focused()


def test_a_selection_is_saved_as_one_archive(gallery, page, tmp_path):
    """All files of two chosen models, whole."""
    for name in ("gear", HOSTILE):
        gallery.get_by_label(f"Select {name}", exact=True).check()
    expect(gallery).to_contain_text("4 files selected")
    with page.expect_download() as saved:
        gallery.get_by_role("button", name="Download as ZIP").click()
    saved.value.save_as(tmp_path / "got.zip")
    with zipfile.ZipFile(tmp_path / "got.zip") as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 4
    expect(gallery).to_contain_text("Saved,")


def test_it_is_calm_in_the_dark_and_on_a_narrow_page(notebook, page, folder, shot, nothing_serious):
    """Nothing is cut off on a narrow page, and the dark theme has its own colours."""
    opened = notebook(OPEN.format(folder=str(folder)), run=False)
    opened.use_theme("JupyterLab Dark")
    try:
        opened.run_all()
        page.set_viewport_size({"width": 700, "height": 900})
        gallery = page.locator(".sk-results_gallery")
        expect(gallery.locator(".sk-tile img")).to_have_count(5, timeout=30_000)
        assert gallery.evaluate("each => each.scrollWidth <= each.clientWidth")
        shot(page, "sheet")
        nothing_serious(page, ".sk-results_gallery")
        gallery.get_by_role("button", name="Open vase").click()
        expect(gallery.locator(".sk-zoom img")).to_be_visible()
        expect(gallery.get_by_role("dialog")).to_contain_text("3 open edges")
        shot(page, "lightbox")
        nothing_serious(page, ".sk-lightbox")
        page.keyboard.press("Escape")
    finally:
        page.set_viewport_size({"width": 1400, "height": 900})
        opened.use_theme("JupyterLab Light")
