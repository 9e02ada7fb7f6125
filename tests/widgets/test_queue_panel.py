"""The panel as a whole: what a page says reaches the queue, and what the queue does reaches the page."""

import json
import threading
from pathlib import Path

import pytest
from ipywidgets import Widget
from PIL import Image

from stlkit.engine.supervisor import Supervisor
from stlkit.model.jobs import JobState
from stlkit.model.templates import BUILT_IN_TEMPLATES
from stlkit.workspace import Workspace
from stlkit_widgets import QueuePanel
from stlkit_widgets.cells import replace_earlier


def open_widgets():
    """Ids of all widgets that ipywidgets keeps."""
    return set(Widget.get_manager_state()["state"])


def panel_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("stlkit-")]


def states(page):
    return [row["state"] for row in page.table.rows.values()]


def test_files_are_added_run_and_reported_through_the_panel(page, models, workspace):
    """Output folder, files, Start: both endings show, with their reasons, and the outputs are where they belong."""
    page.add.says("output", folder=str(models.parent / "elsewhere"))
    page.add.says("add", paths=[str(models)])
    page.until_said("2 jobs added")
    page.table.until(lambda: [row["file"] for row in page.table.rows.values()] == ["cube.stl", "page.stl"])
    page.run.says("start")
    page.until_status(total=2, ended=2, done=1.0, counts={"completed": 1, "failed": 1})
    page.table.until(lambda: states(page) == ["completed", "failed"])
    assert "web page" in list(page.table.rows.values())[1]["note"]
    assert (models.parent / "elsewhere" / "cube").is_dir()
    assert workspace.config.recent_folders == (models,)
    assert page.add.asks("recent", wanted="models")[0]["entries"] == [{"text": f"{models}/", "title": f"{models}/"}]
    assert page.add.asks("recent", wanted="folders")[0]["entries"] == []


def test_what_cannot_be_added_is_said_and_not_raised(page):
    """No file of that name: the notice names it."""
    page.add.says("add", paths=["/nowhere/<b>.stl"])
    page.until_said("/nowhere/<b>.stl")
    assert page.panel.notices.shown[0]["severity"] == "error"
    page.notices.says("choose", id="said", choice="dismiss")
    page.notices.until(lambda: page.panel.notices.texts == ())


def test_the_output_folder_is_asked_for(tmp_path, showing, models):
    """Nothing is added before somebody has said where results go, and the page points at the box."""
    with Workspace(tmp_path / "home") as workspace:
        page = showing(QueuePanel(workspace))
        page.add.says("add", paths=[str(models)])
        page.until_said("Name the folder for the results first")
        assert ({"kind": "output_missing"}, []) in page.add.told
        assert workspace.queue.jobs == ()


def test_jobs_are_paused_resumed_cancelled_retried_and_removed(page, models, workspace):
    """Each action of the table, on one job and on several, shows in the rows."""
    first, second = workspace.queue.add(models).jobs
    both = [first.id, second.id]
    page.table.says("act", action="pause", ids=both)
    page.table.until(lambda: states(page) == ["paused", "paused"])
    page.table.says("act", action="resume", ids=both[:1])
    page.table.until(lambda: states(page) == ["pending", "paused"])
    page.table.says("act", action="cancel", ids=both)
    page.table.until(lambda: states(page) == ["cancelled", "cancelled"])
    assert page.panel.notices.texts == ()
    page.table.says("act", action="retry", ids=both)
    page.table.until(lambda: states(page) == ["pending", "pending"])
    page.table.says("act", action="remove", ids=list(page.table.rows))
    page.table.until(lambda: page.table.rows == {})


def test_one_refusal_among_many_is_said_and_spares_no_other(page, models, workspace):
    """A job that has ended cannot be cancelled again; the other one is."""
    first, second = workspace.queue.add(models).jobs
    workspace.queue.cancel(first)
    page.table.says("act", action="cancel", ids=[first.id, second.id])
    page.until_said(f"job {first.id} has ended")
    assert workspace.queue.job(second).state is JobState.CANCELLED
    page.table.says("act", action="cancel", ids=[first.id, second.id])
    page.until_said("cancel: 2 of 2 jobs refused; the first:")


