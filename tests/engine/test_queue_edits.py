"""What a person does with jobs that do not run: adding, ordering, options, retrying."""

import threading
from dataclasses import replace

import pytest

from stlkit.errors import JobError, OptionError
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import OutputSettings, ValidationOptions
from stlkit.model.templates import BUILT_IN_TEMPLATES
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.summary import write_summary


def names(queue):
    return [job.stl_path.name for job in queue.jobs]


def test_a_folder_gives_every_stl_file_in_it(bench):
    """Upper and lower case, deep down, in a stable order; other files are left alone."""
    for name in ("b.STL", "a.stl", "notes.txt", "deep/er/c.Stl"):
        path = bench.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert len(bench.queue.add(bench.models).jobs) == 3
    assert names(bench.queue) == ["a.stl", "b.STL", "c.Stl"]


@pytest.mark.parametrize("organization", ["per_stl", "flat"])
def test_what_stlkit_placed_is_not_input(bench, organization):
    """Outputs beside or below the models: links to sources and repaired copies are not processed again."""
    (bench.models / "a.stl").write_bytes(b"x")
    bench.queue.configure(output={"organization": organization})
    (job,) = bench.queue.add(bench.models, output=bench.models).jobs
    layout = OutputLayout(base_folder=bench.models, output_name=job.output_name, settings=bench.queue.output_settings)
    layout.repaired.parent.mkdir(parents=True, exist_ok=True)
    layout.repaired.write_bytes(b"y")
    files = [layout.repaired]
    if layout.source_link is not None:
        layout.source_link.parent.mkdir(parents=True)
        layout.source_link.symlink_to(job.stl_path)
        files.append(layout.source_link)
    ended = replace(job, state=JobState.COMPLETED, results=JobResults(files_generated=tuple(files)))
    write_summary(bench.models, [ended])
    bench.queue.remove(job)
    assert [job.stl_path for job in bench.queue.add(bench.models, output=bench.models).jobs] == [job.stl_path]


def test_folders_patterns_and_lists_are_understood(bench):
    """A file may have any name; a pattern takes what matches; a list may mix them."""
    for name in ("a.stl", "b.stl", "c.dat", "deep/d.stl"):
        path = bench.models / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert len(bench.queue.add(bench.models, recursive=False).jobs) == 2
    bench.queue.clear()
    added = bench.queue.add([str(bench.models / "**" / "*.stl"), bench.models / "c.dat"])
    assert sorted(job.stl_path.name for job in added.jobs) == ["c.dat", "d.stl"]
    assert sorted(path.name for path in added.duplicates) == ["a.stl", "b.stl"]
    assert "already in the queue" in str(added)


def test_a_folder_without_stl_files_is_said_in_words(bench):
    """Not as a number of jobs, which looks like success."""
    (bench.models / "notes.txt").write_text("no model")
    assert str(bench.queue.add(bench.models)) == "nothing was added: there are no STL files"


def test_what_does_not_exist_is_an_error_and_adds_nothing(bench):
    """A typo is told at once."""
    (bench.models / "a.stl").write_bytes(b"x")
    with pytest.raises(JobError, match="nowhere"):
        bench.queue.add([bench.models / "a.stl", bench.models / "nowhere"])
    assert len(bench.queue) == 0


def test_two_inputs_with_one_base_name_get_two_output_names(bench):
    """Nothing ever overwrites another model's files, whatever the case of its name."""
    for folder in ("one", "two", "three"):
        (bench.models / folder).mkdir()
    for name in ("one/part.stl", "two/part.stl", "three/PART.STL"):
        (bench.models / name).write_bytes(b"x")
    jobs = bench.queue.add(bench.models).jobs
    assert len({job.output_name.casefold() for job in jobs}) == 3
    assert len({job.output_folder for job in jobs}) == 3


def test_jobs_override_the_queues_options_and_wrong_ones_are_refused(bench):
    """Overrides are kept sparsely; a wrong one adds nothing."""
    (bench.models / "a.stl").write_bytes(b"x")
    with pytest.raises(OptionError, match="widht"):
        bench.queue.add(bench.models, render_options={"widht": 3})
    assert len(bench.queue) == 0
    (job,) = bench.queue.add(bench.models, render_options={"width": 320}).jobs
    bench.queue.use_template(BUILT_IN_TEMPLATES["complete_processing"])
    render, _, _ = bench.queue._desk.assignments.options_of(job)
    assert (job.render_options, render.width, render.generate_video) == ({"width": 320}, 320, True)


def test_wrong_settings_change_nothing(bench):
    """All groups are checked before any is taken over."""
    before = bench.queue.state()
    with pytest.raises(OptionError):
        bench.queue.configure(render={"width": 320}, settings={"max_concurrent_jobs": 0})
    assert bench.queue.render_options == before.global_render_options


