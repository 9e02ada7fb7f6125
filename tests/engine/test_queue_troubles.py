"""Trouble that is not a job's fault: full disks, refused folders, drives that are away, too little memory."""

import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from queue_waits import wait_until

from stlkit import Workspace
from stlkit.engine import drives, recorder, taking
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Reuse
from stlkit.errors import JobError
from stlkit.model.jobs import JobState
from stlkit.outputs import claims
from stlkit.outputs.summary import read_summary
from stlkit.pipeline.size import ModelSize, measure_model
from stlkit.storage.progress import FILE_NAME, load_processing_state

FACTS = {"generate_image": False}


def test_a_full_disk_pauses_the_queue_until_there_is_room(workspace, small_disk, messages):
    """The real ENOSPC: nothing is lost, no attempt is counted, and the queue goes on by itself."""
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2_000_000))
    workspace.queue.configure(settings={"min_free_disk_mb": 0.0})
    (job,) = workspace.queue.add(workspace.home.root.parent / "models" / "a.stl", output=small_disk).jobs
    workspace.queue.start()
    wait_until(workspace.queue, lambda: workspace.queue.pause_reason is not None)
    assert "full; the queue goes on by itself when there is room again" in workspace.queue.pause_reason
    assert (workspace.queue.job(job).state, workspace.queue.job(job).attempts) == (JobState.PENDING, 0)
    filler.unlink()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(job).state is JobState.COMPLETED
    assert (workspace.queue.job(job).attempts, workspace.queue.pause_reason) == (1, None)
    assert "there is room again" in messages
    assert len(workspace.history.records()) == 1


def test_the_queue_pauses_before_a_disk_is_full(workspace, small_disk):
    """Below the threshold nothing is begun; a lower threshold and a command let it go on."""
    workspace.queue.configure(settings={"min_free_disk_mb": 100.0})
    (job,) = workspace.queue.add(workspace.home.root.parent / "models" / "a.stl", output=small_disk).jobs
    workspace.queue.start()
    wait_until(workspace.queue, lambda: workspace.queue.pause_reason is not None)
    assert "MB left" in workspace.queue.pause_reason
    assert "when 100 MB are free" in workspace.queue.pause_reason
    assert workspace.queue.job(job).attempts == 0
    workspace.queue.configure(settings={"min_free_disk_mb": 0.1})
    workspace.queue.resume()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(job).state is JobState.COMPLETED


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that even root may not write to")
def test_a_refused_folder_makes_the_job_ask_for_another(workspace, tmp_path, messages):
    """The job waits with a question, the others go on, and `set_output` answers it."""
    models = tmp_path / "models"
    (asking,) = workspace.queue.add(models / "a.stl", output="/sys/kernel/stlkit").jobs
    (other,) = workspace.queue.add(models / "b.stl").jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(other).state is JobState.COMPLETED
    asking = workspace.queue.job(asking)
    assert (asking.state, asking.attempts) == (JobState.PAUSED, 0)
    assert "which other output folder" in asking.question
    assert asking.question in messages
    workspace.queue.set_output(asking, tmp_path / "elsewhere")
    assert workspace.queue.wait(60)
    done = workspace.queue.job(asking)
    assert (done.state, done.question, done.error_message) == (JobState.COMPLETED, None, None)
    assert (tmp_path / "elsewhere/a/analysis/a_analysis.json").exists()
    with pytest.raises(JobError, match="cannot be moved"):
        workspace.queue.set_output(done, tmp_path / "again")


@pytest.mark.parametrize("place", ["here", "here/inside"])
def test_a_file_in_the_place_of_the_output_folder_makes_the_job_ask(workspace, tmp_path, place):
    """It was named by mistake, or something else has its name: a person has to say what is meant."""
    (tmp_path / "here").write_bytes(b"a person's")
    (job,) = workspace.queue.add(tmp_path / "models" / "a.stl", output=tmp_path / place).jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    job = workspace.queue.job(job)
    assert (job.state, job.attempts) == (JobState.PAUSED, 0)
    assert "which other output folder" in job.question
    assert (tmp_path / "here").read_bytes() == b"a person's"


