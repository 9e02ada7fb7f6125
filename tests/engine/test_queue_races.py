"""What meets in the wrong moment: twins, ends, commands of a person, and the closing of the queue."""

import threading
from dataclasses import replace

import pytest
from queue_waits import wait_until

from stlkit import Workspace
from stlkit.engine import drives
from stlkit.engine.recorder import JobRecorder
from stlkit.engine.reuse import Reuse
from stlkit.errors import HistoryError, JobError
from stlkit.model.jobs import JobResults, JobState
from stlkit.storage.output_index import FinishedWork


def comes_back(call, *arguments):
    """Whether a call that might hang for ever returns; where it does not, its thread is left behind."""
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    thread.join(30)
    return not thread.is_alive()


def test_a_twin_waits_until_what_was_made_can_be_found(workspace, tmp_path, monkeypatch):
    """Not only until its worker is done: what it made is not in the index yet."""
    queue, may_begin = workspace.queue, []
    queue.configure(settings={"max_concurrent_jobs": 2})
    first, second = queue.add(tmp_path / "models").jobs
    lookups, settle, record = queue._desk._taker._lookups, queue._desk.settle, Reuse.record

    def settle_once_the_twin_was_looked_up(assignment, *results):
        if assignment.order.job_id == first.id:
            wait_until(queue, lambda: lookups.get(queue.job(second)) is not None)
        settle(assignment, *results)

    def note_and_record(reuse, end, progress):
        if end.job.id == first.id:
            with queue._changed:
                may_begin.append(lookups.may_begin(queue.job(second)))
        record(reuse, end, progress)

    monkeypatch.setattr(queue._desk, "settle", settle_once_the_twin_was_looked_up)
    monkeypatch.setattr(Reuse, "record", note_and_record)
    queue.start()
    assert queue.wait(60)
    assert may_begin == [False]
    assert [queue.job(job).results.reused_files > 0 for job in (first, second)] == [False, True]


@pytest.mark.parametrize("answer_within_s", [60.0, 0.2])
def test_a_twin_that_was_looked_up_too_early_is_looked_up_anew(workspace, tmp_path, monkeypatch, answer_within_s):
    """Its source took so long to read that the other was done first; also where that made its answer a late one."""
    queue, sought = workspace.queue, []
    queue.configure(settings={"max_concurrent_jobs": 2})
    (first,) = queue.add(tmp_path / "models" / "a.stl").jobs
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models" / "b.stl").rename(tmp_path / "elsewhere" / "b.stl")
    (second,) = queue.add(tmp_path / "elsewhere", output=tmp_path / "other").jobs
    look_up = Reuse.look_up

    def read_slowly(reuse, job):
        found = look_up(reuse, job)
        if job.id == second.id:
            sought.append(len(found.known))
            wait_until(queue, lambda: queue.job(first).state.ended)
        return found

    monkeypatch.setattr(Reuse, "look_up", read_slowly)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", answer_within_s)
    queue.start()
    assert queue.wait(60)
    assert (sought[0], len(sought)) == (0, 2)
    assert [queue.job(job).results.reused_files > 0 for job in (first, second)] == [False, True]


def test_a_queue_goes_on_once_what_could_not_be_recorded_is(workspace, tmp_path, refusing, messages, monkeypatch):
    """Not before, or a twin would make again what the index does not have yet."""
    queue, paused, record = workspace.queue, [], Reuse.record

    def note_and_record(reuse, end, progress):
        paused.append(queue.pause_reason is not None)
        if paused == [False]:
            raise HistoryError("the disk is full", path=tmp_path)
        record(reuse, end, progress)

    monkeypatch.setattr(Reuse, "record", note_and_record)
    first, second = queue.add(tmp_path / "models").jobs
    queue.start()
    wait_until(queue, lambda: queue.pause_reason is not None)
    refusing.over.set()
    assert queue.wait(60)
    assert paused == [False, True, False]
    assert [queue.job(job).results.reused_files > 0 for job in (first, second)] == [False, True]
    assert messages.count("what failed works again") == 1


def test_a_twin_waits_for_a_held_job_unless_a_person_holds_that_one(bench):
    """When the queue as a whole goes on, so does the job; how long a person holds it alone, nobody knows."""
    queue, lookups = bench.queue, bench.queue._desk._taker._lookups
    queue.configure(settings={"max_concurrent_jobs": 2})
    for name in ("stages1.stl", "stages2.stl"):
        (bench.models / name).write_bytes(b"the same")
    first, second = queue.add(bench.models).jobs

    def twin_may_begin():
        with queue._changed:
            return lookups.may_begin(queue.job(second))

    queue.start()
    wait_until(queue, lambda: queue.job(first).in_hand and lookups.get(queue.job(second)) is not None)
    queue.pause()
    wait_until(queue, lambda: queue.job(first).held)
    assert not twin_may_begin()
    queue.pause(first)
    assert twin_may_begin()
    queue.resume()
    assert not twin_may_begin()
    wait_until(queue, lambda: queue.job(first).state.running)
    queue.pause(first)
    wait_until(queue, lambda: queue.job(second).in_hand)


def test_a_refused_job_keeps_nobody_while_it_is_written_down(bench, monkeypatch):
    """Its entry in ``failed/`` may take long; the next one begins meanwhile."""
    written, complete = threading.Event(), JobRecorder.complete

    def write_slowly(recorder, end):
        assert end.job.state is JobState.COMPLETED or written.wait(60)
        return complete(recorder, end)

    monkeypatch.setattr(JobRecorder, "complete", write_slowly)
    queue, facets = bench.queue, 600_000
    queue.configure(settings={"max_concurrent_jobs": 2, "memory_budget_mb": 600.0})
    with (bench.models / "ok_large.stl").open("wb") as file:
        file.write(bytes(80) + facets.to_bytes(4, "little"))
        file.truncate(84 + 50 * facets)
    (large,) = queue.add(bench.models).jobs
    (other,) = bench.add("ok.stl")
    queue.start()
    wait_until(queue, lambda: queue.job(other).state.ended)
    assert queue.job(large).state is JobState.PENDING
    written.set()
    assert queue.wait(30)
    assert "memory" in queue.job(large).error_message