def test_jobs_without_a_place_for_outputs_are_refused(bench):
    """The message says what is missing."""
    (bench.models / "a.stl").write_bytes(b"x")
    bench.queue.configure(settings={"output_base_folder": ""})
    with pytest.raises(OptionError, match="output"):
        bench.queue.add(bench.models)


def test_the_order_can_be_changed(bench):
    """Moving one, or putting several first."""
    a, b, c = bench.add("a.stl", "b.stl", "c.stl")
    bench.queue.move(c, 0)
    assert names(bench.queue) == ["c.stl", "a.stl", "b.stl"]
    bench.queue.reorder([b, a])
    assert names(bench.queue) == ["b.stl", "a.stl", "c.stl"]
    with pytest.raises(JobError, match="no job"):
        bench.queue.reorder(["job_unknown"])


def test_a_retry_is_a_new_job_in_the_old_ones_place(bench):
    """The history keeps both; ids never come twice."""
    failed, other = bench.add("fail.stl", "ok.stl")
    with pytest.raises(JobError, match="only an ended job"):
        bench.queue.retry(failed)
    bench.queue.start()
    bench.queue.wait(30)
    new = bench.queue.retry(failed)
    assert (new.retry_of, new.state, new.output_name) == (failed.id, JobState.PENDING, failed.output_name)
    assert [job.id for job in bench.queue.jobs] == [new.id, other.id]
    bench.queue.wait(30)
    assert len(bench.history.records()) == 3


def test_removing_and_clearing(bench):
    """A waiting job leaves without a trace, ended ones stay in the history."""
    waiting, done = bench.add("a.stl", "ok.stl")
    bench.queue.remove(waiting)
    bench.queue.start()
    bench.queue.wait(30)
    assert bench.queue.clear() == 1
    assert len(bench.queue) == 0
    assert [record.id for record in bench.history.records()] == [done.id]


def test_two_may_clear_at_once(bench, monkeypatch):
    """Each ended job is taken out by one of them, and neither stumbles over what the other has taken."""
    for job in bench.add("a.stl", "b.stl", "c.stl"):
        bench.queue.cancel(job)
    remove, counts = bench.queue.remove, []
    other = threading.Thread(target=lambda: counts.append(bench.queue.clear()))

    def remove_slowly(job):
        if other.ident is None:
            other.start()
            other.join(0.2)  # in vain where the other has to wait for its turn
        remove(job)

    monkeypatch.setattr(bench.queue, "remove", remove_slowly)
    counts.append(bench.queue.clear())
    other.join()
    assert sorted(counts) == [0, 3]
    assert len(bench.queue) == 0


def test_thousands_of_jobs_are_added_at_once(bench):
    """Names are claimed and the state is saved without anything quadratic; all of them are on disk."""
    for number in range(2_000):
        (bench.models / f"m{number}.stl").touch()
    added = bench.queue.add(bench.models)
    bench.queue.flush()
    assert len(added.jobs) == 2_000
    assert len(bench.states.load_queue_state().state.jobs) == 2_000


def test_a_closed_queue_refuses_every_command(bench):
    """Nothing is written to a home that may belong to another process by now."""
    (job,) = bench.add("ok.stl")
    bench.queue.close()
    commands = (
        bench.queue.start, bench.queue.pause, bench.queue.resume, lambda: bench.queue.add(bench.models),
        lambda: bench.queue.remove(job), lambda: bench.queue.cancel(job), lambda: bench.queue.configure(render={}),
    )  # fmt: skip
    for command in commands:
        with pytest.raises(JobError, match="closed"):
            command()
    assert [job.state for job in bench.queue.jobs] == ["pending"]


def test_a_waiting_job_takes_options_of_its_own(bench):
    """What is given replaces what the job had of that group; the other groups stay, and a new layout a new place."""
    bench.add("a.stl")
    (job,) = bench.queue.jobs
    bench.queue.set_options(job, render_options={"width": 640}, validation_options={"level": "strict"})
    changed = bench.queue.set_options(
        job, render_options={"material": "wood"}, output_settings={"organization": "flat"}
    )
    assert changed == bench.queue.job(job)
    assert changed.render_options == {"material": "wood"}
    assert changed.validation_options == {"level": "strict"}
    assert changed.output_folder == changed.output_base_folder == job.output_base_folder
    assert bench.queue.set_options(job, output_settings={}).output_folder == job.output_folder


def test_options_that_do_not_fit_a_job_change_nothing(bench):
    """A wrong value is refused, and so is a job that has ended."""
    (job,) = bench.add("a.stl")
    with pytest.raises(OptionError, match="width"):
        bench.queue.set_options(job, render_options={"width": 3})
    assert bench.queue.job(job) == job
    bench.queue.cancel(job)
    with pytest.raises(JobError, match="is cancelled; its options cannot be changed"):
        bench.queue.set_options(job, render_options={})