def test_what_cannot_be_cleared_away_changes_no_verdict(workspace, tmp_path, monkeypatch):
    """The job still asks, although its temporary files stay for now."""
    (tmp_path / "here").write_bytes(b"")

    def refuse(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(workspace.cache, "trim_job_cache", refuse)
    (job,) = workspace.queue.add(tmp_path / "models" / "a.stl", output=tmp_path / "here").jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert "which other output folder" in workspace.queue.job(job).question


def test_an_output_folder_that_answers_with_errors_concerns_its_job_alone(workspace, tmp_path):
    """Neither the queue pauses, nor does the next session fail to open."""
    nowhere = tmp_path / ("x" * 300)  # every call about it fails, as on a drive that is broken
    models = tmp_path / "models"
    (job,) = workspace.queue.add(models / "a.stl", output=nowhere).jobs
    (other,) = workspace.queue.add(models / "b.stl").jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(other).state is JobState.COMPLETED
    assert (workspace.queue.job(job).state, workspace.queue.pause_reason) == (JobState.FAILED, None)
    again_job = workspace.queue.retry(job)
    workspace.queue.flush()
    document = json.loads(workspace.home.queue_state.read_text())
    document["jobs"][0]["state"] = "processing"
    workspace.close()
    workspace.home.queue_state.write_text(json.dumps(document))
    with Workspace(workspace.home.root) as again:
        assert again.queue.job(again_job.id).state is JobState.PAUSED


@pytest.fixture
def hanging(monkeypatch):
    """A drive that hangs as long as a test wants: whoever asks for the size of ``a.stl`` there gets no answer."""
    asked, answers = threading.Event(), threading.Event()

    def measure(path):
        if path.name == "a.stl":
            asked.set()
            answers.wait(60)
        return measure_model(path)

    monkeypatch.setattr(taking, "measure_model", measure)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 0.5)
    yield SimpleNamespace(asked=asked, answers=answers)
    answers.set()


def test_a_drive_that_hangs_keeps_nobody_else_waiting(workspace, tmp_path, hanging):
    """A person can look and give commands; its jobs are passed over, and done when it answers, for `wait` waits."""
    queue, elsewhere = workspace.queue, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "models" / "b.stl").rename(elsewhere / "b.stl")
    (tmp_path / "models" / "c.stl").write_bytes((elsewhere / "b.stl").read_bytes() + b" ")
    first, beside = queue.add(tmp_path / "models").jobs
    (other,) = queue.add(elsewhere, output=tmp_path / "other").jobs
    queue.start()
    assert hanging.asked.wait(60)
    with ThreadPoolExecutor() as pool:
        assert pool.submit(queue.counts).result(30)["pending"] >= 2
    wait_until(queue, lambda: queue.job(other).state.ended)
    assert queue.job(other).state is JobState.COMPLETED
    assert {queue.job(job).state for job in (first, beside)} == {JobState.PENDING}
    assert not queue.wait(0.1)
    assert sum(thread.name == "stlkit-question" for thread in threading.enumerate()) == 1
    hanging.answers.set()
    assert queue.wait(60)
    assert {queue.job(job).state for job in (first, beside)} == {JobState.COMPLETED}
    assert not queue._desk._taker._drives._open


def test_a_source_that_is_slow_to_read_is_looked_up_once(workspace, tmp_path, monkeypatch):
    """What was found late counts, also that there is nothing to do; the others of its look-up are not kept by it."""
    queue, slow, answers = workspace.queue, [], threading.Event()
    queue.add(tmp_path / "models")
    queue.start()
    assert queue.wait(60)
    queue.clear()
    look_up = Reuse.look_up

    def read_slowly(reuse, job):
        if job.stl_path.name == "a.stl":
            slow.append(job.id)
            answers.wait(60)
        return look_up(reuse, job)

    monkeypatch.setattr(Reuse, "look_up", read_slowly)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 0.5)
    (late,) = queue.add(tmp_path / "models" / "a.stl").jobs
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models" / "b.stl").rename(tmp_path / "elsewhere" / "b.stl")
    (other,) = queue.add(tmp_path / "elsewhere", output=tmp_path / "other").jobs
    queue.start()
    wait_until(queue, lambda: queue.job(other).state.ended)
    assert queue.job(late).state is JobState.PENDING
    answers.set()
    assert queue.wait(60)
    assert (queue.job(late).attempts, queue.job(late).results.is_up_to_date, slow) == (0, True, [late.id])


