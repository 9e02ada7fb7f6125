"""Running: retries, crashes, limits, pauses, cancellations, with real worker processes."""

import asyncio
import threading
import time

import psutil
import pytest

from stlkit.engine.events import EventKind
from stlkit.engine.recorder import JobRecorder
from stlkit.errors import JobError
from stlkit.model.jobs import JobState
from stlkit.outputs.summary import read_summary
from stlkit.storage.recovery import SessionRecoveryManager


def state_is(state, job):
    return lambda event: event.job is not None and event.job.id == job.id and event.job.state is state


def stage_is(stage, job):
    return lambda event: event.job is not None and event.job.id == job.id and event.job.stage == stage


def test_every_job_ends_and_stands_once_in_the_history(bench):
    """Good and bad files: each gets its ending, in the queue, in its file and in the history."""
    bench.add("ok1.stl", "fail.stl", "ok2.stl")
    bench.queue.start()
    assert bench.queue.wait(30)
    assert [job.state for job in bench.queue.jobs] == ["completed", "failed", "completed"]
    assert [job.state for job in bench.states.load_queue_state().state.jobs] == ["completed", "failed", "completed"]
    records = {record.stl_filename: record.state for record in bench.history.records()}
    assert records == {"ok1.stl": "completed", "fail.stl": "failed", "ok2.stl": "completed"}
    assert bench.queue.jobs[1].error_message == "the file is empty"
    assert not any((bench.home.cache / "job_cache").iterdir())


def test_whoever_waited_finds_the_summary_complete(bench, monkeypatch):
    """Even where the last job's thread has ended the job but not come to its output folder yet."""
    (job,) = bench.add("ok.stl")
    report, arrived, go_on = JobRecorder.report, threading.Event(), threading.Event()

    def late(recorder, *jobs):
        arrived.set()
        assert go_on.wait(30)
        report(recorder, *jobs)

    monkeypatch.setattr(JobRecorder, "report", late)
    bench.queue.start()
    assert arrived.wait(30)
    assert bench.queue.job(job).state is JobState.COMPLETED
    threading.Timer(0.2, go_on.set).start()
    assert bench.queue.wait(30)
    assert [entry.job_id for entry in read_summary(job.output_base_folder).models] == [job.id]


def test_a_failure_that_may_pass_is_tried_again_and_said(bench):
    """The third attempt succeeds; the warnings name the first two."""
    (job,) = bench.add("flaky.stl")
    bench.queue.start()
    assert bench.queue.wait(30)
    job = bench.queue.job(job)
    assert (job.state, job.attempts) == (JobState.COMPLETED, 3)
    assert [text.split(":")[0] for text in job.results.warnings] == [
        "attempt 1 failed and was repeated", "attempt 2 failed and was repeated",
    ]  # fmt: skip


def test_a_failure_of_the_file_itself_is_not_tried_again(bench):
    """An empty file stays empty."""
    (job,) = bench.add("fail.stl")
    bench.queue.start()
    bench.queue.wait(30)
    assert bench.queue.job(job).attempts == 1


def test_retries_can_be_switched_off(bench):
    """`auto_retry_failed` is obeyed."""
    bench.queue.configure(settings={"auto_retry_failed": False})
    (job,) = bench.add("flaky.stl")
    bench.queue.start()
    bench.queue.wait(30)
    assert (bench.queue.job(job).state, bench.queue.job(job).attempts) == (JobState.FAILED, 1)


def test_a_crashed_worker_costs_its_job_alone_and_is_replaced(bench):
    """The job that kills its worker each time ends as failed, named; the next one runs in a new worker."""
    bench.queue.configure(settings={"max_retry_attempts": 1})
    poison, after = bench.add("crash.stl", "ok.stl")
    bench.queue.start()
    assert bench.queue.wait(30)
    poison = bench.queue.job(poison)
    assert (poison.state, poison.attempts) == (JobState.FAILED, 2)
    assert "SIGKILL" in poison.error_message
    assert f"process {bench.workers[1].pid}" in poison.error_message
    assert "stage intake" in poison.error_message
    assert bench.queue.job(after).state is JobState.COMPLETED
    # the good job ran in the second worker, while the bad one waited for its second attempt
    assert len(bench.workers) == 2
    assert not any(psutil.pid_exists(worker.pid) for worker in bench.workers)


def test_the_end_of_a_worker_stands_among_the_logs_of_its_model(bench):
    """Where it had made something before; it could not write its own log any more."""
    bench.queue.configure(settings={"max_retry_attempts": 0})
    (poison,) = bench.add("crash.stl")
    (poison.output_folder / "renders").mkdir(parents=True)
    bench.queue.start()
    assert bench.queue.wait(30)
    log = poison.output_folder / "logs" / "crash_errors.log"
    assert "ERROR   worker process" in log.read_text()
    assert "SIGKILL" in log.read_text()
    assert log in bench.queue.job(poison).results.files_generated