@pytest.mark.parametrize(("moved", "before", "order"), [("c", "a", "cab"), ("a", None, "bca"), ("ac", "b", "acb")])
def test_jobs_are_placed_before_another(page, workspace, tmp_path, moved, before, order):
    """Dragging sends the moved jobs and the one they are dropped before; none means the end."""
    for name in "abc":
        (tmp_path / f"{name}.stl").write_bytes(b"x")
    jobs = {job.stl_path.stem: job.id for job in workspace.queue.add(tmp_path).jobs}
    page.table.says("act", action="place", ids=[jobs[name] for name in moved], before=jobs.get(before))
    expected = [jobs[name] for name in order]
    page.table.until(lambda: list(page.table.rows) == expected)
    assert [job.id for job in workspace.queue.jobs] == expected


def test_the_bar_follows_the_queue(page, models, workspace):
    """Running, paused and stopped show, whoever gave the command; Resume takes up paused jobs too."""
    workspace.queue.add(models / "cube.stl")
    workspace.queue.pause()
    page.until_status(paused=True, running=False, held=False)
    page.run.says("resume")
    page.until_status(running=True, ended=1, counts={"completed": 1})
    page.run.says("pause")
    page.until_status(paused=True)
    page.run.says("stop")
    page.until_said("Stopped")
    page.until_status(paused=True, running=False, stopping=False)
    page.run.says("clear")
    page.until_said("1 job taken out; the history keeps them")
    page.until_status(total=0)


def test_the_bar_says_how_long_the_queue_will_take(page, models, workspace):
    """From the queue's own forecast while it runs; nothing is said of one that stands or is through."""
    said = []  # a quick machine is through before anybody could look
    page.panel.run_bar.observe(lambda change: said.append(change["new"]), "left")
    workspace.queue.add(models)
    assert page.panel.run_bar.left == ""
    page.run.says("start")
    page.until_status(ended=2)
    page.run.until(lambda: page.panel.run_bar.left == "")
    assert any(text.startswith("about ") for text in said)


def test_the_number_of_jobs_at_once_is_set(page, workspace):
    """The slider changes the queue's own setting."""
    page.run.says("concurrency", jobs=5)
    page.until_status(concurrency=5)
    assert workspace.queue.settings.max_concurrent_jobs == 5


def test_no_click_waits(page, workspace):
    """A click returns while the queue is busy elsewhere; what it asks for is done on another thread."""
    with workspace.queue._changed:  # as long as this is held, no command ends
        page.run.says("start")
    page.until_status(running=True)


def test_stop_puts_running_jobs_back_and_ends_the_workers(page, models, workspace):
    """The job is pending again, no thread of the run is left, and Start takes it up anew."""
    workspace.queue.add(models / "cube.stl")
    page.run.says("start")
    page.until_status(counts={"validating": 1})
    page.run.says("stop")
    page.until_status(running=False, stopping=False, counts={"pending": 1})
    assert not [thread for thread in threading.enumerate() if isinstance(thread, Supervisor)]
    page.run.says("start")
    page.until_status(counts={"completed": 1})


def test_a_background_picture_is_looked_at_before_the_run_and_remembered(page, workspace, tmp_path, monkeypatch):
    """One that could not be drawn is explained in place; one that can is offered again, as long as it can be used."""
    page.table.says("hello")
    (tmp_path / "notes.png").write_text("no picture")
    question = {"group": "render", "name": "background_image"}
    answer, _ = page.options.asks("change", value=str(tmp_path / "notes.png"), **question)
    assert "is not a picture that can be read" in answer["error"]
    assert workspace.queue.render_options.background_image is None
    picture = tmp_path / "wood.png"
    Image.new("RGB", (8, 8)).save(picture)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "error" not in page.options.asks("change", value="~/wood.png", **question)[0]
    assert workspace.queue.render_options.background_image == str(picture)
    assert "does not exist" in page.options.asks("change", value="~nobody-of-that-name/x.png", **question)[0]["error"]
    assert "error" not in page.options.asks("change", value="", **question)[0]
    assert workspace.config.last_background_image == picture
    assert [entry["text"] for entry in page.options.asks("recent", wanted="pictures")[0]["entries"]] == [str(picture)]
    picture.unlink()
    assert page.options.asks("recent", wanted="pictures")[0]["entries"] == []


