"""The three layouts of the specification, to the letter."""

import pytest

from stlkit.errors import OutputError
from stlkit.model.options import Organization
from stlkit.outputs.layout import OutputLayout, folders_of
from stlkit.outputs.logs import append_processing_log
from stlkit.outputs.placing import link_source, place_json, place_text
from stlkit.outputs.summary import write_summary

PER_STL = """
ModelA/analysis/ModelA_analysis.json
ModelA/analysis/ModelA_dimensions.json
ModelA/analysis/ModelA_repaired.stl
ModelA/analysis/ModelA_validation.json
ModelA/logs/ModelA_errors.log
ModelA/logs/ModelA_processing.log
ModelA/renders/ModelA_presentation.mp4
ModelA/renders/ModelA_render.png
ModelA/renders/ModelA_size_chart.png
ModelA/renders/color_variations/ModelA_blue.png
ModelA/renders/color_variations/ModelA_green.png
ModelA/renders/color_variations/ModelA_red.png
ModelA/source/ModelA.stl
ModelA/source/file_info.json
failed/ModelA.stl
failed/ModelA_error.log
processing_log.txt
queue_summary.json
"""

FLAT = """
ModelA_analysis.json
ModelA_blue.png
ModelA_dimensions.json
ModelA_errors.log
ModelA_green.png
ModelA_presentation.mp4
ModelA_processing.log
ModelA_red.png
ModelA_render.png
ModelA_repaired.stl
ModelA_size_chart.png
ModelA_validation.json
failed/ModelA.stl
failed/ModelA_error.log
processing_log.txt
queue_summary.json
"""

BY_TYPE = """
analysis/ModelA_analysis.json
analysis/ModelA_dimensions.json
analysis/ModelA_validation.json
color_variations/ModelA_blue.png
color_variations/ModelA_green.png
color_variations/ModelA_red.png
failed/ModelA.stl
failed/ModelA_error.log
logs/ModelA_errors.log
logs/ModelA_processing.log
processing_log.txt
queue_summary.json
renders/ModelA_render.png
repaired/ModelA_repaired.stl
size_charts/ModelA_size_chart.png
videos/ModelA_presentation.mp4
"""


def put_everything(layout: OutputLayout, job) -> None:
    colors = [layout.color_variation(entry) for entry in layout.render_options.color_palette]
    pictures = [layout.render, layout.size_chart, layout.video, layout.repaired, *colors]
    for path in (*pictures, layout.processing_log, layout.errors_log, layout.failed_log):
        place_text(path, "x", within=layout.base_folder)
    for path in (layout.analysis, layout.dimensions, layout.validation, layout.file_info):
        if path is not None:
            place_json(path, {}, within=layout.base_folder)
    for path in (layout.source_link, layout.failed_link):
        if path is not None:
            link_source(path, job.stl_path, within=layout.base_folder)
    append_processing_log(layout.base_folder, job)
    write_summary(layout.base_folder, [job])


@pytest.mark.parametrize(("organization", "tree"), [("per_stl", PER_STL), ("flat", FLAT), ("by_type", BY_TYPE)])
def test_tree(make_layout, make_job, base, organization, tree):
    """Each layout makes the tree that the specification draws, and nothing beside it."""
    layout = make_layout(organization=organization)
    put_everything(layout, make_job("ModelA"))
    found = sorted(path.relative_to(base).as_posix() for path in base.rglob("*") if not path.is_dir())
    assert found == tree.split()


def test_link_and_facts_only_in_the_models_own_folder(make_layout):
    """Only the per-STL layout has a place for the link to the source and the facts about it."""
    for organization in ("flat", "by_type"):
        layout = make_layout(organization=organization)
        assert (layout.source_link, layout.file_info) == (None, None)
        assert layout.model_folder == layout.base_folder


def test_compressed_analysis(make_layout):
    """Compression concerns analysis, dimensions and validation, and nothing that a person opens as text."""
    layout = make_layout(compress_analysis=True)
    names = [path.name for path in (layout.analysis, layout.dimensions, layout.validation)]
    assert names == ["ModelA_analysis.json.gz", "ModelA_dimensions.json.gz", "ModelA_validation.json.gz"]
    assert layout.file_info.name == "file_info.json"


def test_options_leave_folders_and_links_alone(make_layout, base):
    """Prefix and marks are for the files that are made, not for the model's folder, its link or ``failed/``."""
    layout = make_layout(custom_prefix="shop", include_quality=True, include_timestamp=True)
    assert layout.render == base / "ModelA" / "renders" / "shop_ModelA_render_standard_20260115_103005.png"
    assert layout.processing_log == base / "ModelA" / "logs" / "shop_ModelA_processing_20260115_103005.log"
    assert layout.source_link == base / "ModelA" / "source" / "ModelA.stl"
    assert layout.failed_log == base / "failed" / "ModelA_error.log"


@pytest.mark.parametrize("name", ["..", "", "a/b", "/etc", ".hidden", "a\0b", "CON"])
def test_name_that_cannot_stand_in_a_path(make_layout, name):
    """A job whose name was edited into a path makes no layout."""
    with pytest.raises(OutputError, match="no name for output files"):
        make_layout(name)


def test_folders_of_a_layout():
    """The folders that a layout shares between models are known to whoever looks for names in them."""
    assert set(folders_of(Organization.PER_STL)) == {
        "renders",
        "renders/color_variations",
        "analysis",
        "logs",
    }
