"""STL files that ask for more than they are: bounded memory and time, and a finding."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from stlkit.mesh.intake import parse_stl, read_stl
from stlkit.mesh.source import largest_readable_bytes
from stlkit.model.reports import Severity
from stlkit.pipeline.source import working_copy

SIZE = 1 << 16
FACET = b"facet normal 0 0 1 outer loop vertex 0 0 0 vertex 1 0 0 vertex 0 1 0 endloop endfacet "


def contents(size=SIZE):
    """Return files of that many bytes by name; any two sizes of one name are of one kind."""

    def fill(part, *, start=b""):
        return start + part * (size // len(part))

    return {
        "one line": fill(FACET, start=b"solid x "),
        "one word": fill(b"a", start=b"solid "),
        "words of one letter": fill(b"a ", start=b"solid "),
        "solids on one line": fill(b"solid "),
        "solids": fill(b"solid\n"),
        "named solids": b"".join(b"solid %d\nendsolid %d\n" % (i, i) for i in range(size // 30)),
        "facets without end": fill(b"facet ", start=b"solid\n"),
        "loops without end": fill(b"outer loop ", start=b"solid\n"),
        "vertices without end": fill(b"vertex 0 0 0 ", start=b"solid\n"),
        "ends without facets": fill(b"endfacet solid ", start=b"solid\n"),
        "no numbers": fill(FACET.replace(b"vertex 0", b"vertex z"), start=b"solid\n"),
        "unclosed nan": fill(FACET.replace(b"vertex 0", b"vertex nan(((((((("), start=b"solid\n"),
        "blanks": fill(b" ", start=b"solid"),
        "blanks after OFF": fill(b" ", start=b"OFF"),
        "blanks after facet": fill(b" ", start=b"facet"),
        "NULs": fill(b"\0", start=b"solid"),
        "comments": fill(b"<!---->") + b"x",
        "comments and blanks": fill(b"<!----> \n ") + b"x",
        "a comment without end": fill(b"-", start=b"<!--"),
        "ends of comments": fill(b"-->", start=b"<!--"),
        "angle brackets": fill(b"<"),
        "numbers of an OBJ": fill(b"v 1 "),
        "letters of an OBJ": fill(b"v\n"),
        "UTF-16": fill(b"a\0 \0", start="solid ".encode("utf-16")),
        "odd UTF-16": fill(b"\xd8", start=b"\xff\xfe"),
        "a count of four thousand million": fill(b"\0", start=b"x" * 80 + b"\xff" * 4),
        "nothing but NaN": fill(b"\xff", start=b"x" * 80 + b"\xff" * 4),
        "a ZIP bomb": fill(b"\0", start=b"PK\x03\x04"),
        "a gzip bomb": fill(b"\0", start=b"\x1f\x8b"),
    }


CONTENTS = contents()


@pytest.mark.parametrize("name", CONTENTS)
def test_memory_is_bounded_by_the_size(name):
    """Forty bytes for one of the file at most: the memory that a job is given."""
    data = CONTENTS[name]
    tracemalloc.start()
    report = parse_stl(data).report
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * len(data) + 500_000
    assert report.usable == (name == "one line")
    assert max(map(len, (*report.solid_names, report.header or ""))) <= 1000
    assert max(len(finding.message) for finding in report.findings) < 1000


def test_files_of_eight_megabytes_come_to_an_end():
    """Seconds altogether; where time grew with the square of one's size, that one alone would take minutes."""
    script = "import test_sources as t\nfor data in t.contents(1 << 23).values(): t.parse_stl(data)"
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, timeout=120, check=True)


def test_a_sparse_file_of_a_terabyte_is_refused_by_its_size(tmp_path):
    """It is neither copied nor read, and the message names both sizes."""
    path = tmp_path / "huge.stl"
    path.write_bytes(b"x" * 80 + b"\xff" * 4)
    try:
        os.truncate(path, 1 << 40)
    except OSError:
        pytest.skip("this file system has no files of that size")
    assert working_copy(path, tmp_path / "copy") == path
    assert not (tmp_path / "copy").exists()
    (finding,) = read_stl(path).report.findings
    assert (finding.code, finding.severity, finding.count) == ("file_too_large", Severity.ERROR, 1 << 40)
    assert "1,099.5 GB" in finding.message
    assert f"{largest_readable_bytes() / 1e9:,.1f} GB" in finding.message


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/dev/stdin", "/proc/self/fd/0"])
def test_devices_are_refused(path):
    """Without reading from them."""
    if not os.path.exists(path) or os.path.isfile(path):  # noqa: PTH110, PTH113 - a link that leads nowhere is fine
        pytest.skip(f"no device at {path}")
    assert [finding.code for finding in read_stl(Path(path)).report.findings] == ["not_a_regular_file"]


@pytest.mark.parametrize("path", ["/proc/self/mem", "/proc/self/pagemap", "/proc/self/maps", "/proc/kallsyms"])
def test_endless_files_of_the_kernel_are_read_to_a_bound(path, tmp_path):
    """A link to one gives a finding or an error of the system; it is not copied to disk for ever."""
    if not Path(path).exists():
        pytest.skip(f"no {path}")
    link = tmp_path / "model.stl"
    link.symlink_to(path)
    assert working_copy(link, tmp_path / "copy") == link
    try:
        report = read_stl(link).report
    except OSError:
        return
    assert not report.usable
    assert report.file_size_bytes <= 1 << 20


def test_a_pipe_is_not_copied(tmp_path):
    """Nobody writes into it, and nobody waits."""
    os.mkfifo(tmp_path / "model.stl")
    assert working_copy(tmp_path / "model.stl", tmp_path / "copy") == tmp_path / "model.stl"
