"""Background pictures: found where they are entered, and a job whose picture is gone is not tried four times."""

import pytest
from PIL import Image

from stlkit import JobState, Workspace
from stlkit.errors import OptionError
from stlkit.model.templates import QueueTemplate, RenderOptions

SMALL = {"width": 64, "height": 48, "quality": "draft"}


@pytest.fixture
def workspace(tmp_path, box_stl, monkeypatch):
    (tmp_path / "box.stl").write_bytes(box_stl())
    (tmp_path / "other.stl").write_bytes(box_stl(11))
    Image.new("RGB", (8, 6), "#7aa").save(tmp_path / "desk.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Workspace(tmp_path / "home", output=tmp_path / "out") as ws:
        ws.queue.configure(render=SMALL)
        yield ws


@pytest.mark.parametrize("typed", ["desk.png", "./desk.png", "~/desk.png"])
def test_a_path_is_kept_as_every_worker_understands_it(workspace, tmp_path, typed):
    """Whichever way it is given."""
    queue, absolute = workspace.queue, str(tmp_path / "desk.png")
    given = {"background_image": typed}
    (job,) = queue.add("box.stl", render_options=given).jobs
    assert job.render_options == {"background_image": absolute}
    assert queue.set_options(job, render_options={**given, "width": 80}).render_options["background_image"] == absolute
    assert queue.take_up([job], render_options=given)[0].render_options == {"background_image": absolute}
    queue.configure(render=given)
    assert queue.render_options.background_image == absolute
    queue.configure(render=RenderOptions(background_image=typed))
    assert queue.render_options.background_image == absolute
    queue.configure(render={"background_image": None})
    queue.use_template(QueueTemplate(name="Desk", render_options=RenderOptions(background_image=typed)))
    assert queue.render_options.background_image == absolute


@pytest.mark.parametrize(
    ("typed", "problem"),
    [("gone.png", "does not exist"), ("box.stl", "is not a picture"), ("", "name a picture, or none")],
)
def test_what_cannot_be_drawn_is_refused_at_once(workspace, typed, problem):
    """Nothing has changed, and nothing was added."""
    queue, before = workspace.queue, workspace.queue.state().global_render_options
    given = {"background_image": typed}
    (job,) = queue.add("box.stl").jobs
    for refused in (
        lambda: queue.configure(render=given, settings={"max_concurrent_jobs": 7}),
        lambda: queue.configure(render=RenderOptions(background_image=typed)),
        lambda: queue.add("box.stl", render_options=given),
        lambda: queue.set_options(job, render_options=given),
    ):
        with pytest.raises(OptionError, match=f"background_image: .*{problem}") as caught:
            refused()
        assert caught.value.field == "background_image"
    assert (queue.state().global_render_options, queue.settings.max_concurrent_jobs) == (before, 2)
    assert queue.jobs == (job,)


def test_a_picture_that_was_found_is_not_looked_for_again(workspace, tmp_path):
    """A person may change other options while it is away; and its job says so, once."""
    queue = workspace.queue
    queue.configure(render={"background_image": "desk.png"})
    (job,) = queue.add("box.stl").jobs
    (tmp_path / "desk.png").rename(tmp_path / "kept.png")
    queue.configure(render={"width": 80})
    own = {"background_image": str(tmp_path / "own.png")}
    (tmp_path / "own.png").write_bytes((tmp_path / "kept.png").read_bytes())
    (other,) = queue.add("other.stl", render_options=own).jobs
    (tmp_path / "own.png").unlink()
    assert queue.set_options(other, render_options={**own, "material": "wood"}).render_options["material"] == "wood"
    queue.remove(other)
    queue.start()
    assert queue.wait(60)
    job = queue.job(job)
    assert (job.state, job.attempts) == (JobState.FAILED, 1)
    assert "desk.png" in job.error_message
