"""Queues that something else wrote: the documented example, old and edited files, and those of a newer stlkit."""

import json
from datetime import datetime

import pytest

from stlkit import JobState, Workspace
from stlkit.errors import NewerVersionError, OptionError
from stlkit.model.jobs import QueueJob, QueueState
from stlkit.model.templates import QueueTemplate
from stlkit.storage.queue_state import QueueStateManager

DOCUMENTED = {
    "version": "1.0",
    "created_at": "2024-01-15T10:30:00Z",
    "last_updated": "2024-01-15T11:45:00Z",
    "queue_settings": {
        "max_concurrent_jobs": 2, "auto_retry_failed": True, "max_retry_attempts": 3,
        "output_base_folder": "/path/to/output",
    },
    "global_render_options": {
        "generate_image": True, "generate_size_chart": False, "generate_video": False,
        "generate_color_variations": False, "width": 1920, "height": 1080, "material": "plastic",
        "lighting": "studio", "background_image": "/path/to/background.jpg",
    },
    "global_validation_options": {"level": "standard", "auto_repair": True},
    "jobs": [
        {
            "id": "job_001", "stl_path": "/path/to/model1.stl", "output_folder": "/output/model1",
            "state": "completed", "progress": 100.0,
            "created_at": "2024-01-15T10:30:15Z", "started_at": "2024-01-15T10:30:20Z",
            "completed_at": "2024-01-15T10:32:45Z", "estimated_duration": 145.0, "actual_duration": 145.3,
            "render_options": {}, "validation_options": {},
            "results": {
                "validation_passed": True,
                "files_generated": ["/output/model1/renders/model1_render.png"],
                "errors": [], "warnings": ["Minor mesh issues detected but repaired"],
            },
            "error_message": None,
        }
    ],
}  # fmt: skip
"""As the specification of the file has it."""


def write_state(home, document):
    home.queue_state.write_text(json.dumps(document))


