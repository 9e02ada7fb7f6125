"""The history as a table: typed, filtered, unpacked, and bounded in memory."""

import gc
import sqlite3
import tracemalloc
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlkit.analytics.history import History
from stlkit.errors import HistoryError, OptionError
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.storage.history import JobEnd, Likeness

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
OPTIONS = {"render": RenderOptions(material="wood"), "validation": ValidationOptions(), "output": OutputSettings()}


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path / "job_history.db")
    yield history
    history.close()


def end(number, *, state=JobState.COMPLETED, results=None, **options):
    """A job that was created so many hours after `MOMENT`."""
    job = QueueJob(
        id=f"job_{number:06d}",
        stl_path=Path(f"/models/{number}.stl"),
        output_folder=Path("/out"),
        output_base_folder=Path("/out"),
        output_name="m",
        state=state,
        created_at=MOMENT + timedelta(hours=number),
        attempts=1,
        results=results or JobResults(),
    )
    return JobEnd(job=job, **options)


FULL = JobResults(
    validation_passed=True, files_generated=(Path("/out/a.png"), Path("/out/b.png")), warnings=("w",), stl_size=684,
    stl_checksum="ab", faces=12, stage_durations_s={"image": 1.5, "dance": 2.0}, peak_memory_bytes=10**9,
    output_bytes=77, options_hash="o", geometry_hash="g", geometry_size_mm=2.5, reused_files=3, saved_s=4.5,
)  # fmt: skip


def test_every_column_has_its_type(history):
    """Whether values are there or not, the types are the same, and an empty history has them too."""
    frames = [history.to_dataframe()]
    history.record_job_completions([end(1, results=FULL, concurrency=2, **OPTIONS)])
    frames.append(history.to_dataframe())
    history.record_job_completions([end(0)])
    frames.append(history.to_dataframe())
    for frame in frames:
        dtypes = frame.dtypes.astype(str)
        assert set(dtypes[["created_at", "started_at", "completed_at"]]) == {"datetime64[ns, UTC]"}
        assert set(dtypes[["state", "queue_session_id", "app_version", "created_by"]]) == {"category"}
        assert set(dtypes[["faces", "output_bytes", "peak_memory_bytes", "attempts", "concurrency"]]) == {"Int64"}
        assert set(dtypes[["actual_duration", "estimated_duration", "saved_s", "geometry_size_mm"]]) == {"float64"}
        assert set(dtypes[["stl_size", "reused_files"]]) == {"int64"}
        assert dtypes["validation_passed"] == "boolean"
        assert list(frame.columns[:21]) == list(history.columns())
    older, newer = frames[2].to_dict("records")
    assert (newer["faces"], newer["output_bytes"], newer["concurrency"], newer["reused_files"]) == (12, 77, 2, 3)
    assert (newer["saved_s"], newer["geometry_hash"], newer["validation_passed"]) == (4.5, "g", True)
    assert newer["files_generated"] == ("/out/a.png", "/out/b.png")
    assert newer["render_options"]["material"] == "wood"
    assert newer["created_at"] == pd.Timestamp("2026-01-01T13:00Z")
    missing = ["faces", "output_bytes", "concurrency", "geometry_size_mm", "validation_passed", "started_at"]
    assert frames[2][missing].iloc[0].isna().all()
    assert (older["files_generated"], older["warnings"], older["render_options"]) == ((), (), {})


def test_rows_of_before_the_facts_have_none(history):
    """Numbers that are not known are missing, and nothing was saved."""
    history.record_job_completions([end(0, results=FULL)])
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute("DELETE FROM job_facts")
    frame = history.to_dataframe(unpack_options=True, unpack_stages=True)
    assert frame[["faces", "output_custom_prefix", "stage_image_s", "geometry_hash"]].isna().all(axis=None)
    assert (frame["reused_files"][0], frame["saved_s"][0]) == (0, 0.0)


def test_options_become_columns_of_their_types(history):
    """Known options always have a column; unknown ones of other versions follow as they are."""
    history.record_job_completions([end(0, results=FULL, **OPTIONS), end(1, **OPTIONS | {"render": None})])
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute(
            'UPDATE job_history SET render_options = \'{"glow": [1], "width": "wide"}\' WHERE id LIKE \'%1\''
        )
    frame = history.to_dataframe(unpack_options=True)
    assert frame["render_material"][0] == "wood" and frame["render_material"].isna()[1]
    types = frame.dtypes.astype(str)
    assert (types["render_material"], types["render_generate_video"], types["render_video_fps"]) == (
        "category", "boolean", "Int64",
    )  # fmt: skip
    assert (types["render_video_duration"], types["validation_level"], types["output_organization"]) == (
        "float64", "category", "category",
    )  # fmt: skip
    assert types["render_background_image"] == "str"
    assert list(frame["render_width"]) == [1920, "wide"]
    assert list(frame["render_glow"]) == [None, [1]]
    assert list(frame["render_color_palette"]) == [list(RenderOptions().color_palette), None]


def test_stages_become_columns_of_seconds(history):
    """Every stage has one, those of other versions too."""
    history.record_job_completions([end(0, results=FULL), end(1)])
    frame = history.to_dataframe(unpack_stages=True)
    np.testing.assert_array_equal(frame["stage_image_s"], [1.5, np.nan])
    np.testing.assert_array_equal(frame["stage_dance_s"], [2.0, np.nan])
    np.testing.assert_array_equal(frame["stage_video_s"], [np.nan, np.nan])


