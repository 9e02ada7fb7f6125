"""The history for other programs: what is written is what was recorded."""

import csv
import importlib.util
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from stlkit.errors import HistoryError, OptionError, OutputError
from stlkit.model.jobs import JobResults, JobState
from stlkit.model.options import OutputSettings, RenderOptions
from stlkit.storage.history import JobEnd, export

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME = 'a, "b"\n;=1+1 ü.stl'


@pytest.fixture(autouse=True)
def jobs(history, ended_job):
    """Three jobs, an hour apart; the first one has everything, the second one nothing, the third one is archived."""
    full = JobResults(
        validation_passed=True, files_generated=(Path("/out/ü.png"),), warnings=("line 1\nline 2",), errors=("e",),
        stl_size=684, stl_checksum="ab", faces=12, stage_durations_s={"image": 1.5}, peak_memory_bytes=2**40,
        output_bytes=77, geometry_hash="g", geometry_size_mm=2.5, reused_files=3, saved_s=4.5,
    )  # fmt: skip
    ends = [
        JobEnd(job=ended_job(NAME, moment=MOMENT, results=full), render=RenderOptions(), output=OutputSettings()),
        JobEnd(job=ended_job("b.stl", JobState.FAILED, moment=MOMENT + timedelta(hours=1), actual_duration=None)),
        JobEnd(job=ended_job("c.stl", moment=MOMENT - timedelta(days=9))),
    ]
    history.record_job_completions(ends)
    history.archive(before=MOMENT - timedelta(days=1))
    return [end.job for end in ends]


def test_csv(history, jobs, tmp_path):
    """One line of names, then one record a job, oldest first, with text that comes through quoting."""
    assert history.export(tmp_path / "h.csv") == 2
    with (tmp_path / "h.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert [first["id"], second["id"]] == [jobs[0].id, jobs[1].id]
    assert (first["stl_filename"], first["created_at"]) == (NAME, "2026-01-01T12:00:00.000000Z")
    assert (first["faces"], second["faces"], second["actual_duration"]) == ("12", "", "")
    assert json.loads(first["warnings"]) == ["line 1\nline 2"]
    assert list(first)[:21] == list(history.columns()) and "saved_s" in first


def test_json_lines(history, jobs, tmp_path):
    """Each line is an object, with lists and objects inside as such."""
    assert history.export(str(tmp_path / "h.JSONL")) == 2
    first, second = map(json.loads, (tmp_path / "h.JSONL").read_text(encoding="utf-8").splitlines())
    assert (first["id"], first["stl_filename"], first["validation_passed"]) == (jobs[0].id, NAME, True)
    assert (first["files_generated"], first["stage_durations"]) == (["/out/ü.png"], {"image": 1.5})
    assert first["render_options"]["material"] == "plastic"
    assert (second["faces"], second["validation_passed"], second["render_options"]) == (None, None, {})


def test_parquet(history, jobs, tmp_path):
    """Columns have their types, whatever is missing."""
    assert history.export(tmp_path / "table", format="parquet") == 2
    table = parquet.read_table(tmp_path / "table")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["created_at"], types["faces"], types["warnings"], types["validation_passed"]) == (
        "timestamp[us, tz=UTC]", "int64", "list<element: string>", "bool",
    )  # fmt: skip
    first, second = table.to_pylist()
    assert (first["id"], first["created_at"], first["peak_memory_bytes"]) == (jobs[0].id, MOMENT, 2**40)
    assert (first["warnings"], second["warnings"], second["faces"]) == (["line 1\nline 2"], [], None)
    assert pd.read_parquet(tmp_path / "table")["saved_s"].sum() == 4.5


@pytest.mark.parametrize("kind", export.ExportFormat)
def test_filters_archives_and_pieces(history, tmp_path, monkeypatch, kind):
    """Only what is wanted, archived jobs when asked for, and the same file whatever the size of a piece."""
    path = tmp_path / f"h.{kind}"
    assert history.export(path, state="failed") == 1
    assert history.export(path, path="*nothing*") == 0
    assert history.export(path, include_archived=True) == 3
    if kind is not export.ExportFormat.PARQUET:
        whole = path.read_bytes()
        monkeypatch.setattr("stlkit.storage.history.reading.CHUNK_ROWS", 1)
        assert history.export(path, include_archived=True) == 3
        assert path.read_bytes() == whole


def test_a_missing_extra_is_named(history, tmp_path, monkeypatch):
    """The message says what to install, and nothing is written."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "pyarrow" else find_spec(name))
    with pytest.raises(OutputError, match=r"stlkit\[parquet\]"):
        history.export(tmp_path / "h.parquet")
    assert not (tmp_path / "h.parquet").exists()


@pytest.mark.parametrize("name", ["h.xlsx", "h", "h.csv.gz"])
def test_other_formats_are_refused(history, tmp_path, name):
    """With those there are."""
    with pytest.raises(OutputError, match="csv, jsonl, parquet"):
        history.export(tmp_path / name)
    with pytest.raises(OptionError):
        history.export(tmp_path / "h.csv", options={"materiel": "wood"})


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_row_that_no_stlkit_wrote_leaves_the_old_file(history, tmp_path, kind):
    """The file is replaced when it is whole, and only then."""
    path = tmp_path / f"h.{kind}"
    path.write_text("old")
    with closing(sqlite3.connect(history.path)) as connection, connection:
        connection.execute("UPDATE job_history SET warnings = '{'")
    with pytest.raises(HistoryError, match="check_integrity"):
        history.export(path)
    assert path.read_text() == "old"
    assert sorted(each.name for each in tmp_path.iterdir() if "part" in each.name) == []


def test_a_folder_that_is_not_there(history, tmp_path):
    """Is named, with what to do."""
    with pytest.raises(OutputError, match="choose another file"):
        history.export(tmp_path / "no" / "h.csv")