def test_what_was_found_late_is_not_believed_later(workspace, tmp_path, monkeypatch):
    """A person has paused the queue and exported the model anew: that it was up to date is no longer so."""
    queue, answers, source = workspace.queue, threading.Event(), tmp_path / "models" / "a.stl"
    (tmp_path / "models" / "b.stl").unlink()
    queue.add(source)
    queue.start()
    assert queue.wait(60)
    queue.clear()
    look_up = Reuse.look_up
    monkeypatch.setattr(Reuse, "look_up", lambda reuse, job: (look_up(reuse, job), answers.wait(60))[0])
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 0.2)
    (job,) = queue.add(source).jobs
    queue.start()
    wait_until(queue, lambda: queue._desk._taker._drives._open)
    queue.pause()
    answers.set()
    wait_until(queue, lambda: not queue._desk._taker._drives._open)
    source.write_bytes(source.read_bytes() + b"changed")
    queue.resume()
    assert queue.wait(60)
    assert (queue.job(job).attempts, queue.job(job).results.is_up_to_date) == (1, False)


def test_a_drive_that_is_always_slow_is_asked_once_a_job(workspace, tmp_path, monkeypatch):
    """What it says late is used; else it would be asked for ever."""
    asked = []

    def measure(path):
        asked.append(path.name)
        threading.Event().wait(0.4)
        return measure_model(path)

    monkeypatch.setattr(taking, "measure_model", measure)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 0.1)
    jobs = workspace.queue.add(tmp_path / "models").jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert {workspace.queue.job(job).state for job in jobs} == {JobState.COMPLETED}
    assert sorted(asked) == ["a.stl", "b.stl"]


def test_a_network_drive_hangs_as_a_whole(workspace, tmp_path, hanging, messages, monkeypatch):
    """Whichever of its folders was asked about; a person is told, after a while."""
    (tmp_path / "nas" / "one").mkdir(parents=True)
    (tmp_path / "nas" / "two").mkdir()
    (tmp_path / "models" / "a.stl").rename(tmp_path / "nas" / "one" / "a.stl")
    (tmp_path / "models" / "b.stl").rename(tmp_path / "nas" / "two" / "b.stl")
    monkeypatch.setattr(drives, "_network_mounts", lambda: (tmp_path / "nas",))
    monkeypatch.setattr(drives, "TOLD_AFTER_S", 0.1)
    first, second = workspace.queue.add(tmp_path / "nas").jobs
    moved = workspace.queue.set_output(second, tmp_path / "other")
    workspace.queue.start()
    assert hanging.asked.wait(60)
    wait_until(workspace.queue, lambda: workspace.queue._desk._taker._drives._open)
    with workspace.queue._changed:
        assert workspace.queue._desk._taker._drives.are_silent(moved)
    wait_until(
        workspace.queue, lambda: any("does not answer; its jobs begin when it does" in text for text in messages)
    )
    hanging.answers.set()
    assert workspace.queue.wait(60)
    assert {workspace.queue.job(job).state for job in (first, second)} == {JobState.COMPLETED}


def test_a_log_on_a_drive_that_hangs_keeps_no_other_job(workspace, tmp_path, monkeypatch):
    """Also where a person ends a job there: logs and summaries are nobody's wait but that of a flush."""
    queue, append, asked, answers = (
        workspace.queue,
        recorder.append_processing_log,
        threading.Event(),
        threading.Event(),
    )

    def hang(folder, *jobs):
        if folder == tmp_path / "hung":
            asked.set()
            answers.wait(60)
        return append(folder, *jobs)

    monkeypatch.setattr(recorder, "append_processing_log", hang)
    (cancelled,) = queue.add(tmp_path / "models" / "a.stl", output=tmp_path / "hung").jobs
    (other,) = queue.add(tmp_path / "models" / "b.stl").jobs
    try:
        queue.cancel(cancelled)
        assert asked.wait(60)
        queue.start()
        wait_until(queue, lambda: queue.job(other).state.ended)
    finally:
        answers.set()
    assert queue.wait(60)
    assert queue.job(other).state is JobState.COMPLETED
    assert "cancelled" in (tmp_path / "hung" / "processing_log.txt").read_text()


