"""The summary over all models of an output folder."""

import errno
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from stlkit.errors import OutputError
from stlkit.model.jobs import JobResults, JobState
from stlkit.outputs.summary import read_summary, write_summary


def test_summary_of_one_job(base, make_job, moment):
    """Every documented key is there, times end in Z, files are relative to the summary."""
    picture = base / "ModelA" / "renders" / "ModelA_render.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(bytes(1000))
    results = JobResults(validation_passed=True, warnings=("2 open edges",), files_generated=(picture,))
    path = write_summary(base, [make_job("ModelA", results=results)], moment=moment)
    assert json.loads(path.read_text()) == {
        "version": "1.0",
        "created_at": "2026-01-15T10:30:05Z",
        "last_updated": "2026-01-15T10:30:05Z",
        "counts": {
            "pending": 0,
            "validating": 0,
            "processing": 0,
            "paused": 0,
            "completed": 1,
            "failed": 0,
            "skipped": 0,
            "cancelled": 0,
        },
        "totals": {"models": 1, "files": 1, "files_size": 1000, "duration": 1.5},
        "models": [
            {
                "name": "ModelA",
                "stl_path": "/models/ModelA.stl",
                "state": "completed",
                "job_id": "job_ModelA",
                "created_at": "2026-01-15T10:30:05Z",
                "completed_at": "2026-01-15T10:30:05Z",
                "validation_passed": True,
                "warnings": ["2 open edges"],
                "errors": [],
                "error_message": None,
                "files": ["ModelA/renders/ModelA_render.png"],
                "files_size": 1000,
                "duration": 1.5,
                "attempts": 1,
            }
        ],
    }


def test_models_of_earlier_runs_stay(base, make_job, moment):
    """A second run adds its models; the first one's stay, and so does the time of the beginning."""
    write_summary(base, [make_job("b")], moment=moment)
    write_summary(base, [make_job("a", state=JobState.FAILED)], moment=moment + timedelta(days=1))
    summary = read_summary(base)
    assert [(entry.name, entry.state) for entry in summary.models] == [("a", "failed"), ("b", "completed")]
    assert (summary.counts[JobState.FAILED], summary.counts[JobState.COMPLETED]) == (1, 1)
    assert (summary.created_at, summary.last_updated) == (moment, moment + timedelta(days=1))


@pytest.mark.parametrize("order", [1, -1])
def test_newest_job_counts(base, make_job, moment, order):
    """Of two jobs with one name the newer counts, in whatever order and run they come."""
    old = make_job("m", id="job_1", state=JobState.FAILED)
    new = make_job("m", id="job_2", created_at=moment + timedelta(hours=1))
    write_summary(base, [old, new][::order])
    assert [entry.job_id for entry in read_summary(base).models] == ["job_2"]
    write_summary(base, [old])
    assert [entry.job_id for entry in read_summary(base).models] == ["job_2"]


def test_a_retry_counts_although_the_clock_was_set_back(base, make_job, moment):
    """It repeats the job that the entry is of, so it is the newer one whatever their times are."""
    write_summary(base, [make_job("m", id="job_1", state=JobState.FAILED)])
    write_summary(base, [make_job("m", id="job_2", retry_of="job_1", created_at=moment - timedelta(days=1))])
    assert [(entry.job_id, entry.state) for entry in read_summary(base).models] == [("job_2", "completed")]


def test_a_job_that_moved_on(base, make_job):
    """The same job in a later state replaces its own entry, and its new files are counted."""
    write_summary(base, [make_job("m", state=JobState.PROCESSING, completed_at=None, actual_duration=None)])
    (base / "m.png").write_bytes(bytes(10))
    write_summary(base, [make_job("m", results=JobResults(files_generated=(base / "m.png",)))])
    summary = read_summary(base)
    assert summary.models[0].state is JobState.COMPLETED
    assert summary.totals.files_size == 10


