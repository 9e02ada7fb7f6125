"""Files as somebody with bad intentions would leave them."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stlkit.model.jobs import JobState, QueueJob, QueueState

MOMENT = datetime(2026, 1, 15, 10, 30, 5, tzinfo=UTC)


def snapshot(folder):
    """Everything below a folder: names, kinds and contents."""
    return {
        path.relative_to(folder): path.readlink() if path.is_symlink() else path.is_dir() or path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody else's, in which nothing may change; checked after the test."""
    folder = tmp_path / "victim"
    (folder / "sub").mkdir(parents=True)
    (folder / "precious.txt").write_text("precious")
    (folder / "sub" / "deep.txt").write_text("deep")
    before = snapshot(folder)
    yield folder
    assert snapshot(folder) == before


@pytest.fixture
def make_job(tmp_path):
    """A job with an output folder of its own beside, not above, everything else of the test."""

    def make(name="ModelA", **changes):
        base = tmp_path / "out"
        fields = {
            "id": "job_1",
            "stl_path": tmp_path / "models" / "ModelA.stl",
            "output_folder": base / name,
            "output_base_folder": base,
            "output_name": name,
            "created_at": MOMENT,
        }
        return QueueJob(**(fields | changes))

    return make


def state_document():
    """A queue state as it stands in its file, with one job of each kind of interest."""
    common = {"output_folder": Path("/out/a"), "output_base_folder": Path("/out"), "created_at": MOMENT}
    jobs = (
        QueueJob(id="job_1", stl_path=Path("/models/a.stl"), output_name="a", render_options={"width": 640}, **common),
        QueueJob(
            id="job_2",
            stl_path=Path("/models/b.stl"),
            output_name="b",
            state=JobState.PROCESSING,
            stage="video",
            progress=40.0,
            started_at=MOMENT,
            attempts=1,
            **common,
        ),
    )
    state = QueueState(created_at=MOMENT, last_updated=MOMENT, jobs=jobs)
    return json.loads(json.dumps(state.to_dict()))


@pytest.fixture
def document():
    return state_document()


def make_pipe(path):
    os.mkfifo(path)


def make_sparse_gigabyte(path):
    with path.open("wb") as stream:
        stream.truncate(1 << 30)


NEVER_A_DOCUMENT = {
    "deep": lambda path: path.write_bytes(b"[" * 10_000 + b"]" * 10_000),
    "deep_objects": lambda path: path.write_bytes(b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "not_closed": lambda path: path.write_bytes(b"[" * 1_000_000),
    "a_little_too_deep": lambda path: path.write_bytes(b'{"version":"1.0","x":' + b"[" * 100 + b"]" * 100 + b"}"),
    "many_values": lambda path: path.write_bytes(b"[" + b"[]," * 4_000_000 + b"[]]"),
    "nan": lambda path: path.write_bytes(b'{"version": "1.0", "x": NaN}'),
    "infinity": lambda path: path.write_bytes(b'{"version": "1.0", "x": -Infinity}'),
    "too_large_number": lambda path: path.write_bytes(b'{"version": "1.0", "x": 1e999}'),
    "endless_integer": lambda path: path.write_bytes(b'{"version": "1.0", "x": ' + b"1" * 10_000 + b"}"),
    "gigabyte": make_sparse_gigabyte,
    "pipe": make_pipe,
    "folder": lambda path: path.mkdir(),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "list": lambda path: path.write_bytes(b"[1, 2]"),
    "nothing": lambda path: path.write_bytes(b""),
    "no_utf8": lambda path: path.write_bytes(b'{"version": "\xff\xfe"}'),
}
"""What must never be taken for a document of ours, by what is wrong with it."""


@pytest.fixture(params=NEVER_A_DOCUMENT)
def put_bad_document(request):
    return NEVER_A_DOCUMENT[request.param]
