"""A home folder, opened: ownership, observation, recovery, and an end that leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

from stlkit import JobState, Workspace
from stlkit.analytics import estimates
from stlkit.engine.queue import JobQueue
from stlkit.engine.view import ObservedQueue
from stlkit.errors import HomeLockedError, OptionError, StateFileError, StorageError
from stlkit.storage.home import Home

FACTS_ONLY = {"generate_image": False}


@pytest.fixture
def models(tmp_path, box_stl):
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(4):
        (folder / f"box{number}.stl").write_bytes(box_stl(10 + number))
    return folder


def test_a_folder_is_worked_off_and_the_history_is_a_table(tmp_path, models):
    """Five lines of Python do the main job."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
        ws.queue.use_template(ws.templates.load_template("Batch Analysis"))
        ws.queue.add(models)
        ws.queue.start()
        assert ws.queue.wait(120)
        frame = ws.history.to_dataframe()
    assert list(frame["state"]) == ["completed"] * 4
    assert str(frame["created_at"].dtype) == "datetime64[ns, UTC]"
    assert str(frame["validation_passed"].dtype) == "boolean"
    assert (tmp_path / "out" / "queue_summary.json").exists()
    assert (tmp_path / "out" / "processing_log.txt").read_text().count("completed") >= 4


def test_looking_for_a_home_that_is_not_there_makes_none(tmp_path, monkeypatch):
    """Its name is mistyped, or it is a folder of something else; where it is to be used, it is made."""
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("STLKIT_HOME", str(tmp_path / "hmoe"))
    for home in (None, tmp_path / "hmoe", tmp_path / "models"):
        with pytest.raises(StorageError, match="is no home folder"):
            Workspace(home, observe=True)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
    assert not any((tmp_path / "models").iterdir())


def test_who_made_a_job_is_one_of_three(tmp_path):
    """The history is counted by it."""
    with pytest.raises(OptionError, match="created_by: 'me' is none of notebook, cli, gui"):
        Workspace(tmp_path / "home", created_by="me")


def test_an_observer_may_look_but_not_touch(tmp_path, models):
    """The observer sees the owner's jobs; every command names the owner."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as owner:
        owner.queue.add(models)
        owner.queue.flush()
        with Workspace(tmp_path / "home", observe=True) as observer:
            assert observer.is_observer
            assert observer.queue.is_paused is False
            assert observer.queue.pause_reason is None
            assert [job.id for job in observer.queue.jobs] == [job.id for job in owner.queue.jobs]
            commands = {name for name in dir(JobQueue) if not name.startswith("_")} - set(dir(ObservedQueue))
            assert {"add", "take_up", "retry", "reorder", "configure", "start", "wait", "close"} <= commands
            for command in (getattr(observer.queue, name) for name in sorted(commands)):
                with pytest.raises(HomeLockedError, match=f"process {os.getpid()}"):
                    command()
            owner.queue.remove(owner.queue.jobs[0])
            owner.queue.flush()
            assert len(observer.queue.jobs) == 3
        assert len(owner.queue.jobs) == 3
    with Workspace(tmp_path / "home") as again:
        assert not again.is_observer


def test_a_second_process_becomes_an_observer(tmp_path, models):
    """It need not ask for that: the queue has an owner, whom every refused command names."""
    code = """
import sys
from stlkit import Workspace
from stlkit.errors import HomeLockedError
with Workspace(sys.argv[1]) as ws:
    print(ws.is_observer, len(ws.queue.jobs))
    try:
        ws.queue.start()
    except HomeLockedError as error:
        print(error)
"""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as owner:
        owner.queue.add(models)
        owner.queue.flush()
        command = [sys.executable, "-c", code, str(tmp_path / "home")]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        role, refusal = result.stdout.splitlines()
        assert role == "True 4"
        assert f"process {os.getpid()}" in refusal


def test_a_cell_that_opens_a_workspace_may_run_again(tmp_path, models):
    """All workspaces of a home in one process use one queue; closing one closes it, whatever became of the others."""
    first = Workspace(tmp_path / "home", output=tmp_path / "out")
    first.queue.add(models)
    second = Workspace(tmp_path / "home", output=tmp_path / "elsewhere")
    assert not second.is_observer
    assert second.queue is first.queue
    assert second.queue.settings.output_base_folder == str(tmp_path / "elsewhere")
    second.close()
    first.close()
    assert not owner_note(tmp_path).exists()
    with Workspace(tmp_path / "home") as third:
        assert third.queue is not first.queue
        assert len(third.queue.jobs) == 4


def test_a_with_statement_closes_what_nobody_else_has_opened(tmp_path, models):
    """Neither an inner statement nor a short look from a function ends the queue of those around it."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as outer:
        with Workspace(tmp_path / "home") as inner:
            inner.queue.add(models)
        outer.queue.remove(outer.queue.jobs[0])
        assert owner_note(tmp_path).exists()
    assert not owner_note(tmp_path).exists()
    ws = Workspace(tmp_path / "home")
    with Workspace(tmp_path / "home"):
        pass
    assert len(ws.queue.jobs) == 3
    assert owner_note(tmp_path).exists()
    ws.close()
    assert not owner_note(tmp_path).exists()


def test_threads_that_open_and_close_a_home_at_once_are_never_observers(tmp_path):
    """Whoever comes while the last one goes waits for that, and opens the home again."""

    def use(_):
        with Workspace(tmp_path / "home") as ws:
            return ws.is_observer, ws.queue.jobs

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(use, range(60))) == {(False, ())}
    assert not owner_note(tmp_path).exists()


