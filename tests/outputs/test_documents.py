"""The facts about a source file."""

import json
import os
from pathlib import Path

from stlkit.files import sha256_of
from stlkit.model.reports import Finding, IntakeReport, Severity, StlFormat, ValidationReport
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.documents import file_info
from stlkit.outputs.placing import place_json

FINDING = Finding(code="trailing_bytes", severity=Severity.WARNING, message="9 bytes too many", count=9, faces=(1, 2))
INTAKE = IntakeReport(
    format=StlFormat.BINARY,
    file_size_bytes=684,
    checksum_sha256="0" * 64,
    triangle_count=12,
    declared_triangle_count=12,
    header="cube",
    findings=(FINDING,),
)


def test_facts_of_a_file(tmp_path, moment):
    """Size, time, checksum, format and what the reader and the judge noticed stand under documented keys."""
    path = tmp_path / "cube.stl"
    path.write_bytes(bytes(684))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    intake = IntakeReport(
        format=StlFormat.BINARY, file_size_bytes=684, checksum_sha256=sha256_of(path), triangle_count=12
    )
    judged = ValidationReport(level="standard", passed=False, findings=(FINDING,))
    assert file_info(path, intake, judged, moment=moment) == {
        "version": "1.0",
        "stl_path": str(path),
        "stl_filename": "cube.stl",
        "stl_size": 684,
        "stl_modified_at": "2023-11-14T22:13:20.000000Z",
        "stl_checksum": sha256_of(path),
        "recorded_at": "2026-01-15T10:30:05.000000Z",
        "format": "binary",
        "triangle_count": 12,
        "declared_triangle_count": None,
        "solid_names": [],
        "header": None,
        "has_colors": False,
        "findings": [],
        "validation": {
            "level": "standard",
            "passed": False,
            "repaired": False,
            "findings": [{"code": "trailing_bytes", "severity": "warning", "message": "9 bytes too many", "count": 9}],
        },
    }


def test_file_that_is_gone(tmp_path):
    """A file that vanished since it was read has no time, and one that nobody judged no judgement."""
    info = file_info(tmp_path / "gone.stl", INTAKE)
    assert info["stl_modified_at"] is None
    assert info["validation"] is None
    assert [finding["code"] for finding in info["findings"]] == ["trailing_bytes"]


def test_facts_lead_back_to_the_file(make_layout, base):
    """The written facts are JSON, whatever the file is called, and tell whose folder it is."""
    layout = make_layout("caf_")
    path = Path("/models", os.fsdecode(b"caf\xe9.stl"))
    place_json(layout.file_info, file_info(path, INTAKE), within=base)
    assert json.loads(layout.file_info.read_bytes())["stl_path"] == str(path)
    assert OutputNames(base).claim(path, layout.settings) == "caf_"