def test_what_was_changed_while_an_end_could_not_be_recorded_counts(workspace, tmp_path, refusing):
    """The job is done anew, with the options it was given."""
    queue = workspace.queue
    (job,) = queue.add(tmp_path / "models" / "a.stl").jobs
    queue.start()
    wait_until(queue, lambda: queue.pause_reason is not None)
    queue.set_options(job, validation_options={"level": "strict"})
    refusing.over.set()
    wait_until(queue, lambda: queue.pause_reason is None)
    assert queue.job(job).state is JobState.PAUSED
    queue.resume(job)
    assert queue.wait(60)
    assert queue.job(job).validation_options == {"level": "strict"}
    assert [record.validation_options["level"] for record in workspace.history.records()] == ["strict"]


def test_a_job_whose_drive_is_back_is_looked_up_anew(workspace, tmp_path):
    """While it was away nothing could be known; what was made before is used."""
    models, queue = tmp_path / "models", workspace.queue
    (models / "b.stl").unlink()
    queue.add(models)
    queue.start()
    assert queue.wait(60)
    queue.clear()
    queue.stop()
    (job,) = queue.add(models).jobs
    models.rename(tmp_path / "unplugged")
    queue.start()
    wait_until(queue, lambda: queue.job(job).question is not None)
    (tmp_path / "unplugged").rename(models)
    wait_until(queue, lambda: queue.job(job).state.ended)
    assert queue.job(job).results.is_up_to_date


def test_a_defect_while_drives_are_asked_costs_its_job_alone(workspace, tmp_path, monkeypatch):
    """The job is given up with the reason; the same supervisor does the next one."""
    first, second = workspace.queue.add(tmp_path / "models").jobs

    def measure(path):
        if path == first.stl_path:
            raise RuntimeError("a defect")
        return measure_model(path)

    monkeypatch.setattr(taking, "measure_model", measure)
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert [workspace.queue.job(job).state for job in (first, second)] == [JobState.PAUSED, JobState.COMPLETED]
    assert workspace.queue.job(first).error_message == "not settled: a defect"


@pytest.fixture
def large_model(workspace, monkeypatch):
    """``a.stl`` is too large to begin beside another job, which its drive says when a test lets it."""
    asked, answers = threading.Event(), threading.Event()

    def measure(path):
        if path.name != "a.stl":
            return measure_model(path)
        asked.set()
        answers.wait(60)
        return ModelSize(faces=20_000_000)

    admission = workspace.queue._desk._taker._admission
    monkeypatch.setattr(taking, "measure_model", measure)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 60.0)
    monkeypatch.setattr(admission, "fits", lambda needs: needs.memory_bytes < 1e9)  # as beside another one
    workspace.queue.configure(settings={"memory_budget_mb": 27_000.0})
    yield SimpleNamespace(asked=asked, answers=answers)
    answers.set()


def test_a_job_is_seen_that_was_looked_up_while_drives_were_asked(workspace, tmp_path, monkeypatch, large_model):
    """It fits, and a seat is free: nobody waits for another change."""
    queue, looked_up = workspace.queue, threading.Event()
    (tmp_path / "small").mkdir()
    (tmp_path / "models" / "b.stl").rename(tmp_path / "small" / "b.stl")

    look_up = Reuse.look_up

    def note_and_look_up(reuse, job):
        found = look_up(reuse, job)
        if job.stl_path.name == "b.stl":
            looked_up.set()
        return found

    monkeypatch.setattr(Reuse, "look_up", note_and_look_up)
    queue.configure(settings={"max_concurrent_jobs": 2})
    (large,) = queue.add(tmp_path / "models").jobs
    queue.start()
    assert large_model.asked.wait(60)
    (small,) = queue.add(tmp_path / "small").jobs
    queue.reorder([small])
    assert looked_up.wait(60)
    large_model.answers.set()
    wait_until(queue, lambda: queue.job(small).state.ended)
    assert queue.job(large).state is JobState.PENDING