def test_a_home_that_was_deleted_begins_anew(tmp_path, models):
    """The lock went with it; a second process must not become an owner beside this one."""
    first = Workspace(tmp_path / "home", output=tmp_path / "out")
    first.queue.add(models)
    first.queue.flush()
    shutil.rmtree(tmp_path / "home")
    second = Workspace(tmp_path / "home")
    assert second.queue is not first.queue
    code = "import sys, stlkit; print(stlkit.Workspace(sys.argv[1]).is_observer)"
    command = [sys.executable, "-c", code, str(tmp_path / "home")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout == "True\n"
    second.close()


def test_a_workspace_that_cannot_be_made_gives_the_home_back(tmp_path):
    """What was opened for it is closed again."""
    with pytest.raises(TypeError):
        Workspace(tmp_path / "home", output=3)
    assert not owner_note(tmp_path).exists()


def test_preferences_that_change_at_once_are_all_kept(tmp_path):
    """Whoever changes them sees what the others have changed."""

    def note(number):
        with Workspace(tmp_path / "home") as ws:
            ws.change_config(lambda config: replace(config, panel={**config.panel, f"part{number}": number}))

    with Workspace(tmp_path / "home") as ws, ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(20)))
        assert ws.config.panel == {f"part{number}": number for number in range(20)}


def owner_note(tmp_path):
    """Where whoever owns the queue says so."""
    return Home(tmp_path / "home").lock.with_suffix(".json")


@pytest.mark.parametrize("content", ['{"version": "2.0", "jobs": []}', '{"jobs": [{"id": 3}]}', "{"])
def test_an_observer_never_takes_a_file_it_cannot_read_for_an_empty_queue(tmp_path, content):
    """Until something was seen, the error is the answer; nothing is touched."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "queue_state.json").write_text(content)
    with Workspace(home, observe=True) as workspace, pytest.raises(StorageError, match=r"queue_state\.json"):
        workspace.queue.counts()
    assert (home / "queue_state.json").read_text() == content


def test_closing_puts_running_work_back_for_the_next_session(tmp_path, models):
    """The next session is offered what was not done, and finishes it; each job is once in the history."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
        ws.queue.configure(render=FACTS_ONLY)
        ws.queue.add(models)
    with Workspace(tmp_path / "home") as ws:
        assert len(ws.recovery.unfinished) == 4
        assert {job.state for job in ws.queue.jobs} == {JobState.PAUSED}
        ws.queue.resume()
        ws.queue.start()
        assert ws.queue.wait(120)
        assert len(ws.history.records()) == 4
    with Workspace(tmp_path / "home") as ws:
        assert ws.recovery.unfinished == ()


def test_the_first_jobs_of_a_session_are_estimated_by_the_history(tmp_path, models, monkeypatch):
    """They wait for what is being learned; opening does not."""
    read, wait, asked = estimates.past_jobs, estimates.LearnedCosts.wait, threading.Event()

    def read_when_asked(history):
        asked.wait(30)
        return read(history)

    def asking(learned, *within_s):
        asked.set()
        wait(learned, *within_s)

    monkeypatch.setattr(estimates, "past_jobs", read_when_asked)
    monkeypatch.setattr(estimates.LearnedCosts, "wait", asking)
    found = []
    for _ in range(2):
        asked.clear()
        with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
            ws.queue.configure(render=FACTS_ONLY, settings={"max_concurrent_jobs": 1})
            (job,) = ws.queue.add(models / "box0.stl", force=True).jobs
            ws.queue.start()
            assert ws.queue.wait(120)
            found += [done.estimated_duration for done in ws.queue.jobs if done.id == job.id]
    assert found[0] != found[1]


def test_a_damaged_home_is_a_clear_error_and_the_lock_is_given_back(tmp_path):
    """The second try meets the same error, not a lock."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "queue_state.json").write_text("{")
    for _ in range(2):
        with pytest.raises(StateFileError, match="Move the file away"):
            Workspace(home)


SCRIPT = """
import sys, os, signal, time
from stlkit import Workspace
ws = Workspace(sys.argv[1], output=sys.argv[2])
ws.queue.configure(render={"generate_image": False})
ws.queue.add(sys.argv[3])
ws.queue.start()
while not any(thread._worker for thread in ws.queue._supervisors):
    time.sleep(0.01)
print(*(thread._worker.pid for thread in ws.queue._supervisors if thread._worker), flush=True)
if sys.argv[4] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", ["kill", "exit"])
def test_no_worker_outlives_its_process(tmp_path, models, ending):
    """Killed or just ended without close(): the workers go with it, and the queue is whole."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "home"), str(tmp_path / "out"), str(models), ending]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == (-signal.SIGKILL if ending == "kill" else 0), result.stderr
    pids = [int(word) for word in result.stdout.split()]
    assert pids
    deadline = time.monotonic() + 20
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(psutil.pid_exists, pids))
    with Workspace(tmp_path / "home") as ws:
        done = len(ws.history.records())
        assert len(ws.recovery.unfinished) == 4 - done
        ws.queue.resume()
        ws.queue.start()
        assert ws.queue.wait(120)
        names = [record.stl_filename for record in ws.history.records()]
        assert sorted(names) == [f"box{number}.stl" for number in range(4)]
