"""``stlkit usage`` and ``stlkit clean``."""

import json
import os

import pytest

from stlkit import Workspace


@pytest.fixture
def home(tmp_path):
    """A home with one stale folder."""
    with Workspace(tmp_path / "home") as ws:
        ws.cache.save_thumbnail("a" * 64, b"x" * 300)
        (ws.cache.create_job_cache_dir("job_stale") / "f").write_bytes(b"x" * 12_000)
        ws.cache.trim_job_cache("job_stale", keep="f")
        for path in (ws.cache.job_folder("job_stale") / "f", ws.cache.job_folder("job_stale")):
            os.utime(path, (0, 0))
    return ws.home


def test_usage_is_a_table_or_json(stlkit, home):
    """Per kind, files and size."""
    lines = {line[:20].strip(): line.split()[-3:] for line in stlkit("usage").stdout.splitlines()}
    assert lines["temporary files"] == ["1", "12.0", "kB"]
    assert lines["thumbnails"] == ["1", "300", "B"]
    data = json.loads(stlkit("usage", "--json").stdout)
    assert data["disk_usage"]["job_cache"] == {"count": 1, "size_bytes": 12_000}
    assert data["disk_usage"]["home"] == str(home.root)
    assert data["home_total"]["count"] > 8


def test_a_dry_run_prints_what_would_go_and_the_real_one_what_went(stlkit, home):
    """Per kind, with bytes."""
    planned = stlkit("clean", "--dry-run").stdout
    assert planned.splitlines()[0] == "12.0 kB would be removed"
    assert planned.splitlines()[1].split() == ["temporary", "files", "1", "folder", "12.0", "kB"]
    assert (home.cache / "job_cache" / "job_stale").is_dir()
    assert stlkit("clean").stdout == planned.replace("would be removed", "were removed")
    assert not (home.cache / "job_cache" / "job_stale").exists()
    assert stlkit("clean").stdout == "nothing was removed\n"


def test_options_hold_for_this_once(stlkit, home):
    """By name, as in the preferences; `--json` gives figures."""
    cleaned = json.loads(stlkit("clean", "--json", "-O", "cache_max_age_hours=1e6", "-O", "cache_max_size_mb=0").stdout)
    assert cleaned["size_bytes"] == 12_300
    assert cleaned["cleaned"]["thumbnails"] == {"count": 1, "size_bytes": 300}
    wrong = stlkit("clean", "-O", "width=3")
    assert wrong.returncode == 2
    assert "history_keep_days" in wrong.stderr
    assert not home.config.exists()


def test_a_home_that_is_in_use_is_refused_with_its_owner(stlkit, home):
    """Unless nothing is removed."""
    with Workspace(home.root) as ws:
        (ws.cache.create_job_cache_dir("job_x") / "f").write_bytes(b"x")
        ws.cache.trim_job_cache("job_x", keep="f")
        refused = stlkit("clean", "-O", "cache_max_size_mb=0")
        assert refused.returncode == 2
        assert f"process {os.getpid()}" in refused.stderr
        assert (ws.cache.job_folder("job_x") / "f").exists()
        assert "would be removed" in stlkit("clean", "--dry-run", "-O", "cache_max_size_mb=0").stdout
