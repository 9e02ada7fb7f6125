import threading

import pytest
from ipywidgets import Widget

from stlkit.engine.supervisor import Supervisor
from stlkit.model.jobs import JobState
from stlkit.model.templates import BUILT_IN_TEMPLATES
from stlkit.workspace import Workspace
from stlkit_widgets import QueuePanel


def enabled(panel):
    buttons = (panel.add_button, panel.start_button, panel.pause_button, panel.resume_button, panel.stop_button)
    return {button.description for button in buttons if not button.disabled}


def open_widgets():
    """Ids of all widgets that ipywidgets keeps."""
    return set(Widget.get_manager_state()["state"])


def panel_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("stlkit-panel")]


def test_files_are_added_run_and_reported_through_the_panel(panel, until, models):
    """Path, output folder, Add, Start: both endings show, with their reasons, and the outputs are where they belong."""
    assert "No jobs yet" in panel.table.value
    panel.path_box.value, panel.output_box.value = str(models), str(models.parent / "elsewhere")
    panel.add_button.click()
    until(lambda: "2 jobs added" in panel.message.value and "cube.stl" in panel.table.value)
    panel.start_button.click()
    until(lambda: "1 completed · 1 failed" in panel.summary.value)
    assert "2 of 2 done" in panel.summary.value
    assert "web page" in panel.table.value
    assert panel.progress.value == panel.progress.max == 2.0
    assert (models.parent / "elsewhere" / "cube").is_dir()


def test_the_enter_key_adds(panel, until, models):
    """The message that a browser sends for it is the same command as the button."""
    panel.path_box.value = str(models / "cube.stl")
    panel.path_box._handle_msg(
        {"content": {"data": {"method": "custom", "content": {"event": "submit"}}}, "buffers": []}
    )
    until(lambda: "1 job added" in panel.message.value)


def test_what_cannot_be_added_is_said_and_not_raised(panel, until):
    """No file of that name: the message names it, escaped."""
    panel.path_box.value = "/nowhere/<b>.stl"
    panel.add_button.click()
    until(lambda: "/nowhere/&lt;b&gt;.stl" in panel.message.value)
    assert "mark bad" in panel.message.value


@pytest.mark.parametrize(("path", "output", "asked"), [("", "/o", "a file or a folder"), ("/m", "", "the folder")])
def test_an_empty_box_is_asked_for(panel, until, path, output, asked):
    """Nothing is added before both are named."""
    panel.path_box.value, panel.output_box.value = path, output
    panel.add_button.click()
    until(lambda: f"Name {asked}" in panel.message.value)


def test_hostile_file_names_stay_text(panel, until, tmp_path, workspace):
    """A file name with an element in it shows as itself in the table and in messages."""
    evil = tmp_path / "<img src=x onerror=alert(1)>.stl"
    evil.write_bytes(b"x")
    workspace.queue.add(evil)
    until(lambda: "&lt;img" in panel.table.value)
    panel.path_box.value = str(evil)
    panel.add_button.click()
    until(lambda: "already in the queue" in panel.message.value)
    assert "<img" not in panel.table.value + panel.message.value


def test_only_what_is_possible_can_be_pressed(panel, until, models, workspace):
    """The buttons follow the queue, whoever commands it."""
    assert enabled(panel) == {"Add", "Start"}
    (cube,) = workspace.queue.add(models / "cube.stl").jobs
    workspace.queue.pause(cube)
    until(lambda: "paused" in panel.table.value)
    assert enabled(panel) == {"Add", "Start", "Resume"}
    workspace.queue.pause()
    workspace.queue.resume(cube)
    until(lambda: "pending" in panel.table.value)
    assert enabled(panel) == {"Add", "Resume", "Stop"}
    panel.resume_button.click()
    until(lambda: "1 completed" in panel.summary.value)
    assert enabled(panel) == {"Add", "Pause", "Stop"}
    panel.pause_button.click()
    until(lambda: enabled(panel) == {"Add", "Resume", "Stop"})


def test_no_click_waits(panel, until, workspace):
    """A click returns while the queue is busy elsewhere; what it asks for is done on another thread."""
    with workspace.queue._changed:  # as long as this is held, no command ends
        panel.start_button.click()
        assert "stlkit-panel-command" in [thread.name for thread in panel_threads()]
    until(lambda: "Stop" in enabled(panel))


def test_stop_puts_running_jobs_back_and_ends_the_workers(panel, until, models, workspace):
    """The job is pending again, no thread of the run is left, and Start takes it up anew."""
    workspace.queue.add(models / "cube.stl")
    panel.start_button.click()
    until(lambda: "1 validating" in panel.summary.value)
    panel.stop_button.click()
    until(lambda: not workspace.queue.is_running and "Start" in enabled(panel))
    assert "1 pending" in panel.summary.value
    assert not [thread for thread in threading.enumerate() if isinstance(thread, Supervisor)]
    panel.start_button.click()
    until(lambda: "1 completed" in panel.summary.value)