def failed_files(queue, job):
    """Return the link and the log of a job in ``failed/``."""
    folder = queue.job(job).output_base_folder / "failed"
    return folder / f"{job.output_name}.stl", folder / f"{job.output_name}_error.log"


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("crash.stl", {"max_retry_attempts": 0}, "SIGKILL"),
        ("hang.stl", {"max_retry_attempts": 0, "job_timeout_s": 0.3}, "the 0.3 s it was given"),
        ("eat.stl", {"job_memory_limit_mb": 250.0}, "more than the 250 MB"),
        ("ok.stl", {"memory_budget_mb": 100.0}, "raise memory_budget_mb"),
    ],
)
def test_a_file_whose_worker_could_not_say_so_is_among_the_failed_ones(bench, name, settings, reason):
    """Crashed, too slow, too large, or refused before any worker had it: there is a link and the reason."""
    bench.queue.configure(settings=settings)
    (job,) = bench.add(name)
    bench.queue.start()
    assert bench.queue.wait(60)
    link, log = failed_files(bench.queue, job)
    assert bench.queue.job(job).state is JobState.FAILED
    assert link.readlink() == job.stl_path
    assert reason in log.read_text()
    assert bench.queue.job(job).results.files_generated == (link, log)
    assert bench.history.records()[0].files_generated == (str(link), str(log))


def test_a_crash_that_is_repeated_with_success_is_no_failure(bench):
    """Nor is what a person ended: nothing is put among the failed ones."""
    once, waiting = bench.add("crash_once.stl", "crash.stl")
    bench.queue.cancel(waiting)
    bench.queue.start()
    assert bench.queue.wait(30)
    assert bench.queue.job(once).state is JobState.COMPLETED
    assert not (once.output_base_folder / "failed").exists()


def test_a_folder_that_refuses_the_failed_file_stops_nothing(bench, caplog):
    """A stranger's file has the log's name: it is left alone, and the job ends all the same."""
    poison, _ = bench.add("crash.stl", "ok.stl")
    bench.queue.configure(settings={"max_retry_attempts": 0})
    _, log = failed_files(bench.queue, poison)
    log.parent.mkdir(parents=True)
    log.write_text("mine")
    bench.queue.start()
    assert bench.queue.wait(30)
    assert [job.state for job in bench.queue.jobs] == [JobState.FAILED, JobState.COMPLETED]
    assert log.read_text() == "mine"
    assert "is in the way of an error log" in caplog.text


def test_a_worker_that_crashes_once_costs_one_attempt(bench):
    """The second attempt completes, with the crash as a warning."""
    (job,) = bench.add("crash_once.stl")
    bench.queue.start()
    bench.queue.wait(30)
    job = bench.queue.job(job)
    assert (job.state, job.attempts) == (JobState.COMPLETED, 2)
    assert "SIGKILL" in job.results.warnings[0]


def test_an_attempt_is_on_disk_before_it_begins(bench, seen):
    """Whoever finds the cache folder after a crash of everything knows that this was attempt 1."""
    (job,) = bench.add("hang.stl")
    bench.queue.start()
    seen.until(stage_is("video", job))
    text = (bench.home.cache / "job_cache" / job.id / "processing_state.json").read_text()
    assert '"attempt": 1' in text


def test_a_job_that_takes_too_long_is_ended_and_its_stage_named(bench):
    """The time limit costs the worker, the message says what to do."""
    bench.queue.configure(settings={"job_timeout_s": 1.0, "max_retry_attempts": 0})
    hanging, after = bench.add("hang.stl", "ok.stl")
    bench.queue.start()
    assert bench.queue.wait(60)
    assert bench.queue.job(hanging).state is JobState.FAILED
    assert "stage video" in bench.queue.job(hanging).error_message
    assert "job_timeout_s" in bench.queue.job(hanging).error_message
    assert bench.queue.job(after).state is JobState.COMPLETED


def test_a_job_that_takes_too_much_memory_is_ended(bench):
    """The memory limit costs the worker; a second try would end the same, so there is none."""
    bench.queue.configure(settings={"job_memory_limit_mb": 250.0})
    greedy, after = bench.add("eat.stl", "ok.stl")
    bench.queue.start()
    assert bench.queue.wait(60)
    assert bench.queue.job(greedy).state is JobState.FAILED
    assert "more than the 250 MB" in bench.queue.job(greedy).error_message
    assert bench.queue.job(greedy).attempts == 1
    assert bench.queue.job(greedy).results.peak_memory_bytes > 250e6
    assert bench.queue.job(after).state is JobState.COMPLETED


