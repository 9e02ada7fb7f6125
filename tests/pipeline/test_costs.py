"""What is told of a job before it is done: the size of its model and what its stages cost."""

import os
import struct

import pytest

from stlkit.model.options import Quality, RenderOptions, ValidationOptions
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel, StageCosts, features_of
from stlkit.pipeline.plan import PICTURES, Stage, stages_of
from stlkit.pipeline.size import NO_SIZE, ModelSize, measure_model

EVERYTHING = RenderOptions(
    generate_image=True, generate_size_chart=True, generate_color_variations=True, generate_video=True
)
SMALL, LARGE = ModelSize(faces=10_000), ModelSize(faces=1_000_000)
JUDGED = ValidationOptions()


def test_the_faces_of_a_binary_file_are_counted_without_reading_it(tmp_path, box_stl):
    """Whatever its header begins with, and whatever it claims."""
    path = tmp_path / "box.stl"
    path.write_bytes(box_stl())
    assert measure_model(path) == ModelSize(faces=12)
    path.write_bytes(b"solid".ljust(80) + struct.pack("<I", 12) + box_stl()[84:])
    assert measure_model(path) == ModelSize(faces=12)


def test_the_faces_of_a_text_are_told_from_its_length(tmp_path):
    """Within a tenth, however long the numbers in it are."""
    facet = "facet normal 0.0 0.0 1.0\nouter loop\n" + "vertex 1.234567e+01 -8.5 3.25\n" * 3 + "endloop\nendfacet\n"
    path = tmp_path / "text.stl"
    path.write_text("solid thing\n" + facet * 1000 + "endsolid\n")
    size = measure_model(path)
    assert size.text_bytes == path.stat().st_size
    assert size.faces == pytest.approx(1000, rel=0.1)
    assert ModelSize.known(1000, size.text_bytes).text_bytes == size.text_bytes
    path.write_bytes(b"solid endfacet\0" + bytes(985))  # no text, whatever it says
    assert measure_model(path) == ModelSize(faces=18)


@pytest.mark.parametrize("name", ["missing.stl", "folder", "pipe", "x" * 5000, "a\0b"])
def test_what_is_no_file_has_no_size(tmp_path, name):
    """And nothing waits for it, or fails."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert measure_model(tmp_path / name) == NO_SIZE


def test_costs_grow_with_the_work():
    """With faces, pixels, frames, colours, quality and side-by-side work."""

    def seconds(size=SMALL, concurrency=1, **changes):
        return DEFAULT_COSTS.job_s(size, EVERYTHING.merged(changes), JUDGED, concurrency=concurrency)

    assert seconds(LARGE) > 5 * seconds()
    assert seconds(width=3840) > seconds() > seconds(video_duration=2.0)
    assert seconds(color_palette=("red",)) < seconds()
    assert seconds(quality=Quality.ULTRA) > seconds(quality=Quality.HIGH) > seconds(quality=Quality.DRAFT)
    assert seconds(concurrency=4) > seconds(concurrency=2) > seconds()


def test_a_line_says_the_same_as_the_plan():
    """For every size, with the time between the stages on top."""
    line = DEFAULT_COSTS.line(EVERYTHING, JUDGED, concurrency=2)
    for size in (SMALL, LARGE, ModelSize(faces=4000, text_bytes=1_000_000)):
        stages = DEFAULT_COSTS.plan(size, EVERYTHING, JUDGED, concurrency=2)
        assert [each.stage for each in stages] == list(Stage)
        assert line.seconds(size) == pytest.approx(sum(each.cost_s for each in stages) + 0.1)


def test_every_feature_of_every_job_has_a_cost():
    """There is no quality, level or stage that would be free."""
    for quality in Quality:
        render = EVERYTHING.merged({"quality": quality})
        for stage in stages_of(render, JUDGED):
            assert set(features_of(stage, LARGE, render, JUDGED)) <= set(DEFAULT_COSTS.stages[stage].coefficients)


def test_the_first_picture_pays_for_the_renderer():
    """Whichever it is; the others find it open."""
    for first in (Stage.IMAGE, Stage.SIZE_CHART, Stage.VIDEO):
        later = [stage for stage in PICTURES if list(Stage).index(stage) >= list(Stage).index(first)]
        wanted = {f"generate_{stage}": stage in later for stage in PICTURES}
        render = RenderOptions(**wanted)
        paying = [
            stage for stage in Stage if stage in later and "renderer" in features_of(stage, SMALL, render, JUDGED)
        ]
        assert paying == [first]


def test_an_unknown_feature_costs_nothing():
    """A model that was learned by another version still estimates."""
    assert StageCosts(coefficients={"job": 2.0}).seconds({"job": 1, "news": 5}, 1) == 2.0
    assert CostModel(stages=DEFAULT_COSTS.stages).jobs == 0
