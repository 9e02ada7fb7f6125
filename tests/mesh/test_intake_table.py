"""Every damage and every oddity that the reader knows, what it is called, and what is left of the file."""

import gzip
import io
import zipfile

import numpy as np
import pytest

from stlkit.mesh.codes import IntakeCode
from stlkit.mesh.intake import parse_stl
from stlkit.model.geometry import HEADER_BYTES, STL_RECORD, encode_binary_stl
from stlkit.model.reports import Severity, StlFormat

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def fan(count=4):
    """Sound facets with coordinates that survive being written with four decimals."""
    steps = np.arange(count + 1)
    rim = np.stack([steps + 1.5, steps * 0.5, steps % 2 + 0.25], axis=1)
    apex = np.broadcast_to([0.5, -1.5, 2.25], (count, 3))
    return np.stack([rim[:-1], rim[1:], apex], axis=1)


TRIANGLES = fan()
BINARY = encode_binary_stl(TRIANGLES, "made by hand")


def facet(triangle):
    corners = "".join(f"      vertex {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in triangle)
    return f"  facet normal 0.0 0.0 1.0\n    outer loop\n{corners}    endloop\n  endfacet\n"


def text(triangles=TRIANGLES, name="part"):
    return f"solid {name}\n" + "".join(map(facet, triangles)) + f"endsolid {name}\n"


ASCII = text().encode()


def with_count(count):
    return BINARY[:HEADER_BYTES] + count.to_bytes(4, "little") + BINARY[HEADER_BYTES + 4 :]


def with_header(header):
    return header[:HEADER_BYTES].ljust(HEADER_BYTES) + BINARY[HEADER_BYTES:]


def with_attributes(*values, header=b"part"):
    records = np.frombuffer(BINARY, dtype=STL_RECORD, offset=84).copy()
    records["attribute"] = values
    return with_header(header)[:84] + records.tobytes()


def with_corner(value):
    records = np.frombuffer(BINARY, dtype=STL_RECORD, offset=84).copy()
    records["corners"][2, 1, 0] = value
    return BINARY[:84] + records.tobytes()


def zipped(member):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(member, "content")
    return stream.getvalue()


FACETS = [facet(triangle) for triangle in TRIANGLES]
TWO_VERTICES = FACETS[1].replace(FACETS[1].splitlines(keepends=True)[2], "")
FOUR_VERTICES = FACETS[1].replace("    endloop", "      vertex 0 0 0\n    endloop")
TWO_NUMBERS = FACETS[1].replace("vertex 2.5000 0.5000 1.2500", "vertex 2.5000 0.5000")
NO_NUMBER = FACETS[1].replace("2.5000", "2.5.0")


def with_facet(changed):
    return ("solid part\n" + FACETS[0] + changed + FACETS[2] + FACETS[3] + "endsolid part\n").encode()


# name: (content, code, severity, triangles that are read)
TABLE = {
    "empty": (b"", "empty_file", ERROR, 0),
    "shorter than a header": (b"\x01\x02" * 30, "too_short", ERROR, 0),
    "83 bytes of a binary file": (BINARY[:83], "too_short", ERROR, 0),
    "only a header": (BINARY[:84], "count_too_large", WARNING, 0),
    "header and count 0": (with_count(0)[:84], "zero_triangles", ERROR, 0),
    "nothing but zeros": (bytes(1000), "trailing_bytes", WARNING, 0),
    "binary cut inside a facet": (BINARY[:-20], "truncated_binary", WARNING, 3),
    "binary cut inside its first facet": (BINARY[:100], "truncated_binary", WARNING, 0),
    "binary cut between facets": (BINARY[:-50], "count_too_large", WARNING, 3),
    "one byte after the last facet": (BINARY + b"\n", "trailing_bytes", WARNING, 4),
    "a text after the last facet": (BINARY + b"signed by nobody " * 20, "trailing_bytes", WARNING, 4),
    "a block of zeros after the last facet": (BINARY + bytes(512), "trailing_bytes", WARNING, 4),
    "count too small": (with_count(1), "count_too_small", WARNING, 4),
    "count too large": (with_count(5), "count_too_large", WARNING, 4),
    "count 0": (with_count(0), "count_zero", WARNING, 4),
    "count 0xFFFFFFFF": (with_count(0xFFFFFFFF), "count_too_large", WARNING, 4),
    "solid in a binary header": (with_header(b"solid cube"), "solid_in_binary_header", INFO, 4),
    "solid in a cut binary file": (with_header(b"solid cube")[:-20], "truncated_binary", WARNING, 3),
    "a facet in a binary header": (with_header(b"solid x facet normal 0 0 1")[:-20], "truncated_binary", WARNING, 3),
    "NaN": (with_corner(np.nan), "non_finite", WARNING, 3),
    "infinity": (with_corner(-np.inf), "non_finite", WARNING, 3),
    "zero area, two corners alike": (
        encode_binary_stl(np.concatenate([TRIANGLES, TRIANGLES[:1, [0, 1, 1]]])),
        "zero_area_faces",
        WARNING,
        5,
    ),
    "zero area, corners on a line": (
        encode_binary_stl(np.concatenate([TRIANGLES, [[[0, 0, 0], [1, 1, 1], [3, 3, 3]]]])),
        "zero_area_faces",
        WARNING,
        5,
    ),
    "VisCAM colours": (with_attributes(0xFC00, 0x83E0, 0x801F, 0), "viscam_colors", INFO, 4),
    "Magics colours": (
        with_attributes(31, 992, 0x8000, 0x8000, header=b"COLOR=\x10\x20\x30\xff"),
        "magics_colors",
        INFO,
        4,
    ),
    "Magics object colour": (with_header(b"COLOR=\x10\x20\x30\xff"), "magics_object_color", INFO, 4),
    "attributes that are no colours": (with_attributes(7, 0, 0, 0), "attribute_data", INFO, 4),
    "ASCII cut inside a number": (ASCII[: ASCII.rindex(b"vertex") + 10], "truncated_ascii", WARNING, 3),
    "ASCII cut inside a keyword": (ASCII[: ASCII.rindex(b"vertex") + 3], "truncated_ascii", WARNING, 3),
    "ASCII cut behind endloop": (ASCII[: ASCII.rindex(b"endfacet")], "truncated_ascii", WARNING, 4),
    "ASCII cut inside its first facet": (ASCII[:60], "truncated_ascii", WARNING, 0),
    "no endsolid": (ASCII[: ASCII.rindex(b"endsolid")], "missing_endsolid", WARNING, 4),
    "no solid": (ASCII[ASCII.index(b"\n") + 1 :], "missing_solid", WARNING, 4),
    "a facet of two vertices": (with_facet(TWO_VERTICES), "malformed_facets", WARNING, 3),
    "a facet of four vertices": (with_facet(FOUR_VERTICES), "malformed_facets", WARNING, 3),
    "a vertex of two numbers": (with_facet(TWO_NUMBERS), "malformed_facets", WARNING, 3),
    "a coordinate that is no number": (with_facet(NO_NUMBER), "malformed_facets", WARNING, 3),
    "a number in Python's spelling": (with_facet(FACETS[1].replace("2.5000", "2_5")), "malformed_facets", WARNING, 3),
    "a facet without a normal": (with_facet(FACETS[1].replace("0.0 0.0 1.0", "")), "irregular_facets", WARNING, 4),
    "no normals at all": (ASCII.replace(b"facet normal 0.0 0.0 1.0", b"facet"), "irregular_facets", WARNING, 4),
    "a facet without endfacet": (with_facet(FACETS[1].replace("endfacet", "")), "irregular_facets", WARNING, 4),
    "words between facets": (with_facet(FACETS[1] + "hello world\n"), "unexpected_text", WARNING, 4),
    "words behind endsolid": (ASCII + b"written at noon\n", "unexpected_text", WARNING, 4),
    "several solids": ((text(TRIANGLES[:1], "a") + text(TRIANGLES[1:], "b")).encode(), "several_solids", INFO, 4),
    "decimal comma": (text().replace(".", ",").encode(), "decimal_comma", WARNING, 4),
    "NaN in ASCII": (with_facet(FACETS[1].replace("2.5000", "nan")), "non_finite", WARNING, 3),
    "NaN as Microsoft writes it": (with_facet(FACETS[1].replace("2.5000", "-1.#IND00")), "non_finite", WARNING, 3),
    "a number beyond 32-bit floats": (with_facet(FACETS[1].replace("2.5000", "1e39")), "non_finite", WARNING, 3),
    "upper case": (ASCII.upper(), "upper_case", INFO, 4),
    "tabs": (ASCII.replace(b"  ", b"\t"), "tabs", INFO, 4),
    "CR line ends": (ASCII.replace(b"\n", b"\r"), "cr_line_ends", INFO, 4),
    "CR LF line ends": (ASCII.replace(b"\n", b"\r\n"), "crlf_line_ends", INFO, 4),
    "UTF-8 byte order mark": (b"\xef\xbb\xbf" + ASCII, "byte_order_mark", INFO, 4),
    "UTF-16 with a byte order mark": (text().encode("utf-16"), "utf16_text", INFO, 4),
    "UTF-16 without": (text().encode("utf-16-be"), "utf16_text", INFO, 4),
    "a name in UTF-8": (text(name="Würfel 立方体").encode(), "non_ascii_name", INFO, 4),
    "a name in Latin-1": (text(name="Würfel").encode("latin-1"), "non_ascii_name", INFO, 4),
    "a name with vertex": (text(name="my vertex 1 2 3").encode(), "keyword_in_name", INFO, 4),
    "a name with facet": (text(name="facet normal outer loop").encode(), "keyword_in_name", INFO, 4),
    "an empty solid": (b"solid\nendsolid\n", "zero_triangles", ERROR, 0),
    "an empty solid of more than 84 bytes": (text([], "n" * 90).encode(), "zero_triangles", ERROR, 0),
    "a web page": (b"<!DOCTYPE html>\n<html><body>vertex 1 2 3</body></html>" * 9, "html_page", ERROR, 0),
    "a short web page": (b"<html></html>", "html_page", ERROR, 0),
    "a ZIP archive": (zipped("part.stl"), "zip_archive", ERROR, 0),
    "a 3MF package": (zipped("3D/3dmodel.model"), "threemf_package", ERROR, 0),
    "gzip": (gzip.compress(BINARY), "compressed_file", ERROR, 0),
    "an OBJ model": (b"# vertex count 3\n" + b"v 0.0 1.0 2.0\n" * 9 + b"f 1 2 3\n", "obj_model", ERROR, 0),
    "a PLY model": (b"ply\nformat ascii 1.0\n" + b"element vertex 3\n" * 9, "other_model", ERROR, 0),
    "an OFF model": (b"OFF\n3 1 0\n" + b"0.0 1.0 2.0\n" * 9, "other_model", ERROR, 0),
    "a short OBJ model": (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "obj_model", ERROR, 0),
    "a short OFF model": (b"OFF\n3 1 0\n", "other_model", ERROR, 0),
    "a short AMF model": (b'<?xml version="1.0"?><amf/>', "other_model", ERROR, 0),
    "an AMF model": (b'<?xml version="1.0"?>\n<amf unit="mm">' + b"<x>1</x>" * 9, "other_model", ERROR, 0),
    "a PNG picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "picture", ERROR, 0),
    "a PDF document": (b"%PDF-1.7\n" + bytes(200), "pdf_document", ERROR, 0),
    "a Git LFS pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64,
        "pointer_file",
        ERROR,
        0,
    ),
    "a companion of macOS": (b"\x00\x05\x16\x07\x00\x02" + bytes(200), "finder_metadata", ERROR, 0),
    "some text": (b"Dear customer, here is your model.\n" * 9, "text_file", ERROR, 0),
    "noise": (np.random.default_rng(5).bytes(5000), "unknown_content", ERROR, 0),
}


