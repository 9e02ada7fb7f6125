"""The cache: safe with other processes, thumbnails by content, a limit that holds."""

import os
import subprocess
import sys
import threading

import pytest

from stlkit.storage.cache import TempFileManager

HOLDER = """
import sys; from pathlib import Path; from stlkit.storage.cache import TempFileManager
cache = TempFileManager(Path(sys.argv[1])); folder = cache.create_job_cache_dir("job_theirs")
(folder / "f").write_bytes(b"x" * 1000); print("ready", flush=True); sys.stdin.read()
"""


def age(folder):
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (0, 0))


def test_a_folder_that_another_process_works_in_is_left_alone_until_that_process_ends(tmp_path):
    """However old and large it is; and the lock goes with the process, even if it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"ready\n"
        age(tmp_path / "job_cache" / "job_theirs")
        cache = TempFileManager(tmp_path)
        assert cache.cleanup_stale_cache() == 0
        assert cache.cleanup_large_cache(max_size_mb=0) == 0
        holder.kill()
    assert cache.cleanup_stale_cache() == 1


def test_folders_of_unfinished_jobs_are_kept_however_old(tmp_path):
    """They say how far an interrupted job had come; a size limit takes them last."""
    cache = TempFileManager(tmp_path)
    for name in ("job_waits", "job_gone"):
        (cache.create_job_cache_dir(name) / "processing_state.json").write_bytes(b"x" * 1000)
        cache.trim_job_cache(name, keep="processing_state.json")
        age(tmp_path / "job_cache" / name)
    assert cache.cleanup_stale_cache(keep={"job_waits"}) == 1
    assert cache.job_ids() == {"job_waits"}
    cache.save_thumbnail("a" * 64, b"x" * 1000)
    assert cache.cleanup_large_cache(max_size_mb=0.001, keep={"job_waits"}) == 1
    assert cache.job_ids() == {"job_waits"}


def test_thumbnails_are_found_by_what_is_in_the_file(tmp_path):
    """Keyed by the checksum of the STL file, and never by a name that could lead elsewhere."""
    cache = TempFileManager(tmp_path)
    assert cache.load_thumbnail("0" * 64) is None
    path = cache.save_thumbnail("0" * 64, b"png")
    assert path == tmp_path / "thumbnails" / f"{'0' * 64}_thumb.png"
    assert cache.load_thumbnail("0" * 64) == b"png"
    for evil in ("../x", "", "0" * 63, "G" * 64):
        with pytest.raises(ValueError, match="SHA-256"):
            cache.save_thumbnail(evil, b"png")


def test_the_size_limit_takes_the_oldest_first(tmp_path):
    """Job folders and thumbnails alike."""
    cache = TempFileManager(tmp_path)
    for number in range(6):
        path = cache.save_thumbnail(f"{number}" * 64, b"x" * 1000)
        os.utime(path, (number, number))
    assert cache.cleanup_large_cache(max_size_mb=0.0035) == 3
    assert [cache.load_thumbnail(f"{number}" * 64) is None for number in range(6)] == [True] * 3 + [False] * 3


def test_threads_may_make_and_clean_at_once(tmp_path):
    """Nobody's folder is taken away while it is worked in, and no folder stays."""
    cache, failures = TempFileManager(tmp_path), []

    def work(number):
        try:
            for turn in range(40):
                name = f"job_{number}_{turn}"
                folder = cache.create_job_cache_dir(name)
                age(folder)
                (folder / "f").write_bytes(b"x")
                cache.cleanup_stale_cache(0)
                assert (folder / "f").read_bytes() == b"x"
                cache.cleanup_job_cache(name)
        except (OSError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert cache.job_ids() == frozenset()
