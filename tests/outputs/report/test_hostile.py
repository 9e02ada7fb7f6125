"""What edited, damaged and spiteful folders can do to a report: nothing."""

import gzip
import json
import os
from pathlib import Path

import pytest

from stlkit.errors import OutputError
from stlkit.model.jobs import JobState
from stlkit.model.options import OutputSettings
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.report import write_report

SPITEFUL = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "&lt;b&gt; &amp;",
    "]]><!--",
    "{{constructor}}${1}",
)


def edited(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize("name", SPITEFUL)
def test_names_and_messages_are_text(make, base, read_page, name):
    """Whatever a name, a reason, a warning or a file in the summary says stands there as it is, and is nothing else."""
    make.model("ModelA")
    make.failed("b")
    plain = read_page_tags(make, base, read_page)

    def change(data):
        first, second = data["models"]
        first.update(name=name, warnings=[name], files=[*first["files"], f"ModelA/{name}.png", name])
        second.update(error_message=name, stl_path=f"/models/{name}.stl")

    make.summary()
    edited(base / "queue_summary.json", change)
    page = read_page(write_report(base, title=name).path)
    assert page.title == name
    assert sorted(page.names) == sorted((name, "b"))
    assert name in page.cards[page.names.index("b")]["text"]
    assert {tag for tag, _ in page.tags} <= plain
    assert page.source.count("<script") == page.source.count("</script") == 1
    assert not [a for a in page.addresses if a.lower().startswith("javascript")]


def read_page_tags(make, base, read_page):
    make.summary()
    page = read_page(write_report(base).path)
    return {tag for tag, _ in page.tags} | {"ul", "li", "details", "summary"}


def test_messages_in_documents_are_text(make, base, read_page):
    """The same for what the analysis and the validation say."""
    layout = make.model()
    edited(layout.analysis, lambda data: data.update(units_doubt="</script><script>alert(1)</script>"))
    finding = {"code": "<b>", "severity": "warning", "message": "<script>alert(2)</script>"}
    edited(layout.validation, lambda data: data.update(findings=[finding]))
    make.summary()
    page = read_page(write_report(base).path)
    assert "</script><script>alert(1)</script>" in page.cards[0]["text"]
    assert "<script>alert(2)</script>" in page.cards[0]["text"]
    assert page.source.count("<script") == 1


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\x00", "\x1b", "\x85", "\udce9", "\n"])
def test_marks_that_steer_are_shown_and_not_obeyed(make, base, read_page, mark):
    """Bidirectional controls, control characters and lone surrogates stand in the page as escapes."""
    make.failed("b")
    make.summary()
    edited(base / "queue_summary.json", lambda data: data["models"][0].update(name=f"a{mark}lts.exe"))
    page = read_page(write_report(base, title=f"x{mark}").path)
    assert mark not in page.names[0]
    assert page.names[0].startswith("a\\")
    assert mark not in page.title
    assert ("bdi", {}) in page.tags


@pytest.mark.parametrize(
    "listed",
    ["../secret.png", "/etc/passwd", "ModelA/../../secret.png", "//evil.example/x.png", "link/secret.png",
     "file:///etc/passwd", "C:\\secret.png", "", ".", "..", "a\0b.png", "\udce9\ud800.png"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_read_or_linked(make, base, read_page, tmp_path, listed):
    """A file that an edited summary places elsewhere becomes a note, and its picture is not embedded."""
    make.model()
    (tmp_path / "secret.png").write_bytes((base / "ModelA/renders/ModelA_render.png").read_bytes())
    (base / "link").symlink_to(tmp_path)
    make.summary()
    edited(base / "queue_summary.json", lambda data: data["models"][0].update(files=[listed]))
    report = write_report(base)
    page = read_page(report.path)
    assert page.cards[0]["images"] == []
    assert page.cards[0]["links"] == {}
    assert len(report.notes) == 1


def test_a_link_to_a_picture_elsewhere_is_not_followed(make, base, read_page, tmp_path):
    """The folder may have come from somebody else; its links lead where that person wanted."""
    layout = make.model()
    outside = tmp_path / "private.png"
    layout.render.rename(outside)
    layout.render.symlink_to(outside)
    (tmp_path / "private.json").write_bytes(layout.analysis.read_bytes())
    layout.analysis.unlink()
    layout.analysis.symlink_to(tmp_path / "private.json")
    make.summary()
    report = write_report(base)
    assert all("picture" not in image["alt"] for image in read_page(report.path).cards[0]["images"])
    assert any("leads out of this folder" in note for note in report.notes)


def not_whole(path):
    path.write_bytes(path.read_bytes()[:-30])


def unpacks_to_a_gigabyte(path):
    path.write_bytes(gzip.compress(bytes(1 << 20)) * 1024)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "not whole": not_whole,
    "a list": lambda path: path.write_bytes(b"[]"),
    "other keys": lambda path: path.write_bytes(b'{"a": 1}'),
    "not a number": lambda path: path.write_bytes(b'{"faces": NaN}'),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path)),
    "noise": lambda path: path.write_bytes(b"\x1f\x8b\x08\x00" + bytes(range(256))),
    "too much": unpacks_to_a_gigabyte,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("compressed", [False, True])
def test_damaged_documents_become_notes(make, base, read_page, damage, compressed):
    """The card says which file cannot be read; everything else of it stands."""
    layout = make.model(compress_analysis=compressed)
    make.summary()
    for path in (layout.analysis, layout.dimensions, layout.validation):
        DAMAGE[damage](path)
    report = write_report(base)
    page = read_page(report.path)
    assert page.names == ["ModelA"]
    assert len(page.cards[0]["images"]) == 4
    for path in (layout.analysis, layout.dimensions, layout.validation):
        assert sum(path.name in note for note in report.notes) == 1
        assert path.name in page.cards[0]["text"]


@pytest.mark.parametrize("damage", [*DAMAGE, "not a picture", "a bomb"])
def test_damaged_pictures_become_notes(make, base, read_page, damage):
    """The other pictures are shown, and the first of them takes the place of the main one."""
    layout = make.model()
    make.summary()
    change = DAMAGE | {"not a picture": lambda path: path.write_text("hello"), "a bomb": claims_to_be_huge}
    change[damage](layout.render)
    report = write_report(base)
    assert len(read_page(report.path).cards[0]["images"]) == 3
    assert len(report.notes) == 1
    assert layout.render.name in report.notes[0]


def claims_to_be_huge(path):
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(data)


def test_dimensions_stand_in_for_a_lost_analysis(make, base, read_page):
    """What one document no longer says, another may."""
    layout = make.model()
    make.summary()
    layout.analysis.unlink()
    text = read_page(write_report(base).path).cards[0]["text"]
    assert "40 mm" in text and "24 cm³" in text and "Watertight" in text


def test_numbers_beyond_reason_are_written_down(make, base, read_page):
    """Sizes, times and counts that nobody measured neither fail nor fill the page."""
    layout = make.model()
    make.failed("b")
    make.summary()
    edited(layout.analysis, lambda data: data.update(faces=10**4000, volume_mm3=1e308, size_mm=[1e300, -1.0, 0.0]))

    def change(data):
        for model in data["models"]:
            model.update(
                duration=1.7e308, files_size=10**4000, attempts=10**30, completed_at="9999-12-31T23:59:59-14:00"
            )

    edited(base / "queue_summary.json", change)
    page = read_page(write_report(base).path)
    assert len(page.source) < 100_000


def test_a_damaged_entry_of_the_summary_costs_only_itself(make, base, read_page):
    """The other models are shown, and the page says what is missing and why."""
    make.model("a")
    make.failed("b")
    make.summary()

    def change(data):
        data["models"][1]["state"] = "done"
        data["models"].append(7)
        data["last_updated"] = "yesterday"

    edited(base / "queue_summary.json", change)
    report = write_report(base)
    page = read_page(report.path)
    assert page.names == ["a"]
    assert len(report.notes) == 3
    assert "Model 2 of the summary cannot be read" in page.source
    assert report.counts == {JobState.COMPLETED: 1}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "holds no queue_summary.json"),
        (b"", "cannot be read"),
        (b"[]", "lists no models"),
        (b'{"models": 3}', "lists no models"),
        (b'{"version": "2.0", "models": []}', "newer version"),
    ],
)
def test_a_folder_without_a_usable_summary_is_one_clear_error(base, content, why):
    """And a report that is there already stays."""
    (base / "report.html").write_text("mine")
    if content is not None:
        (base / "queue_summary.json").write_bytes(content)
    with pytest.raises(OutputError, match=why):
        write_report(base)
    assert (base / "report.html").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_stlkit_did_not_make_is_not_replaced(make, base, tmp_path, kind):
    """A page of the person's own that has the report's name stays; an earlier report is replaced."""
    make.model()
    make.summary()
    write_report(base)
    path = write_report(base).path
    path.unlink()
    (tmp_path / "mine.html").write_text("mine")
    {
        "file": lambda: path.write_text("mine"),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(tmp_path / "mine.html"),
    }[kind]()
    with pytest.raises(OutputError, match="was not made by stlkit"):
        write_report(base)
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_no_model_is_named_like_the_report(base):
    """A model called report.html would stand in its way in the per-STL layout."""
    assert OutputNames(base).claim(Path("/m/Report.HTML.stl"), OutputSettings()) == "Report.HTML_2"
