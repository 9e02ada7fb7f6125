"""The gallery's half in the kernel, over real output folders."""

import io
import json
import os
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image

from stlkit.model.geometry import encode_binary_stl
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.options import ValidationOptions
from stlkit.model.times import utc_now
from stlkit.outputs.summary import write_summary
from stlkit.rendering.video import Mp4Writer
from stlkit.samples.mechanical import calibration_cube
from stlkit.workspace import Workspace
from stlkit_widgets import ResultsGallery
from stlkit_widgets.packing import Packer, archive_names

HOSTILE = "<img src=x onerror=alert(1)> \u202e"


def ended(base, name, *files, state=JobState.COMPLETED, **details):
    return QueueJob(
        id=f"job_{name.encode().hex()}",
        stl_path=base.parent / f"{name}.stl",
        output_folder=base / name,
        output_base_folder=base,
        output_name=name,
        state=state,
        created_at=utc_now(),
        completed_at=utc_now(),
        results=JobResults(files_generated=files, warnings=details.pop("warnings", ())),
        **details,
    )


def picture(base, name, color=(200, 90, 30), size=(960, 540)):
    path = base / name / "renders" / f"{name}_render.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """An output folder with a picture, a failure, and a model of a spiteful name."""
    base = tmp_path / "out"
    jobs = [
        ended(base, "vase", picture(base, "vase"), warnings=("3 open edges",)),
        ended(base, HOSTILE, picture(base, HOSTILE)),
        ended(base, "broken", state=JobState.FAILED, error_message="the file is empty"),
    ]
    base.mkdir(exist_ok=True)
    write_summary(base, jobs)
    return base


@pytest.fixture
def gallery(folder):
    with_gallery = ResultsGallery(folder)
    yield with_gallery
    with_gallery.close()


@pytest.fixture
def page(gallery, page_of):
    page = page_of(gallery)
    page.says("hello")
    page.until(lambda: rows(page))
    return page


def rows(page):
    """Return the models that a page knows now, by name."""
    found = {}
    for content, buffers in list(page.told):
        if content["kind"] == "models":
            found = {} if content["whole"] else found
            found |= {row["name"]: row for row in json.loads(buffers[0])}
    return found


def test_a_folder_is_shown_with_its_states_warnings_and_kinds(page):
    """What the page filters by comes with each model, and no control character of a name does."""
    shown = rows(page)
    assert shown["vase"]["warnings"] == 1 and shown["vase"]["files"] == [{"kind": "RENDER", "label": "Picture"}]
    assert shown["broken"]["state"] == "failed" and shown["broken"]["message"] == "the file is empty"
    assert len(shown) == 3 and not any("\u202e" in name for name in shown)


def test_thumbnails_are_small_and_come_in_one_answer(page):
    """A picture of 960 pixels comes as one of 480; what has none leaves a gap."""
    vase, broken = rows(page)["vase"]["id"], rows(page)["broken"]["id"]
    answer, buffers = page.asks("thumbnails", files=[[broken, 0], [vase, 0]])
    assert answer["found"] == [1]
    with Image.open(io.BytesIO(buffers[0])) as image:
        assert (image.format, image.size) == ("WEBP", (480, 270))


def test_a_file_comes_whole_in_acknowledged_pieces(page, folder):
    """Pieces of 4 MB, each asked for, make up the file."""
    path = folder / "vase" / "renders" / "vase_render.png"
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    got, vase = b"", rows(page)["vase"]["id"]
    while True:
        answer, buffers = page.asks("piece", model=vase, file=0, at=len(got))
        assert len(buffers[0]) <= 4 << 20
        got += buffers[0]
        if len(got) >= answer["size"]:
            break
    assert (
        got == path.read_bytes() and answer["type"] == "image/png" and answer["kind"] == "answer" and len(got) > 4 << 20
    )


def test_the_first_picture_of_a_video_is_its_thumbnail(tmp_path, page_of):
    """Where a model has no picture of its own."""
    base = tmp_path / "out"
    path = base / "gear" / "videos" / "gear_presentation.mp4"
    path.parent.mkdir(parents=True)
    with Mp4Writer(path, 320, 180, fps=10, crf=23, preset="veryfast") as video:
        for _ in range(3):
            video.write(np.full((180, 320, 3), (10, 200, 30), dtype=np.uint8))
    write_summary(base, [ended(base, "gear", path)])
    page = page_of(gallery := ResultsGallery(base))
    page.says("hello")
    page.until(lambda: rows(page))
    _, buffers = page.asks("thumbnails", files=[[0, 0]])
    with Image.open(io.BytesIO(buffers[0])) as image:
        red, green, blue = image.convert("RGB").getpixel((100, 50))
    assert green > 150 > max(red, blue)
    gallery.close()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_nothing_outside_the_folder_is_handed_out(page, folder, tmp_path):
    """Neither through a link nor by a number or a model that a page made up."""
    secret = tmp_path / "secret.png"
    Image.new("RGB", (4, 4)).save(secret)
    path = folder / "vase" / "renders" / "vase_render.png"
    path.unlink()
    path.symlink_to(secret)
    vase = rows(page)["vase"]["id"]
    assert "leads out of" in page.asks("piece", model=vase, file=0, at=0)[0]["error"]
    assert page.asks("thumbnails", files=[[vase, 0]])[0]["found"] == []
    assert "error" in page.asks("piece", model=vase, file=7, at=0)[0]
    assert "error" in page.asks("piece", model=99, file=0, at=0)[0]


def test_a_selection_becomes_one_archive(page, folder):
    """It holds the files below their folders' names, and says what could not be read."""
    picture(folder, HOSTILE, size=(8, 8)).unlink()
    wanted = [[rows(page)["vase"]["id"], 0], [next(r["id"] for n, r in rows(page).items() if "onerror" in n), 0]]
    page.says("pack", key="k", files=wanted)
    page.until(lambda: any(content["kind"] == "packed" for content, _ in page.told))
    packed = next(content for content, _ in page.told if content["kind"] == "packed")
    assert len(packed["missing"]) == 1
    whole = b""
    while len(whole) < packed["size"]:
        whole += page.asks("packed", key="k", at=len(whole))[1][0]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["vase/renders/vase_render.png"]
    page.says("forget", key="k")
    assert "error" in page.asks("packed", key="k", at=0)[0]


