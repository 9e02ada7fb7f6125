"""Documents that anybody may have edited: a clear error or none at all, in bounded memory, and never a wait."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stlkit.errors import HistoryError, NewerVersionError, StateFileError, TemplateError
from stlkit.files import DEEPEST_JSON, decode_json, encode_json, read_json
from stlkit.model.jobs import JobState
from stlkit.model.options import OutputSettings
from stlkit.outputs.claims import OutputNames
from stlkit.outputs.summary import read_summary, write_summary
from stlkit.storage.config import load_config
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.lock import HomeLock
from stlkit.storage.progress import FILE_NAME, load_processing_state
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.templates import TemplateManager


def test_a_bad_queue_state_is_a_clear_error(home, put_bad_document):
    """Its file is named, and it is left where it is."""
    put_bad_document(home.queue_state)
    states = QueueStateManager(home)
    for read in (states.load_queue_state, states.peek):
        with pytest.raises((StateFileError, NewerVersionError), match="queue_state"):
            read()
    assert home.queue_state.exists()


def test_a_bad_queue_state_falls_back_to_a_backup(home, put_bad_document, document):
    """The newest whole backup is taken, whatever stands in front of it."""
    home.queue_state.write_bytes(encode_json(document))
    states = QueueStateManager(home)
    states.create_backup()
    home.queue_state.unlink()
    home.queue_state.write_bytes(encode_json(document) + b"\n")  # what is the same is not kept twice
    states.create_backup()
    home.queue_state.unlink()
    newest = home.backups / "queue_state_backup_1.json"
    newest.unlink()
    put_bad_document(newest)
    home.queue_state.write_text("{")
    assert [job.id for job in states.load_queue_state().state.jobs] == ["job_1", "job_2"]


def test_a_bad_backup_is_not_restored(home, put_bad_document):
    """What cannot be read is not put in the place of the queue's state."""
    backup = home.backups / "queue_state_backup_1.json"
    put_bad_document(backup)
    data = json.dumps({"version": "1.0"}).encode()
    home.queue_state.write_bytes(data)
    with pytest.raises(StateFileError, match="cannot be restored"):
        QueueStateManager(home).backups.restore_from_backup(backup)
    assert home.queue_state.read_bytes() == data


def test_a_bad_config_is_a_clear_error(home, put_bad_document):
    """Its file is named."""
    put_bad_document(home.config)
    with pytest.raises((StateFileError, NewerVersionError), match=r"config\.json"):
        load_config(home.config)


def test_a_config_with_options_that_do_not_fit_is_a_clear_error(home):
    """It names the file and the option, not only when a job runs with it."""
    home.config.write_text('{"version": "1.0", "render_options": {"width": "evil"}}')
    with pytest.raises(StateFileError, match=r"config\.json.*width"):
        load_config(home.config)


def test_a_bad_template_is_a_clear_error(home, put_bad_document):
    """Its file is named."""
    put_bad_document(home.templates / "bad.json")
    with pytest.raises(TemplateError, match=r"bad\.json"):
        TemplateManager(home.templates).load_template("bad")


def test_bad_progress_is_no_progress(tmp_path, put_bad_document):
    """A job whose progress cannot be understood begins afresh."""
    put_bad_document(tmp_path / FILE_NAME)
    assert load_processing_state(tmp_path) is None


def test_a_bad_lock_file_names_no_owner(tmp_path, put_bad_document):
    """Who owns a queue is unknown then, and nothing else changes."""
    put_bad_document(tmp_path / "queue.json")
    lock = HomeLock(tmp_path / "queue.lock")
    assert lock.owner() is None
    assert "another process" in str(lock.refusal())


def test_a_bad_summary_is_set_aside(tmp_path, put_bad_document, make_job):
    """The new summary takes its place, and the bad one is kept."""
    base = tmp_path / "out"
    base.mkdir()
    put_bad_document(base / "queue_summary.json")
    assert read_summary(base) is None
    write_summary(base, [make_job()])
    assert [model.name for model in read_summary(base).models] == ["ModelA"]
    assert (base / "queue_summary.damaged-1.json").exists()


def test_bad_facts_about_a_source_claim_no_name(tmp_path, put_bad_document):
    """A folder with them is foreign, and its name is not used."""
    facts = tmp_path / "out" / "box" / "source" / "file_info.json"
    facts.parent.mkdir(parents=True)
    put_bad_document(facts)
    assert OutputNames(tmp_path / "out").claim(tmp_path / "box.stl", OutputSettings()) == "box_2"


