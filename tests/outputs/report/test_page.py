"""What stands in a report, whatever the layout."""

import base64
import hashlib
import io
import os
import re
from dataclasses import replace

import pytest
from PIL import Image

from stlkit.mesh.codes import CheckCode, IntakeCode, RepairCode
from stlkit.model.jobs import JobResults, JobState
from stlkit.outputs.report import pictures, write_report
from stlkit.outputs.report.meanings import UNITS_DOUBT, meaning_of

LAYOUTS = ("per_stl", "flat", "by_type")


@pytest.mark.parametrize("organization", LAYOUTS)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_every_model_stands_in_the_page_with_all_that_is_known(make, base, read_page, organization, compressed, named):
    """Size, volume, faces, pictures and links, in each layout, from plain and compressed documents, whatever names."""
    extra = {"include_quality": True, "include_size": True, "include_timestamp": True, "custom_prefix": "shop_"}
    options = {"organization": organization, "compress_analysis": compressed} | (extra if named else {})
    make.model("ModelA", **options)
    make.model("render_size_chart_red", **options)
    make.failed("Broken", **options)
    make.summary()
    report = write_report(base)
    page = read_page(report.path)
    assert (page.title, page.names) == ("spring sale", ["Broken", "ModelA", "render_size_chart_red"])
    assert report.notes == ()
    for card in page.cards[1:]:
        thin = "\N{NARROW NO-BREAK SPACE}"
        assert f"20{thin}×{thin}30{thin}×{thin}40 mm" in card["text"]
        assert f"0.79{thin}×{thin}1.18{thin}×{thin}1.57 in" in card["text"]
        assert "24 cm³" in card["text"]
        assert "29.8 g" in card["text"]
        assert "Watertight" in card["text"]
        shown = [image["alt"].removeprefix(card["name"]) for image in card["images"]]
        assert shown == [", picture", ", size chart", ", in red", ", in deep sea"]
        assert all(f"\n{label}\n" in card["text"] for label in ("Video", "Analysis", "Dimensions", "Validation", "Log"))
    assert "the file is empty" in page.cards[0]["text"]
    assert meaning_of("empty_file") in page.cards[0]["text"]


@pytest.mark.parametrize("organization", LAYOUTS)
def test_every_link_leads_to_a_file_in_the_folder(make, base, read_page, organization):
    """A browser finds each of them, and they are all the files that the summary lists."""
    for name in ("ModelA", "50% off #1 & more; 'x'", "Ünï çødé 模型 🦊"):
        make.model(name, organization=organization)
    make.failed("Broken")
    make.summary()
    page = read_page(write_report(base).path)
    linked = {page.file_of(address) for card in page.cards for address in card["links"]}
    assert linked == {path for job in make.jobs for path in job.results.files_generated}
    assert all(os.path.lexists(path) for path in linked)
    others = [a for a in page.addresses if not a.startswith(("data:image/webp;base64,", "#"))]
    assert all(page.file_of(address).is_relative_to(base) for address in others)


def test_nothing_outside_the_page_is_named_or_allowed(make, base, read_page):
    """No address has a scheme but those of the pictures inside, and the policy lets only this style and script be."""
    make.model()
    make.summary()
    page = read_page(write_report(base).path)
    assert not [
        a for a in page.addresses if re.match(r"(?!data:image/webp;base64,)[a-z][a-z0-9+.-]*:|//", a, re.IGNORECASE)
    ]
    assert "@import" not in page.source and "url(" not in page.source
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not [a for _, a in page.tags if "style" in a or any(key.startswith("on") for key in a)]


def test_without_scripts_everything_is_shown_and_the_tools_are_not(make, base, read_page):
    """Only what a script alone can do is hidden until it runs."""
    make.model("a")
    make.failed("b")
    make.summary()
    page = read_page(write_report(base).path)
    assert [a.get("id") for _, a in page.tags if "hidden" in a] == ["tools", "nothing"]


