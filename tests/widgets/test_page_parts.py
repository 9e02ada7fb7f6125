"""What parts of a page are made of, and what they show: modules, rows, places, names, details."""

import re
import subprocess
import sys
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import traitlets

from stlkit.errors import JobError
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit_widgets import QueuePanel
from stlkit_widgets.background import Background
from stlkit_widgets.names_preview import TreeLine, tree_of
from stlkit_widgets.options_form import read_value
from stlkit_widgets.page_part import PagePart, module_text, style_text
from stlkit_widgets.places import serve_places
from stlkit_widgets.rows import row_of, time_left_s
from stlkit_widgets.run_bar import measure_room

STATIC = Path(__file__).resolve().parents[2] / "widgets" / "stlkit_widgets" / "static"
SHARED = ("base", "files", "lightbox", "menu", "path_box", "tabs")  # what other modules are made of
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Echo(PagePart, page="names_preview"):
    """A part that answers what a test says."""

    word = traitlets.Unicode().tag(sync=True)


@pytest.fixture
def echo():
    """It, with its background."""
    background = Background("stlkit-test")
    yield Echo(background)
    background.close()


def job(**changes):
    facts = {
        "id": "job_1", "stl_path": Path("/m/a.stl"), "output_folder": Path("/o/a"), "output_base_folder": Path("/o"),
        "output_name": "a", **changes,
    }  # fmt: skip
    return QueueJob(**facts)


@pytest.mark.parametrize("name", sorted(path.stem for path in STATIC.glob("*.js")))
def test_a_module_reaches_the_browser_in_one_piece(name):
    """What it imports stands in front of it, once; no import or export of a helper is left, and no two names clash."""
    text = module_text(name)
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert len(re.findall(r"^export default ", text, re.MULTILINE)) == (name not in SHARED)
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


def test_no_style_leaves_the_parts_of_stlkit():
    """Every selector begins with a class of our own, so that no other output of a notebook changes its looks."""
    for sheet in STATIC.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", style_text(sheet.stem), flags=re.DOTALL)
        for selector in re.findall(r"([^{}@;]+)\{", text):
            cleaned = selector.strip()
            if not re.match(r"to$|\(|.*keyframes|.*container|.*media", cleaned):
                assert re.search(r"\.(sk|stlkit)-", cleaned), (sheet.name, cleaned)


def test_no_part_changes_the_looks_of_another():
    """A class that one part's sheet begins a rule with is no other's: on a page of many parts all sheets are there."""
    owners = {}
    for sheet in STATIC.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", style_text(sheet.stem), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}@;]+)\{", text):
            for selector in selectors.split(","):
                if found := re.match(r"\s*(\.sk-[\w-]+)", selector):
                    owners.setdefault(found[1], set()).add(sheet.stem)
    assert {name: sheets for name, sheets in owners.items() if len(sheets) > 1 and "base" not in sheets} == {}


def test_the_wheel_holds_the_files_of_the_page(tmp_path):
    """JavaScript and style sheets are installed with the package."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = tmp_path.iterdir()
    names = set(zipfile.ZipFile(built).namelist())
    assert {f"stlkit_widgets/static/{path.name}" for path in STATIC.iterdir()} <= names


def test_a_question_is_answered_in_the_background(echo, page_of):
    """The answer carries the question's number, and its buffers."""
    page = page_of(echo)
    echo.answer("name", lambda asked, pieces: ({"thread": threading.current_thread().name, **asked}, pieces))
    answer, buffers = page.asks("name", memoryview(b"12"), word="x")
    assert answer["word"] == "x"
    assert answer["thread"].startswith("stlkit-test")
    assert buffers == [b"12"]


@pytest.mark.parametrize("error", [JobError("no such job"), OSError("disk"), ValueError("value"), KeyError("key")])
def test_an_error_is_an_answer(echo, page_of, error):
    """The page gets the message, and the part goes on."""

    def fail(_asked, _pieces):
        raise error

    page = page_of(echo)
    echo.answer("fail", fail)
    answer, _ = page.asks("fail")
    assert answer["error"] == str(error)


def test_what_nobody_understands_is_logged(echo, page_of, caplog):
    """A message of a newer or a broken page changes nothing."""
    page_of(echo).says("explode")
    assert "explode" in caplog.text


def test_a_row_says_what_is_worth_reading_first():
    """A question, else an error, else the first warning; the number of all warnings and errors stands beside it."""
    results = JobResults(warnings=("one", "two"), stl_size=7, faces=12, stl_checksum="c", files_generated=(Path("x"),))
    assert row_of(job(results=results), 5, NOW).note == "one"
    row = row_of(job(results=results, error_message="broken", state=JobState.FAILED, actual_duration=3.0), 5, NOW)
    assert (row.note, row.notes, row.size, row.faces, row.took, row.picture) == ("broken", 3, 7, 12, 3.0, True)
    assert row_of(job(question="where?", error_message="refused"), None, NOW).note == "where?"


