"""One job in a real worker: what it makes, and how it ends."""

import json
import sys
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PIL import Image

from stlkit.errors import RenderError
from stlkit.files import sha256_of
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.jobs import JobState
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.pipeline import runner, work
from stlkit.pipeline.order import FailureCause, JobOrder
from stlkit.pipeline.plan import stages_of
from stlkit.rendering.studio import Studio

SMALL = {"width": 160, "height": 120, "video_duration": 0.5, "video_fps": 4}
EVERYTHING = RenderOptions(
    generate_size_chart=True, generate_video=True, generate_color_variations=True, color_palette=("red", "#00ff88"),
    **SMALL,
)  # fmt: skip


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_sound_file_gets_every_documented_output(do, tmp_path, box_stl):
    """The tree is the specification's, and the answer lists just what is there."""
    source = tmp_path / "ModelA.stl"
    source.write_bytes(box_stl())
    answer, stages = do(source, EVERYTHING)
    assert (answer.state, answer.error_message) == (JobState.COMPLETED, None)
    assert stages == ["intake", "validation", "analysis", "image", "size_chart", "color_variations", "video", "finish"]
    assert files_below(tmp_path / "out") == [
        "ModelA/analysis/ModelA_analysis.json",
        "ModelA/analysis/ModelA_dimensions.json",
        "ModelA/analysis/ModelA_validation.json",
        "ModelA/logs/ModelA_processing.log",
        "ModelA/renders/ModelA_presentation.mp4",
        "ModelA/renders/ModelA_render.png",
        "ModelA/renders/ModelA_size_chart.png",
        "ModelA/renders/color_variations/ModelA_00ff88.png",
        "ModelA/renders/color_variations/ModelA_red.png",
        "ModelA/source/ModelA.stl",
        "ModelA/source/file_info.json",
    ]
    listed = {path.relative_to(tmp_path / "out").as_posix() for path in answer.results.files_generated}
    assert listed == set(files_below(tmp_path / "out"))
    results = answer.results
    assert (results.validation_passed, results.faces, results.stl_size) == (True, 12, 684)
    assert results.stl_checksum == sha256_of(source)
    assert set(results.stage_durations_s) == set(stages)
    assert results.geometry_size_mm == pytest.approx(2400**0.5)
    made = [path for path in results.files_generated if not path.is_symlink()]
    assert results.output_bytes == sum(path.stat().st_size for path in made)
    with Image.open(tmp_path / "out/ModelA/renders/ModelA_render.png") as picture:
        assert picture.size == (160, 120)
    dimensions = json.loads((tmp_path / "out/ModelA/analysis/ModelA_dimensions.json").read_text())
    assert dimensions["width_mm"] == pytest.approx(20)


def test_nothing_is_left_in_the_cache_but_the_working_copy_and_the_progress(do, tmp_path, box_stl):
    """Temporary pictures are moved away or removed."""
    source = tmp_path / "a.stl"
    source.write_bytes(box_stl())
    do(source, RenderOptions(**SMALL))
    assert files_below(tmp_path / "cache") == ["processing_state.json", "stl_copy.stl"]
    progress = json.loads((tmp_path / "cache/processing_state.json").read_text())
    render = next(o for o in progress["outputs"] if o["path"].endswith("a_render.png"))
    assert render["checksum_sha256"] == sha256_of(tmp_path / "out/a/renders/a_render.png")


def test_an_unreadable_file_fails_into_the_failed_folder(do, tmp_path):
    """No output but the link and the reason; another attempt could not help."""
    source = tmp_path / "broken.stl"
    source.write_bytes(b"<html><body>Not found</body></html>")
    answer, stages = do(source, EVERYTHING)
    assert (answer.state, answer.cause) == (JobState.FAILED, FailureCause.FILE)
    assert "web page" in answer.error_message
    assert stages == ["intake"]
    assert files_below(tmp_path / "out") == ["failed/broken.stl", "failed/broken_error.log"]
    assert (tmp_path / "out/failed/broken.stl").resolve() == source
    assert "web page" in (tmp_path / "out/failed/broken_error.log").read_text()