def test_a_drive_that_hangs_does_not_keep_the_queue_from_closing(workspace, tmp_path, hanging):
    """Its question is left behind."""
    workspace.queue.add(tmp_path / "models" / "a.stl")
    workspace.queue.start()
    assert hanging.asked.wait(60)
    with ThreadPoolExecutor() as pool:
        pool.submit(workspace.close).result(30)


def test_a_change_while_drives_are_asked_is_seen(workspace, tmp_path, large_model):
    """A job that does not fit is not waited for where another one that fits has become the first."""
    queue = workspace.queue
    large, small = queue.add(tmp_path / "models").jobs
    queue.start()
    assert large_model.asked.wait(60)
    queue.reorder([small, large])
    large_model.answers.set()
    wait_until(queue, lambda: queue.job(small).state.ended)
    assert queue.job(large).state is JobState.PENDING


def test_fewer_jobs_at_once_hold_for_a_supervisor_that_asks_a_drive(workspace, tmp_path, hanging, monkeypatch):
    """It gives its seat up as soon as it has an answer, and the job goes to another one."""
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 60.0)
    queue = workspace.queue
    take, seats = queue._desk.take, {}

    def note_and_take(seat):
        seats[seat.number] = seat
        return take(seat)

    monkeypatch.setattr(queue._desk, "take", note_and_take)
    queue.configure(settings={"max_concurrent_jobs": 2})
    (job,) = queue.add(tmp_path / "models" / "a.stl").jobs
    queue.start()
    assert hanging.asked.wait(60)
    queue.configure(settings={"max_concurrent_jobs": 1})
    hanging.answers.set()
    assert queue.wait(60)
    assert queue.job(job).state is JobState.COMPLETED
    wait_until(queue, lambda: (seats[0].given_up, seats[1].given_up) == (False, True))


def test_what_a_person_paused_does_not_go_on_by_itself(workspace, tmp_path, small_disk):
    """Although the queue has paused by itself too, and that is over."""
    queue, filler = workspace.queue, small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2_000_000))
    queue.configure(settings={"min_free_disk_mb": 0.0})
    (job,) = queue.add(tmp_path / "models" / "a.stl", output=small_disk).jobs
    queue.start()
    wait_until(queue, lambda: queue.pause_reason is not None)
    queue.pause()
    assert queue.pause_reason.endswith("; resume the queue when there is room again")
    filler.unlink()
    wait_until(queue, lambda: queue.pause_reason is None)
    assert (queue.is_paused, queue.job(job).state) == (True, JobState.PENDING)
    queue.resume()
    assert queue.wait(60)
    assert queue.job(job).state is JobState.COMPLETED


def test_a_job_that_a_person_paused_does_not_go_on_with_its_drive(workspace, tmp_path, monkeypatch):
    """It had not come to hold when its drive went away."""
    models, queue = tmp_path / "models", workspace.queue
    (job,) = queue.add(models / "a.stl").jobs
    models.rename(tmp_path / "unplugged")
    settle = queue._desk.settle

    def pause_and_settle(*arguments):
        queue.pause(job)
        settle(*arguments)

    monkeypatch.setattr(queue._desk, "settle", pause_and_settle)
    queue.start()
    wait_until(queue, lambda: queue.job(job).question is not None)
    monkeypatch.undo()
    (tmp_path / "unplugged").rename(models)
    assert "resume the job when that is over" in queue.job(job).question
    assert not queue._desk.watcher._awaited
    queue.resume(job)
    assert queue.wait(60)
    assert queue.job(job).state is JobState.COMPLETED


