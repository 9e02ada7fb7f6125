"""Names and messages on a terminal and in a notebook are shown, never obeyed."""

import io
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from stlkit.engine.editing import Added
from stlkit.engine.events import EventKind, QueueEvent
from stlkit.engine.forecast import Forecaster
from stlkit.engine.progress_bar import _Bars, _Lines, ending_line
from stlkit.files import encode_json, one_line
from stlkit.model.jobs import JobResults, JobState, QueueState
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home

EVIL = (
    "\x1b[2J\x1b]0;owned\x07\r\nstlkit: all is well \u202egnp.\u2066 \x9b31m "
    "[red]red[/red] [link=http://x]y[/] :bomb: \udcff"
)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def evil_job(make_job, tmp_path):
    """A job in which everything that can be called something is called something evil."""
    return make_job(
        stl_path=tmp_path / f"{EVIL.replace('/', '')}.stl",
        state=JobState.FAILED,
        error_message=EVIL,
        stage=EVIL,
        results=JobResults(warnings=(EVIL, EVIL)),
    )


def test_a_line_stays_a_line():
    """Nothing steers, everything is still told apart, and plain names of every script stay as they are."""
    shown = one_line(EVIL)
    assert not STEERING.search(shown)
    assert "\n" not in shown
    assert r"\x1b[2J" in shown
    assert r"\u202e" in shown
    assert one_line("ünï 龍 🐉 שלום.stl") == "ünï 龍 🐉 שלום.stl"


def test_progress_in_lines_and_bars(evil_job):
    """What a job is called reaches the terminal as text, in both displays."""
    for terminal in (False, True):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=400, emoji=False)
        state = QueueState(jobs=(evil_job,))
        queue = SimpleNamespace(jobs=state.jobs, eta=lambda state=state: Forecaster().eta(state, running=True))
        display = _Bars(queue, console) if terminal else _Lines(console)
        with display:
            if terminal:
                display._ended.clear()
            display.on_event(QueueEvent(kind=EventKind.CHANGED, job=evil_job))
            display.on_event(QueueEvent(kind=EventKind.NOTICE, message=EVIL))
        shown = console.file.getvalue()
        assert "[red]red[/red]" in shown
        assert ":bomb:" in shown
        assert "\x1b[2J\x1b]0" not in shown
        assert "\u202e" not in shown
    assert not STEERING.search(ending_line(evil_job))
    assert "\n" not in str(Added(jobs=(), duplicates=(evil_job.stl_path,)))


@pytest.fixture
def evil_home(tmp_path, evil_job):
    home = Home(tmp_path / "home")
    home.create()
    home.queue_state.write_bytes(encode_json(QueueState(jobs=(evil_job,)).to_dict()))
    history = JobHistoryManager(home.history)
    history.record_job_completion(evil_job, evil_job.results)
    history.close()
    (home.root / "queue.json").write_bytes(encode_json({"pid": 1, "host": EVIL, "started_at": "2026-01-15T10:30:05Z"}))
    return home


@pytest.mark.parametrize("command", ["status", "history", "run"])
def test_the_command_line_prints_names_as_text(evil_home, command, tmp_path):
    """In tables, notes and errors."""
    arguments = [command, "--home", str(evil_home.root)]
    if command == "run":
        arguments += [
            str(tmp_path / EVIL.replace("/", "").encode("utf-8", "ignore").decode()),
            "-o",
            str(tmp_path / "out"),
        ]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "400"}
    result = subprocess.run(
        [sys.executable, "-m", "stlkit", *arguments], capture_output=True, check=False, timeout=60, env=environment
    )
    shown = COLOURS.sub("", (result.stdout + result.stderr).decode())
    assert not STEERING.search(shown)
    assert "[red]red[/red]" in shown
    assert ":bomb:" in shown
    assert r"\x1b[2J" in shown
    assert "\nstlkit: all is well" not in shown


def test_json_on_the_command_line_is_plain_ascii(evil_home):
    """Whatever a pipe leads to."""
    command = [sys.executable, "-m", "stlkit", "status", "--json", "--home", str(evil_home.root)]
    result = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert json.loads(result.stdout)["jobs"][0]["error_message"] == EVIL
    assert not STEERING.search(result.stdout.decode("ascii"))