def test_a_truncated_file_is_salvaged_with_a_warning(do, tmp_path, box_stl):
    """What can be read honestly is processed, and nobody calls it sound."""
    source = tmp_path / "cut.stl"
    source.write_bytes(box_stl()[:-30])
    answer, _ = do(source)
    assert answer.state is JobState.COMPLETED
    assert answer.results.validation_passed is False
    assert answer.results.faces == 11
    assert answer.results.warnings


def test_strict_validation_refuses_a_salvaged_file(do, tmp_path, box_stl):
    """The job is skipped, and the reasons are written down."""
    source = tmp_path / "cut.stl"
    source.write_bytes(box_stl()[:-30])
    answer, _ = do(source, EVERYTHING, ValidationOptions(level="strict", auto_repair=False))
    assert (answer.state, answer.cause) == (JobState.SKIPPED, FailureCause.FILE)
    assert "strict" in answer.error_message
    assert "failed/cut_error.log" in files_below(tmp_path / "out")
    assert not any(name.endswith(".png") for name in files_below(tmp_path / "out"))


def test_a_repair_is_saved_and_said(do, tmp_path, box_stl):
    """An inside-out box is turned, and the mended mesh is there to print."""
    records = np.frombuffer(box_stl()[84:], dtype=[("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])
    source = tmp_path / "inverted.stl"
    source.write_bytes(encode_binary_stl(records["c"][:, ::-1]))
    answer, _ = do(source)
    assert answer.results.validation_passed is True
    repaired = tmp_path / "out/inverted/analysis/inverted_repaired.stl"
    assert repaired in answer.results.files_generated
    (warning,) = answer.results.warnings
    assert warning.startswith("repaired: ")
    validation = json.loads((tmp_path / "out/inverted/analysis/inverted_validation.json").read_text())
    assert validation["repair"]["changed"] is True
    assert validation["repair"]["after"]["volume_mm3"] == pytest.approx(8000)


def test_a_file_that_succeeds_later_leaves_the_failed_folder(do, tmp_path, box_stl):
    """What was mended is not shown as broken."""
    source = tmp_path / "a.stl"
    source.write_bytes(b"")
    do(source)
    assert "failed/a.stl" in files_below(tmp_path / "out")
    source.write_bytes(box_stl())
    do(source)
    assert not (tmp_path / "out/failed").exists()


def test_an_output_folder_that_cannot_be_written_is_a_clear_failure(do, tmp_path, box_stl):
    """A file where the folder belongs: a person is to say what is meant, and hears what is wrong."""
    source = tmp_path / "a.stl"
    source.write_bytes(box_stl())
    (tmp_path / "out").write_text("in the way")
    answer, _ = do(source)
    assert (answer.state, answer.cause) == (JobState.FAILED, FailureCause.OUTPUT_REFUSED)
    assert "in the way" not in answer.error_message
    assert str(tmp_path / "out") in answer.error_message


def test_a_broken_background_is_the_end_at_once(do, tmp_path, box_stl):
    """No lower quality helps, and no other attempt; what was made before stays."""
    source = tmp_path / "a.stl"
    source.write_bytes(box_stl())
    background = tmp_path / "background.png"
    background.write_bytes(b"no picture")
    answer, _ = do(source, RenderOptions(background_image=str(background), **SMALL))
    assert (answer.state, answer.cause) == (JobState.FAILED, FailureCause.FILE)
    assert "background" in answer.error_message
    assert (tmp_path / "out/a/analysis/a_analysis.json").exists()
    assert "quality draft" not in (tmp_path / "out/a/logs/a_processing.log").read_text()
    assert (tmp_path / "out/a/logs/a_errors.log").exists()


@pytest.fixture
def do_here(tmp_path, box_stl):
    """Do a job on a box in this process."""

    def run(render):
        source, cache = tmp_path / "box.stl", tmp_path / "cache"
        source.write_bytes(box_stl())
        cache.mkdir()
        order = JobOrder(
            job_id="job_test", stl_path=source, output_base_folder=tmp_path / "out", output_name="box",
            cache_folder=cache, attempt=1, created_at=utc_now(), render=render, validation=ValidationOptions(),
            output=OutputSettings(),
        )  # fmt: skip
        return runner.JobRunner().run(order, on_progress=lambda *_: None, between_stages=lambda: None)

    return run


@pytest.mark.parametrize(("failures", "size"), [(1, (160, 120)), (2, (80, 60))])
def test_a_picture_that_fails_is_made_with_lower_settings(do_here, tmp_path, monkeypatch, failures, size):
    """First with the lowest quality, then smaller too; and the job says so."""
    draw, refused = Studio.draw_still, []

    def fail_at_first(studio, options, path):
        if len(refused) < failures:
            refused.append(options)
            raise RenderError("no room for such a picture")
        draw(studio, options, path)

    monkeypatch.setattr(Studio, "draw_still", fail_at_first)
    answer = do_here(RenderOptions(quality="high", **SMALL))
    assert answer.state is JobState.COMPLETED
    assert [options.quality for options in refused] == ["high", "draft"][:failures]
    (warning,) = answer.results.warnings
    assert warning.startswith("box_render.png was made with quality draft")
    with Image.open(tmp_path / "out/box/renders/box_render.png") as picture:
        assert picture.size == size


def test_a_picture_that_fails_with_all_settings_fails_the_job(do_here, tmp_path, monkeypatch):
    """With the reason; what was made before stays, and every attempt stands in the log."""

    def fail(*_):
        raise RenderError("no picture at all")

    monkeypatch.setattr(Studio, "draw_still", fail)
    answer = do_here(RenderOptions(**SMALL))
    assert (answer.state, answer.error_message) == (JobState.FAILED, "no picture at all")
    assert (tmp_path / "out/box/analysis/box_analysis.json").exists()
    log = (tmp_path / "out/box/logs/box_processing.log").read_text()
    assert [log.count(f"{settings} failed") for settings in ("standard", "draft", "draft at 80x60")] == [1, 1, 1]


@pytest.mark.parametrize("organization", ["flat", "by_type"])
def test_the_other_layouts_are_used_where_chosen(do, tmp_path, box_stl, organization):
    """Flat and by type, as the specification draws them."""
    source = tmp_path / "ModelA.stl"
    source.write_bytes(box_stl())
    do(source, RenderOptions(**SMALL), output=OutputSettings(organization=organization, compress_analysis=True))
    found = files_below(tmp_path / "out")
    expected = {"flat": "ModelA_render.png", "by_type": "renders/ModelA_render.png"}
    assert expected[organization] in found
    assert any(name.endswith("ModelA_analysis.json.gz") for name in found)


@pytest.mark.skipif(sys.platform == "win32", reason="priorities are classes there")
def test_a_worker_lets_the_notebook_go_first(do, worker, tmp_path, box_stl):
    """Four workers on two cores must not keep a cell or a click waiting."""
    source = tmp_path / "ModelA.stl"
    source.write_bytes(box_stl())
    do(source)  # by then it is at work
    assert psutil.Process(worker.pid).nice() >= 10


def test_a_job_has_the_stages_that_were_asked_for():
    """What nobody wants is not done; the rest comes in its order."""
    render, validation = RenderOptions(generate_image=False), ValidationOptions()
    assert stages_of(render, validation) == ("intake", "validation", "analysis", "finish")
    assert stages_of(render, validation.merged({"generate_analysis": False})) == ("intake", "validation", "finish")


def test_the_start_of_the_renderer_is_not_of_a_stage(do_here, monkeypatch):
    """It happens once in a worker's life, and must not teach that pictures take so long."""
    clock = SimpleNamespace(ahead_s=0.0)
    real_open = runner.open_backend

    def open_slowly(name):
        clock.ahead_s += 10_000
        return real_open(name)

    monkeypatch.setattr(runner, "open_backend", open_slowly)
    monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + clock.ahead_s))
    answer = do_here(RenderOptions(**SMALL))
    assert (answer.state, clock.ahead_s) == (JobState.COMPLETED, 10_000)
    assert 0 < answer.results.stage_durations_s["image"] < 10_000