def test_a_job_that_waits_for_its_drive_can_be_paused(workspace, tmp_path):
    """Then it goes on when a person says so, not with its drive; and only what is paused can be resumed."""
    models, queue = tmp_path / "models", workspace.queue
    (job,) = queue.add(models / "a.stl").jobs
    with pytest.raises(JobError, match="is pending, not paused"):
        queue.resume(job)
    models.rename(tmp_path / "unplugged")
    queue.start()
    wait_until(queue, lambda: queue.job(job).question is not None)
    queue.pause(job)
    assert "resume the job when that is over" in queue.job(job).question
    assert not queue._desk.watcher._awaited
    queue.pause(job)  # once more is harmless
    (tmp_path / "unplugged").rename(models)
    queue.resume(job)
    assert queue.wait(60)
    assert queue.job(job).state is JobState.COMPLETED


def test_room_on_a_disk_is_no_reason_to_go_on_while_the_history_refuses(workspace):
    """Each trouble has to be over."""
    switch, works = workspace.queue._desk.switch, threading.Event()

    def go_on():
        with workspace.queue._changed:
            switch.storage_again()

    with workspace.queue._changed:
        switch.pause_for_room("the disk is full", (), 0.0)
        switch.pause_for_storage("the history refuses", works.is_set, go_on)
    wait_until(workspace.queue, lambda: "disk" not in switch._reasons)
    assert workspace.queue.pause_reason.startswith("the history refuses; the queue goes on by itself")
    works.set()
    wait_until(workspace.queue, lambda: not workspace.queue.is_paused)


def test_a_wish_does_not_outlive_a_job_that_was_given_up(workspace, tmp_path, monkeypatch):
    """A person who has it begin anew does not want it cancelled."""
    queue, settle = workspace.queue, workspace.queue._desk.settle
    (job,) = queue.add(tmp_path / "models" / "a.stl").jobs

    def fail(*_):
        queue.cancel(job)
        raise RuntimeError("a defect")

    monkeypatch.setattr(queue._desk, "settle", fail)
    queue.start()
    wait_until(queue, lambda: queue.job(job).error_message == "not settled: a defect")
    monkeypatch.setattr(queue._desk, "settle", settle)
    queue.resume(job)
    assert queue.wait(60)
    assert queue.job(job).state is JobState.COMPLETED


def test_a_defect_at_a_persons_command_leaves_the_job_to_them(workspace, tmp_path, monkeypatch):
    """They hear of it, and can do with the job what they like."""
    (job,) = workspace.queue.add(tmp_path / "models" / "a.stl").jobs

    def fail(*_):
        raise RuntimeError("a defect")

    with monkeypatch.context() as defect:
        defect.setattr(JobRecorder, "commit", fail)
        with pytest.raises(RuntimeError, match="a defect"):
            workspace.queue.cancel(job)
    assert workspace.queue.job(job).state is JobState.PAUSED
    workspace.queue.cancel(job)
    assert workspace.queue.job(job).state is JobState.CANCELLED


def test_several_jobs_are_sent_elsewhere_at_once_or_not_at_all(workspace, tmp_path):
    """The new folder is read once."""
    queue = workspace.queue
    jobs = queue.add(tmp_path / "models").jobs
    moved = queue.set_outputs(jobs, tmp_path / "new")
    assert [job.output_folder for job in moved] == [tmp_path / "new" / "a", tmp_path / "new" / "b"]
    queue.cancel(jobs[1])
    with pytest.raises(JobError, match="cannot be moved"):
        queue.set_outputs(jobs, tmp_path / "newer")
    assert queue.job(jobs[0]).output_base_folder == tmp_path / "new"


def test_a_job_whose_folder_nobody_knows_asks_for_one(workspace, tmp_path):
    """A relative one in an edited state would be taken for one in whatever folder the notebook runs in."""
    (job,) = workspace.queue.add(tmp_path / "models" / "a.stl").jobs
    workspace.queue.flush()
    document = json.loads(workspace.home.queue_state.read_text())
    document["jobs"][0] |= {"output_folder": "", "output_base_folder": "", "output_name": ""}
    workspace.close()
    workspace.home.queue_state.write_text(json.dumps(document))
    with Workspace(workspace.home.root) as again:
        again.queue.resume()
        again.queue.start()
        assert again.queue.wait(60)
        asking = again.queue.job(job.id)
        assert (asking.state, asking.attempts) == (JobState.PAUSED, 0)
        assert "nobody said where its outputs go: which other output folder" in asking.question
        again.queue.set_output(asking, tmp_path / "said")
        assert again.queue.wait(60)
    assert (tmp_path / "said/a/analysis/a_analysis.json").exists()


