"""The explorer's half in the kernel, over a history of jobs that never ran."""

import io
import json
import threading
from datetime import UTC, datetime

import pytest
from PIL import Image

from stlkit.analytics.sample_history import write_sample_history
from stlkit.errors import OptionError
from stlkit.workspace import Workspace
from stlkit_widgets import HistoryExplorer
from stlkit_widgets.history_explorer import PLOTS, figures_of
from stlkit_widgets.history_filter import code_of, filter_of

EVERYTHING = {"since": None, "until": None, "state": "", "path": "", "options": []}
FILTERS = [
    EVERYTHING,
    {**EVERYTHING, "state": "failed"},
    {**EVERYTHING, "path": "vase"},
    {**EVERYTHING, "path": "*gear*.stl", "state": "completed"},
    {**EVERYTHING, "options": [["quality", "high"]]},
    {**EVERYTHING, "since": datetime(2026, 5, 1, tzinfo=UTC).timestamp() * 1000},
    {**EVERYTHING, "until": datetime(2026, 5, 1, 12, 30, tzinfo=UTC).timestamp() * 1000, "state": "skipped"},
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with three hundred jobs of a year."""
    home = tmp_path_factory.mktemp("explorer") / "home"
    with Workspace(home) as ws:
        write_sample_history(ws.history, jobs=300, until=datetime(2026, 11, 1, tzinfo=UTC))
    return home


@pytest.fixture
def ws(home):
    with Workspace(home) as workspace:
        yield workspace


@pytest.fixture
def page(ws, page_of):
    explorer = HistoryExplorer(ws)
    yield page_of(explorer)
    explorer.close()


def all_rows(page, said):
    rows, after = [], None
    while True:
        answer, buffers = page.asks("page", filter=said, after=after)
        rows += json.loads(buffers[0])
        if not answer["more"]:
            return rows
        after = rows[-1]["key"]


@pytest.mark.parametrize("said", FILTERS)
def test_the_shown_code_gives_the_rows_of_the_table(page, ws, home, said):
    """Page by page, and run as code, with a workspace or without: the same jobs."""
    rows = all_rows(page, said)
    assert rows and len({row["id"] for row in rows}) == len(rows)
    space = {"ws": ws}
    exec(code_of(filter_of(said), "ws", home), space)  # noqa: S102 - it is what a person would run
    assert set(space["frame"]["id"]) == {row["id"] for row in rows}
    alone = {}
    exec(code_of(filter_of(said), None, home), alone)  # noqa: S102
    assert len(alone["frame"]) == len(rows)
    alone["ws"].close()


def test_the_code_is_what_a_person_would_write(home):
    """Times are whole, options are plain values, and nothing is named that does not matter."""
    said = {**FILTERS[6], "options": [["material", "wood"], ["video_fps", "24"]]}
    assert code_of(filter_of(said), "shop", home) == (
        "from datetime import datetime, timezone\n\n"
        "frame = shop.history.to_dataframe(\n"
        "    until=datetime(2026, 5, 1, 12, 30, tzinfo=timezone.utc),\n"
        "    state='skipped',\n"
        "    options={'material': 'wood', 'video_fps': 24},\n"
        ")\nframe"
    )
    assert code_of(filter_of(EVERYTHING), "ws", home) == "frame = ws.history.to_dataframe()\nframe"


def test_a_path_cannot_become_code(home):
    """Whatever is typed into the field is a string in the cell."""
    code = code_of(filter_of({**EVERYTHING, "path": "'), __import__('os').abort(), ('"}), "ws", home)
    assert compile(code, "cell", "exec") and "path=\"*'), __import__" in code


def test_a_value_that_does_not_fit_is_explained(page):
    """As an answer, not as an exception."""
    with pytest.raises(OptionError):
        filter_of({**EVERYTHING, "options": [["material", "cheese"]]})
    answer, _ = page.asks("page", filter={**EVERYTHING, "options": [["material", "cheese"]]}, after=None)
    assert "cheese" in answer["error"]


def test_figures_are_those_of_the_chosen_jobs(page):
    """All jobs, and how many of them are in each state."""
    answer, _ = page.asks("figures", filter=EVERYTHING)
    facts = dict(answer["facts"])
    assert "Jobs of the last 30 days" in answer["html"]
    assert facts["Jobs"] == "300" and facts["Success rate"].endswith("%")
    failed = dict(page.asks("figures", filter=FILTERS[1])[0]["facts"])
    assert failed["Jobs"] == failed["… failed"] == facts["… failed"]


def test_figures_leave_out_what_was_there_already(ws):
    """A job that was up to date lists the files, bytes and no seconds of what others made."""
    frame = ws.history.to_dataframe(state="completed", limit=4)
    frame["files_generated"], frame["output_bytes"] = [("a", "b")] * 4, [10] * 4
    frame["reused_files"], frame["actual_duration"] = [0, 1, 2, 2], [6.0, 6.0, 0.0, 0.0]
    facts = dict(figures_of(frame))
    assert (facts["Files made"], facts["Their size"], facts["A job took, typically"]) == ("3", "20 B", "6.0 s")


def test_figures_count_the_files_of_failed_jobs_too(ws):
    """As the statistics below them do: a log is a file."""
    frame = ws.history.to_dataframe(limit=2)
    frame["state"], frame["files_generated"], frame["reused_files"] = ["completed", "failed"], [("a",), ("b", "c")], 0
    assert dict(figures_of(frame))["Files made"] == "3"


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_drawn_with_a_text_that_tells_of_it(page, name):
    """A PNG with an alternative text, off the kernel's main thread."""
    answer, buffers = page.asks("plot", filter=EVERYTHING, name=name)
    with Image.open(io.BytesIO(buffers[0])) as image:
        assert image.format == "PNG" and image.width == 2 * answer["width"]
    assert answer["alt"].startswith(PLOTS[name])


def test_no_plot_of_another_name_is_called(page):
    """A page may name none but those that are offered."""
    assert "error" in page.asks("plot", filter=EVERYTHING, name="__init__")[0]


def test_nothing_is_left_of_a_closed_explorer(ws):
    """No thread."""
    before = set(threading.enumerate())
    explorer = HistoryExplorer(ws)
    assert repr(explorer).startswith("<HistoryExplorer of ")
    explorer.close()
    explorer.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) - before == set()