def test_the_template_box_shows_and_sets_the_options_of_the_queue(page, workspace):
    """It names the template that has the queue's options, and says so where none has; the choice is remembered."""
    assert page.panel.add_files.template == "Batch Analysis"
    page.add.says("template", title="Quick Preview")
    page.add.until(lambda: page.panel.add_files.template == "Quick Preview")
    assert workspace.queue.render_options.width == 960
    assert workspace.config.render_options["width"] == 960
    workspace.queue.configure(render={"width": 1000})
    page.add.until(lambda: page.panel.add_files.template == "")


def test_a_damaged_template_is_named(tmp_path):
    """The panel offers all the others and says which file to mend."""
    with Workspace(tmp_path / "home") as workspace:
        (workspace.home.templates / "mine.json").write_text("{")
        panel = QueuePanel(workspace)
        assert any("mine.json" in text for text in panel.notices.texts)
        titles = [template["title"] for template in panel.add_files.templates]
        assert titles == sorted(template.name for template in BUILT_IN_TEMPLATES.values())


@pytest.fixture
def interrupted(tmp_path, models):
    """A workspace whose last session left two jobs."""
    with Workspace(tmp_path / "home", output=tmp_path / "out") as before:
        before.queue.use_template(before.templates.load_template("batch_analysis"))
        before.queue.add(models)
    with Workspace(tmp_path / "home") as workspace:
        yield workspace


def test_jobs_of_an_interrupted_session_are_offered_and_resumed(interrupted, showing):
    """The banner counts them, and goes for good once Resume has taken them up."""
    page = showing(QueuePanel(interrupted))
    assert page.panel.notices.texts == ("2 jobs were interrupted when the last session ended.",)
    assert [choice["name"] for choice in page.panel.notices.shown[0]["choices"]] == ["resume", "review", "discard"]
    page.notices.says("choose", id="recovery", choice="resume")
    page.until_status(ended=2)
    page.notices.until(lambda: page.panel.notices.texts == ())


def test_interrupted_jobs_are_reviewed_and_discarded(interrupted, showing):
    """Review shows them in the table; Discard takes them out."""
    page = showing(QueuePanel(interrupted))
    page.notices.says("choose", id="recovery", choice="review")
    assert ({"kind": "reveal", "ids": [job.id for job in interrupted.queue.jobs]}, []) in page.table.told
    page.notices.says("choose", id="recovery", choice="discard")
    page.until_status(total=0)
    page.notices.until(lambda: page.panel.notices.texts == ())


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that even root may not write to")
def test_a_job_that_asks_for_another_folder_gets_one(page, models, tmp_path):
    """The question stands above the table with a box for the answer, and the job goes on there."""
    blocked = Path("/sys/kernel/stlkit")
    page.add.says("output", folder=str(blocked))
    page.add.says("add", paths=[str(models / "cube.stl")])
    page.table.until(lambda: len(page.table.rows) == 1)
    page.run.says("start")
    page.until_said("1 job waiting for an answer:")
    (notice,) = (each for each in page.panel.notices.shown if each["id"].startswith("question"))
    assert notice["folder"] == str(blocked)
    page.notices.says("choose", id=notice["id"], choice="elsewhere", folder=str(tmp_path / "open"))
    page.until_status(counts={"completed": 1})
    assert (tmp_path / "open" / "cube").is_dir()
    page.add.until(lambda: page.panel.add_files.output == str(tmp_path / "open"))


def test_an_observer_sees_everything_and_can_press_nothing(workspace, models, tmp_path, showing):
    """The panel of a workspace that only looks says so, and follows what the owner does."""
    with Workspace(tmp_path / "home", observe=True) as second:
        page = showing(QueuePanel(second))
        parts = (page.panel.add_files, page.panel.run_bar, page.panel.table, page.panel.options)
        assert all(part.read_only for part in parts)
        (text,) = page.panel.notices.texts
        assert text == "This workspace only looks. Open it again, without observe=True, to use the queue from here."
        workspace.queue.add(models)
        page.table.until(lambda: [row["file"] for row in page.table.rows.values()] == ["cube.stl", "page.stl"])
        page.run.says("start")
        assert not workspace.queue.is_running