def test_a_folder_that_is_slow_to_list_keeps_nobody_else_waiting(workspace, tmp_path, monkeypatch):
    """While files are added to it, the queue can be looked at."""
    listing, asked, answers = claims._listing, threading.Event(), threading.Event()

    def hang(folder):
        asked.set()
        answers.wait(60)
        return listing(folder)

    monkeypatch.setattr(claims, "_listing", hang)
    with ThreadPoolExecutor() as pool:
        adding = pool.submit(workspace.queue.add, tmp_path / "models")
        try:
            assert asked.wait(60)
            assert pool.submit(lambda: workspace.queue.jobs).result(30) == ()
        finally:
            answers.set()
        assert len(adding.result(60).jobs) == 2


def test_a_summary_that_was_refused_to_the_end_is_written_by_the_next_session(workspace, tmp_path, monkeypatch):
    """And its log."""

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(recorder, "write_summary", refuse)
    monkeypatch.setattr(recorder, "append_processing_log", refuse)
    workspace.queue.add(tmp_path / "models")
    workspace.queue.start()
    assert workspace.queue.wait(60)
    workspace.close()
    assert not (tmp_path / "out" / "queue_summary.json").exists()
    monkeypatch.undo()
    for times in (1, 1):  # once is enough
        with Workspace(workspace.home.root) as again:
            again.queue.flush()
        assert len(read_summary(tmp_path / "out").models) == 2
        assert (tmp_path / "out" / "processing_log.txt").read_text().count("completed") == 2 * times
        assert json.loads(workspace.home.queue_state.read_text())["reports_due"] is False


def test_an_error_while_clearing_away_changes_no_end(workspace, tmp_path, monkeypatch):
    """The history has it, so it is the end."""
    is_symlink = Path.is_symlink

    def fail_after_a_job(path):
        if (path / FILE_NAME).exists():
            raise OSError(errno.EIO, "Input/output error", str(path))
        return is_symlink(path)

    monkeypatch.setattr(Path, "is_symlink", fail_after_a_job)
    models = tmp_path / "models"
    (job,) = workspace.queue.add(models / "a.stl").jobs
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(job).state is JobState.COMPLETED
    assert [(record.id, record.state) for record in workspace.history.records()] == [(job.id, "completed")]


@pytest.mark.parametrize("is_up_to_date", [False, True])
def test_a_defect_at_the_end_of_a_job_costs_no_supervisor(workspace, tmp_path, monkeypatch, is_up_to_date):
    """Its job is given up, with the reason; the next one is done."""
    models, queue = tmp_path / "models", workspace.queue
    if is_up_to_date:
        queue.add(models / "a.stl")
        queue.start()
        assert queue.wait(60)
        queue.clear()
        queue.stop()
    first, second = queue.add(models).jobs
    complete = JobRecorder.complete

    def fail_once(recorder, end):
        if end.job.id == first.id:
            raise RuntimeError("a defect")
        return complete(recorder, end)

    monkeypatch.setattr(JobRecorder, "complete", fail_once)
    queue.start()
    assert queue.wait(60)
    assert [queue.job(job).state for job in (first, second)] == [JobState.PAUSED, JobState.COMPLETED]
    assert "a defect" in queue.job(first).error_message
    monkeypatch.undo()
    queue.resume(first)
    assert queue.wait(60)
    assert queue.job(first).state is JobState.COMPLETED


def test_a_job_waits_while_its_drive_is_away(workspace, tmp_path):
    """The folder of the source is gone, as with a network drive: paused, not failed, and taken up on its return."""
    models = tmp_path / "models"
    (job,) = workspace.queue.add(models / "a.stl").jobs
    models.rename(tmp_path / "unplugged")
    workspace.queue.start()
    wait_until(workspace.queue, lambda: workspace.queue.job(job).question is not None)
    assert workspace.queue.job(job).state is JobState.PAUSED
    assert "goes on by itself" in workspace.queue.job(job).question
    assert load_processing_state(workspace.home.cache / "job_cache" / job.id).attempt == 0
    (tmp_path / "unplugged").rename(models)
    wait_until(workspace.queue, lambda: workspace.queue.job(job).state.ended)
    assert (workspace.queue.job(job).state, workspace.queue.job(job).attempts) == (JobState.COMPLETED, 1)


