"""``stlkit report``: a page of an output folder."""

import json
import webbrowser

import pytest

from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.times import utc_now
from stlkit.outputs.summary import write_summary


@pytest.fixture
def folder(tmp_path):
    """An output folder with two models, one of which lost a file."""
    base = tmp_path / "sale [50%]"
    jobs = [
        QueueJob(
            id=f"job_{name}",
            stl_path=tmp_path / f"{name}.stl",
            output_folder=base / name,
            output_base_folder=base,
            output_name=name,
            state=JobState.COMPLETED,
            created_at=utc_now(),
            results=JobResults(files_generated=files),
        )
        for name, files in (("a", ()), ("b", (base / "b" / "gone.png",)))
    ]
    write_summary(base, jobs)
    return base


@pytest.mark.parametrize("option", [(), ("--output",), ("-o",)])
def test_a_folder_becomes_a_page(stlkit, folder, option, tmp_path):
    """Its path and the key figures are printed, notes beside them; a home is not needed."""
    result = stlkit("report", *option, folder)
    assert result.returncode == 0
    assert result.stdout.startswith(f"{folder / 'report.html'}: 2 models, 2 completed, ")
    assert result.stderr == "b: b/gone.png is not there any more\n"
    assert (folder / "report.html").exists()
    assert not (tmp_path / "home").exists()


def test_machines_get_one_object(stlkit, folder):
    """With ``--json`` there is nothing else, and the title may be chosen."""
    result = stlkit("report", folder, "--json", "--title", "For Ada")
    data = json.loads(result.stdout)
    assert result.stderr == ""
    assert data["path"] == str(folder / "report.html")
    assert (data["counts"], data["with_warnings"]) == ({"completed": 2}, 0)
    assert data["size_bytes"] == (folder / "report.html").stat().st_size
    assert data["notes"] == ["b: b/gone.png is not there any more"]
    assert "<title>For Ada</title>" in (folder / "report.html").read_text()


def test_the_page_is_opened_on_request(stlkit, folder, monkeypatch):
    """By its address, in which every odd character is encoded."""
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    stlkit("report", folder)
    assert opened == []
    stlkit("report", folder, "--open")
    assert opened == [(folder / "report.html").as_uri()]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("report",), "is no home folder; nothing was ever done there"),
        (("report", "nowhere"), "holds no queue_summary.json"),
        (("report", "a", "--output", "b"), "name the folder once"),
    ],
)
def test_without_a_folder_there_is_one_clear_message(stlkit, arguments, named):
    """And exit code 2, as with any wrong usage."""
    result = stlkit(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert named in result.stderr
    assert "Traceback" not in result.stderr