def test_the_panel_of_a_closed_workspace_says_so_and_can_press_nothing(page, models, workspace):
    """It would look alive else, and answer every button with an error."""
    workspace.queue.add(models)
    page.table.until(lambda: len(page.table.rows) == 2)
    workspace.close()
    page.until_said("This workspace is closed.")
    parts = (page.panel.add_files, page.panel.run_bar, page.panel.table, page.panel.options)
    assert all(part.read_only for part in parts)
    assert len(page.table.rows) == 2


def test_a_selection_shows_the_job_its_options_and_its_names(page, models, workspace):
    """Detail, forms and tree follow the table."""
    cube, _ = workspace.queue.add(models, render_options={"generate_image": True}).jobs
    page.table.says("select", ids=[cube.id])
    page.detail.until(lambda: page.panel.detail.detail.get("name") == "cube.stl")
    page.options.until(lambda: page.panel.options.scope["count"] == 1)
    page.names.until(lambda: page.panel.names.told == "1 selected job.")
    assert "cube_render.png" in [line["name"] for line in page.panel.names.lines]
    workspace.queue.cancel(cube)
    page.names.until(lambda: page.panel.names.told == "1 job that has not ended.")


def test_selected_jobs_get_options_of_their_own(page, models, workspace):
    """A change in the forms of the selection goes to these jobs alone; the queue's own value is none of their own."""
    cube, other = workspace.queue.add(models).jobs
    page.table.says("select", ids=[cube.id])
    page.options.until(lambda: page.panel.options.scope["count"] == 1)
    page.options.says("scope", jobs=True)
    page.options.until(lambda: page.panel.options.scope["jobs"])
    assert "settings" not in page.panel.options.values
    answer, _ = page.options.asks("change", group="render", name="width", value="640")
    assert "error" not in answer
    page.options.until(lambda: page.panel.options.own == {"render": ["width"], "validation": [], "output": []})
    assert workspace.queue.job(cube).render_options == {"width": 640}
    assert workspace.queue.job(other).render_options == {}
    width = workspace.queue.render_options.width
    page.options.asks("change", group="render", name="width", value=str(width))
    assert workspace.queue.job(cube).render_options == {}


def test_a_value_that_does_not_fit_is_explained_and_changes_nothing(page, workspace):
    """The answer to the field says what would be right."""
    before = workspace.queue.state().global_render_options
    answer, _ = page.options.asks("change", group="render", name="width", value="3")
    assert "16" in answer["error"]
    answer, _ = page.options.asks("change", group="render", name="color", value="glittery")
    assert "is not a colour" in answer["error"]
    assert workspace.queue.render_options == before


def test_options_are_changed_remembered_and_kept_as_a_template(page, workspace):
    """What a form sets is the queue's, begins the next home, and can be saved under a name."""
    page.options.asks("change", group="render", name="material", value="wood")
    page.options.asks("change", group="validation", name="auto_repair", value=False)
    page.options.asks("change", group="output", name="custom_prefix", value="shop ")
    assert workspace.queue.render_options.material == "wood"
    assert workspace.config.validation_options["auto_repair"] is False
    assert workspace.config.output_settings == {"custom_prefix": "shop "}
    answer, _ = page.options.asks("template", name="Mine")
    assert answer["said"] == "Saved as 'Mine'"
    page.add.until(lambda: page.panel.add_files.template == "Mine")
    answer, _ = page.options.asks("template", name="  ")
    assert "error" in answer


def test_the_layout_is_remembered(page, workspace):
    """Height, columns and sort order of the table, and the open tab, come back with the next panel."""
    layout = {"height": 500, "sort": {"key": "size", "down": True}, "hidden": ["faces"]}
    page.table.says("layout", layout=layout)
    page.panel._tabs.selected_index = 1
    page.options.asks("complete", text="/")  # after which everything before it was done
    assert workspace.config.panel == {"table": layout, "open_tab": 1}
    again = QueuePanel(workspace)
    assert again.table.view_layout == layout
    assert again._tabs.selected_index == 1


