"""The command line: exit codes, JSON, plain lines, resuming."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import stlkit
from stlkit.model.options import CleanupOptions, OutputSettings, QueueSettings, RenderOptions, ValidationOptions

FACTS = ("--template", "batch_analysis")


@pytest.fixture
def run(tmp_path):
    """Run ``stlkit`` with a home of its own and return the finished process."""

    def call(*arguments, columns="200", **options):
        env = {**os.environ, "STLKIT_HOME": str(tmp_path / "home"), "COLUMNS": columns}
        command = [sys.executable, "-m", "stlkit", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=180, check=False, cwd=tmp_path, env=env, **options
        )

    return call


def test_the_version_is_printed(run):
    """`--version` is one line."""
    assert run("--version").stdout == f"stlkit {stlkit.__version__}\n"


def test_a_run_in_which_all_complete_ends_with_0(run, models, tmp_path):
    """Plain lines where there is no terminal; table and folder at the end."""
    result = run("run", models, "--output", tmp_path / "out", *FACTS)
    assert result.returncode == 0, result.stderr
    assert "✓ a.stl: completed" in result.stderr
    assert str(tmp_path / "out") in result.stdout
    assert (tmp_path / "out/a/analysis/a_analysis.json").exists()


def test_a_run_in_which_one_fails_ends_with_1_and_says_why(run, models, tmp_path):
    """The reason stands in the table."""
    (models / "empty.stl").write_bytes(b"")
    result = run("run", models, "--output", tmp_path / "out", *FACTS)
    assert result.returncode == 1
    assert "✗ empty.stl: failed" in result.stderr
    assert "empty" in result.stdout


@pytest.mark.parametrize("columns", ["60", "160"])
def test_notes_stand_beside_the_table_or_below_it(run, models, tmp_path, columns):
    """Where a terminal is narrow, reasons are told below in whole lines instead of in a column of single words."""
    (models / "empty.stl").write_bytes(b"")
    result = run("run", models, "--output", tmp_path / "out", *FACTS, columns=columns)
    reason = "the file is empty (0 bytes); export"
    below = [line for line in result.stdout.splitlines() if line.startswith(f"empty.stl: {reason}")]
    beside = [line for line in result.stdout.splitlines() if "✗ failed" in line and reason in line]
    assert (len(below), len(beside)) == ((1, 0) if columns == "60" else (0, 1))
    assert re.search(r"^2 completed, 1 failed in \d", result.stdout, re.MULTILINE)


def test_nothing_to_resume_is_said_without_a_table(run):
    """A head without rows would look like a fault."""
    result = run("resume")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "nothing to resume\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "nowhere.stl", "--output", "out"), "nowhere.stl"),
        (("run", "models", "--output", "out", "--template", "no such"), "there is no template"),
        (("run", "models", "--output", "out", "--option", "widht=3"), "did you mean 'width'"),
        (("run", "models", "--output", "out", "--option", "width=3"), "16"),
        (("run", "models", "--output", "out", "--option", "width"), "width=value"),
        (("run", "models"), "--output"),
        (("dance",), "dance"),
    ],
)
@pytest.mark.usefixtures("models")
def test_wrong_usage_ends_with_2_and_one_clear_message(run, arguments, named):
    """No traceback, whatever was typed."""
    result = run(*arguments)
    assert result.returncode == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_without_stl_files_is_wrong_usage(run, tmp_path):
    """Doing nothing is not success."""
    (tmp_path / "nothing").mkdir()
    result = run("run", "nothing", "--output", "out")
    assert result.returncode == 2
    assert "no STL files" in result.stderr


@pytest.mark.parametrize("mistyped", ["modles", "nothing"])
def test_a_mistyped_name_leaves_the_last_run_where_it_is(run, models, tmp_path, mistyped):
    """Its jobs are shown until the next one begins."""
    (tmp_path / "nothing").mkdir()
    assert run("run", str(models), "--output", "out", "--template", "batch_analysis").returncode == 0
    before = run("status").stdout
    assert run("run", mistyped, "--output", "out").returncode == 2
    assert run("status").stdout.splitlines()[-2:] == before.splitlines()[-2:] and "completed" in before


def test_json_prints_one_object_and_nothing_else(run, models, tmp_path):
    """Machines read stdout as it is; stderr is quiet too."""
    result = run("run", models, "--output", tmp_path / "out", *FACTS, "--json", "--jobs", "1")
    assert result.stderr == ""
    data = json.loads(result.stdout)
    assert data["counts"]["completed"] == 2
    assert [job["state"] for job in data["jobs"]] == ["completed", "completed"]
    assert data["output_folders"] == [str(tmp_path / "out")]


def test_options_go_over_the_template(run, models, tmp_path):
    """`--option` reaches naming and validation as well as rendering."""
    run("run", models, "-o", tmp_path / "out", *FACTS, "-O", "organization=flat", "-O", "custom_prefix=shop_")
    assert (tmp_path / "out/shop_a_analysis.json").exists()


@pytest.mark.parametrize(
    "command", [("run", "models", "-O", "min_free_disk_mb=1"), ("run", "nowhere.stl"), ("resume",)]
)
@pytest.mark.usefixtures("models")
def test_settings_of_a_run_hold_for_that_run(run, tmp_path, command):
    """However it ends, the next one has what the queue had before."""
    with stlkit.Workspace(tmp_path / "home") as workspace:
        workspace.queue.configure(settings={"max_concurrent_jobs": 3})
        before = workspace.queue.settings
    run(*command, "-o", "out", "-j", "1", *(FACTS if command[0] == "run" else ()))
    with stlkit.Workspace(tmp_path / "home", observe=True) as workspace:
        assert workspace.queue.settings == before


def test_history_and_status_show_what_was_done(run, models, tmp_path):
    """Both read without owning the home, as text and as JSON."""
    run("run", models, "-o", tmp_path / "out", *FACTS)
    assert "a.stl" in run("history").stdout
    records = json.loads(run("history", "--json", "--limit", "1").stdout)["jobs"]
    assert [record["created_by"] for record in records] == ["cli"]
    assert "nobody" in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["counts"]["completed"] == 2
    assert "estimates of time were off by" in " ".join(run("history").stdout.split())
    assert json.loads(run("status", "--json").stdout)["eta"] == {"jobs": 0, "remaining_s": 0, "finish_at": None}


def test_resuming_nothing_is_fine(run):
    """There is nothing wrong with having finished."""
    result = run("resume")
    assert (result.returncode, result.stderr) == (0, "nothing to resume\n")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that even root may not write to")
def test_a_refused_folder_is_asked_about_and_another_one_named(run, models, tmp_path):
    """The run ends with the question beside the job; resuming with --output answers it."""
    result = run("run", models, "-o", "/sys/kernel/stlkit", *FACTS)
    assert result.returncode == 1
    assert "which other output folder?" in " ".join(result.stdout.split())
    result = run("resume", "-o", tmp_path / "elsewhere")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "elsewhere/a/analysis/a_analysis.json").exists()


def test_a_job_whose_drive_is_away_says_what_to_do(run, unfinished, models, tmp_path):
    """Nothing goes on by itself when the program has ended; a queue that stays open says otherwise."""
    models.rename(tmp_path / "unplugged")
    result = run("resume")
    assert result.returncode == 1
    for said in (result.stdout, run("status").stdout):
        assert said.count("run 'stlkit resume' when it is back") == len(unfinished)
        assert "by itself" not in said


def test_a_full_disk_is_told_once(models, tmp_path):
    """As a notice of the queue, and not as a line of Python's log as well."""
    arguments = ("run", models, "-o", tmp_path / "out", *FACTS, "-O", "min_free_disk_mb=1e12")
    command = [sys.executable, "-m", "stlkit", *map(str, arguments)]
    env = {**os.environ, "STLKIT_HOME": str(tmp_path / "home")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        lines = []
        while not any(line.startswith("queue: ") for line in lines):
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        process.send_signal(signal.SIGINT)
        lines += process.stderr.readlines()
    assert sum("MB left" in line for line in lines) == 1, lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_resumed_and_every_job_is_once_in_the_history(run, tmp_path, box_stl, number):
    """Ctrl-C or a kill in the middle: resume finishes the rest with the options of the run."""
    folder = tmp_path / "models"
    folder.mkdir()
    for index in range(6):
        (folder / f"m{index}.stl").write_bytes(box_stl())
    env = {**os.environ, "STLKIT_HOME": str(tmp_path / "home")}
    command = [
        sys.executable,
        "-m",
        "stlkit",
        "run",
        "models",
        "-o",
        "out",
        *FACTS,
        "-O",
        "organization=flat",
        "-j",
        "1",
    ]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "completed" in line:
                break
        process.send_signal(number)
        process.stderr.read()
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    result = run("resume")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^\d jobs? of an earlier session waits?:$", result.stderr, re.MULTILINE), result.stderr
    assert re.search(r"^  m\d\.stl: .*waits to be resumed", result.stderr, re.MULTILINE), result.stderr
    records = json.loads(run("history", "--json").stdout)["jobs"]
    assert sorted(record["stl_filename"] for record in records) == [f"m{index}.stl" for index in range(6)]
    assert all((tmp_path / f"out/m{index}_analysis.json").exists() for index in range(6))


@pytest.fixture
def unfinished(models, tmp_path):
    """Jobs of both models, as a session that came to an end before them left them."""
    with stlkit.Workspace(tmp_path / "home") as workspace:
        return workspace.queue.add(models, output=tmp_path / "first").jobs


@pytest.mark.usefixtures("unfinished")
def test_a_run_takes_up_the_unfinished_jobs_of_the_files_it_names(run, models, tmp_path):
    """With its own output and options; what it does not name stays as it is."""
    options = ("-o", tmp_path / "second", *FACTS, "-O", "organization=flat")
    result = run("run", models / "a.stl", *options)
    assert result.returncode == 0, result.stderr
    assert "1 unfinished job goes on with this run" in result.stderr
    assert "1 unfinished jobs of an earlier run wait; 'stlkit resume'" in result.stderr
    assert "1 completed" in result.stdout
    assert (tmp_path / "second/a_analysis.json").exists()
    assert not (tmp_path / "first/a").exists()
    status = json.loads(run("status", "--json").stdout)
    assert {Path(job["stl_path"]).name: job["state"] for job in status["jobs"]} == {
        "a.stl": "completed",
        "b.stl": "paused",
    }


@pytest.mark.usefixtures("unfinished")
def test_jobs_that_a_run_took_up_count_for_its_result(run, models, tmp_path):
    """One that fails makes the exit code 1, as a new job does."""
    (models / "b.stl").write_bytes(b"")
    result = run("run", models, "-o", tmp_path / "out", *FACTS, "--json")
    assert result.returncode == 1
    assert [job["state"] for job in json.loads(result.stdout)["jobs"]] == ["completed", "failed"]


def test_ctrl_c_while_modules_are_loaded_is_one_line(run, tmp_path):
    """Nothing has begun, so there is nothing to tell; here it comes in the middle of the first import."""
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    result = run("status")
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "stlkit: interrupted\n")


