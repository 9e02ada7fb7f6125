"""Every picture of the history: what it shows, that it reads on any page, and that it bears any table."""

import gc
import io
import subprocess
import sys

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stlkit.analytics import plots
from stlkit.analytics.plots import style
from stlkit.model.causes import refusal_of
from stlkit.pipeline.plan import Stage

EVERY = [getattr(plots, name) for name in plots.__all__ if name.startswith("plot_")]
PAGES = ("#ffffff", "#111111")
STATES = ("completed", "failed", "skipped", "cancelled")


@pytest.fixture
def jobs():
    """Give a function that makes a history of so many jobs, one every six hours, every tenth not completed."""

    def make(count, *, exponent=0.8):
        rng = np.random.default_rng(count)
        rows = np.arange(count)
        faces = np.exp(rng.uniform(np.log(1e3), np.log(1e6), count)).astype(int)
        videos = rows % 3 == 0
        seconds = np.where(videos, 20.0, 2.0) * (faces / 1e4) ** exponent * np.exp(rng.normal(0, 0.1, count))
        states = [STATES[1 + row // 10 % 3] if row % 10 == 9 else "completed" for row in rows]
        messages = [None if state == "completed" else f"/x/{n}.stl: facet {n} is cut" for n, state in enumerate(states)]
        ends = pd.Series(pd.date_range("2026-01-05", periods=count, freq="6h", tz="UTC").astype("datetime64[ns, UTC]"))
        frame = pd.DataFrame({
            "state": pd.Categorical(states),
            "created_at": ends,
            "completed_at": ends,
            "estimated_duration": seconds * 1.2,
            "actual_duration": seconds,
            "error_message": messages,
            "render_options": [{"generate_image": True, "generate_video": bool(video)} for video in videos],
            "faces": pd.array(faces, dtype="Int64"),
            "output_bytes": pd.array(np.full(count, 1_000_000), dtype="Int64"),
            "reused_files": pd.array(np.zeros(count, dtype=int), dtype="Int64"),
        })  # fmt: skip
        for share, stage in enumerate(Stage, start=1):
            frame[f"stage_{stage}_s"] = seconds * share / 36
        return frame

    return make


def luminance(color):
    """Relative luminance of WCAG 2."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    """Contrast ratio of WCAG 2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def png_size(ax):
    """Draw what a notebook would show, and return its size in pixels."""
    data, shown = ax._repr_png_()
    width, height = Image.open(io.BytesIO(data)).size
    assert width == pytest.approx(2 * shown["width"], abs=2)
    return width, height


def texts(ax):
    """Return everything that is written inside the axes."""
    return [text.get_text() for text in ax.texts]


def test_the_ink_reads_as_well_as_any_colour_can_on_a_white_and_on_a_dark_page():
    """What one page gives, the other takes: the best contrast against both is the root of their own."""
    best = contrast(*PAGES) ** 0.5
    assert min(contrast(style.INK, page) for page in PAGES) == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize("color", [style.GREEN, style.RED, style.ORANGE, style.BLUE, style.PURPLE, style.GREY])
def test_every_area_stands_out_from_both_pages(color):
    """WCAG asks a contrast of 3 of graphics."""
    assert min(contrast(color, page) for page in PAGES) >= 2.99


@pytest.mark.parametrize("plot", EVERY)
@pytest.mark.parametrize("count", [0, 1, 2, 400])
def test_every_picture_draws_any_number_of_jobs(plot, count, jobs):
    """None, one, few or many: a picture comes out, on a page that shows through."""
    ax = plot(jobs(count))
    width, height = png_size(ax)
    assert width > 600 and height > 250
    assert ax.get_title(loc="left")
    assert ax.figure.get_facecolor()[3] == 0


@pytest.mark.parametrize("plot", EVERY)
def test_a_history_without_jobs_says_so(plot, jobs):
    """Calmly, in words."""
    assert texts(plot(jobs(0)))[0].startswith("no data: ")


@pytest.mark.parametrize("plot", EVERY)
def test_a_table_that_knows_nothing_says_so(plot, jobs):
    """Rows of before there were facts: everything that may be missing is missing."""
    frame = jobs(3).drop(columns=["faces", "output_bytes", "reused_files"])
    frame = frame.drop(columns=[name for name in frame if name.startswith("stage_")])
    for name in ("completed_at", "estimated_duration", "actual_duration", "error_message"):
        frame[name] = frame[name].where(frame.index < 0)
    png_size(plot(frame))


@pytest.mark.parametrize("plot", EVERY)
def test_axes_of_ones_own_are_drawn_on_and_returned(plot, jobs):
    """So that several pictures can share a figure."""
    ax = matplotlib.figure.Figure().add_subplot()
    assert plot(jobs(20), ax) is ax


def test_pictures_leave_nothing_behind(jobs):
    """No figure lives on after its axes are forgotten, and pyplot is not even loaded."""
    plots.plot_jobs_per_day(jobs(20))
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, matplotlib.figure.Figure)]
    code = "import sys, stlkit.analytics.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_many_days_are_taken_together(jobs):
    """Days, then weeks, then months; no job is lost on the way."""
    for count, unit in ((40, "day"), (1000, "week"), (6000, "month")):
        ax = plots.plot_jobs_per_day(jobs(count))
        assert ax.get_title(loc="left") == f"Jobs per {unit}"
        assert sum(bar.get_height() for bars in ax.containers for bar in bars) == count


