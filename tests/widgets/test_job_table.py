import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit_widgets.job_table import MOST_ROWS, STATE_MARKS, JobTable


class Cells(HTMLParser):
    """The texts of a table's cells, row by row, and every tag there is."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.titles = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.titles += [value for name, value in attributes if name == "title"]

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def job(name="cube.stl", **changes):
    return QueueJob(
        id=f"job_{name}",
        stl_path=Path("/models", name),
        output_folder=Path("/out/cube"),
        output_base_folder=Path("/out"),
        output_name="cube",
        **changes,
    )


def cells(*jobs):
    return Cells(JobTable().render(jobs)).rows[1:]


def test_an_empty_queue_says_what_to_do():
    """There is no table without rows."""
    text = JobTable().render(())
    assert "No jobs yet" in text
    assert "<table" not in text


def test_a_row_says_everything_about_a_finished_job():
    """State as mark and word, file, size, time; no progress any more."""
    results = JobResults(stl_size=84_000)
    (row,) = cells(job(state=JobState.COMPLETED, progress=100.0, actual_duration=1.26, results=results))
    assert row == ["✓completed", "cube.stl", "84.0 kB", "", "1.3 s", ""]


def test_a_running_job_shows_how_far_it_is_and_at_what():
    """Percent and stage, with a bar of the same value."""
    running = job(state=JobState.PROCESSING, stage="size_chart", progress=41.7)
    assert cells(running)[0][3] == " 42 % size chart"
    assert '<progress max="100" value="42">' in JobTable().render([running])


def test_every_state_has_a_mark_of_its_own_kind():
    """No state shows by colour alone, and none is missing."""
    assert set(STATE_MARKS) == set(JobState)
    assert all(mark.strip() for _, mark in STATE_MARKS.values())


def test_the_size_of_a_waiting_job_is_that_of_its_file(tmp_path):
    """It is known before the job has run; of a missing file there is none."""
    (tmp_path / "a.stl").write_bytes(b"x" * 1234)
    here, gone = (replace(job(), id=name, stl_path=tmp_path / name) for name in ("a.stl", "b.stl"))
    assert [row[2] for row in cells(here, gone)] == ["1.2 kB", ""]


@pytest.mark.parametrize("place", ["name", "error", "warning", "stage"])
def test_hostile_text_stays_text(place):
    """File names, errors, warnings and stages cannot bring elements or attributes into the page."""
    evil = "'\"><script>alert(1)</script><img src=x onerror=alert(1)>"
    hostile = {
        "name": job(name=evil.replace("/", "")),
        "error": job(state=JobState.FAILED, error_message=evil),
        "warning": job(state=JobState.COMPLETED, results=JobResults(warnings=(evil, evil))),
        "stage": job(state=JobState.PROCESSING, stage=evil),
    }[place]
    parsed = Cells(JobTable().render([hostile]))
    assert parsed.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "span", "bdi", "progress"}
    assert any("<script>" in cell for cell in parsed.rows[1])
    assert place == "stage" or any("<script>" in title for title in parsed.titles)


def test_a_name_that_is_no_unicode_is_shown_by_its_bytes():
    """It can be sent to a browser, and told from its neighbours."""
    assert cells(job(name="a\udcff.stl"))[0][1] == r"a\xff.stl"


def test_the_error_is_shown_before_any_warning():
    """What ended a job matters more than what it passed."""
    failed = job(state=JobState.FAILED, error_message="the file is empty", results=JobResults(warnings=("old",)))
    assert cells(failed)[0][5] == "the file is empty"


def test_what_a_paused_job_waits_for_is_said():
    """Its question stands where errors stand."""
    asking = job(state=JobState.PAUSED, question="the disk is full; free some space, then resume")
    assert cells(asking)[0][5] == "the disk is full; free some space, then resume"


def test_of_several_warnings_the_first_is_shown_and_the_others_are_counted():
    """All of them are in the title."""
    text = JobTable().render([job(state=JobState.COMPLETED, results=JobResults(warnings=("open", "thin", "small")))])
    assert Cells(text).rows[1][5] == "open (+2 more)"
    assert "open\nthin\nsmall" in Cells(text).titles


def test_the_first_jobs_of_many_are_drawn_and_the_others_counted():
    """A browser can redraw so many rows without a stall."""
    text = JobTable().render([job(name=f"{number}.stl") for number in range(MOST_ROWS + 150)])
    rows = Cells(text).rows[1:]
    assert (rows[0][1], rows[-1][1], len(rows)) == ("0.stl", f"{MOST_ROWS - 1}.stl", MOST_ROWS)
    assert re.findall(r"… [^<]* not shown", text) == ["… 150 more jobs not shown"]


def test_the_rows_follow_the_work():
    """Once the first rows have ended, those around the first open job are drawn."""
    done = [job(name=f"{number}.stl", state=JobState.COMPLETED) for number in range(1000)]
    waiting = [job(name=f"{number}.stl") for number in range(1000, 1500)]
    text = JobTable().render([*done, *waiting])
    names = [row[1] for row in Cells(text).rows[1:]]
    assert "1000.stl" in names
    assert "999.stl" in names
    assert len(names) == MOST_ROWS
    assert re.findall(r"… [^<]* not shown", text) == ["… 980 earlier jobs not shown", "… 320 more jobs not shown"]
    ended = JobTable().render([*done, job(name="last.stl", state=JobState.FAILED)])
    assert Cells(ended).rows[-1][1] == "last.stl"
