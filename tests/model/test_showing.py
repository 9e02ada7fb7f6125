"""What a notebook shows where one of stlkit's values is the last one of a cell."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stlkit.mesh.analysis import analyze
from stlkit.mesh.intake import read_stl
from stlkit.mesh.validation import validate
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.html import Right, facts_table, rows_table
from stlkit.model.jobs import JobResults, JobState, QueueJob, QueueState
from stlkit.model.options import ValidationOptions
from stlkit.model.reports import Finding, IntakeReport, Severity, StlFormat
from stlkit.samples.mechanical import calibration_cube
from stlkit.storage.recovery import RecoveredJob, RecoveryResult
from stlkit.workspace import Workspace

HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"&\n.stl"
VOID = {"br", "img", "input", "meta"}


class Reader(HTMLParser):
    """Checks that every element is closed in its turn, and gathers the tags and the text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text = [], set(), ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, _):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def job(**details):
    base = Path("/models/out")
    return QueueJob(
        id="job_1",
        stl_path=Path("/models") / HOSTILE,
        output_folder=base,
        output_base_folder=base,
        output_name="x",
        **details,
    )


def test_a_job_shows_its_state_files_and_reason_and_nothing_of_it_is_markup():
    """A file's name, a reason and a warning may hold anything."""
    results = JobResults(
        files_generated=(Path("/models/out") / HOSTILE,), warnings=(HOSTILE,), stage_durations_s={"image": 0.25}
    )
    read = Reader(job(state=JobState.FAILED, error_message=HOSTILE, results=results)._repr_html_())
    assert "img" not in read.tags
    assert "failed" in read.text and "image 0.25 s" in read.text and "\\u202e" in read.text


def test_reports_show_their_figures_and_findings(tmp_path):
    """A cube without one face: what was read, judged, repaired and measured of it."""
    path = tmp_path / "cube.stl"
    path.write_bytes(encode_binary_stl(calibration_cube()[1:]))
    reading = read_stl(path)
    validated = validate(reading, ValidationOptions(auto_repair=True))
    assert "binary STL" in Reader(reading.report._repr_html_()).text
    judged = Reader(validated.report._repr_html_()).text
    assert "Repair" in judged and "before" in judged and "after" in judged and "Watertight" in judged
    analysis = Reader(analyze(validated.mesh, reading.report, ValidationOptions())._repr_html_()).text
    assert "20 × 20 × 20 mm" in analysis


def test_findings_are_shown_the_heaviest_first_and_not_without_end():
    """A report with hundreds of findings stays a page that can be read."""
    findings = [Finding(code="a", severity=Severity.INFO, message=f"<b>info {n}") for n in range(99)]
    findings.append(Finding(code="b", severity=Severity.ERROR, message="the error"))
    report = IntakeReport(
        format=StlFormat.ASCII, file_size_bytes=10, checksum_sha256=None, triangle_count=0, findings=tuple(findings)
    )
    read = Reader(report._repr_html_())
    assert read.text.index("the error") < read.text.index("info 0") and "and 50 more" in read.text
    assert "b" in read.tags and "<b>info 0" in read.text  # the sign is bold, the message's tag is text


def test_a_workspace_and_its_queue_show_how_they_stand(tmp_path):
    """Both name what is in them; the queue shows at most twenty jobs and says that there are more."""
    models = tmp_path / "<models>"
    models.mkdir()
    for number in range(22):
        (models / f"cube {number}.stl").write_bytes(encode_binary_stl(calibration_cube()))
    with Workspace(tmp_path / "home", output=tmp_path / "<out>") as ws:
        assert "empty" in Reader(ws.queue._repr_html_()).text
        added = ws.queue.add(models)
        assert "22 jobs added" in Reader(added._repr_html_()).text
        shown = Reader(ws.queue._repr_html_())
        assert "22 jobs: 22 pending" in shown.text and "and 2 more" in shown.text and "cube 0.stl" in shown.text
        whole = Reader(ws._repr_html_())
        assert "owned" in whole.text and "<out>" in whole.text and "22 pending" in whole.text
        with Workspace(tmp_path / "home", observe=True) as observer:
            assert "observed; it belongs to" in Reader(observer._repr_html_()).text


def test_a_recovery_shows_what_was_found_and_what_happens():
    """Each unfinished job with both."""
    found = RecoveredJob(
        job_id="job_1", stl_path=Path("<a>.stl"), found="processing, 40 %", done="waits", state=JobState.PAUSED
    )
    read = Reader(RecoveryResult(state=QueueState(), jobs=(found,), notes=("<i>a backup</i>",))._repr_html_())
    assert "1 job to resume" in read.text and "processing, 40 %" in read.text and "i" not in read.tags
    assert "nothing to resume" in Reader(RecoveryResult(state=QueueState())._repr_html_()).text


def test_tables_tell_screen_readers_which_cells_are_heads():
    """Heads of columns and rows say so, numbers stand to the right, and what is missing has no row."""
    assert facts_table([("A", "1"), ("B", None), ("C", "")]).count("<tr>") == 1
    table = rows_table(("kind", Right("n")), [("x", Right("7"))], foot=("all", Right("7")))
    assert table.count('scope="col"') == 2 and table.count('scope="row"') == 1
    assert re.search(r'<td style="text-align: right[^"]*">7</td>', table)


@pytest.mark.parametrize("name", ["ipywidgets", "IPython"])
def test_no_notebook_is_needed_for_that(name):
    """Values know how they show themselves without loading what shows them."""
    code = f"import sys, stlkit.model.showing, stlkit.workspace; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