def test_what_a_library_prints_does_not_disturb_the_protocol(bench):
    """Standard output of native code goes to the error stream."""
    (job,) = bench.add("noise.stl")
    bench.queue.start()
    bench.queue.wait(30)
    assert bench.queue.job(job).state is JobState.COMPLETED


def test_a_running_job_is_cancelled_and_its_worker_goes_on(bench, seen):
    """A job that listens ends without costing its worker."""
    running, waiting = bench.add("stages.stl", "ok.stl")
    bench.queue.start()
    seen.until(stage_is("image", running))
    bench.queue.cancel(running)
    assert bench.queue.wait(30)
    assert bench.queue.job(running).state is JobState.CANCELLED
    assert bench.queue.job(waiting).state is JobState.COMPLETED
    assert len(bench.workers) == 1


def test_a_deaf_job_is_cancelled_by_force(bench, seen):
    """A job that does not listen loses its worker and is still cancelled, not failed."""
    (job,) = bench.add("hang.stl")
    bench.queue.start()
    seen.until(stage_is("video", job))
    bench.queue.skip(job)
    assert bench.queue.wait(30)
    assert bench.queue.job(job).state is JobState.SKIPPED
    assert bench.history.records()[0].state == "skipped"


def test_waiting_jobs_are_cancelled_and_skipped_at_once(bench):
    """No worker is needed to end what has not begun; an ended job cannot be ended again."""
    first, second = bench.add("ok1.stl", "ok2.stl")
    bench.queue.cancel(first)
    bench.queue.skip(second)
    assert [job.state for job in bench.queue.jobs] == ["cancelled", "skipped"]
    assert {record.state for record in bench.history.records()} == {"cancelled", "skipped"}
    with pytest.raises(JobError, match="has ended"):
        bench.queue.cancel(first)


def test_pausing_lets_a_running_job_finish_its_stage_and_holds_it(bench, seen):
    """The job is paused between two stages, nothing new begins, and resuming completes everything."""
    running, waiting = bench.add("stages.stl", "ok.stl")
    bench.queue.start()
    seen.until(stage_is("image", running))
    bench.queue.pause()
    seen.until(state_is(JobState.PAUSED, running))
    (bench.models / "stages.go").touch()
    assert bench.queue.job(waiting).state is JobState.PENDING
    assert bench.queue.wait(0.3) is False
    bench.queue.resume()
    assert bench.queue.wait(30)
    assert [job.state for job in bench.queue.jobs] == ["completed", "completed"]


def test_one_job_is_paused_while_the_others_go_on(bench):
    """A paused job is passed over, and not waited for."""
    first, second = bench.add("ok1.stl", "ok2.stl")
    bench.queue.pause(first)
    bench.queue.start()
    assert bench.queue.wait(30)
    assert [job.state for job in bench.queue.jobs] == ["paused", "completed"]
    bench.queue.resume(first)
    assert bench.queue.wait(30)
    assert bench.queue.job(first).state is JobState.COMPLETED
    assert bench.queue.job(second).attempts == 1


def test_stopping_puts_running_jobs_back_and_ends_the_workers(bench, seen):
    """An attempt that a person broke off does not count, and no process is left."""
    (job,) = bench.add("hang.stl")
    bench.queue.start()
    seen.until(stage_is("video", job))
    bench.queue.stop()
    assert (bench.queue.job(job).state, bench.queue.job(job).attempts) == (JobState.PENDING, 0)
    assert not any(psutil.pid_exists(worker.pid) for worker in bench.workers)
    assert bench.history.records() == []
    recovery = SessionRecoveryManager(bench.states, bench.history, bench.cache)
    (later,) = recovery.recover_interrupted_jobs(bench.queue.state()).state.jobs
    assert (later.id, later.attempts) == (job.id, 0)  # nor does it in a later session


def test_concurrency_is_raised_and_lowered_while_running(bench, seen):
    """Two jobs run side by side once there are two seats; lowering takes the second seat when its job is done."""
    first, second, third = bench.add("stages1.stl", "stages2.stl", "ok.stl")
    bench.queue.start()
    seen.until(stage_is("image", first))
    assert bench.queue.job(second).state is JobState.PENDING
    bench.queue.configure(settings={"max_concurrent_jobs": 2})
    seen.until(stage_is("image", second))
    bench.queue.configure(settings={"max_concurrent_jobs": 1})
    (bench.models / "stages2.go").touch()
    seen.until(state_is(JobState.COMPLETED, second))
    assert bench.queue.job(third).state is JobState.PENDING
    (bench.models / "stages1.go").touch()
    assert bench.queue.wait(30)
    assert bench.queue.job(third).state is JobState.COMPLETED


def test_waiting_without_having_started_is_an_error_not_a_hang(bench):
    """The message says which call is missing."""
    bench.add("ok.stl")
    with pytest.raises(JobError, match="start"):
        bench.queue.wait()