def test_the_template_box_shows_and_sets_the_options_of_the_queue(panel, until, workspace):
    """It names the template that has the queue's options, and says so where none has."""
    until(lambda: panel.template_box.value == "Batch Analysis")
    panel.template_box.value = "Quick Preview"
    until(lambda: workspace.queue.render_options.width == 960)
    workspace.queue.configure(render={"width": 1000})
    until(lambda: panel.template_box.value == "(own options)")
    workspace.queue.use_template(workspace.templates.load_template("validation_only"))
    until(lambda: panel.template_box.value == "Validation Only")
    assert "(own options)" not in panel.template_box.options
    assert workspace.queue.render_options.generate_image is False


@pytest.mark.parametrize("title", ["Default Render", "Quick Preview", "Validation Only"])
def test_showing_a_template_is_not_choosing_one(tmp_path, watching, title):
    """Opening a panel, and changing the options beside it, never changes the queue's options."""
    with Workspace(tmp_path / "home") as workspace:
        changes = []
        workspace.queue.subscribe(changes.append)
        panel = QueuePanel(workspace)
        until = watching(panel)
        workspace.queue.use_template(workspace.templates.load_template(title))
        workspace.queue.configure(render={"width": 1000})
        until(lambda: panel.template_box.value == "(own options)")
        workspace.queue.use_template(workspace.templates.load_template(title))
        until(lambda: panel.template_box.value == title)
        for thread in panel_threads():
            if thread.name == "stlkit-panel-command":
                thread.join()
        workspace.queue.flush()
        assert len(changes) == 3
        assert panel.template_box.value == title


def test_a_damaged_template_is_named(tmp_path):
    """The panel offers all the others and says which file to mend."""
    with Workspace(tmp_path / "home") as workspace:
        (workspace.home.templates / "mine.json").write_text("{")
        panel = QueuePanel(workspace)
        assert "mine.json" in panel.message.value
        assert panel.template_box.options == tuple(sorted(t.name for t in BUILT_IN_TEMPLATES.values()))


def test_jobs_of_an_earlier_session_are_offered_and_resumed(tmp_path, models, watching):
    """The banner counts them, and goes for good once Resume has taken them up."""
    home = tmp_path / "home"
    with Workspace(home, output=tmp_path / "out") as before:
        before.queue.use_template(before.templates.load_template("batch_analysis"))
        before.queue.add(models)
    with Workspace(home) as workspace:
        panel = QueuePanel(workspace)
        assert "2 jobs of an earlier session wait; press Resume." in panel.message.value
        assert "Resume" in enabled(panel)
        panel.resume_button.click()
        watching(panel)(lambda: "2 of 2 done" in panel.summary.value)
        assert "earlier session" not in panel.message.value


def test_an_observer_sees_everything_and_can_press_nothing(workspace, models, tmp_path, watching):
    """The panel of a second workspace names the owner and follows what the owner does."""
    with Workspace(tmp_path / "home") as second:
        panel = QueuePanel(second)
        assert enabled(panel) == set()
        assert panel.path_box.disabled
        assert panel.template_box.disabled
        assert f"belongs to {workspace.owner}; here it can only be looked at" in panel.message.value
        workspace.queue.add(models)
        watching(panel)(lambda: "cube.stl" in panel.table.value)


def test_nothing_is_left_of_a_closed_panel(workspace, models):
    """No thread, no subscription, no widget; the queue works on, and closing twice is harmless."""
    widgets, observers = open_widgets(), workspace.queue._events._observers
    panel = QueuePanel(workspace)
    assert panel_threads()
    panel.close()
    panel.close()
    assert not panel_threads()
    assert workspace.queue._events._observers == observers
    assert open_widgets() == widgets
    (job, _) = workspace.queue.add(models).jobs
    assert workspace.queue.job(job).state is JobState.PENDING


def test_a_panel_shows_the_queue_as_it_is_when_it_opens(workspace, models):
    """Ended jobs count in its bar and stand in its table before anything happens."""
    workspace.queue.add(models)
    for job in workspace.queue.jobs:
        workspace.queue.cancel(job)
    panel = QueuePanel(workspace)
    assert (panel.progress.value, panel.progress.max) == (2.0, 2.0)
    assert panel.table.value.count("cancelled") == 2
    assert "2 of 2 done · 2 cancelled" in panel.summary.value


def test_two_panels_show_one_queue(workspace, models, until, panel):
    """A command in one of them shows in the other."""
    other = QueuePanel(workspace)
    other.path_box.value = str(models)
    other.add_button.click()
    until(lambda: "cube.stl" in panel.table.value)


def test_the_output_box_begins_with_the_queues_own_folder(panel, tmp_path):
    """Nothing has to be typed twice."""
    assert panel.output_box.value == str(tmp_path / "out")


def test_it_has_a_text_form(panel, workspace):
    """Where no widget can be shown, the panel says whose it is and how the queue stands."""
    assert repr(panel) == f"<QueuePanel of {workspace!r}>"