@pytest.mark.parametrize("case", TABLE)
def test_every_damage_has_its_finding(case):
    """A damaged or odd file gets its own finding, of the right weight, and what is whole in it is read."""
    content, code, severity, triangles = TABLE[case]
    reading = parse_stl(content)
    found = {finding.code: finding for finding in reading.report.findings}
    assert code in found, f"found only {set(found)}"
    assert found[code].severity is severity
    assert found[code].message
    louder = {name for name, finding in found.items() if finding.severity is not INFO}
    assert louder <= {code, "zero_triangles"}
    assert reading.report.triangle_count == len(reading.triangles) == triangles
    assert reading.report.usable == (triangles > 0)


@pytest.mark.parametrize("case", [case for case, row in TABLE.items() if row[2] is INFO])
def test_oddities_weigh_nothing(case):
    """A file that is merely odd has no finding above info, and is read as if it were plain."""
    reading = parse_stl(TABLE[case][0])
    assert all(finding.severity is INFO for finding in reading.report.findings)
    np.testing.assert_array_equal(reading.triangles, TRIANGLES.astype(np.float32))


@pytest.mark.parametrize("case", [case for case, row in TABLE.items() if row[3] == 0])
def test_nothing_usable_is_an_error(case):
    """A file without a usable triangle has a finding of severity error that says so."""
    assert any(finding.severity is ERROR for finding in parse_stl(TABLE[case][0]).report.findings)


