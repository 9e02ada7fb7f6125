"""A report in a real browser: what a person finds, sees and prints."""

import pytest
from PIL import Image

from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.times import utc_now
from stlkit.outputs.report import write_report
from stlkit.outputs.summary import write_summary

WARNING = "the surface is not closed: 3 edges belong to one face only"

# Text on its background, by the WCAG 2.1 formula of contrast (1.4.3, relative luminance); the least of all texts.
LEAST_CONTRAST = """() => {
  const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const background = (node) => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  let least = [99, ""];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility({ contentVisibilityAuto: false }) || node.closest("script")) continue;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(background(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least[0]) least = [ratio, node.outerHTML.slice(0, 80)];
  }
  return least;
}"""


@pytest.fixture
def folder(tmp_path):
    """Twelve models: some with pictures and warnings, one failed, one skipped, one with a spiteful name."""
    base = tmp_path / "out"
    states = {3: JobState.FAILED, 5: JobState.SKIPPED}
    jobs = []
    for number in range(12):
        name = "<b>Vase</b> \u05d0" if number == 7 else f"Model {number}"
        picture = base / name / "renders" / f"{name}_render.png"
        picture.parent.mkdir(parents=True)
        Image.new("RGB", (320, 180), (200, 20 * number, 90)).save(picture)
        warnings = (WARNING,) if number % 4 == 0 else ()
        state = states.get(number, JobState.COMPLETED)
        job = QueueJob(
            id=f"job_{number}",
            stl_path=tmp_path / f"{name}.stl",
            output_folder=base / name,
            output_base_folder=base,
            output_name=name,
            state=state,
            created_at=utc_now(),
            actual_duration=float(number),
            error_message=None if state is JobState.COMPLETED else "the file is empty",
            results=JobResults(files_generated=(picture,), warnings=warnings),
        )
        jobs.append(job)
    write_summary(base, jobs)
    write_report(base)
    return base


@pytest.fixture
def address(folder):
    return (folder / "report.html").as_uri()


def names_of(page):
    return page.locator("article:visible h3").all_text_contents()


def test_a_model_is_found_by_text_state_and_findings(page, address, shot):
    """Each field narrows the choice, the count is told, and one click shows everything again."""
    page.goto(address)
    shot(page, "whole")
    assert len(names_of(page)) == 12
    page.get_by_role("combobox", name="Findings", exact=True).select_option("With warnings")
    assert names_of(page) == ["Model 0", "Model 4", "Model 8"]
    page.get_by_role("searchbox", name="Search", exact=True).fill("EDGES 8")
    assert names_of(page) == ["Model 8"]
    assert page.get_by_role("status").inner_text() == "1 of 12 models"
    page.get_by_role("combobox", name="State", exact=True).select_option("failed")
    assert names_of(page) == []
    page.get_by_role("button", name="Show all").click()
    assert page.get_by_role("status").inner_text() == "12 models"
    page.get_by_role("combobox", name="State", exact=True).select_option("failed")
    assert names_of(page) == ["Model 3"]


def test_the_order_is_chosen(page, address):
    """What is largest comes first, equals stay in the order of the page, and that order comes back."""
    page.goto(address)
    by_name = names_of(page)
    order = page.get_by_role("combobox", name="Order", exact=True)
    order.select_option("Longest work")
    assert names_of(page)[:2] == ["Model 11", "Model 10"]
    order.select_option("Most warnings")
    assert names_of(page)[:3] == ["Model 0", "Model 4", "Model 8"]
    order.select_option("State")
    assert names_of(page)[-2:] == ["Model 3", "Model 5"]
    order.select_option("Name")
    assert names_of(page) == by_name


def test_the_keyboard_is_enough(page, address):
    """The first tab leads past everything to the models, a slash to the search, and findings open by a key."""
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the models"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "models"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("Model 4")
    page.locator("article:visible summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("article:visible details[open] li").all_text_contents() == [f"!{WARNING}"]


def test_a_picture_leads_to_its_file(page, address, folder):
    """The link works from the disk."""
    page.goto(address)
    page.locator("article:visible a.picture").first.click()
    page.wait_for_url("**/*.png")
    assert page.url.startswith(folder.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(new_page, address, scheme, shot):
    """At least 4.5 to 1 in both schemes (WCAG 2.1, level AA)."""
    page = new_page(color_scheme=scheme)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    shot(page, "contrast")
    ratio, where = page.evaluate(LEAST_CONTRAST)
    assert ratio >= 4.5, where


def test_a_phone_shows_it_without_scrolling_sideways(new_page, address, shot):
    """Nothing is wider than the screen."""
    page = new_page(width=360, height=740)
    page.goto(address)
    shot(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_scripts_everything_is_there(new_page, address):
    """All models, no tools; findings still open."""
    page = new_page(java_script_enabled=False)
    page.goto(address)
    assert len(names_of(page)) == 12
    assert page.locator("form").is_hidden()
    page.locator("summary").first.click()
    assert page.locator("details[open] li").first.is_visible()


def test_on_paper_findings_are_open_and_tools_are_gone(page, address):
    """What cannot be opened on paper is printed open, and closed again afterwards."""
    page.goto(address)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("form").is_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_nothing_is_asked_of_the_net_and_nothing_else_runs(page, address):
    """The page loads itself alone, and a name that is markup is text."""
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert [url for url in requests if not url.startswith("data:image/webp")] == [address]
    assert "<b>Vase</b> \u05d0" in names_of(page)