def test_a_notebook_can_await_the_end(bench):
    """Everything else on the loop goes on meanwhile, and no subscription is left."""
    bench.add("ok1.stl", "ok2.stl")
    bench.queue.start()
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0)

    async def story():
        ticking = asyncio.create_task(tick())
        done = await bench.queue.wait_async()
        ticking.cancel()
        return done

    assert asyncio.run(story()) is True
    assert {job.state for job in bench.queue.jobs} == {JobState.COMPLETED}
    assert len(ticks) > 1
    assert bench.queue._events._observers == ()


def test_awaiting_ends_when_the_time_is_up_or_the_queue_is_stopped(bench, seen):
    """A hanging job is not waited for longer than was said, and a stop from elsewhere is an error, not a hang."""
    bench.add("hang.stl")
    with pytest.raises(JobError, match="start"):
        asyncio.run(bench.queue.wait_async())
    bench.queue.start()
    seen.until(lambda event: event.kind is EventKind.PROGRESS or event.job)
    assert asyncio.run(bench.queue.wait_async(timeout_s=0.05)) is False

    async def story():
        waiting = asyncio.create_task(bench.queue.wait_async())
        await asyncio.to_thread(bench.queue.stop)
        await waiting

    with pytest.raises(JobError, match="not running"):
        asyncio.run(story())


def test_a_failing_observer_stops_nothing(bench, seen):
    """Other observers are told all the same, and the job completes."""

    def broken(_event):
        raise RuntimeError("observer")

    bench.queue.subscribe(broken)
    (job,) = bench.add("ok.stl")
    bench.queue.start()
    bench.queue.wait(30)
    seen.until(state_is(JobState.COMPLETED, job))
    states = [event.job.state for event in seen.events if event.kind is EventKind.CHANGED]
    assert states == ["validating", "completed"]


def test_a_history_that_cannot_be_written_pauses_the_queue_and_loses_nothing(bench):
    """The job is not called done before the history has it."""
    (job,) = bench.add("ok.stl")
    bench.history.close()
    bench.history.path.write_bytes(b"no database" * 1000)
    for extra in ("-wal", "-shm"):
        bench.history.path.with_name(bench.history.path.name + extra).unlink(missing_ok=True)
    bench.queue.start()
    while bench.queue.pause_reason is None:
        bench.queue.wait(0.05)
    assert "history" in bench.queue.pause_reason
    assert not bench.queue.job(job).state.ended


def test_the_end_of_the_starting_process_ends_the_worker(bench):
    """A worker whose pipe closes is gone at once, even in the middle of a job."""
    worker = bench.queue._new_worker()
    process = psutil.Process(worker.pid)
    worker._stdin.close()
    assert process.wait(10) in (0, None)
    worker.kill()


def test_a_closed_queue_has_nothing_to_wait_for(bench):
    """Whoever waits for it then returns at once."""
    bench.add("ok_a.stl")
    bench.queue.start()
    assert bench.queue.wait(30)
    bench.queue.close()
    assert bench.queue.wait(30)
    bench.queue.flush()
    with pytest.raises(JobError, match="closed"):
        bench.queue.start()


def test_an_observer_that_waits_for_the_queue_does_not_stop_it(bench, seen, caplog):
    """It would wait for itself: it gets an error, and everybody else is told as before."""
    bench.queue.subscribe(lambda _: bench.queue.flush())
    bench.add("ok_a.stl")
    bench.queue.start()
    assert bench.queue.wait(30)
    assert {event.kind for event in seen.events} >= {"added", "changed"}
    assert "an observer cannot wait for the queue" in caplog.text


def test_a_queue_with_nothing_to_do_sleeps(bench, seen, monkeypatch):
    """Also where a job that was to be repeated is paused by a person: its time has come, but it does not wait."""
    monkeypatch.setattr("stlkit.engine.retries.RETRY_WAIT_S", 20.0)  # so that it is paused before it is repeated
    (job,) = bench.add("flaky_a.stl")
    sleeps_s, slept = [], threading.Event()
    time_to_next_retry = bench.queue._desk._taker._time_to_next_retry

    def note(now):
        sleeps_s.append(time_to_next_retry(now))
        if sleeps_s[-1] is None:
            slept.set()
        return sleeps_s[-1]

    bench.queue.start()
    seen.until(lambda event: "was repeated" in event.message)
    bench.queue.pause(job)
    monkeypatch.setattr(bench.queue._desk._taker, "_time_to_next_retry", note)
    bench.queue._desk._taker.retries._not_before[job.id] = time.monotonic() - 1.0
    bench.queue.reorder([job])  # wakes it once, so that it asks
    assert slept.wait(30)
    assert len(sleeps_s) < 10