def test_what_is_up_to_date_is_so_though_every_worker_is_busy(bench, tmp_path, monkeypatch):
    """Its look-up came late; nobody has to be free to end it, and until then a person could not cancel it."""
    queue, answers, look_up = bench.queue, threading.Event(), Reuse.look_up
    (bench.models / "ok.stl").write_bytes(b"known")
    (known,) = queue.add(bench.models, output=tmp_path / "other").jobs

    def find_late(reuse, job):
        if job.id != known.id:
            return look_up(reuse, job)
        assert answers.wait(60)
        work = FinishedWork(job_id="earlier", results=JobResults(stl_checksum="c", stl_size=5), duration_s=1.0)
        return replace(look_up(reuse, job), finished=work)

    monkeypatch.setattr(Reuse, "look_up", find_late)
    monkeypatch.setattr(drives, "ANSWER_WITHIN_S", 0.1)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "stages.stl").write_bytes(b"busy")
    (busy,) = queue.add(tmp_path / "more").jobs
    queue.start()
    wait_until(queue, lambda: queue.job(busy).in_hand)
    answers.set()
    wait_until(queue, lambda: queue.job(known).state.ended)
    assert queue.job(known).state is JobState.COMPLETED
    assert queue.job(busy).in_hand


def test_a_defect_while_a_job_is_watched_costs_its_worker(bench, monkeypatch):
    """What that one still has to say would be taken for the answer of the next job."""
    queue, progressed, defects = bench.queue, bench.queue._desk.progressed, [RuntimeError("a defect")]

    def fail_once(*progress):
        if defects:
            raise defects.pop()
        progressed(*progress)

    monkeypatch.setattr(queue._desk, "progressed", fail_once)
    first, second = bench.add("stages.stl", "fail.stl")
    (bench.models / "stages.go").touch()
    queue.start()
    assert queue.wait(30)
    assert "a defect" in queue.job(first).error_message
    assert (queue.job(second).state, queue.job(second).error_message) == (JobState.FAILED, "the file is empty")
    assert len(bench.workers) == 2


def test_a_job_is_given_up_once(bench, monkeypatch):
    """A second time might come when somebody has it in hand again."""
    queue, given_up, give_up = bench.queue, [], bench.queue._desk.endings.give_up

    def fail(_ends):
        raise RuntimeError("a defect")

    monkeypatch.setattr(queue._desk.endings, "_commit", fail)
    monkeypatch.setattr(queue._desk.endings, "give_up", lambda *job: (given_up.append(job[0]), give_up(*job)))
    jobs = bench.add("ok1.stl", "ok2.stl")
    queue.start()
    assert queue.wait(30)
    assert given_up == [job.id for job in jobs]
    assert {job.state for job in queue.jobs} == {JobState.PAUSED}


@pytest.mark.parametrize("what", ["a cancelled job", "a job whose end was kept"])
def test_closing_waits_for_ends_that_are_being_recorded(workspace, tmp_path, monkeypatch, refusing, what):
    """Also for those that no supervisor records: log and history have them, and no old thread writes later."""
    queue, endings = workspace.queue, workspace.queue._desk.endings
    commit, close, at_it, go_on = JobRecorder.commit, endings.close, threading.Event(), threading.Event()

    def record_slowly(recorder, *ends):
        if not threading.current_thread().name.startswith("stlkit-supervisor"):
            at_it.set()
            assert go_on.wait(60)
        commit(recorder, *ends)

    def close_and_let_it_go_on():
        go_on.set()
        close()

    monkeypatch.setattr(endings, "close", close_and_let_it_go_on)
    monkeypatch.setattr(JobRecorder, "commit", record_slowly)
    (job,) = queue.add(tmp_path / "models" / "a.stl").jobs
    person = threading.Thread(target=queue.cancel, args=[job])
    if what == "a cancelled job":
        refusing.over.set()
        person.start()
    else:
        queue.start()
        wait_until(queue, lambda: queue.pause_reason is not None)
        refusing.over.set()
    assert at_it.wait(60)
    workspace.close()
    assert (tmp_path / "out" / "processing_log.txt").read_text().count("source: ") == 1
    if person.ident is not None:
        person.join()
    with Workspace(tmp_path / "home") as again:
        assert again.queue.job(job.id).state.ended
        assert [record.stl_filename for record in again.history.records()] == ["a.stl"]


def test_a_command_that_the_closing_overtook_is_refused(workspace, tmp_path, monkeypatch):
    """The person is told; the job is still in the queue, and nothing is in the history."""
    queue, endings = workspace.queue, workspace.queue._desk.endings
    commit = endings.commit
    (job,) = queue.add(tmp_path / "models" / "a.stl").jobs
    monkeypatch.setattr(endings, "commit", lambda end: (workspace.close(), commit(end)))
    with pytest.raises(JobError, match="closed meanwhile"):
        queue.cancel(job)
    with Workspace(tmp_path / "home") as again:
        assert not again.queue.job(job.id).state.ended
        assert list(again.history.records()) == []


def test_a_closed_queue_keeps_nobody_waiting(workspace):
    """Whatever is asked of it after its end is answered."""
    workspace.close()
    assert comes_back(workspace.queue.stop)
    assert comes_back(workspace.queue.wait, 1.0)
