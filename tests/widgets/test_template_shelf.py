"""What a queue works by: a template, or one with some options changed."""

from dataclasses import replace

import pytest

from stlkit_widgets.template_shelf import TemplateShelf


@pytest.fixture
def look(workspace):
    shelf = TemplateShelf(workspace.templates)
    return lambda: shelf.look(workspace.queue.state())


def test_the_template_whose_options_the_queue_has_is_named(workspace, look):
    """And no other word is needed."""
    workspace.queue.use_template(workspace.templates.load_template("quick_preview"))
    shelf = look()
    assert (shelf.current, shelf.own) == ("Quick Preview", "")


def test_changed_options_are_counted_from_the_template_they_began_with(workspace, look):
    """Were another one nearer by now, and not once they are back where they were."""
    workspace.queue.use_template(workspace.templates.load_template("quick_preview"))
    look()
    workspace.queue.configure(render={"width": 321})
    assert (look().current, look().own) == ("", "Quick Preview, 1 option changed")
    workspace.queue.configure(render={"height": 123}, validation={"level": "basic"})
    assert look().own.startswith("Quick Preview, ")
    workspace.queue.use_template(workspace.templates.load_template("batch_analysis"))
    assert (look().current, look().own) == ("Batch Analysis", "")


def test_a_session_that_begins_with_changed_options_names_the_nearest_template(workspace, look):
    """Nobody remembers which one it was."""
    workspace.queue.use_template(workspace.templates.load_template("complete_processing"))
    workspace.queue.configure(render={"width": 640, "height": 480})
    assert look().own == "Complete Processing, 2 options changed"


def test_a_template_that_is_gone_is_not_named(workspace, look):
    """The nearest of the others is; where there is none at all, the options are one's own."""
    workspace.templates.duplicate_template("Quick Preview", "Mine")
    workspace.queue.use_template(workspace.templates.load_template("Quick Preview"))
    workspace.queue.configure(render={"width": 777})
    workspace.templates.save_template(
        replace(workspace.templates.load_template("Mine"), render_options=workspace.queue.state().global_render_options)
    )
    assert look().current == "Mine"
    workspace.queue.configure(render={"height": 777})
    assert look().own == "Mine, 1 option changed"
    workspace.templates.delete_template("Mine")
    assert look().own == "Quick Preview, 2 options changed"
    for path in workspace.templates.folder.iterdir():
        path.unlink()
    assert look().own == "own options"
