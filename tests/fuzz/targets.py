"""What must hold for any bytes. Each target raises where it does not, and else returns what kind of input it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from stlkit.files import decode_json, encode_json
from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.intake import StlReading, parse_stl
from stlkit.mesh.validation import validate
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.jobs import QueueState
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import Severity

LONGEST_S = 10.0
"""Processor time that no input of `LARGEST_BYTES` may take."""

LARGEST_BYTES = 1 << 14

_MOST_FACES = 400

Kind = Hashable
Target = Callable[[bytes], Kind]


def read(data: bytes) -> Kind:
    """The reader: finite triangles and a report that agrees with them, or an error that says why there are none."""
    return _kind(_checked_reading(data))


def judge(data: bytes) -> Kind:
    """Everything that is done with a mesh short of drawing it: checks, repair, analysis and dimensions."""
    reading = _checked_reading(data)
    if not 0 < len(reading.triangles) <= _MOST_FACES or not reading.report.usable:
        return _kind(reading)
    options = ValidationOptions(level=ValidationLevel.STRICT)
    for chosen in (options, replace(options, auto_repair=False), replace(options, level=ValidationLevel.BASIC)):
        validated = validate(reading, chosen)
        mesh = validated.mesh
        documents = [validated.report, analyze(mesh, reading.report, chosen), measure_dimensions(mesh)]
        for document in documents:
            again = from_plain(type(document), decode_json(encode_json(to_plain(document))))
            assert again == document, "a report does not come back from JSON as it was"
    findings = frozenset(finding.code for finding in validated.report.findings)
    return _kind(reading), findings


def state(data: bytes) -> Kind:
    """A queue's file: a state that can be written and read again, or a ValueError."""
    try:
        value = decode_json(data)
    except ValueError as error:
        return type(error).__name__
    assert decode_json(encode_json(value)) == value
    if not isinstance(value, dict):
        return type(value).__name__
    try:
        found = QueueState.from_dict(value)
    except ValueError as error:
        return str(error)[:40]
    assert QueueState.from_dict(decode_json(encode_json(found.to_dict()))) == found
    return len(found.jobs)


TARGETS: dict[str, Target] = {"read": read, "judge": judge, "state": state}


def timed(target: Target) -> Target:
    """Return a target that also fails where it takes too long."""

    def check(data: bytes) -> Kind:
        began = time.process_time()
        kind = target(data)
        took_s = time.process_time() - began
        assert took_s < LONGEST_S, f"took {took_s:.1f} s for {len(data)} bytes"
        return kind

    return check


def _checked_reading(data: bytes) -> StlReading:
    reading = parse_stl(data)
    report, count = reading.report, len(reading.triangles)
    assert report.triangle_count == count
    assert report.file_size_bytes == len(data)
    assert report.usable == (count > 0)
    assert np.isfinite(reading.triangles).all()
    assert reading.triangles.shape == (count, 3, 3)
    assert reading.triangles.dtype == np.float32
    assert count * 36 <= 2 * max(len(data), 1), "more triangles than the file has room for"
    for optional in (reading.face_colors, reading.face_numbers):
        assert optional is None or len(optional) == count
    if not report.usable:
        assert any(finding.severity is Severity.ERROR for finding in report.findings)
    assert encode_json(to_plain(report))
    return reading


def _kind(reading: StlReading) -> Kind:
    report = reading.report
    return report.format, min(report.triangle_count, 3), frozenset(finding.code for finding in report.findings)