def test_jobs_of_other_folders_are_passed_over(base, make_job, tmp_path):
    """One queue may fill several output folders; each summary has its own models."""
    write_summary(base, [make_job("a"), make_job("b", output_base_folder=tmp_path / "other")])
    assert [entry.name for entry in read_summary(base).models] == ["a"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"models": [{"name": "x"}]}', b'{"version": "2.0"}', b"\xff\xfe", b'{"models": 3}'],
)
def test_damaged_summary_is_set_aside(base, make_job, content):
    """A summary that cannot be read is kept under another name, each time a new one."""
    for number in (1, 2):
        (base / "queue_summary.json").write_bytes(content)
        write_summary(base, [make_job("a")])
        assert (base / f"queue_summary.damaged-{number}.json").read_bytes() == content
        assert [entry.name for entry in read_summary(base).models] == ["a"]


@pytest.mark.parametrize(("code", "attempts"), [(errno.EIO, 5), (errno.EACCES, 1)])
def test_a_summary_that_cannot_be_read_now_is_not_taken_for_a_damaged_one(base, make_job, monkeypatch, code, attempts):
    """It stays where it is, with all models of earlier runs, and the error says why."""
    write_summary(base, [make_job("a")])
    before = (base / "queue_summary.json").read_bytes()
    tries = []

    def fail(path):
        tries.append(path)
        raise OSError(code, os.strerror(code), str(path))

    with monkeypatch.context() as patch:
        patch.setattr("stlkit.outputs.summary.read_json", fail)
        patch.setattr("time.sleep", lambda _: None)
        with pytest.raises(OutputError, match=r"queue_summary\.json"):
            write_summary(base, [make_job("b")])
    assert len(tries) == attempts
    assert [(path.name, path.read_bytes()) for path in base.iterdir()] == [("queue_summary.json", before)]
    write_summary(base, [make_job("b")])
    assert [entry.name for entry in read_summary(base).models] == ["a", "b"]


def test_no_summary(base):
    """Without a file there is no summary."""
    assert read_summary(base) is None
    assert read_summary(base / "missing") is None


def test_missing_file_counts_nothing(base, make_job):
    """A file that a person moved away is listed and has no size."""
    write_summary(base, [make_job("a", results=JobResults(files_generated=(base / "gone.png",)))])
    assert read_summary(base).totals.files_size == 0


def test_a_second_run_adds_to_the_first(base, make_job, moment):
    """What earlier jobs made of the same file stays listed while it is there; of another file it does not."""
    pictures = [base / f"{name}.png" for name in ("chart", "gone", "plain")]
    for picture in pictures:
        picture.write_bytes(bytes(100))
    first = make_job("a", id="job_1", results=JobResults(files_generated=tuple(pictures[:2])))
    write_summary(base, [first])
    pictures[1].unlink()
    later = moment + timedelta(days=1)
    second = make_job("a", id="job_2", created_at=later, results=JobResults(files_generated=(pictures[2],)))
    write_summary(base, [second])
    (entry,) = read_summary(base).models
    assert (entry.job_id, entry.files, entry.files_size) == ("job_2", ("plain.png", "chart.png"), 200)
    other = make_job("a", id="job_3", created_at=later + timedelta(days=1), stl_path=Path("/other.stl"))
    write_summary(base, [other])
    assert read_summary(base).models[0].files == ()


def test_names_that_are_no_utf_8(base, make_job):
    """Paths that are no UTF-8 come back as they were."""
    path = Path("/a/caf\udce9.stl")
    write_summary(base, [make_job("caf_", stl_path=path)])
    assert read_summary(base).models[0].stl_path == path


def test_summary_in_the_way_of_a_folder(base, make_job):
    """A folder of the summary's name is set aside like a damaged file; a missing base folder is made."""
    (base / "queue_summary.json").mkdir()
    write_summary(base, [make_job("a")])
    assert (base / "queue_summary.damaged-1.json").is_dir()
    write_summary(base / "new", [make_job("a", output_base_folder=base / "new")])
    assert read_summary(base / "new").totals.models == 1


def test_base_folder_that_is_a_file(base, make_job):
    """An error names what is in the way."""
    (base / "file").write_text("mine")
    with pytest.raises(OutputError, match="a file stands where a folder belongs"):
        write_summary(base / "file", [make_job("a")])


def test_a_thousand_models(base, make_job):
    """A thousand models with ten files each are listed once, however often they are written."""
    results = JobResults(files_generated=tuple(base / f"{number}.png" for number in range(10)))
    jobs = [make_job(f"m{number}", results=results) for number in range(1000)]
    write_summary(base, jobs)
    write_summary(base, jobs)
    assert read_summary(base).totals.files == 10_000
