"""What happened, for a person to read: a log of each job, and one of all jobs."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from stlkit.errors import OutputError
from stlkit.files import one_line, open_regular_file, printable
from stlkit.model.encoding import to_plain
from stlkit.model.jobs import QueueJob
from stlkit.model.options import CheckedOptions
from stlkit.model.times import format_utc, utc_now
from stlkit.outputs.names import COMBINED_LOG_NAME
from stlkit.outputs.placing import explained, relative_name, require_inside
from stlkit.outputs.signature import signature

_LARGEST_LOG_BYTES = 1 << 30
_LONGEST_LINE_BYTES = 1 << 16
_JOB_LINE = re.compile(rb"    job: ([A-Za-z0-9_-]+), attempts: ")
_HEAD = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z |[0-9T:.Z-]{1,27}\Z")  # a whole one, or what is left of it
_LAST_BYTES = 1 << 20  # of a log, in which its last block begins


class JobLog:
    """The lines of ``ModelA_processing.log``, and those of ``ModelA_errors.log`` among them.

    Kept in memory until the job ends. Not locked: a job has one worker.

    Parameters
    ----------
    stl_path : Path
        The job's file.
    now : callable, optional
        The clock.
    """

    def __init__(self, stl_path: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self._head = signature(stl_path)
        self._now = now
        self._lines: list[str] = []
        self._error_lines: list[str] = []

    def info(self, text: str) -> None:
        """Add a line that is neither a warning nor an error."""
        self._add("INFO", text)

    def warn(self, text: str) -> None:
        """Add a warning."""
        self._add("WARNING", text)

    def error(self, text: str) -> None:
        """Add an error, to both logs; further lines of the text, such as a traceback, are indented."""
        self._error_lines.append(self._add("ERROR", text))

    def options(self, *groups: CheckedOptions) -> None:
        """Add one line for each group of options the job runs with."""
        for group in groups:
            chosen = " ".join(f"{name}={value}" for name, value in to_plain(group).items())
            self.info(f"{type(group).__name__}: {chosen}")

    def stage(self, name: str, duration_s: float) -> None:
        """Add the end of a stage and how long it took."""
        self.info(f"stage {name}: {duration_s:.3f} s")

    def files(self, paths: Iterable[Path], base_folder: Path) -> None:
        """Add one line for each file that was made, relative to the base folder."""
        for path in paths:
            self.info(f"file {relative_name(path, base_folder)}")

    @property
    def text(self) -> str:
        """The whole log."""
        return "\n".join((self._head, *self._lines, ""))

    @property
    def errors_text(self) -> str:
        """The errors alone; empty where there are none, and then no file is to be written."""
        return "\n".join((self._head, *self._error_lines, "")) if self._error_lines else ""

    def _add(self, level: str, text: str) -> str:
        first, *more = text.splitlines() or [""]
        indented = (f"    {one_line(line)}" for line in more)
        line = "\n".join((f"{format_utc(self._now())} {level:<7} {one_line(first)}", *indented))
        self._lines.append(line)
        return line


def append_processing_log(base_folder: Path, *jobs: QueueJob) -> Path:
    """Append a block about each ended job to ``processing_log.txt``.

    The blocks are handed to the system in one write, so that a reader never sees half a line; where it is refused in
    the middle, nothing of it stays. One writer at a time: the process that owns the queue.

    Parameters
    ----------
    base_folder : Path
        Made where it is missing.
    *jobs : QueueJob
        Ended.

    Returns
    -------
    Path
        The log.

    Raises
    ------
    OutputError
        It cannot be written, or is a link out of the base folder.
    """
    path = base_folder / COMBINED_LOG_NAME
    block = "".join(f"{line}\n" for job in jobs for line in _block(job)).encode(errors="backslashreplace")
    with explained(path):
        require_inside(path, base_folder)
        base_folder.mkdir(parents=True, exist_ok=True)
        descriptor = _open_to_append(path)
        try:
            size_before = os.fstat(descriptor).st_size
            if size_before and _read_at(descriptor, size_before - 1) != b"\n":
                block = b"\n" + block
            try:
                _write_all(descriptor, block)
            except OSError:
                os.ftruncate(descriptor, size_before)
                raise
        finally:
            os.close(descriptor)
    return path


def remove_torn_block(base_folder: Path) -> None:
    """Remove the last block of ``processing_log.txt`` where whoever wrote it was killed in the middle.

    Without it, its job is not among `logged_job_ids`. A log that cannot be read or changed stays as it is.
    """
    path = base_folder / COMBINED_LOG_NAME
    with contextlib.suppress(OSError, OutputError):
        require_inside(path, base_folder)
        if not os.path.lexists(path):
            return
        descriptor = _open_to_append(path)
        try:
            size = os.fstat(descriptor).st_size
            tail = _read_at(descriptor, max(0, size - _LAST_BYTES))
            heads = [line.start() for line in re.finditer(rb"^(?=\S)", tail, re.MULTILINE)]
            block = tail[heads[-1] :] if heads else b""
            is_whole = block.endswith(b"\n") and any(map(_JOB_LINE.match, block.splitlines()))
            if _HEAD.match(block) and not is_whole:
                os.ftruncate(descriptor, size - len(block))
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read_at(descriptor: int, position: int) -> bytes:
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.read(descriptor, _LAST_BYTES)


def _open_to_append(path: Path) -> int:
    # No link is followed, even one made since it was looked for; and a pipe that nobody reads is not waited for.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputError(f"{printable(path)} is no file to append to; move it away", path=path)
    return descriptor


def logged_job_ids(base_folder: Path) -> frozenset[str]:
    """Return the ids of the jobs that have a block in ``processing_log.txt``; none where it cannot be read."""
    path = base_folder / COMBINED_LOG_NAME
    try:
        if path.is_symlink():  # never appended to either
            return frozenset()
        with open_regular_file(path, limit_bytes=_LARGEST_LOG_BYTES) as stream:
            lines = iter(partial(stream.readline, _LONGEST_LINE_BYTES), b"")
            return frozenset(match[1].decode() for line in lines if (match := _JOB_LINE.match(line)))
    except (OSError, ValueError):
        return frozenset()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _block(job: QueueJob) -> list[str]:
    results = job.results
    took = "" if job.actual_duration is None else f" in {job.actual_duration:.1f} s"
    stages: Mapping[str, float] = results.stage_durations_s
    return [
        f"{format_utc(job.completed_at or utc_now())} {one_line(job.output_name)}: {job.state}{took}",
        f"    source: {one_line(job.stl_path)}",
        f"    job: {one_line(job.id)}, attempts: {job.attempts}",
        *_saved(job),
        *(f"    stage {one_line(name)}: {duration_s:.3f} s" for name, duration_s in stages.items()),
        *(f"    warning: {one_line(text)}" for text in results.warnings),
        *(f"    error: {one_line(text)}" for text in _errors(job)),
        *(f"    file: {one_line(relative_name(path, job.output_base_folder))}" for path in results.files_generated),
    ]


def _saved(job: QueueJob) -> list[str]:
    results = job.results
    return [f"    {results.reuse}, {results.saved_s:.1f} s saved"] if results.reuse else []


def _errors(job: QueueJob) -> tuple[str, ...]:
    message = () if job.error_message is None else (job.error_message,)
    return tuple(dict.fromkeys((*message, *job.results.errors)))
