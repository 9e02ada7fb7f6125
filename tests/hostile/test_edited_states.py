"""A queue's file after any edit: it is read and everything that follows goes well, or it is refused in words."""

import copy
import json
import re
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stlkit.engine.assignments import AssignmentMaker
from stlkit.engine.forecast import Forecaster
from stlkit.engine.progress_bar import ending_line
from stlkit.errors import NewerVersionError, OutputError, StateFileError
from stlkit.files import decode_json, encode_json
from stlkit.model.jobs import JobState, QueueJob, QueueState, new_job_id
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.logs import append_processing_log
from stlkit.outputs.summary import read_summary, write_summary
from stlkit.pipeline.size import measure_model
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.recovery import SessionRecoveryManager
from stlkit.workspace import Workspace

NASTY = [
    "", "..", "../../etc", "/etc/passwd", "a/b", "a\\b", "nul\0", "line\nfeed", "\x1b[31mred", "\u202egnp", "\ud800",
    "\udcff", "x" * 300, "x/" * 3000, "~root", "con", "<script>alert(1)</script>", "[red]x[/]", "2026-01-15T10:30:00",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-15T10:30:00Z", "completed", "processing",
    "http://127.0.0.1:9/x", "queue_summary.json", "failed", "/dev/zero", "/proc/self/mem",
    0, -1, 101, 2**63, 10**30, 0.5, 1e300, True, None, [], {}, [[]], {"width": "evil"}, {"no_such": 1},
    {"custom_prefix": "../../"}, {"background_image": "/dev/zero"},
]  # fmt: skip

VALUES = st.one_of(
    st.sampled_from(NASTY),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20),
        lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
        max_leaves=8,
    ),
)
EDITS = st.lists(st.tuples(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.booleans(), VALUES), max_size=4)


def edited(document, edits):
    """Walk down to some value of the document, and replace it or take it out."""
    document = copy.deepcopy(document)
    for steps, removed, value in edits:
        node, place = {"root": document}, "root"
        for step in steps:
            inner = node[place]
            if not isinstance(inner, (dict, list)) or not inner:
                break
            node, place = inner, (sorted(inner) if isinstance(inner, dict) else range(len(inner)))[step % len(inner)]
        if place == "root":
            continue
        if removed:
            del node[place]
        else:
            node[place] = copy.deepcopy(value)
    return document


@pytest.fixture(scope="module")
def parts():
    """A home folder with real parts, and an output folder, for thousands of states one after the other."""
    with tempfile.TemporaryDirectory(prefix="stlkit-hostile-") as folder:
        home = Home(Path(folder) / "home")
        home.create()
        history, cache = JobHistoryManager(home.history), TempFileManager(home.cache)
        yield SimpleNamespace(
            home=home,
            states=QueueStateManager(home),
            history=history,
            cache=cache,
            recovery=SessionRecoveryManager(QueueStateManager(home), history, cache),
            out=Path(folder) / "out",
        )
        history.close()


def check(document, parts):
    """Follow a document through everything that is done with a queue's file; return its state where it has one."""
    for backup in parts.home.backups.iterdir():  # of the documents before, which would stand in for this one
        backup.unlink()
    parts.home.queue_state.write_bytes(json.dumps(document).encode())
    try:
        state = parts.states.load_queue_state().state
    except (StateFileError, NewerVersionError) as error:
        return None if "queue_state.json" in str(error) else pytest.fail(f"{error} names no file")
    assert QueueState.from_dict(decode_json(encode_json(state.to_dict()))) == state
    parts.recovery.validate_recovery_data(state)
    maker = AssignmentMaker(lambda: state, parts.cache, Forecaster())
    for job in state.jobs:
        maker.needs_of(job, measure_model(job.stl_path))
        assert parts.cache.job_folder(job.id).parent == parts.cache.job_cache
        check_names(job, maker)
    return state