def test_samples_are_written_and_named(run, tmp_path):
    """One line for each file, under whether it is sound; what they are begins in one column."""
    lines = run("samples", tmp_path / "samples").stdout.splitlines()
    described = [line for line in lines if line.startswith("  ")]
    assert {line.split()[0] for line in described} == {path.name for path in (tmp_path / "samples").iterdir()}
    assert len({re.match(r" +\S+ +", line).end() for line in described}) == 1
    titles = [line for line in lines if line not in described]
    assert [title.split()[0] for title in titles] == ["sound", "damaged"]


def test_the_doctor_draws_a_cube(run):
    """Versions, renderer and encoder are looked at."""
    result = run("doctor", "--json")
    data = json.loads(result.stdout)
    assert result.returncode == 0, data
    assert {check["name"] for check in data["checks"]} == {"stlkit", "libraries", "renderer", "video encoder"}


def test_a_second_run_does_nothing_twice_unless_it_is_forced(run, models, tmp_path):
    """Up to date files end at once and say so, in the lines and in the table; --force does them again."""
    arguments = ("run", models, "--output", tmp_path / "out", *FACTS)
    _, second, forced = run(*arguments), run(*arguments), run(*arguments, "--force")
    assert [text.count("up to date") for text in (second.stderr, second.stdout)] == [2, 2]
    assert "up to date" not in forced.stdout + forced.stderr


