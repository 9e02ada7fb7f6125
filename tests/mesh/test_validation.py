"""The judgement over whole files."""

import json

import numpy as np
import pytest

from stlkit.mesh import repair as repair_module
from stlkit.mesh.intake import parse_stl
from stlkit.mesh.surface import Step
from stlkit.mesh.validation import validate
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.geometry import STL_RECORD, encode_binary_stl
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import RepairAction, ValidationReport

LEVELS = list(ValidationLevel)


def judged(reading, level="standard", *, auto_repair=True):
    options = ValidationOptions(level=ValidationLevel(level), auto_repair=auto_repair)
    return validate(reading, options)


def codes(findings):
    return [finding.code for finding in findings]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("auto_repair", [True, False])
def test_a_sound_file_passes(shapes, level, auto_repair):
    """A sound file passes at every level, and its mesh goes on as it is."""
    result = judged(shapes.reading(shapes.box()), level, auto_repair=auto_repair)
    assert result.report.passed
    assert result.report.findings == ()
    assert result.report.level == level
    assert len(result.mesh.faces) == 12


def test_basic_looks_at_the_file_only(shapes):
    """At basic an open mesh passes, nothing is mended, and there are no figures of the topology."""
    result = judged(shapes.reading(shapes.box()[2:]), "basic")
    assert result.report.passed
    assert (result.report.summary, result.report.repair) == (None, None)
    assert len(result.mesh.faces) == 10


def test_an_open_box_passes_once_it_is_mended(shapes):
    """What a repair mends is no longer found; what was found before it is kept in the report."""
    report = judged(shapes.reading(shapes.box()[2:]), "strict").report
    assert report.passed
    assert codes(report.findings) == []
    assert codes(report.findings_before_repair) == ["open_edges"]
    assert (report.repair.before.open_edges, report.repair.after.open_edges) == (4, 0)
    assert report.summary == report.repair.after


def test_an_open_box_fails_unmended(shapes):
    """Without a repair the finding stays."""
    report = judged(shapes.reading(shapes.box()[2:]), auto_repair=False).report
    assert not report.passed
    assert codes(report.findings) == ["open_edges"]
    assert (report.repair, report.findings_before_repair) == (None, ())
    assert report.summary.open_edges == 4


@pytest.mark.parametrize(("level", "passes"), [("basic", False), ("standard", True), ("strict", True)])
def test_faces_without_area_count_until_they_are_gone(shapes, level, passes):
    """What the reader found is judged again after the repair that removed it."""
    report = judged(shapes.reading(shapes.box(), shapes.box()[:1, [0, 1, 1]]), level).report
    assert report.passed == passes
    assert ("zero_area_faces" in codes(report.findings)) != passes


@pytest.mark.parametrize("level", LEVELS)
def test_a_salvaged_file_fails_at_every_level(shapes, level):
    """A loss in the file stays a warning, however sound the rest is."""
    report = judged(parse_stl(encode_binary_stl(shapes.box()) + b"!"), level).report
    assert codes(report.findings) == ["trailing_bytes"]
    assert not report.passed
    assert len(report.warnings) == 1


@pytest.mark.parametrize(("level", "passes"), [("standard", True), ("strict", False)])
def test_several_bodies_fail_at_strict_only(shapes, level, passes):
    """Several bodies are worth knowing; at strict any finding fails."""
    report = judged(shapes.reading(shapes.box(), shapes.box(at=(3, 0, 0))), level).report
    assert codes(report.findings) == ["multiple_bodies"]
    assert report.passed == passes


@pytest.mark.parametrize("level", LEVELS)
def test_a_file_with_nothing_usable(level):
    """A file without a triangle fails, with the reader's finding and an empty mesh."""
    result = judged(parse_stl(b""), level)
    assert not result.report.passed
    assert codes(result.report.findings) == ["empty_file"]
    assert len(result.mesh.faces) == 0


def test_a_refused_repair_leaves_the_original(shapes, monkeypatch):
    """A repair that does harm is thrown away with a warning, and the file's own mesh goes on."""

    def lose_a_body(surface):
        return Step(surface.keeping(surface.origin < 12), RepairAction(code="harm", message="harm", count=12))

    monkeypatch.setattr(repair_module, "_STEPS", (lose_a_body,))
    result = judged(shapes.reading(shapes.box(), shapes.box(at=(3, 0, 0))))
    assert codes(result.report.findings) == ["multiple_bodies", "repair_refused"]
    assert not result.report.passed
    assert len(result.mesh.faces) == 24
    assert result.report.repair.refused
    assert (result.report.repair.before.bodies, result.report.repair.after.bodies) == (2, 1)


def test_findings_count_faces_as_the_file_does(shapes):
    """Behind facets that were left out and faces that a repair removed, numbers are still those of the file."""
    sheet = shapes.box(at=(9, 0, 0))[:2]
    records = np.frombuffer(
        encode_binary_stl(np.concatenate([shapes.box(), sheet])), dtype=STL_RECORD, offset=84
    ).copy()
    records["corners"][0, 0, 0] = np.inf
    report = judged(parse_stl(encode_binary_stl(np.zeros((14, 3, 3)))[:84] + records.tobytes())).report
    found = {finding.code: finding.faces for finding in report.findings}
    assert found == {"non_finite": (0,), "open_edges": (12, 13), "multiple_bodies": ()}


def test_colors_go_on(shapes):
    """Colours stay with their faces through a repair."""
    triangles = np.concatenate([shapes.box()[:3], shapes.box()[:1], shapes.box()[3:]])
    records = np.frombuffer(encode_binary_stl(triangles), dtype=STL_RECORD, offset=84).copy()
    records["attribute"] = 0x8000 | np.arange(13)
    mesh = judged(parse_stl(encode_binary_stl(triangles)[:84] + records.tobytes())).mesh
    five_bits = np.array([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    np.testing.assert_array_equal(mesh.face_colors[:, 2] >> 3, five_bits)


def test_the_report_is_a_document(shapes):
    """A report becomes JSON of finite numbers, and comes back as it was."""
    report = judged(shapes.reading(shapes.box()[2:], shapes.inside_out(shapes.box(at=(3, 0, 0))))).report
    text = json.dumps(to_plain(report), allow_nan=False)
    assert from_plain(ValidationReport, json.loads(text)) == report
