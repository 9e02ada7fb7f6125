"""What a history teaches about how long jobs take."""

from dataclasses import replace
from datetime import timedelta

import pytest
from estimate_trials import machine, median_error

from stlkit.analytics.estimates import LearnedCosts, past_jobs
from stlkit.analytics.fitting import fit_costs
from stlkit.analytics.history import History
from stlkit.model.jobs import JobResults, JobState, QueueJob, new_job_id
from stlkit.model.options import RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.pipeline.costs import DEFAULT_COSTS
from stlkit.pipeline.plan import Stage
from stlkit.pipeline.size import ModelSize
from stlkit.storage.history import JobEnd

GOOD_ERROR = 0.25


@pytest.mark.parametrize("seed", range(3))
def test_held_out_jobs_are_estimated_within_a_quarter(seed):
    """Half of a history teaches what the other half took; before, estimates were more than twice as wrong."""
    jobs = machine(300, seed=seed)
    taught, held_out = jobs[:150], jobs[150:]
    learned = fit_costs(taught, DEFAULT_COSTS)
    assert median_error(learned, held_out) < GOOD_ERROR
    assert median_error(DEFAULT_COSTS, held_out) > 2 * GOOD_ERROR


def test_few_jobs_teach_the_speed_of_the_machine():
    """Three are better than none, ten better than three."""
    jobs = machine(230, slower=4.0, odd=0)
    held_out = jobs[30:]
    errors = [median_error(fit_costs(jobs[:count], DEFAULT_COSTS), held_out) for count in (0, 3, 30)]
    assert errors[0] > 0.6 and errors[1] < 0.45 and errors[2] < GOOD_ERROR


def test_what_was_never_done_is_estimated_from_what_was():
    """A machine that takes thrice the time for images is expected to do so for videos."""
    jobs = machine(60, slower=3.0, odd=0)
    pictures = [replace(j, render=replace(j.render, generate_video=False)) for j in jobs]
    learned = fit_costs(pictures, DEFAULT_COSTS)
    video = RenderOptions(generate_video=True)
    ratio = learned.job_s(ModelSize(faces=40_000), video, ValidationOptions()) / DEFAULT_COSTS.job_s(
        ModelSize(faces=40_000), video, ValidationOptions()
    )
    assert 1.5 < ratio < 6


def test_a_few_odd_jobs_change_little():
    """One in ten took fifty times as long, because the machine slept."""
    jobs = machine(200, odd=0)
    held_out = machine(100, odd=0)
    troubled = [
        replace(j, stage_durations_s={s: t * 50 for s, t in j.stage_durations_s.items()}) if n % 10 == 0 else j
        for n, j in enumerate(jobs)
    ]
    quiet, loud = (median_error(fit_costs(each, DEFAULT_COSTS), held_out) for each in (jobs, troubled))
    assert loud < quiet + 0.05


def test_no_time_is_ever_negative():
    """Whatever the jobs say, more work never takes less time."""
    jobs = [replace(j, stage_durations_s=dict.fromkeys(j.stage_durations_s, 0.0), duration_s=0.01) for j in machine(20)]
    learned = fit_costs(jobs, DEFAULT_COSTS)
    for stage in learned.stages.values():
        assert all(value >= 0 for value in stage.coefficients.values()) and stage.exponent >= 0


def test_nothing_teaches_nothing():
    """Before there is any history, what holds anywhere holds."""
    assert fit_costs([], DEFAULT_COSTS) is DEFAULT_COSTS


@pytest.fixture
def history(tmp_path):
    manager = History(tmp_path / "history.db")
    yield manager
    manager.close()


def record(history, jobs, **changes):
    """Put jobs into a history, as the queue does."""
    ends = []
    for number, past in enumerate(jobs):
        results = JobResults(
            faces=past.size.faces, stl_size=84 + 50 * past.size.faces, stage_durations_s=past.stage_durations_s,
            reused_files=changes.get("reused_files", 0),
        )  # fmt: skip
        moment = utc_now() - timedelta(hours=1) + timedelta(seconds=number)
        job = QueueJob(
            id=new_job_id(moment), stl_path=history.path.with_name("a.stl"), output_folder=history.path.parent,
            output_base_folder=history.path.parent, output_name="a", state=changes.get("state", JobState.COMPLETED),
            created_at=moment, completed_at=moment, actual_duration=past.duration_s,
            estimated_duration=past.duration_s * 1.5, attempts=changes.get("attempts", 1), results=results,
        )  # fmt: skip
        end = JobEnd(job=job, render=past.render, validation=past.validation, concurrency=past.concurrency)
        ends.append(end)
    history.record_job_completions(ends)
    return [end.job for end in ends]