def test_the_page_can_be_used_without_eyes_or_mouse(make, base, read_page):
    """Language, headings in order, a name for every picture and field, marks hidden, results announced."""
    make.model()
    make.summary()
    page = read_page(write_report(base).path)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert [tag for tag in tags if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h3", "h2"]
    assert all(a["alt"] and a["width"] and a["height"] for tag, a in page.tags if tag == "img")
    assert tags.count("label") == tags.count("input") + tags.count("select")
    assert [a["aria-live"] for tag, a in page.tags if tag == "output"] == ["polite"]
    assert all(a.get("aria-hidden") == "true" for tag, a in page.tags if tag == "svg")
    assert [a["href"] for _, a in page.tags if a.get("class") == "skip"] == ["#models"]


def test_findings_stand_with_what_they_mean(make, base, read_page, box_stl):
    """A hole that was closed is a repair; what is left open is a warning; both in plain words."""
    twice = bytearray(box_stl() + box_stl()[-50:])
    twice[80:84] = (13).to_bytes(4, "little")
    make.model("mended", bytes(twice))
    make.model("cut", box_stl()[:-60])
    make.summary()
    report = write_report(base)
    page = read_page(report.path)
    cut, mended = page.cards
    assert "facets are whole and were read" in cut["text"]
    assert meaning_of("truncated_binary") in cut["text"]
    assert int(cut["data-warnings"]) >= 1
    assert "data-repaired" in mended
    assert "Repaired: removed 1 face that repeated another" in mended["text"]
    assert report.with_warnings >= 1


def test_every_code_has_a_meaning():
    """Whatever the reader, the checks and the repair may find is explained in a sentence."""
    codes = [*IntakeCode, *CheckCode, *RepairCode, UNITS_DOUBT]
    assert [code for code in codes if not (meaning_of(code) or "").endswith(".")] == []
    assert meaning_of("of_a_later_version") is None


def test_every_state_has_a_name_and_a_place(make, base, read_page):
    """Jobs that have not ended stand in the page as well."""
    make.model("done")
    make.failed("refused", "refused by strict validation: 3 holes", JobState.SKIPPED)
    for state in (JobState.PENDING, JobState.PAUSED, JobState.VALIDATING, JobState.PROCESSING, JobState.CANCELLED):
        make.waiting(f"job {state}", state)
    make.summary()
    report = write_report(base)
    page = read_page(report.path)
    assert sorted(card["data-state"] for card in page.cards) == sorted(set(JobState) - {JobState.FAILED})
    assert "refused by strict validation: 3 holes" in page.cards[page.names.index("refused")]["text"]
    assert report.counts[JobState.PAUSED] == 1


def test_warnings_that_the_reason_says_count_as_warnings(make, base, read_page):
    """They are said once, and a refused model has them all the same."""
    holes, shells = "3 holes are open", "2 bodies overlap"
    make.failed("refused", f"refused by strict validation: {holes}; {shells}", JobState.SKIPPED, (holes, shells))
    make.model("done")
    make.summary()
    report = write_report(base)
    page = read_page(report.path)
    refused = page.cards[page.names.index("refused")]
    assert refused["text"].count(holes) == 1
    assert {card["name"]: card["data-warnings"] for card in page.cards} == {"refused": "2", "done": "0"}
    assert report.with_warnings == 1


def test_a_run_without_pictures_has_no_empty_frames(make, base, read_page):
    """Where nothing was drawn, nothing is missing."""
    make.model("a", pictures=False)
    make.failed("b")
    make.summary()
    assert "No picture" not in read_page(write_report(base).path).source


def test_folders_of_this_machine_stay_out_of_the_page(make, base, read_page, tmp_path):
    """The page is made to be sent: names of files, not of the folders they are in."""
    make.model()
    make.failed("gone", f"there is no file {tmp_path}/models/gone.stl; was it moved or renamed?")
    make.summary()
    source = read_page(write_report(base).path).source
    assert "there is no file gone.stl" in source
    assert str(tmp_path) not in source


def test_models_stand_in_the_order_of_their_names(make, base, read_page):
    """As a person would put them: part 9 before part 10, capital letters among the small ones."""
    names = ["part 10", "Part 9", "part 009", "part", "vase", "Vase 2", "10", "9", "9a"]
    for name in names:
        make.failed(name)
    make.summary()
    expected = ["9", "9a", "10", "part", "part 009", "Part 9", "part 10", "vase", "Vase 2"]
    assert read_page(write_report(base).path).names == expected


def test_the_report_says_what_it_is(make, base, monkeypatch):
    """As text and in a notebook: where the page is, and the key figures."""
    make.model("a")
    make.failed("b")
    make.summary()
    report = write_report(base)
    assert report.path == base / "report.html" and report.size_bytes == report.path.stat().st_size
    assert str(report).startswith(f"{report.path}: 2 models, 1 completed, 1 failed, ")
    assert f'href="{report.path.as_uri()}"' in report._repr_html_()
    monkeypatch.chdir(base.parent)
    assert 'href="spring%20sale/report.html"' in report._repr_html_()


def test_an_empty_run_and_a_title(make, base, read_page):
    """A summary without models makes a page that says so; a title replaces the folder's name."""
    make.summary()
    page = read_page(write_report(base, title="For <Ada>").path)
    assert page.title == "For <Ada>"
    assert "There are no models in this folder yet." in page.source


def test_thumbnails_are_small_copies(make, base, read_page):
    """They are WebP, keep the shape, and are never larger than the picture."""
    layout = make.model()
    Image.effect_noise((1600, 400), 60).convert("RGB").save(layout.render)
    make.summary()
    page = read_page(write_report(base).path)
    main, *others = page.cards[0]["images"]
    for attributes in (main, *others):
        data = base64.b64decode(attributes["src"].removeprefix("data:image/webp;base64,"))
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            assert (str(image.width), str(image.height)) == (attributes["width"], attributes["height"])
    assert (main["width"], main["height"]) == ("640", "160")
    assert others[0]["width"] == "160"


def test_progress_is_told(make, base):
    """Every picture counts once."""
    make.model("a")
    make.model("b")
    make.summary()
    told = []
    write_report(base, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 8) for number in range(1, 9)]


def test_the_page_keeps_to_its_budget(make, base, read_page, monkeypatch):
    """Even where every picture is noise, which nothing can compress; and each model still has its picture."""
    monkeypatch.setattr(pictures, "PAGE_BUDGET_BYTES", pictures.PAGE_BUDGET_BYTES // 10)
    noise = base / "noise.png"
    Image.effect_noise((240, 135), 80).convert("RGB").save(noise)
    layout = make.model()
    job = make.jobs.pop()
    for number in range(50):
        name = f"m{number}"
        drawn = [base / name / f"{name}_{what}.png" for what in ("render", "size_chart")]
        drawn[0].parent.mkdir()
        for path in drawn:
            path.hardlink_to(noise)
        results = JobResults(files_generated=(*drawn, layout.analysis))
        make.jobs.append(replace(job, id=f"job_{number}", output_name=name, results=results))
    make.summary()
    report = write_report(base)
    assert report.size_bytes < pictures.PAGE_BUDGET_BYTES
    page = read_page(report.path)
    assert len(page.cards) == 50
    assert all(card["images"] for card in page.cards)