def test_the_exponent_is_that_of_the_jobs(jobs):
    """Found again from noisy jobs of two kinds, whatever a tenth of odd ones says."""
    frame = jobs(400, exponent=0.8)
    frame.loc[frame.index % 10 == 1, "actual_duration"] *= 20
    title = plots.plot_duration_vs_faces(frame).get_title(loc="left")
    assert float(title.split("{")[-1].rstrip("}$")) == pytest.approx(0.8, abs=0.05)


def test_like_failures_are_one_cause(jobs):
    """Names and numbers do not make two of them."""
    ax = plots.plot_failure_causes(jobs(100))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["…: facet … is cut"]


def test_each_finding_of_a_refusal_is_a_cause(jobs):
    """Models refused for different sets of findings share the findings; shares are of the jobs."""
    frame = jobs(3).assign(state="skipped")
    found = [("2 holes; expect gaps", "5 faces cross"), ("9 holes; expect gaps",), ("1 face crosses", "3 faces cross")]
    frame["warnings"], frame["error_message"] = found, [refusal_of(each) for each in found]
    ax = plots.plot_failure_causes(frame)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert sorted(names) == ["refused: … face crosses", "refused: … faces cross", "refused: … holes"]
    assert sorted(text for text in texts(ax) if "%" in text) == ["1 · 33%", "2 · 67%", "2 · 67%"]
    png_size(plots.plot_failure_causes(frame, most=1))


def test_messages_are_shown_as_they_are(jobs):
    """A dollar sign begins no formula, and nothing of a message is taken for one."""
    frame = jobs(20)
    frame["error_message"] = r"cannot write $\frac{$ to the $ disk"
    png_size(plots.plot_failure_causes(frame))


def test_output_adds_up(jobs):
    """The last point is the sum of all."""
    ax = plots.plot_cumulative_output(jobs(50))
    assert ax.lines[-1].get_ydata()[-1] == 50e6
    assert ax.get_title(loc="left") == "Output over time: 50.0 MB from 50 jobs"


def test_a_job_that_was_up_to_date_adds_nothing_to_the_output(jobs):
    """It lists the files of the job before; one that made some of its files counts."""
    frame = jobs(50)
    frame["files_generated"] = [("a", "b")] * 50
    frame.loc[:9, "reused_files"] = 2
    frame.loc[10:19, "reused_files"] = 1
    assert plots.plot_cumulative_output(frame).get_title(loc="left") == "Output over time: 40.0 MB from 40 jobs"


def test_the_calendar_has_a_column_a_week_and_says_what_it_leaves_out(jobs):
    """The last job is in the last column; earlier ones than fit are counted in the title."""
    ax = plots.plot_calendar(jobs(1000), weeks=10)
    cells = len(ax.collections[0].get_paths())
    assert 9 * 7 < cells <= 10 * 7
    shown, before = (
        int(word.replace(",", "")) for word in ax.get_title(loc="left").split() if word[0].isdigit() and word != "10"
    )
    assert shown + before == 1000


def test_the_median_error_is_of_completed_jobs_that_worked(jobs):
    """Estimates were a fifth too long; a job that found everything made already is left out."""
    frame = jobs(101)
    frame.loc[::2, "reused_files"] = 3
    frame.loc[::2, "actual_duration"] /= 100
    ax = plots.plot_estimate_vs_actual(frame)
    assert ax.get_title(loc="left") == "Estimate against actual: 20% median error"
    assert ax.get_legend().get_texts()[0].get_text() == f"{int((frame['state'][1::2] == 'completed').sum())} jobs"


def test_stages_share_the_time(jobs):
    """Every stage has a bar of its own seconds, in the order of work."""
    frame = jobs(10)
    ax = plots.plot_stage_breakdown(frame)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [str(stage).replace("_", " ") for stage in Stage]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(frame["actual_duration"].sum())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.081, "0.081 s"), (1, "1 s"), (9.4, "9.4 s"), (59.4, "59 s"), (100, "1 min 40 s"), (600, "10 min"),
     (7800, "2 h 10 min"), (7199, "2 h"), (360_000, "100 h")],
)  # fmt: skip
def test_durations_are_written_in_the_unit_a_person_would_choose(seconds, text):
    """From milliseconds to days of work."""
    assert style.short_duration(seconds) == text