@pytest.mark.parametrize("case", [case for case, row in TABLE.items() if row[2] is WARNING and row[3]])
def test_what_is_whole_is_read_in_order(case):
    """What is salvaged from a damaged file are its own facets, in its own order, under their own numbers."""
    reading = parse_stl(TABLE[case][0])
    numbers = np.arange(len(reading.triangles)) if reading.face_numbers is None else reading.face_numbers
    sound = numbers[numbers < len(TRIANGLES)]
    np.testing.assert_array_equal(reading.triangles[: len(sound)], TRIANGLES[sound].astype(np.float32))


@pytest.mark.parametrize("case", ["binary cut inside its first facet", "ASCII cut inside its first facet"])
def test_what_is_left_of_nothing_is_explained(case):
    """The error of a file of which nothing could be read repeats what became of its facets."""
    *_, cause, error = parse_stl(TABLE[case][0]).report.findings
    assert error.message.startswith("the file holds no usable triangle")
    assert cause.message in error.message


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("one byte after the last facet", "1 byte follows the last of 4 facets"),
        ("a block of zeros after the last facet", "512 bytes follow"),
        ("NaN", "1 facet has a coordinate that is no finite number (NaN or infinite) and was left out"),
        ("a facet of two vertices", "1 facet is not"),
        ("a facet without a normal", "1 facet lacks its normal"),
        ("no normals at all", "4 facets lack their normal"),
        ("zero area, two corners alike", "1 facet has no area: its corners"),
    ],
)
def test_one_is_not_many(case, words):
    """Messages are sentences, whatever the number in them."""
    assert any(words in finding.message for finding in parse_stl(TABLE[case][0]).report.findings)


def test_the_table_is_complete():
    """Every code of the reader that a file's content can cause stands in the table."""
    about_paths = {
        "missing_file",
        "broken_symlink",
        "directory",
        "not_a_regular_file",
        "unreadable_file",
        "file_too_large",
    }
    assert {row[1] for row in TABLE.values()} == set(IntakeCode) - about_paths


@pytest.mark.parametrize(("content", "kind"), [(BINARY, StlFormat.BINARY), (ASCII, StlFormat.ASCII)])
def test_sound_files_have_no_finding(content, kind):
    """A plain file is read whole and without a remark."""
    report = parse_stl(content).report
    assert (report.format, report.triangle_count, report.findings) == (kind, 4, ())