def test_a_row_cannot_steer_what_shows_it():
    """Line ends, marks that turn the writing, and bytes that are no text show as escapes."""
    row = row_of(job(stl_path=Path("/m/a\n\u202eb\udcff.stl")), None, NOW)
    assert row.file == "a\\n\\u202eb\\xff.stl"


@pytest.mark.parametrize(
    ("changes", "left_s"),
    [
        ({}, None),
        ({"state": JobState.PROCESSING, "progress": 10.0, "estimated_duration": 100.0}, 90.0),
        ({"state": JobState.PROCESSING, "progress": 50.0, "started_at": NOW - timedelta(seconds=30)}, 30.0),
        (
            {
                "state": JobState.PROCESSING, "progress": 50.0, "estimated_duration": 100.0,
                "started_at": NOW - timedelta(seconds=30),
            },
            40.0,
        ),
        ({"state": JobState.COMPLETED, "progress": 100.0}, None),
    ],
)  # fmt: skip
def test_the_time_left_goes_from_forecast_to_own_pace(changes, left_s):
    """At half the way, half of what is said comes from the forecast (50 s) and half from the pace so far (30 s)."""
    assert time_left_s(job(**changes), NOW) == left_s


def test_what_is_typed_is_completed(echo, page_of, tmp_path):
    """Folders first, then STL files, whatever the case; what was typed stays as typed, other files are left out."""
    for name in ("Parts", "park", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("part.STL", "party.txt", "other.stl", "parquet.JPG"):
        (tmp_path / name).write_bytes(b"x")
    serve_places(echo)
    page = page_of(echo)

    def texts(text, **details):
        return [entry["text"] for entry in page.asks("complete", text=text, **details)[0]["entries"]]

    assert texts(f"{tmp_path}/PAR") == [f"{tmp_path}/{name}" for name in ("park/", "Parts/", "part.STL")]
    assert texts(f"{tmp_path}/par", wanted="folders") == [f"{tmp_path}/park/", f"{tmp_path}/Parts/"]
    assert texts(f"{tmp_path}/parq", wanted="pictures") == [f"{tmp_path}/parquet.JPG"]
    assert texts(f"{tmp_path}/.h") == [f"{tmp_path}/.hidden/"]
    assert "error" in page.asks("complete", text=f"{tmp_path}/nowhere/x")[0]


def test_what_was_used_before_is_offered_again(echo, page_of, tmp_path):
    """As long as it is there and can be typed."""
    kept, odd = tmp_path / "kept", tmp_path / "two\nlines"
    for folder in (kept, odd):
        folder.mkdir()
    serve_places(echo, lambda wanted: [tmp_path / "gone", odd, kept] if wanted == "models" else [])
    page = page_of(echo)
    assert page.asks("recent", wanted="models")[0]["entries"] == [{"text": f"{kept}/", "title": f"{kept}/"}]
    assert page.asks("recent", wanted="folders")[0]["entries"] == []


def test_a_folder_is_listed_and_its_files_counted(echo, page_of, tmp_path):
    """Names that cannot be typed are shown without a path; a folder that is gone gives the nearest one above."""
    (tmp_path / "inner").mkdir()
    for name in ("a.stl", "inner/b.stl", "bad\udcff.stl", "<b>.stl"):
        (tmp_path / name).write_bytes(b"xyz")
    serve_places(echo)
    page = page_of(echo)
    listed, _ = page.asks("list", folder=str(tmp_path / "gone" / "deeper"))
    assert listed["folder"] == str(tmp_path)
    assert listed["parent"] == str(tmp_path.parent)
    entries = {entry["name"]: entry for entry in listed["entries"]}
    assert next(iter(entries)) == "inner"
    assert entries["<b>.stl"]["path"] == str(tmp_path / "<b>.stl")
    assert entries["bad\\xff.stl"]["path"] is None
    assert entries["a.stl"]["size"] == 3
    assert page.asks("count", text=str(tmp_path))[0]["count"] == 4
    assert page.asks("count", text=str(tmp_path), recursive=False)[0]["count"] == 3
    assert page.asks("count", text=str(tmp_path / "a.stl"))[0]["count"] is None


def test_paths_become_a_tree():
    """A folder stands once, before what is in it; hostile names stay on one line."""
    paths = [Path("/o/a/renders/x.png"), Path("/o/a/renders/y\n.png"), Path("/o/a/z.log")]
    assert tree_of(paths, Path("/o")) == (
        TreeLine(depth=0, name="a", is_folder=True),
        TreeLine(depth=1, name="renders", is_folder=True),
        TreeLine(depth=2, name="x.png", is_folder=False),
        TreeLine(depth=2, name="y\\n.png", is_folder=False),
        TreeLine(depth=1, name="z.log", is_folder=False),
    )


def test_without_jobs_an_example_shows_the_names(workspace):
    """The tree is there before any file is."""
    names = QueuePanel(workspace).names
    assert names.told.startswith("An example")
    assert names.lines[0]["name"] == "ModelA"


@pytest.mark.gl
def test_the_expected_files_are_those_that_a_job_makes(workspace, models):
    """The preview of names, the job itself: the same tree, in every layout and with every mark in the names."""
    workspace.queue.use_template(workspace.templates.load_template("quick_preview"))
    workspace.queue.configure(
        render={"width": 160, "height": 90, "generate_size_chart": True},
        output={"include_size": True, "include_quality": True, "custom_prefix": "shop"},
    )
    from stlkit_widgets.names_preview import expected_files  # noqa: PLC0415 - beside its one use

    for organization in ("per_stl", "flat", "by_type"):
        base = models.parent / organization
        (cube,) = workspace.queue.add(
            models / "cube.stl", output=base, output_settings={"organization": organization}
        ).jobs
        expected = set(expected_files(workspace.queue.state(), cube))
        workspace.queue.start()
        assert workspace.queue.wait(120)
        made = {path for path in base.rglob("*") if not path.is_dir()}
        assert made - expected == {base / "queue_summary.json", base / "processing_log.txt"}
        assert expected <= made


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("width", " 640 ", 640),
        ("generate_video", True, True),
        ("color", "", None),
        ("color", "teal", "teal"),
        ("background_image", " my picture.png", " my picture.png"),
        ("color_palette", "red, blue", ("red", "blue")),
        ("video_duration", "2.5", 2.5),
    ],
)
def test_a_field_is_read_as_its_option_means_it(name, value, read):
    """Numbers may have spaces around them, names keep theirs, and an empty field is no value where that is allowed."""
    from stlkit.model.options import RenderOptions  # noqa: PLC0415 - beside its one use

    assert read_value(RenderOptions, name, value) == read


