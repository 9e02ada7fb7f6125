"""How long jobs and queues are foreseen to take, and how that is said."""

import io
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from rich.console import Console

from stlkit.engine.countdown import Countdown, rough_duration
from stlkit.engine.forecast import Forecaster, time_of_all_s
from stlkit.engine.progress_bar import showing_progress
from stlkit.model.jobs import JobState, QueueJob, QueueState, new_job_id
from stlkit.model.options import QueueSettings
from stlkit.model.times import utc_now
from stlkit.pipeline.costs import DEFAULT_COSTS, CostModel, StageCosts
from stlkit.pipeline.size import NO_SIZE


@pytest.fixture
def make_jobs(tmp_path, box_stl):
    """Give a function that makes jobs for a small box, in a given state."""
    (tmp_path / "box.stl").write_bytes(box_stl())

    def make(count=1, **changes):
        place = {"output_folder": tmp_path, "output_base_folder": tmp_path, "output_name": "box"}
        return tuple(QueueJob(id=new_job_id(), stl_path=tmp_path / "box.stl", **place, **changes) for _ in range(count))

    return make


class Terminal(io.StringIO):
    """Takes what is written, and says that it is a terminal."""

    def isatty(self):
        return True


def costs_of(seconds):
    """Give costs in which every stage takes the same time, whatever it does."""
    return CostModel(stages=dict.fromkeys(DEFAULT_COSTS.stages, StageCosts(coefficients={"job": seconds})))


def queue_of(*jobs, seats=1):
    return QueueState(jobs=jobs, queue_settings=QueueSettings(max_concurrent_jobs=seats))


@pytest.mark.parametrize(
    ("begun", "waiting", "seats", "expected"),
    [
        ([], [], 2, 0),
        ([5], [], 2, 5),
        ([5], [1, 1], 2, 5),
        ([], [3, 3, 3], 2, 6),
        ([4, 1], [2, 2], 2, 5),
        ([9, 1, 1], [1], 1, 10),  # seats were taken away: what runs is finished by all, the rest by one
        ([], [1, 1, 10], 2, 11),
    ],
)
def test_jobs_take_the_seats_that_become_free(begun, waiting, seats, expected):
    """In their order, each as soon as it can."""
    assert time_of_all_s(begun, waiting, seats) == expected


def test_a_queue_takes_what_its_jobs_take(make_jobs):
    """Five stages and the time between them, one job after the other, or two at a time."""
    one = Forecaster(lambda: costs_of(2.0))
    jobs = make_jobs(4)
    assert one.job_s(jobs[0], NO_SIZE, queue_of(), concurrency=1) == pytest.approx(12)
    eta = one.eta(queue_of(*jobs), running=True)
    assert (eta.jobs, eta.remaining_s) == (4, pytest.approx(48))
    assert abs(eta.finish_at - utc_now() - timedelta(seconds=48)) < timedelta(seconds=5)
    assert one.eta(queue_of(*jobs, seats=2), running=True).remaining_s == pytest.approx(24)


def test_what_is_done_of_running_jobs_counts(make_jobs):
    """Three quarters of the way, a quarter is left; ended jobs and those a person paused are not waited for."""
    forecaster = Forecaster(lambda: costs_of(2.0))
    (running,) = make_jobs(state=JobState.PROCESSING, progress=75.0, estimated_duration=40.0)
    others = make_jobs(2, state=JobState.COMPLETED) + make_jobs(2, state=JobState.PAUSED)
    eta = forecaster.eta(queue_of(running, *others), running=True)
    assert (eta.jobs, eta.remaining_s) == (1, pytest.approx(10))


def test_a_paused_queue_has_no_end_but_a_length(make_jobs):
    """Its running jobs hold, and go on with it."""
    (held,) = make_jobs(state=JobState.PAUSED, stage="video", progress=50.0, estimated_duration=40.0)
    forecaster = Forecaster(lambda: costs_of(2.0))
    eta = forecaster.eta(queue_of(held), running=False)
    assert (eta.jobs, eta.remaining_s, eta.finish_at) == (1, pytest.approx(20), None)
    assert forecaster.eta(queue_of(held), running=True).jobs == 0


def test_new_knowledge_and_other_options_change_the_forecast(make_jobs):
    """At once, for jobs that were asked about before."""
    known = [costs_of(1.0)]
    forecaster = Forecaster(lambda: known[0])
    (job,) = make_jobs()
    assert forecaster.eta(queue_of(job), running=True).remaining_s == pytest.approx(6)
    known[0] = costs_of(3.0)
    assert forecaster.eta(queue_of(job), running=True).remaining_s == pytest.approx(18)
    more = replace(job, render_options={"generate_video": True})
    assert forecaster.eta(queue_of(more), running=True).remaining_s == pytest.approx(21)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "about 10 s"), (14, "about 10 s"), (56, "about 1 min"), (100, "about 2 min"), (1000, "about 15 min"),
     (3500, "about 1 h"), (5000, "about 1 h 20 min"), (50_000, "about 14 h"), (400_000, "about 5 days")],
)  # fmt: skip
def test_times_are_said_as_a_person_would(seconds, text):
    """Without digits that mean nothing."""
    assert rough_duration(seconds) == text


def test_a_wavering_forecast_is_said_calmly():
    """It wavers by a third around the truth each second; what is said goes down, and no more often than need be."""
    now = [0.0]
    countdown = Countdown(clock=lambda: now[0])
    said = []
    for second in range(300):
        now[0] = second
        said.append(countdown.say((300 - second) * (1.3 if second % 2 else 0.7)))
    changes = [said[0], *(new for old, new in pairwise(said) if new != old)]
    assert changes[:5] == ["about 4 min", "about 5 min", "about 4 min", "about 3 min", "about 2 min"]
    assert changes[-1] == "about 10 s" and len(changes) < 16


def test_a_forecast_that_was_wrong_is_corrected_within_seconds():
    """As when a job turns out to be ten times as long."""
    now = [0.0]
    countdown = Countdown(clock=lambda: now[0])
    assert countdown.say(60) == "about 1 min"
    for second in range(1, 16):
        now[0] = second
        text = countdown.say(600 - second)
    assert text in ("about 9 min", "about 10 min")


def test_a_queue_tells_when_it_is_through(bench):
    """From its jobs and settings; nothing is left once they have ended."""
    bench.add("ok-1.stl", "ok-2.stl")
    before = bench.queue.eta()
    assert before.jobs == 2 and before.remaining_s > 0 and before.finish_at is None
    bench.queue.start()
    bench.queue.wait()
    after = bench.queue.eta()
    assert (after.jobs, after.remaining_s) == (0, 0) and after.finish_at is not None


def test_the_progress_bar_says_how_long_it_will_take_until_all_is_done(bench):
    """In words, behind the bar of all jobs."""
    bench.add("ok-1.stl")
    console = Console(file=Terminal(), force_terminal=True, width=120, emoji=False)
    with showing_progress(bench.queue, console):
        bench.queue.start()
        bench.queue.wait()
    shown = console.file.getvalue()
    assert "about 10 s left" in shown
    assert "left" not in shown[shown.rindex("1/1 jobs") :]
