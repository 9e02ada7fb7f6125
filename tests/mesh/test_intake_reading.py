"""What the reader makes of sound and of damaged files, in detail."""

import tracemalloc

import numpy as np
import pytest

from stlkit.mesh.intake import parse_stl, read_stl
from stlkit.model.geometry import STL_RECORD, encode_binary_stl

ONE_FACET = "facet normal 0 0 1 outer loop vertex {} vertex 1 0 0 vertex 0 1 0 endloop endfacet"


def codes(reading):
    return {finding.code for finding in reading.report.findings}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("+1.5e3", 1500),
        (".5", 0.5),
        ("5.", 5),
        ("-0", 0),
        ("1E-3", 1e-3),
        ("0000012.500", 12.5),
        ("2,25", 2.25),
    ],
)
def test_numbers(written, value):
    """A coordinate may be written in every way a number can be, also with a comma."""
    reading = parse_stl(f"solid\n{ONE_FACET.format(f'0 {written} 7')}\nendsolid\n".encode())
    np.testing.assert_array_equal(reading.triangles[0, 0], np.array([0, value, 7], dtype=np.float32))


def test_a_file_of_one_line():
    """Blanks and line ends mean the same, so a whole file may stand on one line."""
    line = f"solid a {ONE_FACET.format('0 0 0')} {ONE_FACET.format('0 0 1')} endsolid a"
    reading = parse_stl(line.encode())
    assert reading.report.triangle_count == 2
    assert reading.report.solid_names == ("a",)
    assert codes(reading) == set()


def test_names_of_solids():
    """Every solid's name is kept, without the blanks around it."""
    part = ONE_FACET.format("0 0 0")
    content = f"solid  left half \n{part}\nendsolid\nsolid\n{part}\nendsolid x\nsolid ünten\n{part}\nendsolid\n"
    assert parse_stl(content.encode()).report.solid_names == ("left half", "", "ünten")


def test_a_name_may_look_like_facets():
    """A name made of the words of a facet is a name."""
    name = "facet normal 0 0 1 outer loop vertex 1 2 3 vertex endloop endfacet solid endsolid"
    reading = parse_stl(f"solid {name}\n{ONE_FACET.format('0 0 0')}\nendsolid {name}\n".encode())
    assert reading.report.solid_names == (name,)
    assert reading.report.triangle_count == 1
    assert codes(reading) == {"keyword_in_name"}


def test_faces_are_counted_as_in_the_file(shapes):
    """Findings count facets as the file does, also behind facets that were left out."""
    triangles = np.concatenate([shapes.box(), shapes.box()[:1, [0, 1, 1]]])
    records = np.frombuffer(encode_binary_stl(triangles), dtype=STL_RECORD, offset=84).copy()
    records["corners"][[2, 5], 0, 0] = np.nan
    reading = parse_stl(encode_binary_stl(triangles)[:84] + records.tobytes())
    faces = {finding.code: finding.faces for finding in reading.report.findings}
    assert faces == {"non_finite": (2, 5), "zero_area_faces": (12,)}
    assert reading.face_numbers.tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11, 12]


def test_faces_are_counted_as_in_the_text():
    """In a text, a facet that was left out is counted too."""
    facets = [ONE_FACET.format(f"0 0 {n}") for n in range(5)]
    facets[1] = facets[1].replace("endloop", "vertex 5 5 5 endloop")
    facets[3] = facets[3].replace("vertex 1 0 0", "vertex 1 0 inf")
    reading = parse_stl(("solid\n" + "\n".join(facets) + "\nendsolid\n").encode())
    assert reading.face_numbers.tolist() == [0, 2, 4]
    assert {f.code: (f.count, f.faces) for f in reading.report.findings} == {
        "malformed_facets": (1, ()),
        "non_finite": (1, (3,)),
    }


def test_at_most_twenty_faces_are_named(shapes):
    """A finding names its first twenty faces and counts them all."""
    (finding,) = parse_stl(encode_binary_stl(np.tile(shapes.box()[:1, [0, 1, 1]], (50, 1, 1)))).report.findings
    assert (finding.count, finding.faces) == (50, tuple(range(20)))


def test_viscam_colors():
    """VisCAM: red in the high bits, valid where bit 15 is set; 31 of 31 is 255."""
    reading = parse_stl(colored(b"part", [0x8000 | 31 << 10, 0x8000 | 31 << 5, 0x8000 | 31, 31 << 10]))
    assert reading.report.has_colors
    assert reading.face_colors.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 200, 200]]


def test_magics_colors():
    """Magics: red in the low bits, own where bit 15 is clear, else the colour of the header."""
    reading = parse_stl(colored(b"by hand COLOR=\x10\x20\x30\xff", [31, 31 << 5, 31 << 10, 0xFFFF]))
    assert reading.face_colors.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [16, 32, 48]]


def test_an_object_color_is_no_face_color():
    """A file that colours the object as a whole colours no facet black."""
    reading = parse_stl(colored(b"COLOR=\x10\x20\x30\xff", [0, 0, 0, 0]))
    assert not reading.report.has_colors
    assert reading.face_colors is None


def test_colors_follow_their_faces():
    """Where facets are left out, the others keep their colours."""
    data = bytearray(colored(b"part", [0x8000 | 31 << 10, 0x8000 | 31 << 5, 0x8000 | 31, 0x8000]))
    data[84 + 50 + 12 : 84 + 50 + 16] = np.float32(np.nan).tobytes()
    assert parse_stl(bytes(data)).face_colors.tolist() == [[255, 0, 0], [0, 0, 255], [0, 0, 0]]


def colored(header, attributes):
    records = np.zeros(len(attributes), dtype=STL_RECORD)
    records["corners"] = np.arange(9).reshape(3, 3) ** 2 + np.arange(len(attributes))[:, None, None]
    records["attribute"] = attributes
    return header.ljust(80) + len(attributes).to_bytes(4, "little") + records.tobytes()


def test_memory_stays_within_three_times_the_file(tmp_path, shapes):
    """Reading a binary file takes at most three times its size, also where facets are left out."""
    data = bytearray(encode_binary_stl(shapes.sphere(columns=400, rows=300)))
    data[84 + 12 : 84 + 16] = np.float32(np.nan).tobytes()
    path = tmp_path / "large.stl"
    path.write_bytes(data)
    tracemalloc.start()
    read_stl(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(data) > 10_000_000
    assert peak < 3 * len(data)


def test_memory_does_not_follow_the_count(box_stl):
    """A header that claims four thousand million facets allocates nothing for them."""
    data = box_stl()[:80] + b"\xff\xff\xff\xff" + box_stl()[84:]
    tracemalloc.start()
    parse_stl(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1.0, 100.0])
def test_zero_area_is_relative(shapes, scale, shift):
    """No face of a sound model counts as without area because the model is small, large or away from the origin."""
    triangles = (shapes.sphere(columns=32, rows=16) + shift) * scale
    assert codes(parse_stl(encode_binary_stl(triangles))) == set()