def test_filters_and_limit(history):
    """The newest so many of those that are wanted, oldest first."""
    history.record_job_completions(
        [end(n, state=JobState.FAILED if n % 2 else JobState.COMPLETED, **OPTIONS) for n in (3, 0, 4, 1, 2, 5)]
    )
    assert list(history.to_dataframe()["id"]) == [f"job_{n:06d}" for n in range(6)]
    wanted = {"state": "failed", "since": MOMENT + timedelta(hours=1), "options": {"material": "wood"}}
    assert list(history.to_dataframe(limit=2, **wanted)["stl_filename"]) == ["3.stl", "5.stl"]
    assert list(history.to_dataframe(path="/models/[12].stl")["stl_filename"]) == ["1.stl", "2.stl"]
    assert len(history.to_dataframe(limit=0)) == 0
    assert list(history.to_dataframe(state="failed").index) == [0, 1, 2]
    with pytest.raises(OptionError):
        history.to_dataframe(options={"colour": "red"})


def test_equal_times_go_by_the_id(history):
    """So that tables are the same whatever the order of recording."""
    ends = [end(n) for n in (2, 0, 1)]
    history.record_job_completions(replace(each, job=replace(each.job, created_at=MOMENT)) for each in ends)
    assert list(history.to_dataframe()["stl_filename"]) == ["0.stl", "1.stl", "2.stl"]


def test_archived_rows_are_in_their_places(history):
    """Each once, also where an interruption left some in both files."""
    history.record_job_completions(end(n - 20) for n in range(40))
    expected = list(history.to_dataframe()["id"])
    history.archive(before=MOMENT)
    history.record_job_completions([end(-20), end(-15)])
    assert len(history.to_dataframe()) == 22
    assert list(history.to_dataframe(include_archived=True)["id"]) == expected
    assert list(history.to_dataframe(include_archived=True, limit=30)["id"]) == expected[-30:]
    chunks = list(history.iter_dataframes(chunk_rows=7, include_archived=True))
    assert [len(chunk) for chunk in chunks] == [7, 7, 7, 7, 7, 5]
    assert [name for chunk in chunks for name in chunk["id"]] == expected


def test_chunks_take_memory_for_one_chunk(history):
    """Their indexes go on; the largest use of memory does not depend on how many there are."""
    history.record_job_completions(end(n, results=FULL, **OPTIONS) for n in range(10_000))
    peaks = []
    for wanted in ({"until": MOMENT + timedelta(hours=2000)}, {}):
        tracemalloc.start()
        first = 0
        for frame in history.iter_dataframes(chunk_rows=500, unpack_options=True, **wanted):
            assert (frame.index[0], len(frame)) == (first, 500)
            first += 500
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert first == 10_000
    assert peaks[1] < 1.3 * peaks[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("warnings", "[" * 5000 + "]" * 5000),
        ("warnings", "5"),
        ("files_generated", "{"),
        ("files_generated", "[1]"),
        ("render_options", "NaN"),
        ("render_options", "[]"),
        ("created_at", "yesterday"),
        ("completed_at", 5),
        ("validation_options", b"\xff"),
        ("stl_size", "large"),
        ("actual_duration", "long"),
        ("app_version", b"\xff"),
    ],
)
def test_a_row_that_stlkit_did_not_write_is_named(history, column, value):
    """By its job and its column."""
    history.record_job_completions([end(0), end(1)])
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute(f"UPDATE job_history SET {column} = ? WHERE id LIKE '%1'", (value,))  # noqa: S608 - a name from the list above
    for ask in (history.to_dataframe, lambda: list(history.iter_dataframes())):
        with pytest.raises(HistoryError, match=f"{column} of 'job_000001'"):
            ask()
    assert gc.isenabled()  # it waits while a table is made


def test_times_too_far_away_are_missing(history):
    """A nanosecond clock ends in 2262; the row is there all the same."""
    far = replace(end(0).job, created_at=datetime(9000, 1, 1, tzinfo=UTC))
    history.record_job_completions([JobEnd(job=far), end(1)])
    assert list(history.to_dataframe()["created_at"]) == [pd.Timestamp(MOMENT + timedelta(hours=1)), pd.NaT]


def test_a_file_that_was_never_processed_is_known_by_its_geometry(history, tmp_path, box_stl):
    """Its triangles are read where the history does not know its bytes."""
    small, large = tmp_path / "small.stl", tmp_path / "large.stl"
    small.write_bytes(box_stl(1, 2, 3))
    large.write_bytes(box_stl(10, 20, 30))
    known = history._traits_of(small, False)
    results = JobResults(stl_checksum="00", geometry_hash=known.geometry_hash, geometry_size_mm=known.geometry_size_mm)
    history.record_job_completions([end(0, results=results)])
    (found,) = history.find_similar_jobs(large)
    assert (found.likeness, found.scale) == ((Likeness.GEOMETRY,), pytest.approx(0.1))
    (tmp_path / "text.stl").write_text("no model")
    for name in ("missing.stl", "text.stl"):
        assert history.find_similar_jobs(tmp_path / name) == []