def test_a_summary_whose_times_have_no_offset_is_not_compared(tmp_path, make_job):
    """Such times cannot be compared with others; the summary is set aside."""
    base = tmp_path / "out"
    path = write_summary(base, [make_job()])
    data = json.loads(path.read_bytes())
    data["models"][0]["created_at"] = "2026-01-15T10:30:05"
    path.write_bytes(encode_json(data))
    assert read_summary(base) is None
    write_summary(base, [make_job(created_at=datetime(2026, 2, 1, tzinfo=UTC))])
    assert len(read_summary(base).models) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("warnings", "[" * 5000 + "]" * 5000),
        ("warnings", "5"),
        ("files_generated", "{"),
        ("render_options", "NaN"),
        ("created_at", "yesterday"),
        ("completed_at", 5),
        ("validation_options", b"\xff"),
    ],
)
def test_a_row_that_stlkit_did_not_write(tmp_path, make_job, column, value):
    """It is named, whichever way the history is asked."""
    history = JobHistoryManager(tmp_path / "job_history.db")
    job = make_job(state=JobState.COMPLETED, completed_at=datetime(2026, 1, 15, tzinfo=UTC))
    history.record_job_completion(job, job.results)
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute(f"UPDATE job_history SET {column} = ?", (value,))  # noqa: S608 - a name from the list above
    for ask in (history.records, lambda: history.find_jobs([job.id]), lambda: history.find_similar_jobs(job.stl_path)):
        with pytest.raises(HistoryError, match=job.id):
            ask()
    history.close()


@pytest.mark.parametrize("data", [b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 100, b"no database"])
def test_a_history_that_is_no_database(tmp_path, data):
    """It is named, and left as it is."""
    path = tmp_path / "job_history.db"
    path.write_bytes(data)
    with pytest.raises(HistoryError, match=r"job_history\.db"):
        JobHistoryManager(path)
    assert path.read_bytes() == data


def test_as_deep_as_allowed_is_read():
    """The limit is what it says."""
    document = b"[" * DEEPEST_JSON + b"]" * DEEPEST_JSON
    assert decode_json(encode_json(decode_json(document))) == decode_json(document)
    with pytest.raises(ValueError, match="levels deep"):
        decode_json(b"[" + document + b"]")


@pytest.mark.parametrize("version", ["²", "9" * 5000, "1.²", "-1", " ", "None", {"a": 1}])
def test_an_odd_version_is_no_reason_to_fall_over(home, document, version):
    """What is no version may be one of a later stlkit, and is left alone."""
    home.queue_state.write_bytes(encode_json(document | {"version": version, "jobs": 5}))
    with pytest.raises(NewerVersionError, match="queue_state") as caught:
        QueueStateManager(home).load_queue_state()
    assert len(str(caught.value)) < 500


def test_the_limit_holds_for_what_is_read(tmp_path):
    """Not only for the size that the system names: files of the kernel's claim to be empty."""
    path = tmp_path / "document.json"
    path.write_bytes(b"[1]")
    assert read_json(path, limit_bytes=3) == [1]
    path.write_bytes(b"[12]")
    with pytest.raises(ValueError, match="larger than the 3 bytes"):
        read_json(path, limit_bytes=3)
    if (maps := Path("/proc/self/maps")).exists():
        with pytest.raises(ValueError, match="larger than the 100 bytes"):
            read_json(maps, limit_bytes=100)


READ_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from stlkit.files import read_json
resource.setrlimit(resource.RLIMIT_AS, (600_000_000,) * 2)
for name in sys.argv[1:]:
    try:
        read_json(Path(name))
    except ValueError as error:
        print(error)
"""


def test_the_memory_of_a_reader_is_bounded(tmp_path):
    """With 600 MB for the whole process, a document of a gigabyte or of millions of values is refused in words."""
    paths = [tmp_path / name for name in ("gigabyte", "many_values")]
    paths[0].touch()
    os.truncate(paths[0], 1 << 30)
    paths[1].write_bytes(b"[" + b"[]," * 4_000_000 + b"[]]")
    command = [sys.executable, "-c", READ_IN_LITTLE_MEMORY, *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [line.split(" than ")[1].split()[0] for line in result.stdout.splitlines()] == ["the", "4,000,000"]
