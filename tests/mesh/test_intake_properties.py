"""Properties of the reader that hold for every file."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlkit.mesh.intake import parse_stl
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.reports import Severity

TRIANGLES = (np.arange(72, dtype=np.float32) ** 2 % 23).reshape(8, 3, 3) + np.float32(0.5)
BINARY = encode_binary_stl(TRIANGLES)
ASCII = (
    "solid part\n"
    + "".join(
        "facet normal 0 0 1\n outer loop\n"
        + "".join(f"  vertex {x:.3f} {y:.3f} {z:.3f}\n" for x, y, z in triangle.tolist())
        + " endloop\nendfacet\n"
        for triangle in TRIANGLES
    )
    + "endsolid part\n"
).encode()


def check_reading(data):
    """Check what must hold whatever was read."""
    reading = parse_stl(data)
    report = reading.report
    assert report.triangle_count == len(reading.triangles)
    assert report.usable == (len(reading.triangles) > 0)
    assert np.isfinite(reading.triangles).all()
    if not report.usable:
        assert any(finding.severity is Severity.ERROR for finding in report.findings)
    for optional in (reading.face_colors, reading.face_numbers):
        assert optional is None or len(optional) == len(reading.triangles)
    return reading


@given(st.binary(max_size=600))
def test_any_bytes(data):
    """Any bytes give a reading, and none is usable without a triangle."""
    check_reading(data)


@given(st.binary(max_size=300).map(lambda data: b"solid " + data))
def test_any_bytes_behind_solid(data):
    """The word 'solid' in front changes nothing about that."""
    check_reading(data)


@given(st.lists(st.sampled_from([*ASCII.split()[:30], b"\n", b"solid", b"1,5", b"nan", b"\x00"]), max_size=120))
def test_any_words(words):
    """The words of an STL file in any order give a reading."""
    check_reading(b" ".join(words))


@settings(max_examples=200)
@given(
    st.sampled_from([BINARY, ASCII]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 60)), max_size=4),
)
def test_mutated_files(data, edits):
    """A sound file in which bytes were replaced, inserted or taken out gives a reading."""
    for place, inserted, removed in edits:
        at = int(place * len(data))
        data = data[:at] + inserted + data[at + removed :]
    check_reading(data)


@given(st.integers(0, len(ASCII)))
def test_an_ascii_file_cut_anywhere(length):
    """However a text is cut, the facets in front of the cut are read as they were."""
    reading = check_reading(ASCII[:length])
    whole = ASCII[:length].count(b"endloop")
    assert len(reading.triangles) == whole
    np.testing.assert_array_equal(reading.triangles, TRIANGLES[:whole])
    if length < len(ASCII) - len("solid part\n"):
        assert any(finding.severity is not Severity.INFO for finding in reading.report.findings)


@given(st.integers(0, len(BINARY)))
def test_a_binary_file_cut_anywhere(length):
    """However a binary file is cut, the facets in front of the cut are read, and no cut goes unnoticed."""
    reading = check_reading(BINARY[:length])
    whole = max(length - 84, 0) // 50
    np.testing.assert_array_equal(reading.triangles, TRIANGLES[:whole])
    assert (length == len(BINARY)) == (not reading.report.findings)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 40), st.just(3), st.just(3)), elements=st.floats(-1e6, 1e6, width=32)),
    st.text(max_size=80),
)
def test_binary_round_trip(triangles, header):
    """Triangles that were written as binary STL are read back bit by bit."""
    reading = parse_stl(encode_binary_stl(triangles, header))
    assert reading.triangles.tobytes() == triangles.tobytes()
