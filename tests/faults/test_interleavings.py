"""Many hands on one queue: whatever they do and in whatever order, every job ends legally, and once."""

import contextlib
import random
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from stlkit.engine.local_worker import LocalWorker
from stlkit.engine.queue import JobQueue
from stlkit.engine.stores import Stores
from stlkit.errors import JobError
from stlkit.model.jobs import TRANSITIONS, JobState, QueueState
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.output_index import OutputIndex
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.writer import CoalescingWriter

BRISK_WORKER = Path(__file__).with_name("brisk_worker.py")
ROUNDS = 100
HANDS = 3
COMMANDS_EACH = 8
JOBS = ("ok_1", "ok_2", "flaky_3", "die_4", "ok_5")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A queue over real storage with brisk worker processes, and all its events; always stopped."""
    monkeypatch.setattr("stlkit.engine.retries.RETRY_WAIT_S", 0.01)
    home, notes, models = Home(tmp_path / "home"), tmp_path / "notes", tmp_path / "models"
    home.create()
    notes.mkdir()
    models.mkdir()
    writer = CoalescingWriter(QueueStateManager(home).save_queue_state, name="test-state-writer")
    history = JobHistoryManager(home.history)
    command = (sys.executable, "-S", "-E", str(BRISK_WORKER), str(notes))
    outputs = OutputIndex(home.history)
    queue = JobQueue(
        QueueState(queue_session_id="test"),
        Stores(writer=writer, history=history, cache=TempFileManager(home.cache), outputs=outputs),
        new_worker=lambda: LocalWorker(threads=1, command=command),
    )
    queue.configure(settings={"output_base_folder": str(tmp_path / "out"), "max_concurrent_jobs": 2})
    yield SimpleNamespace(queue=queue, history=history, notes=notes, models=models, home=home)
    queue.close()
    writer.close()
    history.close()
    outputs.close()


def meddle(queue, chance, jobs):
    """Do random things to a queue, as a person with many windows would; refusals are part of the game."""
    whole = (queue.pause, queue.resume, queue.start, queue.start, queue.stop)
    single = (queue.pause, queue.resume, queue.cancel, queue.skip, queue.retry, queue.remove)
    for _ in range(COMMANDS_EACH):
        with contextlib.suppress(JobError):
            match chance.randrange(8):
                case 0:
                    queue.reorder(chance.sample(jobs, 2))
                case 1:
                    queue.move(chance.choice(jobs), 0)
                case 2:
                    queue.configure(settings={"max_concurrent_jobs": chance.choice((1, 2, 3))})
                case 3 | 4:
                    chance.choice(whole)()
                case _:
                    chance.choice(single)(chance.choice(jobs))


def test_a_hundred_random_interleavings_end_every_job_once_and_legally(bench):
    """Pause, resume, stop, cancel, skip, retry, remove and reorder from three threads at once, a hundred times."""
    queue, moves = bench.queue, []
    queue.subscribe(lambda event: moves.append((event.job.id, event.job.state)) if event.job else None)
    for number in range(ROUNDS):
        for name in JOBS:
            (bench.models / f"{name}_{number}.stl").write_bytes(b"x")
        jobs = [job.id for job in queue.add(bench.models / f"*_{number}.stl").jobs]
        hands = [
            threading.Thread(target=meddle, args=(queue, random.Random(f"{number} {hand}"), jobs), daemon=True)
            for hand in range(HANDS)
        ]
        queue.start()
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join(60)
            assert not hand.is_alive(), f"round {number}: a command never came back: {queue!r}"
        queue.resume()
        queue.start()
        assert queue.wait(60), f"round {number}: {queue!r} {[job for job in queue.jobs if not job.state.ended]}"
        assert all(job.state.ended for job in queue.jobs), queue.jobs
        queue.clear()
    assert not list(bench.notes.glob("*.twice")), "a job ran twice at once"
    assert not list((bench.home.cache / "job_cache").iterdir())
    assert_legal(moves)
    rows = bench.history.records(limit=-1)
    ended = {job_id for job_id, state in moves if state.ended}
    assert {row.id for row in rows} == ended
    queue.flush()


def assert_legal(moves):
    """Every move of every job stands in the table, and none has two ends."""
    last: dict[str, JobState] = {}
    for job_id, state in moves:
        before = last.get(job_id, JobState.PENDING)
        assert state is before or state in TRANSITIONS[before], f"{job_id} went from {before} to {state}"
        last[job_id] = state
