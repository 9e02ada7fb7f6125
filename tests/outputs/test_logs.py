"""What a person reads about a job."""

import errno
import itertools
import os
from datetime import timedelta
from pathlib import Path

import pytest

from stlkit.errors import OutputError
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import OutputSettings
from stlkit.outputs.logs import JobLog, append_processing_log, logged_job_ids, remove_torn_block
from stlkit.outputs.signature import is_signed

STL = Path("/models/ModelA.stl")


@pytest.fixture
def log(moment):
    """Return a log whose clock goes on by a second with each line."""
    seconds = itertools.count()
    return JobLog(STL, now=lambda: moment + timedelta(seconds=next(seconds)))


def test_job_log(log, base):
    """Every line has its time and its weight; stages have their durations, files their names in the output folder."""
    log.info("start, attempt 1")
    log.stage("render", 1.23456)
    log.warn("2 open edges")
    log.files([base / "ModelA" / "renders" / "ModelA_render.png"], base)
    assert log.text == (
        "# stlkit, source: /models/ModelA.stl\n"
        "2026-01-15T10:30:05.000000Z INFO    start, attempt 1\n"
        "2026-01-15T10:30:06.000000Z INFO    stage render: 1.235 s\n"
        "2026-01-15T10:30:07.000000Z WARNING 2 open edges\n"
        "2026-01-15T10:30:08.000000Z INFO    file ModelA/renders/ModelA_render.png\n"
    )


def test_errors_stand_in_both_logs(log):
    """An error goes into the job's log and into the log of errors; further lines of it are indented."""
    log.info("start")
    assert log.errors_text == ""
    log.error("no renderer\nTraceback:\n  line 1")
    line = "2026-01-15T10:30:06.000000Z ERROR   no renderer\n    Traceback:\n      line 1\n"
    assert log.errors_text == f"# stlkit, source: /models/ModelA.stl\n{line}"
    assert log.text.endswith(line)


def test_options_of_the_job(log):
    """The options that a job ran with stand on one line a group."""
    log.options(OutputSettings(custom_prefix="shop"))
    assert "INFO    OutputSettings: include_timestamp=False" in log.text
    assert "custom_prefix=shop organization=per_stl" in log.text


def test_messages_cannot_forge_lines(log):
    """Control characters in a message start no line of their own."""
    log.warn("name\r\x1b[31m")
    log.info("")
    assert log.text.count("\n") == 4
    assert "\x1b" not in log.text


def test_combined_log(base, make_job, moment):
    """Each ended job appends one block that says what became of it."""
    append_processing_log(base, make_job("ModelA"))
    results = JobResults(
        warnings=("2 open edges",),
        errors=("no renderer", "disk full"),
        files_generated=(base / "b" / "logs" / "b_errors.log",),
        stage_durations_s={"intake": 0.01},
    )
    ended = {"completed_at": moment + timedelta(minutes=1), "actual_duration": None, "attempts": 3}
    job = make_job("b", state=JobState.FAILED, results=results, error_message="no renderer", **ended)
    assert append_processing_log(base, job).read_text() == (
        "2026-01-15T10:30:05.000000Z ModelA: completed in 1.5 s\n"
        "    source: /models/ModelA.stl\n"
        "    job: job_ModelA, attempts: 1\n"
        "2026-01-15T10:31:05.000000Z b: failed\n"
        "    source: /models/b.stl\n"
        "    job: job_b, attempts: 3\n"
        "    stage intake: 0.010 s\n"
        "    warning: 2 open edges\n"
        "    error: no renderer\n"
        "    error: disk full\n"
        "    file: b/logs/b_errors.log\n"
    )


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_block_that_was_torn_is_written_anew(base, make_job, cut):
    """Wherever whoever wrote it was killed: each job stands there once, and its lines are its own."""
    first, second = make_job("first"), make_job("second", results=JobResults(warnings=("thin " * 60,)))
    path = append_processing_log(base, first)
    whole = path.stat().st_size
    append_processing_log(base, second)
    with path.open("r+b") as stream:
        stream.truncate(whole + cut)
    remove_torn_block(base)
    assert logged_job_ids(base) >= {first.id}
    append_processing_log(base, *(job for job in (first, second) if job.id not in logged_job_ids(base)))
    lines = path.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines if not line.startswith(" ")] == [
        "first: completed in 1.5 s", "second: completed in 1.5 s",
    ]  # fmt: skip
    assert logged_job_ids(base) == {first.id, second.id}


@pytest.mark.parametrize("note", ["a person's note", "a person's note\n", "x\n  y"])
def test_what_a_person_wrote_last_stays(base, make_job, note):
    """It is not stlkit's, though its line has no end."""
    path = append_processing_log(base, make_job("first"))
    path.write_text(path.read_text() + note)
    remove_torn_block(base)
    append_processing_log(base, make_job("second"))
    text = path.read_text()
    assert f"{note.rstrip()}\n2026-" in text
    assert logged_job_ids(base) == {"job_first", "job_second"}


def test_nothing_stays_of_a_block_that_was_refused_in_the_middle(base, make_job, monkeypatch):
    """It is tried again, and must not stand there once and a half."""
    path = append_processing_log(base, make_job("first"))
    before, write = path.read_bytes(), os.write

    def refuse_half(descriptor, data):
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", refuse_half)
    with pytest.raises(OutputError):
        append_processing_log(base, make_job("second"))
    monkeypatch.undo()
    assert path.read_bytes() == before


def test_a_log_that_is_not_there_is_not_made(base):
    """There is nothing to mend."""
    remove_torn_block(base)
    assert list(base.iterdir()) == []


def test_combined_log_of_any_name(tmp_path, make_job):
    """The log is made with its folder, and takes names that hold line feeds or are no UTF-8."""
    base = tmp_path / "not" / "yet"
    job = make_job("caf_", stl_path=Path("/a/caf\udce9\n.stl"))
    text = append_processing_log(base, job).read_text(encoding="utf-8")
    assert text.splitlines()[1] == "    source: /a/caf\\xe9\\n.stl"


def test_combined_log_that_leads_out(base, make_job, tmp_path):
    """A log that is a link out of the output folder is not appended to."""
    (base / "processing_log.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(OutputError, match="leads out of the output folder"):
        append_processing_log(base, make_job())
    assert not (tmp_path / "elsewhere.txt").exists()


def test_combined_log_that_is_a_folder(base, make_job):
    """What is in the way is named."""
    (base / "processing_log.txt").mkdir()
    with pytest.raises(OutputError, match="a folder stands where the file belongs"):
        append_processing_log(base, make_job())


def test_logs_are_known_again(log, base):
    """A placed log of errors is known as made for its file."""
    log.error("x")
    (base / "ModelA_errors.log").write_text(log.errors_text)
    assert is_signed(base / "ModelA_errors.log", STL)
    assert not is_signed(base / "ModelA_errors.log", Path("/models/other.stl"))
