"""What output folders are told of ended jobs, however late they take it."""

from types import SimpleNamespace

import pytest

from stlkit.engine.recorder import JobRecorder
from stlkit.model.jobs import JobState, QueueJob, new_job_id
from stlkit.outputs.summary import read_summary
from stlkit.storage.history import JobHistoryManager


@pytest.fixture
def bench(tmp_path):
    """A recorder over real storage, and the jobs that its queue has."""
    queue = []
    history = JobHistoryManager(tmp_path / "job_history.db")
    recorder = JobRecorder(history, "test", lambda: tuple(queue))

    def ended(name, base=None):
        base = base or tmp_path / "out"
        return QueueJob(
            id=new_job_id(), stl_path=tmp_path / f"{name}.stl", output_folder=base / name, output_base_folder=base,
            output_name=name, state=JobState.COMPLETED,
        )  # fmt: skip

    yield SimpleNamespace(recorder=recorder, queue=queue, ended=ended, out=tmp_path / "out")
    recorder.close()
    history.close()


def names(folder):
    return [entry.name for entry in read_summary(folder).models]


def test_a_summary_that_was_refused_is_written_when_its_folder_takes_it(bench):
    """With every job that ended meanwhile, also those that are in the queue no more; others are not kept waiting."""
    bench.out.write_bytes(b"in the way")
    elsewhere = bench.out.with_name("elsewhere")
    bench.recorder.report(bench.ended("a"), bench.ended("x", elsewhere))
    bench.recorder.flush()
    assert names(elsewhere) == ["x"]
    bench.recorder.report(bench.ended("b"))
    bench.recorder.flush()
    bench.out.unlink()
    bench.recorder.flush()
    assert names(bench.out) == ["a", "b"]
    assert (bench.out / "processing_log.txt").read_text().count("completed") == 2


def test_a_summary_that_is_refused_to_the_end_keeps_nothing_from_closing(bench):
    """The history has everything; nobody waits."""
    bench.out.write_bytes(b"in the way")
    bench.recorder.report(bench.ended("a"))
    bench.recorder.close()
    assert bench.out.read_bytes() == b"in the way"


def test_a_job_that_was_removed_at_once_reaches_the_summary(bench):
    """Whether it is still in the queue when the summary is written is chance."""
    job, other = bench.ended("a"), bench.ended("b")
    bench.queue.append(other)
    bench.recorder.report(job)
    bench.recorder.flush()
    assert names(bench.out) == ["a", "b"]