@pytest.mark.parametrize("end", ["cancel", "skip"])
def test_a_job_that_was_ended_while_its_drive_was_away_stays_so(workspace, tmp_path, end):
    """It asks nothing any more; another job that waits for the same drive is taken up all the same."""
    models = tmp_path / "models"
    ended, other = workspace.queue.add(models).jobs
    models.rename(tmp_path / "unplugged")
    workspace.queue.start()
    wait_until(workspace.queue, lambda: all(job.question is not None for job in workspace.queue.jobs))
    getattr(workspace.queue, end)(ended)
    ended = workspace.queue.job(ended)
    assert (ended.state.ended, ended.question) == (True, None)
    assert set(workspace.queue._desk.watcher._awaited) == {other.id}
    (tmp_path / "unplugged").rename(models)
    wait_until(workspace.queue, lambda: workspace.queue.job(other).state.ended)
    assert workspace.queue.job(other).state is JobState.COMPLETED
    assert workspace.queue.job(ended) == ended


def test_a_deleted_file_fails(workspace, tmp_path):
    """Its folder is there and it is not: no return is to be expected. Its worker says so in ``failed/``, once."""
    (job,) = workspace.queue.add(tmp_path / "models" / "a.stl").jobs
    job.stl_path.unlink()
    workspace.queue.start()
    assert workspace.queue.wait(60)
    assert workspace.queue.job(job).state is JobState.FAILED
    assert [path.name for path in workspace.queue.job(job).results.files_generated] == ["a.stl", "a_error.log"]


def test_a_job_that_does_not_fit_beside_others_runs_alone(bench, seen):
    """Forecast from the file's size: it waits until nothing else runs, and nothing runs beside it."""
    bench.queue.configure(settings={"max_concurrent_jobs": 2, "memory_budget_mb": 700.0}, render=FACTS)
    small, large, after = bench.add("stages1.stl", "stages2.stl", "ok.stl")
    os.truncate(large.stl_path, 10_000_000)  # forecast: 560 MB; the others 300 each
    bench.queue.start()
    seen.until(lambda event: event.job is not None and event.job.id == small.id and event.job.stage == "image")
    assert bench.queue.job(large).state is JobState.PENDING
    (bench.models / "stages1.go").touch()
    seen.until(lambda event: event.job is not None and event.job.id == large.id and event.job.stage == "image")
    assert bench.queue.job(after).state is JobState.PENDING
    (bench.models / "stages2.go").touch()
    assert bench.queue.wait(30)
    assert {job.state for job in bench.queue.jobs} == {JobState.COMPLETED}


def test_a_job_that_cannot_fit_at_all_is_refused_with_the_figure(bench):
    """Nothing is loaded; the message names need and budget, and the next job goes on."""
    bench.queue.configure(settings={"memory_budget_mb": 400.0}, render=FACTS)
    huge, after = bench.add("ok1.stl", "ok2.stl")
    os.truncate(huge.stl_path, 100_000_000)
    bench.queue.start()
    assert bench.queue.wait(30)
    assert bench.queue.job(huge).state is JobState.FAILED
    assert "2900 MB" in bench.queue.job(huge).error_message
    assert "400 MB" in bench.queue.job(huge).error_message
    assert bench.queue.job(after).state is JobState.COMPLETED


def test_a_timeout_is_tried_once_more_with_more_time(bench):
    """Two attempts, the second three times as long; then the stage is named."""
    bench.queue.configure(settings={"job_timeout_s": 0.4})
    (job,) = bench.add("hang.stl")
    bench.queue.start()
    assert bench.queue.wait(60)
    job = bench.queue.job(job)
    assert (job.state, job.attempts) == (JobState.FAILED, 2)
    assert "the 0.4 s it was given" in job.results.warnings[0]
    assert "the 1.2 s it was given" in job.error_message
    assert "stage video" in job.error_message