def test_a_watched_folder_is_worked_off_until_ctrl_c(models, tmp_path):
    """What is there and what comes is processed; Ctrl-C ends with 0 and leaves no process."""
    command = [sys.executable, "-m", "stlkit", "watch", models, "--output", tmp_path / "out", "--settle", "0.2", *FACTS]
    env = {**os.environ, "STLKIT_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, env=env)
    try:
        lines = iter(process.stderr.readline, "")
        assert sum("completed" in next(lines) for _ in range(3)) == 2
        (models / "late.stl").write_bytes((models / "a.stl").read_bytes())
        assert "late.stl: completed" in next(lines)
        process.send_signal(signal.SIGINT)
        assert next(lines) == "stopped; 3 jobs: 3 completed\n"
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.usefixtures("unfinished")
def test_watching_takes_up_what_is_unfinished_in_its_folders(models, tmp_path):
    """With the options of the watch, and at once: a file that is long finished need not settle."""
    arguments = (models, "--output", tmp_path / "out", "--settle", "600", *FACTS)
    command = [sys.executable, "-m", "stlkit", "watch", *map(str, arguments)]
    env = {**os.environ, "STLKIT_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    try:
        lines = []
        while sum("completed" in line for line in lines) < 2:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        assert "2 unfinished jobs go on with this run\n" in lines
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert (tmp_path / "out/b/analysis/b_analysis.json").exists()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_options_are_listed_with_defaults_and_values(run):
    """What --option takes need not be looked up in the documentation."""
    text = run("options").stdout
    assert re.search(r"^width +1920 +from 16 to 8192 +Width of pictures", text, re.MULTILINE)
    assert re.search(r"^auto_repair +yes +yes, no ", text, re.MULTILINE)
    listed = json.loads(run("options", "--json").stdout)["options"]
    names = {option["name"] for options in listed.values() for option in options}
    groups = (RenderOptions, ValidationOptions, OutputSettings, QueueSettings, CleanupOptions)
    assert names == {name for group in groups for name in group.names()}
    assert all(option["help"] for options in listed.values() for option in options)
