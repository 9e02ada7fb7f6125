"""Files that could not be processed."""

from pathlib import Path

import pytest

from stlkit.errors import OutputError
from stlkit.model.reports import Finding, Severity
from stlkit.outputs.failed import clear_failure, record_failure
from stlkit.outputs.logs import JobLog
from stlkit.outputs.placing import links_to, place_text

STL = Path("/models/broken.stl")
FINDING = Finding(code="truncated_binary", severity=Severity.ERROR, message="the file ends in facet 3")


def test_failed_file(make_layout, base):
    """A link and the reason with its findings stand in ``failed/``."""
    made = record_failure(make_layout("broken"), STL, "nothing usable\nin it", [FINDING])
    assert made == (base / "failed" / "broken.stl", base / "failed" / "broken_error.log")
    assert links_to(made[0], STL)
    assert made[1].read_text() == (
        "# stlkit, source: /models/broken.stl\n"
        "2026-01-15T10:30:05.000000Z nothing usable\n"
        "    in it\n"
        "error: truncated_binary: the file ends in facet 3\n"
    )


def test_failing_again(make_layout):
    """A second failure replaces the first one's log."""
    layout = make_layout("broken")
    record_failure(layout, STL, "first")
    _, log = record_failure(layout, STL, "second")
    assert "second" in log.read_text()
    assert "first" not in log.read_text()
    assert len(list(log.parent.iterdir())) == 2


@pytest.mark.parametrize("organization", ["per_stl", "flat", "by_type"])
def test_success_clears_the_failure(make_layout, base, organization):
    """When the file succeeds later, nothing of the failure is left, the log of errors included."""
    layout = make_layout("broken", organization=organization)
    log = JobLog(STL)
    log.error("x")
    place_text(layout.errors_log, log.errors_text, within=base)
    made = record_failure(layout, STL, "message")
    assert clear_failure(layout, STL) == (*made, layout.errors_log)
    assert not any(path.exists() for path in (*made, layout.errors_log, base / "failed"))
    assert clear_failure(layout, STL) == ()


def test_only_own_entries_are_cleared(make_layout, base):
    """Another file's entries, and files that stlkit did not make, stay."""
    layout = make_layout("broken")
    record_failure(layout, Path("/other/broken.stl"), "message")
    (base / "failed" / "notes.txt").write_text("mine")
    place_text(layout.errors_log, "mine", within=base)
    assert clear_failure(layout, STL) == ()
    assert len(list((base / "failed").iterdir())) == 3
    assert layout.errors_log.read_text() == "mine"


def test_foreign_log_is_not_replaced(make_layout, base):
    """A file that stlkit did not make is in the way, and stays."""
    (base / "failed").mkdir()
    (base / "failed" / "broken_error.log").write_text("mine")
    with pytest.raises(OutputError, match="in the way of an error log"):
        record_failure(make_layout("broken"), STL, "message")
    assert [path.name for path in (base / "failed").iterdir()] == ["broken_error.log"]


def test_text_file_instead_of_a_link_is_cleared(make_layout, base):
    """Where links are refused, the text file goes with the rest."""
    unlinkable = Path("/", *["folder"] * 700, "broken.stl")
    layout = make_layout("broken")
    link, _ = record_failure(layout, unlinkable, "message")
    assert link.name == "broken.stl.link.txt"
    assert len(clear_failure(layout, unlinkable)) == 2
    assert not (base / "failed").exists()


def test_failed_folder_that_leads_out(make_layout, base, tmp_path):
    """Nothing is written or removed through a link out of the output folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "broken.stl").symlink_to(STL)
    (base / "failed").symlink_to(outside)
    with pytest.raises(OutputError, match="leads out"):
        record_failure(make_layout("broken"), STL, "message")
    with pytest.raises(OutputError, match="leads out"):
        clear_failure(make_layout("broken"), STL)
    assert [path.name for path in outside.iterdir()] == ["broken.stl"]
