"""What a worker does not make again, and what it must not overwrite."""

from dataclasses import replace

import pytest

from stlkit.model.jobs import JobState
from stlkit.model.options import RenderOptions, ValidationOptions
from stlkit.storage.progress import load_processing_state

LOOK = RenderOptions(width=96, height=64, generate_color_variations=True, color_palette=("red", "blue"))


@pytest.fixture
def box(tmp_path, box_stl):
    path = tmp_path / "box.stl"
    path.write_bytes(box_stl())
    return path


@pytest.fixture
def outputs(tmp_path):
    """Return what the job before has placed, as the index would have it."""
    return lambda: load_processing_state(tmp_path / "cache").outputs


def forget_attempt(tmp_path):
    (tmp_path / "cache" / "processing_state.json").unlink()


def times_of(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_new_color_makes_one_picture(do, box, outputs, tmp_path):
    """Everything else stays as it is on disk, and the answer says what was used again."""
    do(box, LOOK)
    known, before = outputs(), times_of(tmp_path / "out")
    forget_attempt(tmp_path)
    answer, _ = do(box, LOOK.merged({"color_palette": ("red", "blue", "teal")}), known=known)
    after = times_of(tmp_path / "out")
    assert {name for name in after if after[name] != before.get(name)} == {
        "box_teal.png", "box_processing.log", "file_info.json",
    }  # fmt: skip
    # validation, analysis, dimensions, main picture, red, blue
    assert answer.results.reused_files == 6
    assert answer.results.saved_s > 0


def test_another_density_makes_the_analysis_and_no_picture(do, box, outputs, tmp_path):
    """Pictures do not show what a material weighs."""
    do(box, LOOK)
    known, before = outputs(), times_of(tmp_path / "out")
    forget_attempt(tmp_path)
    do(box, LOOK, ValidationOptions(density_g_cm3=7.8), known=known)
    after = times_of(tmp_path / "out")
    assert {name for name in after if after[name] != before[name]} == {
        "box_analysis.json", "box_processing.log", "file_info.json",
    }  # fmt: skip


def test_the_same_model_elsewhere_is_copied(do, box, outputs, tmp_path):
    """Equal content with equal options gives equal files, whatever the model is called."""
    do(box, LOOK)
    known = outputs()
    forget_attempt(tmp_path)
    twin = tmp_path / "twin.stl"
    twin.write_bytes(box.read_bytes())
    answer, _ = do(twin, LOOK, known=known)
    assert answer.results.reused_files == 6
    first, second = (tmp_path / "out" / name / "renders" / f"{name}_render.png" for name in ("box", "twin"))
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_ino != second.stat().st_ino  # an edit of one must not change the other


def test_a_size_chart_is_headed_by_the_name_of_the_file(do, box, outputs, tmp_path):
    """Two of one name have one heading, whatever their outputs are called; a copy of another name has its own."""
    chart = LOOK.merged({"generate_image": False, "generate_color_variations": False, "generate_size_chart": True})

    def drawn(source, name, known=()):
        (tmp_path / "cache" / "processing_state.json").unlink(missing_ok=True)
        answer, _ = do(source, chart, output_name=name, known=known)
        (path,) = (path for path in answer.results.files_generated if "size_chart" in path.name)
        return path.read_bytes(), answer.results.reused_files

    other = box.with_name("crate.stl")
    other.write_bytes(box.read_bytes())
    first, _ = drawn(box, "box")
    known = outputs()
    assert drawn(box, "box_2")[0] == first
    assert drawn(box, "box_3", known) == (first, 4)  # validation, analysis, dimensions and the chart
    renamed, reused = drawn(other, "crate", known)
    assert renamed != first and reused == 3


def test_another_file_under_the_same_name_is_made_anew(do, box, box_stl, outputs, tmp_path):
    """Nothing of the old content is kept."""
    do(box, LOOK)
    known = outputs()
    forget_attempt(tmp_path)
    box.write_bytes(box_stl(height_mm=40))
    answer, _ = do(box, LOOK, known=known)
    assert answer.results.reused_files == 0
    assert not answer.results.warnings


def test_an_output_edited_by_hand_is_kept_aside(do, box, outputs, tmp_path):
    """The picture is made again, and the person's own version lies beside it, with a warning that names it."""
    do(box, LOOK)
    known = outputs()
    forget_attempt(tmp_path)
    render = tmp_path / "out/box/renders/box_render.png"
    render.write_bytes(b"mine")
    answer, _ = do(box, LOOK, known=known)
    assert render.with_name("box_render.edited-1.png").read_bytes() == b"mine"
    assert render.read_bytes().startswith(b"\x89PNG")
    assert any("box_render.edited-1.png" in warning for warning in answer.results.warnings)


def test_an_output_that_nobody_remembers_is_kept_aside_where_it_differs(do, box, tmp_path):
    """With another home folder, or moved here: what was made just so stands in its place, anything else is kept."""
    do(box, LOOK)
    forget_attempt(tmp_path)
    render = tmp_path / "out/box/renders/box_render.png"
    render.write_bytes(b"mine")
    answer, _ = do(box, LOOK)
    assert [path.name for path in (tmp_path / "out").rglob("*.edited-*")] == ["box_render.edited-1.png"]
    assert render.with_name("box_render.edited-1.png").read_bytes() == b"mine"
    assert answer.results.warnings == (
        "box_render.png was there already, and is another; that version is kept as box_render.edited-1.png",
    )


def test_a_deleted_output_is_made_again_alone(do, box, outputs, tmp_path):
    """What a person threw away comes back; the rest is not touched."""
    do(box, LOOK)
    known, before = outputs(), times_of(tmp_path / "out")
    forget_attempt(tmp_path)
    (tmp_path / "out/box/renders/color_variations/box_red.png").unlink()
    answer, _ = do(box, LOOK, known=known)
    after = times_of(tmp_path / "out")
    assert answer.state is JobState.COMPLETED
    assert set(after) == set(before)
    assert after["box_blue.png"] == before["box_blue.png"]


def test_known_outputs_that_are_torn_are_not_believed(do, box, outputs, tmp_path):
    """A copy whose bytes are not what they should be is thrown away, and the picture is made."""
    do(box, LOOK)
    known = outputs()
    forget_attempt(tmp_path)
    render = next(out for out in known if out.path.name == "box_render.png")
    lying = replace(render, path=tmp_path / "lie.png", mtime_ns=0)
    lying.path.write_bytes(b"\0" * render.size_bytes)
    lying = replace(lying, mtime_ns=lying.path.stat().st_mtime_ns)
    render.path.unlink()
    answer, _ = do(box, LOOK, known=(lying,))
    assert answer.state is JobState.COMPLETED
    assert render.path.read_bytes().startswith(b"\x89PNG")