def test_a_later_view_gets_everything(page, models, workspace):
    """Whoever says hello is told all jobs, whatever was said before."""
    workspace.queue.add(models)
    page.table.until(lambda: len(page.table.rows) == 2)
    page.table.told.clear()
    page.table.says("hello")
    ((_, buffers),) = (told for told in page.table.told if told[0]["kind"] == "rows")
    news = json.loads(buffers[0])
    assert news["whole"] is True
    assert news["order"] == [job.id for job in workspace.queue.jobs]


def test_two_panels_show_one_queue_on_one_thread(workspace, models, page, showing):
    """A command in one of them shows in the other, and both are told by the same thread."""
    other = showing(QueuePanel(workspace))
    other.add.says("add", paths=[str(models)])
    page.table.until(lambda: len(page.table.rows) == 2)
    assert [thread.name for thread in panel_threads()].count("stlkit-feed") == 1


def test_nothing_is_left_of_a_closed_panel(workspace, models):
    """No thread, no subscription, no widget; the queue works on, and closing twice is harmless."""
    widgets, observers, threads = open_widgets(), workspace.queue._events._observers, set(threading.enumerate())
    panel = QueuePanel(workspace)
    assert set(threading.enumerate()) > threads
    panel.close()
    panel.close()
    for thread in set(threading.enumerate()) - threads:
        thread.join(30)
    assert set(threading.enumerate()) <= threads
    assert workspace.queue._events._observers == observers
    assert open_widgets() == widgets
    (job, _) = workspace.queue.add(models).jobs
    assert workspace.queue.job(job).state is JobState.PENDING


def test_a_cell_that_runs_a_hundred_times_leaves_one_panel(workspace, monkeypatch):
    """Threads, subscriptions and widgets are as many after the hundredth run as after the first."""

    def run(number):
        monkeypatch.setattr("stlkit_widgets.cells.running_cell", lambda: ("cell", f"run {number}"))
        return QueuePanel(workspace)

    run(0)
    widgets, observers = len(open_widgets()), len(workspace.queue._events._observers)
    for number in range(1, 101):
        last = run(number)
    assert len(open_widgets()) == widgets
    assert len(workspace.queue._events._observers) == observers
    last.close()
    for thread in panel_threads():
        if thread.name.startswith(("stlkit-reading", "stlkit-commands", "stlkit-feed")):
            thread.join(30)
    assert not [thread for thread in panel_threads() if thread.name.startswith(("stlkit-reading", "stlkit-feed"))]


def test_panels_of_one_run_and_of_other_cells_stay():
    """Only what the same cell made when it ran before is closed."""
    closed = []
    for name, cell in (("a", ("1", "x")), ("b", ("1", "x")), ("c", ("2", "y")), ("d", ("1", "z"))):
        replace_earlier(lambda name=name: closed.append(name), cell)
    assert closed == ["a", "b"]
    replace_earlier(lambda: closed.append("e"))  # no notebook: nothing is known of cells
    assert closed == ["a", "b"]


def test_it_has_a_text_form(panel, workspace, models):
    """Where no widget can be shown, the panel says whose it is, how the queue stands, and names the first jobs."""
    assert repr(panel) == f"<QueuePanel of {workspace!r}>"
    workspace.queue.add(models)
    text = panel._repr_mimebundle_()["text/plain"]
    assert text.splitlines() == [
        f"Queue in {workspace.home.root}: 0 of 2 jobs done · 2 pending",
        "  pending    cube.stl",
        "  pending    page.stl",
    ]


def test_the_preview_hook_gets_the_selected_job(workspace, models, showing):
    """Only with a hook there is a button for it."""
    jobs = []
    page = showing(QueuePanel(workspace, on_preview=jobs.append))
    assert page.panel.detail.can_preview
    cube, _ = workspace.queue.add(models).jobs
    page.table.says("select", ids=[cube.id])
    page.detail.until(lambda: page.panel.detail.detail.get("id") == cube.id)
    page.detail.says("preview")
    assert [job.id for job in jobs] == [cube.id]