def check_names(job, maker):
    render, _, output = maker.options_of(job)
    base = Path("/out")
    try:
        layout = OutputLayout(
            base_folder=base,
            output_name=job.output_name,
            settings=output,
            render_options=render,
            moment=job.created_at,
        )
    except OutputError:
        return
    paths = [layout.render, layout.video, layout.analysis, layout.repaired, layout.processing_log, layout.failed_link]
    paths += [layout.failed_log, *map(layout.color_variation, render.color_palette)]
    for path in paths:
        assert ".." not in path.parts
        assert path.is_relative_to(base)
        assert len(path.name.encode()) <= 255


def check_ends(job, parts):
    """Record a job's end everywhere: one row, one block of the log, one line of the summary, all readable."""
    job = replace(
        job,
        id=new_job_id(),
        state=JobState.FAILED,
        output_base_folder=parts.out,
        actual_duration=1.0,
    )
    assert parts.history.record_job_completion(job, job.results, session_id="test")
    assert parts.history.find_jobs([job.id])[job.id].id == job.id
    (parts.out / "processing_log.txt").unlink(missing_ok=True)
    lines = append_processing_log(parts.out, job).read_text().split("\n")
    assert [line for line in lines[1:-1] if not line.startswith("    ")] == []
    assert not any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for line in lines for letter in line)
    write_summary(parts.out, [job])
    assert read_summary(parts.out) is not None
    assert "\n" not in ending_line(job)


def test_the_document_itself_is_read(parts, document):
    """What the edits below begin with is sound."""
    assert len(check(document, parts).jobs) == 2


@pytest.mark.parametrize("field", QueueJob.__slots__)
def test_every_nasty_value_in_every_field_of_a_job(parts, document, field):
    """Each is refused, or a job in which nothing fails that follows."""
    for value in NASTY:
        document["jobs"][1][field] = value
        state = check(document, parts)
        if state is not None:
            check_ends(state.jobs[1], parts)


@pytest.mark.parametrize("field", ["files_generated", "errors", "warnings", "stl_size", "stl_checksum"])
def test_every_nasty_value_in_the_results_of_a_job(parts, document, field):
    """Each is refused, or a job in which nothing fails that follows."""
    for value in NASTY:
        document["jobs"][1]["results"][field] = [value] if field in ("files_generated", "errors", "warnings") else value
        state = check(document, parts)
        if state is not None:
            check_ends(state.jobs[1], parts)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_any_edit(parts, document, edits):
    """However a state is edited, it is read or refused in words."""
    check(edited(document, edits), parts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_any_edit_of_a_file_of_before_versions(parts, document, edits):
    """The same holds for files that are brought up to date first."""
    unversioned = {name: value for name, value in document.items() if name != "version"}
    check(edited(unversioned, edits), parts)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789.eE+-truefalsn\\u', max_size=80).map(str.encode)
)
def test_any_bytes(data):
    """Any bytes are JSON within the limits, which can be written again, or a ValueError."""
    try:
        value = decode_json(data)
    except ValueError:
        return
    assert decode_json(encode_json(value)) == value


def test_a_workspace_opens_on_what_was_accepted(parts, tmp_path, document):
    """Jobs with every accepted name are recovered together, and the queue can be saved, opened again and cleared."""
    jobs = []
    for value in NASTY:
        job = document["jobs"][1] | {"id": f"job_{len(jobs)}", "output_name": value, "stl_path": value, "stage": value}
        if check(document | {"jobs": [job]}, parts) is not None:
            jobs.append(job)
    assert len(jobs) > 15
    home = tmp_path / "home"
    home.mkdir()
    (home / "queue_state.json").write_bytes(json.dumps(document | {"jobs": jobs}).encode())
    for _ in range(2):
        with Workspace(home) as workspace:
            assert len(workspace.queue.jobs) == len(jobs)
            said = str(workspace.recovery)
            assert said.startswith(f"{len(jobs)} jobs of an earlier session wait")
            assert all(re.match(r"\d|  ", line) for line in said.splitlines())
            assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", said)
    with Workspace(home) as workspace:
        for job in workspace.queue.jobs:
            workspace.queue.cancel(job)
        assert len(workspace.history.to_dataframe()) == len(jobs)
