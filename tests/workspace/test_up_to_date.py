"""Work that is never done twice, with the real engine from end to end."""

import pytest

from stlkit.files import sha256_of
from stlkit.model.jobs import JobState
from stlkit.model.options import Quality
from stlkit.outputs.summary import read_summary
from stlkit.workspace import Workspace

SMALL = {"width": 96, "height": 64, "quality": Quality.DRAFT}


@pytest.fixture
def models(tmp_path, box_stl):
    folder = tmp_path / "models"
    folder.mkdir()
    for number in range(3):
        (folder / f"box{number}.stl").write_bytes(box_stl(height_mm=10 + number))
    return folder


@pytest.fixture
def run(tmp_path):
    """Work a source off in a session of its own, and return the ended jobs."""

    def work(source, **options):
        with Workspace(tmp_path / "home", output=tmp_path / "out") as workspace:
            workspace.queue.configure(render=SMALL)
            workspace.queue.clear()
            added = workspace.queue.add(source, **options)
            workspace.queue.start()
            assert workspace.queue.wait(120)
            return [workspace.queue.job(job) for job in added.jobs]

    return work


def contents(folder):
    return {path: (path.stat().st_mtime_ns, sha256_of(path)) for path in folder.rglob("*.[pj]*") if path.is_file()}


def made(jobs):
    return [job.stl_path.name for job in jobs if not job.results.is_up_to_date]


def test_an_unchanged_folder_is_up_to_date_at_once(run, models, tmp_path):
    """No worker has anything to do, no output changes, and history and log say what was saved."""
    first = run(models)
    before = contents(tmp_path / "out" / "box0")
    second = run(models)
    assert made(first) == ["box0.stl", "box1.stl", "box2.stl"]
    assert (made(second), {job.state for job in second}) == ([], {JobState.COMPLETED})
    assert contents(tmp_path / "out" / "box0") == before
    assert [job.results.files_generated for job in second] == [job.results.files_generated for job in first]
    assert all(job.attempts == 0 and job.results.saved_s > 0 for job in second)
    with Workspace(tmp_path / "home", observe=True) as workspace:
        table = workspace.history.to_dataframe()
    assert len(table) == 6
    assert "up to date, " in (tmp_path / "out" / "processing_log.txt").read_text()


def test_only_what_changed_is_done(run, models, tmp_path, box_stl):
    """A changed file, a deleted output and an edited one each cost their own job alone."""
    run(models)
    (models / "box0.stl").write_bytes(box_stl(height_mm=99))
    (tmp_path / "out/box1/renders/box1_render.png").unlink()
    assert made(run(models)) == ["box0.stl", "box1.stl"]
    (tmp_path / "out/box2/analysis/box2_analysis.json").write_text("{}")
    jobs = run(models)
    assert made(jobs) == ["box2.stl"]
    assert (tmp_path / "out/box2/analysis/box2_analysis.edited-1.json").read_text() == "{}"
    assert any("changed by hand" in warning for job in jobs for warning in job.results.warnings)
    again = run(models)
    assert made(again) == []
    assert not any(job.results.warnings for job in again), "what happened to one run is not said of the next"


def test_a_renamed_folder_of_models_keeps_its_outputs(run, models, tmp_path):
    """Nothing is drawn again under another name, and the summary has each model once."""
    run(models)
    before = contents(tmp_path / "out" / "box0" / "renders")
    jobs = run(models.rename(models.with_name("renamed")))
    assert [job.output_name for job in jobs] == ["box0", "box1", "box2"]
    assert all(job.results.reused_files and not job.results.warnings for job in jobs)
    assert contents(tmp_path / "out" / "box0" / "renders") == before
    assert len(read_summary(tmp_path / "out").models) == 3
    link = tmp_path / "out" / "box0" / "source" / "box0.stl"
    assert link.readlink() == tmp_path / "renamed" / "box0.stl"


def test_force_does_everything_again(run, models):
    """Whatever exists is ignored, and replaced without being taken for somebody else's."""
    run(models)
    jobs = run(models, force=True)
    assert len(made(jobs)) == 3
    assert not any(job.results.reused_files or job.results.warnings for job in jobs)


def test_another_option_is_another_job(run, models):
    """Up to date means with these options; a job done before with the old ones is so again."""
    run(models)
    other = {"material": "metal"}
    assert len(made(run(models, render_options=other))) == 3
    assert len(made(run(models))) == 3  # the names are the same, so the other pictures were replaced
    assert made(run(models)) == []


def test_the_same_model_in_two_folders_is_drawn_once(run, models, tmp_path):
    """The second waits for the first and takes its pictures."""
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "other.stl").write_bytes((models / "box0.stl").read_bytes())
    jobs = run([models / "box0.stl", copies / "other.stl"])
    assert [job.results.reused_files for job in jobs] == [0, 4]
    pictures = [job.output_folder / "renders" / f"{job.output_name}_render.png" for job in jobs]
    assert sha256_of(pictures[0]) == sha256_of(pictures[1])