def test_room_is_measured_where_the_folder_will_be(tmp_path):
    """The nearest folder above one that does not exist yet counts; of no folder nothing is said."""
    room = measure_room(str(tmp_path / "a" / "b"))
    assert 0 < room["disk_free"] <= room["disk_total"]
    assert 0 < room["memory_used"] < room["memory_total"]
    assert measure_room("")["disk_total"] is None


@pytest.mark.gl
def test_the_detail_tells_everything_about_a_job(workspace, models, showing):
    """Stages with times, options and which are its own, files with sizes, the log, and earlier runs."""
    workspace.queue.use_template(workspace.templates.load_template("quick_preview"))
    workspace.queue.add(models / "cube.stl", render_options={"width": 200, "height": 100})
    workspace.queue.start()
    assert workspace.queue.wait(120)
    first = workspace.queue.jobs[0]
    again = workspace.queue.retry(first, force=True)
    assert workspace.queue.wait(120)
    page = showing(QueuePanel(workspace))
    page.table.says("select", ids=[again.id])
    page.detail.until(lambda: page.panel.detail.detail.get("earlier"))
    detail = page.panel.detail.detail
    assert (detail["name"], detail["state"]) == ("cube.stl", "completed")
    assert {"intake", "image"} <= {stage["name"] for stage in detail["stages"]}
    assert {option["title"]: option["value"] for option in detail["options"] if option["own"]} == {
        "Width, px": "200", "Height, px": "100",
    }  # fmt: skip
    assert detail["files"][0]["name"] == "cube/renders/cube_render.png"
    assert "stage image" in detail["log"]
    assert [run["state"] for run in detail["earlier"]] == ["completed"]
    _, (picture,) = page.detail.asks("picture", file=0)
    assert picture.startswith(b"\x89PNG")
    answer, (piece,) = page.detail.asks("piece", file=0, at=0)
    assert (answer["kind"], answer["type"], answer["size"]) == ("answer", "image/png", len(piece))
    assert "error" in page.detail.asks("piece", file=99, at=0)[0]
    thumbnails, pictures = page.table.asks("thumbnails", ids=[again.id, "unknown"])
    assert thumbnails["ids"] == [again.id]
    assert pictures[0].startswith(b"\x89PNG")
    assert workspace.cache.load_thumbnail(workspace.queue.job(again).results.stl_checksum) == pictures[0]