def test_the_history_gives_back_what_was_done(history):
    """Sizes, options, durations and concurrency, oldest first, as far back as is asked for."""
    jobs = machine(20)
    record(history, jobs)
    found = past_jobs(history)
    assert [(j.size, j.render, j.validation, j.stage_durations_s, j.concurrency) for j in found] == [
        (j.size, j.render, j.validation, j.stage_durations_s, j.concurrency) for j in jobs
    ]
    assert past_jobs(history, most=5) == found[-5:]


@pytest.mark.parametrize("changes", [{"reused_files": 2}, {"attempts": 2}, {"state": JobState.FAILED}])
def test_jobs_that_did_not_do_all_their_work_at_once_teach_nothing(history, changes):
    """Outputs that were there already, earlier attempts and failures say nothing about how long work takes."""
    record(history, machine(5), **changes)
    assert past_jobs(history) == []
    assert LearnedCosts(history).learn() is DEFAULT_COSTS
    assert history.estimate_error() is None


def test_options_of_another_version_are_passed_over(history):
    """Unknown names are left out, values that no longer fit leave out the job."""
    record(history, machine(3))
    with history._begin() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM job_history").scalars().all()
        for job_id, options in zip(rows, ('{"news": 1}', '{"quality": "splendid"}'), strict=False):
            connection.exec_driver_sql("UPDATE job_history SET render_options = ? WHERE id = ?", (options, job_id))
    assert len(past_jobs(history)) == 2


def test_the_error_of_past_estimates_is_the_median_one(history):
    """Estimates were half too long."""
    record(history, machine(11))
    assert history.estimate_error() == pytest.approx(0.5)
    assert history.estimate_error(days=0) is None


def test_new_ends_are_learned_from_in_the_background(history):
    """Not each of them: the first few, then a tenth more than before; and nobody waits for it."""
    learned = LearnedCosts(history)
    jobs = record(history, machine(40))
    for job in jobs[:2]:
        learned.note_end(job)
    learned.close()
    assert learned.costs.jobs == 0
    learned.note_end(jobs[2])
    learned.close()
    assert learned.costs.jobs == 40
    record(history, machine(10, seed=9))
    for job in jobs[:3]:
        learned.note_end(job)
    learned.close()
    assert learned.costs.jobs == 40
    learned.note_end(jobs[3])
    learned.close()
    assert learned.costs.jobs == 50


def test_what_is_being_learned_can_be_waited_for(history):
    """With or without anything to learn."""
    learned = LearnedCosts(history)
    learned.wait()
    record(history, machine(5))
    learned.learn_soon()
    learned.wait(30)
    assert learned.costs.jobs == 5


def test_a_busy_machine_is_followed_and_left_again(history):
    """While everything takes twice as long, estimates rise to that; reused outputs and a worker's start say nothing."""
    learned = LearnedCosts(history)
    size, render, judged = ModelSize(faces=40_000), RenderOptions(), ValidationOptions()
    usual_s = DEFAULT_COSTS.job_s(size, render, judged)
    (job,) = record(history, machine(1))

    def estimate_s():
        return learned.costs.job_s(size, render, judged)

    def ends(times, slowness, start_s=0.0):
        for _ in range(times):
            took_s = slowness * usual_s
            results = replace(job.results, stage_durations_s={"image": took_s})
            done = replace(job, estimated_duration=estimate_s(), actual_duration=took_s + start_s, results=results)
            learned.note_end(done)
            learned._ended = 0  # nothing is learned for good meanwhile

    ends(60, 2.0)
    assert estimate_s() == pytest.approx(2 * usual_s, rel=0.02)
    reused = replace(job, results=replace(job.results, reused_files=1), actual_duration=0.01)
    learned.note_end(reused)
    assert estimate_s() == pytest.approx(2 * usual_s, rel=0.02)
    ends(60, 1.0)
    assert estimate_s() == pytest.approx(usual_s, rel=0.02)
    ends(1, 1.0, start_s=60.0)
    assert estimate_s() < 1.1 * usual_s


def test_an_unreadable_history_leaves_estimates_as_they_were(tmp_path):
    """It is said in the log, and nowhere else."""
    history = History(tmp_path / "history.db")
    history.close()
    history.path.write_bytes(b"no database at all" * 100)
    learned = LearnedCosts(history)
    assert learned.learned() is DEFAULT_COSTS
    learned.learn_soon()
    learned.close()
    assert learned.costs is DEFAULT_COSTS


def test_every_stage_is_learned():
    """Each has a model of its own, and so has the time between them."""
    learned = fit_costs(machine(50), DEFAULT_COSTS)
    assert set(learned.stages) == {*Stage, "between_stages"} and learned.jobs == 50