def model(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_documented_example_is_a_queue(home):
    """Of the place of the outputs it tells the model's folder, from which the rest is known."""
    write_state(home, DOCUMENTED)
    with Workspace(home.root) as ws:
        (job,) = ws.queue.jobs
        assert (job.state, job.actual_duration) == (JobState.COMPLETED, 145.3)
        assert (str(job.output_base_folder), job.output_name) == ("/output", "model1")
        assert ws.history.records()[0].warnings == ("Minor mesh issues detected but repaired",)
    assert json.loads(home.queue_state.read_text())["jobs"][0]["output_folder"] == "/output/model1"


def test_models_of_one_name_in_an_old_queue_have_folders_of_their_own(home, tmp_path, box_stl):
    """Such files knew no output names; a model keeps the dots in its own."""
    first = model(tmp_path / "a" / "part.stl", box_stl(10))
    second = model(tmp_path / "b" / "part.stl", box_stl(11))
    dotted = model(tmp_path / "c" / "my.part.v2.stl", box_stl(12))
    out = tmp_path / "out"
    jobs = [{"id": f"job_{at}", "path": str(path)} for at, path in enumerate((first, second, dotted))]
    write_state(home, {"queue_settings": {"output_base_folder": str(out)}, "jobs": jobs})
    with Workspace(home.root) as ws:
        ws.queue.configure(render={"generate_image": False})
        assert [job.output_name for job in ws.queue.jobs] == ["part", "part_2", "my.part.v2"]
        ws.queue.resume()
        ws.queue.start()
        assert ws.queue.wait(60)
        assert {job.state for job in ws.queue.jobs} == {JobState.COMPLETED}
    for name, path in (("part", first), ("part_2", second), ("my.part.v2", dotted)):
        assert json.loads((out / name / "source" / "file_info.json").read_text())["stl_path"] == str(path)


def test_jobs_that_would_write_over_each_other_are_parted(home, tmp_path, box_stl):
    """Neither another unfinished job's outputs nor those of one that has ended are in danger, and it is told."""
    out = tmp_path / "out"
    ended, first, second = (model(tmp_path / name / "part.stl", box_stl()) for name in "abc")

    def job(number, path, **changes):
        place = {"output_folder": str(out / "part"), "output_base_folder": str(out), "output_name": "part"}
        return {"id": f"job_{number}", "stl_path": str(path), **place, **changes}

    write_state(home, {"version": "1.0", "jobs": [job(1, first), job(2, ended, state="completed"), job(3, second)]})
    with Workspace(home.root) as ws:
        names = {job.id: job.output_name for job in ws.queue.jobs}
        told = str(ws.recovery)
    assert names == {"job_1": "part_2", "job_2": "part", "job_3": "part_3"}
    assert f"outputs of {first} are called part_2 now, because {ended} has the name part" in told


def test_the_source_of_an_ended_job_may_be_gone(home, tmp_path, box_stl):
    """Then its name is free, as it is where files are added."""
    out = tmp_path / "out"
    place = {"output_folder": str(out / "part"), "output_base_folder": str(out), "output_name": "part"}
    jobs = [
        {"id": "job_1", "stl_path": str(tmp_path / "gone.stl"), "state": "completed", **place},
        {"id": "job_2", "stl_path": str(model(tmp_path / "part.stl", box_stl())), **place},
    ]
    write_state(home, {"version": "1.0", "jobs": jobs})
    with Workspace(home.root) as ws:
        assert [job.output_name for job in ws.queue.jobs] == ["part", "part"]
        assert ws.recovery.notes == ()


def test_an_ended_job_without_a_name_has_that_of_its_files(home, tmp_path, box_stl):
    """Its folder is its own, not a stranger's; and so it is for the same file that waits to be done again."""
    source, out = model(tmp_path / "model1.stl", box_stl()), tmp_path / "out"
    picture = model(out / "model1" / "renders" / "model1_render.png", b"")
    done = {"id": "job_1", "stl_path": str(source), "output_folder": str(out), "state": "completed"}
    write_state(
        home,
        {
            "version": "1.0",
            "jobs": [
                {**done, "results": {"files_generated": [str(out / "failed" / "x.log"), str(picture)]}},
                {"id": "job_2", "stl_path": str(source), "output_folder": str(out)},
            ],
        },
    )
    with Workspace(home.root) as ws:
        assert [job.output_name for job in ws.queue.jobs] == ["model1", "model1"]
        assert ws.queue.job("job_2").output_folder == out / "model1"


@pytest.mark.parametrize("version", ["2.0", "v2", "abc", True, [1], "1.x"])
def test_a_queue_of_an_unknown_version_is_never_written_over(home, version):
    """Neither opened, nor saved, nor replaced by a backup."""
    manager = QueueStateManager(home)
    manager.save_queue_state(QueueState())
    backup = manager.create_backup("mine")
    manager.load_queue_state()
    write_state(home, {"version": version, "jobs": []})  # meanwhile, by somebody else
    before = home.queue_state.read_bytes()
    with pytest.raises(NewerVersionError, match="update stlkit"):
        manager.load_queue_state()
    with pytest.raises(NewerVersionError):
        manager.save_queue_state(QueueState())
    with pytest.raises(NewerVersionError):
        QueueStateManager(home).save_queue_state(QueueState())
    with pytest.raises(NewerVersionError):
        manager.backups.restore_from_backup(backup)
    with pytest.raises(NewerVersionError):
        Workspace(home.root)
    assert home.queue_state.read_bytes() == before
    assert not list(home.backups.glob("queue_state_backup_[0-9].json"))


@pytest.mark.parametrize("version", [1, 1.0, "1", "1.0", "1.7"])
def test_a_version_may_be_written_as_a_number(home, version):
    """Of a later minor line what is not known is kept."""
    write_state(home, {**DOCUMENTED, "version": version, "future": 1})
    state = QueueStateManager(home).load_queue_state().state
    assert (state.version.split(".")[0], len(state.jobs), state.unknown) == ("1", 1, {"future": 1})


@pytest.mark.parametrize("version", [None, "", "0"])
def test_a_file_that_names_no_version_is_one_of_before(home, version):
    """An empty place is as good as none."""
    write_state(home, {"version": version, "jobs": [{"id": "job_1", "path": "/a.stl", "output": "/out", "done": True}]})
    (job,) = QueueStateManager(home).load_queue_state().state.jobs
    assert (job.state, job.output_base_folder.name) == (JobState.COMPLETED, "out")


def test_what_could_not_be_read_again_is_never_made(tmp_path):
    """A time without a zone, and a progress that JSON has no number for."""
    naive = datetime(2026, 1, 15, 10, 30)  # noqa: DTZ001 - the point of it
    place = {"stl_path": tmp_path, "output_folder": tmp_path, "output_base_folder": tmp_path, "output_name": "a"}
    with pytest.raises(OptionError, match=r"started_at: .* says no time zone"):
        QueueJob(id="job_1", started_at=naive, **place)
    with pytest.raises(OptionError, match="progress"):
        QueueJob(id="job_1", progress=float("nan"), **place)
    with pytest.raises(OptionError, match="last_updated"):
        QueueState(last_updated=naive)
    with pytest.raises(OptionError, match="created_at"):
        QueueTemplate(name="Mine", created_at=naive)