def test_a_job_that_is_taken_up_is_as_if_it_were_added_now(bench, tmp_path):
    """Output, options and force are replaced, its place stays, and a paused one goes on."""
    first, job, last = bench.add("a.stl", "b.stl", "c.stl")
    bench.queue.set_options(job, render_options={"width": 640}, output_settings={"organization": "flat"})
    bench.queue.pause(job)
    (taken,) = bench.queue.take_up([job], output=tmp_path / "other", render_options={"material": "wood"}, force=True)
    assert bench.queue.jobs == (first, taken, last)
    assert (taken.id, taken.state, taken.force) == (job.id, JobState.PENDING, True)
    assert (taken.render_options, taken.output_settings) == ({"material": "wood"}, {})
    assert taken.output_folder == tmp_path / "other" / "b"


def test_what_a_job_made_is_kept_when_it_is_taken_up_unless_it_is_forced(bench):
    """Where force is new to it, nothing that was made without goes into it."""
    (job,) = bench.add("a.stl")
    made = bench.cache.create_job_cache_dir(job.id) / "made"
    made.touch()
    bench.queue.take_up([job])
    assert made.exists()
    bench.queue.take_up([job], force=True)
    assert not made.exists()


def test_what_cannot_be_taken_up_changes_nothing(bench, tmp_path):
    """A job that has ended is refused, and so is a wrong option; the others stay too."""
    job, ended = bench.add("a.stl", "b.stl")
    bench.queue.cancel(ended)
    with pytest.raises(JobError, match="is cancelled; it cannot be taken up"):
        bench.queue.take_up([job, ended], output=tmp_path / "other")
    with pytest.raises(OptionError, match="width"):
        bench.queue.take_up([job], output=tmp_path / "other", render_options={"width": 3})
    assert bench.queue.job(job) == job


def test_a_setting_for_now_is_gone_in_the_next_session(bench):
    """It holds at once and is not written down, unless it is set for good later."""
    before = bench.queue.settings
    bench.queue.configure_for_now({"max_concurrent_jobs": 7})
    bench.queue.configure_for_now({"max_concurrent_jobs": 8, "job_timeout_s": 5.0})
    assert (bench.queue.settings.max_concurrent_jobs, bench.queue.settings.job_timeout_s) == (8, 5.0)
    bench.queue.flush()
    assert bench.states.load_queue_state().state.queue_settings == before
    with pytest.raises(OptionError, match="max_concurrent_jobs"):
        bench.queue.configure(settings={"max_concurrent_jobs": 0})
    bench.queue.configure(settings={"job_timeout_s": 6.0})
    bench.queue.flush()
    assert bench.states.load_queue_state().state.queue_settings == replace(before, job_timeout_s=6.0)


@pytest.mark.parametrize(
    ("group", "value"),
    [("output", "listings"), ("render", ValidationOptions()), ("settings", 3), ("validation", OutputSettings())],
)
def test_settings_of_another_kind_are_refused(bench, group, value):
    """They would be written, and no session could read them."""
    before = bench.queue.state()
    with pytest.raises(OptionError, match=rf"^{group} takes \w+, or a mapping"):
        bench.queue.configure(**{group: value})
    assert replace(bench.queue.state(), last_updated=before.last_updated) == before


def test_a_job_whose_end_is_being_recorded_cannot_be_changed(bench, tmp_path, monkeypatch):
    """A change would be lost, so it is refused, and the message says why."""
    (job,) = bench.add("a.stl")
    record, reached, go_on = bench.history.record_job_completions, threading.Event(), threading.Event()

    def record_slowly(*arguments, **options):
        reached.set()
        assert go_on.wait(30)
        return record(*arguments, **options)

    monkeypatch.setattr(bench.history, "record_job_completions", record_slowly)
    ending = threading.Thread(target=bench.queue.cancel, args=[job])
    ending.start()
    try:
        assert reached.wait(30)
        for change in (
            lambda: bench.queue.set_options(job, render_options={"width": 640}),
            lambda: bench.queue.set_output(job, tmp_path / "elsewhere"),
            lambda: bench.queue.take_up([job]),
        ):
            with pytest.raises(JobError, match="is ending"):
                change()
    finally:
        go_on.set()
        ending.join()
    assert bench.queue.job(job.id).state is JobState.CANCELLED


def test_a_job_that_has_ended_does_not_begin_again(bench):
    """No way of changing a job goes past the table of legal moves."""
    (job,) = bench.add("a.stl")
    bench.queue.cancel(job)
    with pytest.raises(JobError, match="is cancelled and cannot become pending"):
        bench.queue._book.replace(job.id, job)