def test_two_folders_of_one_name_stay_apart_in_an_archive(tmp_path):
    """Each gets a name of its own, and none can leave the place where the archive is unpacked."""
    a, b = tmp_path / "a" / "out", tmp_path / "b" / "out"
    names = archive_names([(a, a / "x.png"), (b, b / "x.png"), (a, tmp_path / "elsewhere.png")])
    assert [name for name, _ in names] == ["out/x.png", "out-2/x.png", "out/elsewhere.png"]


def test_archives_do_not_pile_up(tmp_path):
    """The newest two stay until they are fetched; closing frees them."""
    (tmp_path / "x").write_bytes(b"x")
    packer = Packer()
    for key in "abc":
        packer.pack(key, [("x", tmp_path / "x")], lambda *_: None)
    with pytest.raises(ValueError, match="not there any more"):
        packer.piece("a", 0, 10)
    assert packer.piece("c", 0, 2) == b"PK"
    packer.close()
    with pytest.raises(ValueError, match="not there any more"):
        packer.piece("c", 0, 10)


def test_a_folder_without_outputs_says_so(tmp_path, page_of):
    """In the page, not as an exception."""
    gallery = ResultsGallery(tmp_path)
    page_of(gallery).until(lambda: gallery.notes)
    assert "holds no queue_summary.json" in gallery.notes[0]


def test_outputs_appear_while_a_queue_runs_with_repair_figures(tmp_path, models, page_of):
    """A cube without a face is mended: its row comes by itself, and its page has the figures before and after."""
    (models / "page.stl").unlink()
    cube = calibration_cube()
    cube[0] = cube[0][::-1]
    (models / "cube.stl").write_bytes(encode_binary_stl(cube))
    with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
        ws.queue.use_template(ws.templates.load_template("batch_analysis"))
        ws.queue.configure(validation=ValidationOptions(auto_repair=True))
        page = page_of(gallery := ResultsGallery(ws))
        ws.queue.add(models)
        ws.queue.start()
        ws.queue.wait()
        page.until(lambda: "cube" in rows(page))
        about, _ = page.asks("about", model=rows(page)["cube"]["id"])
        figures = {name: (before, after) for name, before, after in about["repair"]["figures"]}
        before, after = figures["Edges wound against each other"]
        assert before != "0" and after == "0"
        assert ["Watertight", "yes"] in about["facts"] and about["path"].endswith("cube.stl")
        gallery.close()


def test_what_was_made_last_is_shown_although_the_queue_was_cleared(folder, tmp_path, page_of):
    """The history knows where it went, as after runs of the command line."""
    with Workspace(tmp_path / "home") as ws:
        ws.history.record_job_completion(ended(folder, "vase"), JobResults())
        gallery = ResultsGallery(ws)
        page = page_of(gallery)
        page.says("hello")
        page.until(lambda: "vase" in rows(page))
        gallery.close()


def test_nothing_is_left_of_a_closed_gallery(workspace):
    """No thread, no listener, no message."""
    before = set(threading.enumerate())
    for _ in range(3):
        gallery = ResultsGallery(workspace)
        assert repr(gallery).startswith("<ResultsGallery of ")
        gallery.close()
        gallery.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) - before == set()
