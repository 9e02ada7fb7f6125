import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from stlkit import Workspace
from stlkit.engine.local_worker import LocalWorker
from stlkit.engine.queue import JobQueue
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.stores import Stores
from stlkit.errors import HistoryError
from stlkit.model.jobs import QueueState
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.output_index import OutputIndex
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.writer import CoalescingWriter

sys.path.insert(0, str(Path(__file__).parent))  # how to wait for a queue, beside this file

ODD_WORKER = (sys.executable, str(Path(__file__).with_name("odd_worker.py")))


@pytest.fixture
def bench(tmp_path):
    """A queue over real storage whose workers are real processes with odd manners; always stopped."""
    home = Home(tmp_path / "home")
    home.create()
    states = QueueStateManager(home)
    writer = CoalescingWriter(states.save_queue_state, name="test-state-writer")
    history = JobHistoryManager(home.history)
    cache = TempFileManager(home.cache)
    outputs = OutputIndex(home.history)
    workers = []

    def new_worker():
        workers.append(LocalWorker(threads=1, command=ODD_WORKER))
        return workers[-1]

    queue = JobQueue(
        QueueState(queue_session_id="test"),
        Stores(writer=writer, history=history, cache=cache, outputs=outputs),
        new_worker=new_worker,
    )
    queue.configure(settings={"output_base_folder": str(tmp_path / "out"), "max_concurrent_jobs": 1})
    models = tmp_path / "models"
    models.mkdir()

    def add(*names):
        for name in names:
            (models / name).write_bytes(name.encode())  # no two alike, or one would wait for the other
        return queue.add([models / name for name in names]).jobs

    yield SimpleNamespace(
        queue=queue, add=add, history=history, states=states, cache=cache, workers=workers, models=models, home=home
    )
    queue.close()
    writer.close()
    history.close()
    outputs.close()


@pytest.fixture
def seen(bench):
    """Every event of the queue so far, and a way to wait for one."""
    events, changed = [], threading.Condition()

    def note(event):
        with changed:
            events.append(event)
            changed.notify_all()

    def until(condition, timeout_s=30):
        with changed:
            assert changed.wait_for(lambda: any(condition(event) for event in events), timeout_s), events

    unsubscribe = bench.queue.subscribe(note)
    yield SimpleNamespace(events=events, until=until)
    unsubscribe()


@pytest.fixture
def workspace(models):
    """A workspace with real workers, one at a time, beside a folder of two models."""
    tmp_path = models.parent
    with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
        ws.queue._desk.watcher._interval_s = 0.05
        ws.queue.configure(render={"generate_image": False}, settings={"max_concurrent_jobs": 1})
        yield ws


@pytest.fixture
def messages(workspace):
    heard = []
    unsubscribe = workspace.queue.subscribe(lambda event: heard.append(event.message))
    yield heard
    unsubscribe()


@pytest.fixture
def refusing(monkeypatch):
    """A history that takes no ends until `refusing.over` is set."""
    over, commit, check = threading.Event(), JobRecorder.commit, JobRecorder.check

    def refuse(recorder, *ends):
        if not over.is_set():
            raise HistoryError("the disk is full", path=recorder._history.path)
        (commit if ends else check)(recorder, *ends)

    monkeypatch.setattr(JobRecorder, "commit", refuse)
    monkeypatch.setattr(JobRecorder, "check", refuse)
    return SimpleNamespace(over=over)
