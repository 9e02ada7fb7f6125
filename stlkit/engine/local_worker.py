"""A worker that is a child process on this machine."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, cast

import psutil

from stlkit.engine.protocol import Command, Report, decode_message, encode_message
from stlkit.errors import WorkerCrashedError

WORKER_COMMAND = (sys.executable, "-m", "stlkit.engine.worker")
CLOSE_TIMEOUT_S = 5.0
_KEPT_LINES = 40


class LocalWorker:
    """One child process ``python -m stlkit.engine.worker``; see `stlkit.engine.protocol.Worker`.

    The child ends by itself when its standard input closes, so it never outlives the process that started it, however
    that one ends.

    Parameters
    ----------
    threads : int
        How many processor threads the child's libraries may use.
    command : sequence of str
        What to start, if not this Python with `stlkit.engine.worker`.
    """

    def __init__(self, *, threads: int, command: Sequence[str] = WORKER_COMMAND) -> None:
        count = str(threads)
        # LP_NUM_THREADS is Mesa's software renderer, the others are numerical libraries.
        limits = dict.fromkeys(("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), count)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **limits},
        )
        # Popen's streams are optional to the type checker; all three are pipes here
        self._stdin, self._stdout, self._stderr = (
            cast("IO[bytes]", stream) for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._reports: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._last_words: deque[str] = deque(maxlen=_KEPT_LINES)
        self._readers = [self._read(self._read_reports), self._read(self._read_stderr)]

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def send(self, command: Command) -> None:
        """Say something to the worker; a worker that is gone shows in `receive`, not here."""
        with contextlib.suppress(OSError, ValueError):
            self._stdin.write(encode_message(command))
            self._stdin.flush()

    def receive(self, timeout_s: float) -> Report | None:
        """Return the worker's next report, or None where it said nothing in that time.

        Raises
        ------
        WorkerCrashedError
            The worker is gone; the message says how it ended and what it last wrote.
        """
        try:
            report = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if report is None:
            self._reports.put(None)  # whoever asks again gets the same answer
            raise WorkerCrashedError(self._how_it_ended())
        return report

    def memory_bytes(self) -> int:
        """Return the resident memory of the child and of its children."""
        total = 0
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self._process.pid)
            for process in (parent, *parent.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def kill(self) -> None:
        """End the child and its children at once, and wait until they are gone."""
        victims = []
        with contextlib.suppress(psutil.Error):
            victims = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for victim in victims:
            with contextlib.suppress(psutil.Error):
                victim.kill()
        self._finish()

    def close(self) -> None:
        """Let an idle child end by itself; a stubborn one is killed after some seconds."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._finish()

    def _read(self, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=target, name=f"stlkit-worker-{self.pid}", daemon=True)
        thread.start()
        return thread

    def _read_reports(self) -> None:
        for line in self._stdout:
            try:
                self._reports.put(decode_message(line))
            except ValueError as error:
                self._last_words.append(f"unreadable report: {error}")
        self._reports.put(None)

    def _read_stderr(self) -> None:
        for line in self._stderr:
            self._last_words.append(line.decode("utf-8", "backslashreplace").rstrip())

    def _how_it_ended(self) -> str:
        self._finish()
        code = self._process.returncode
        how = f"exit code {code}"
        if code < 0:
            how = f"signal {signal.Signals(-code).name}"
        last = "; ".join(line for line in list(self._last_words)[-3:] if line)
        return f"worker process {self.pid} ended with {how}" + (f"; it last wrote: {last}" if last else "")

    def _finish(self) -> None:
        self._process.wait()
        for reader in self._readers:
            reader.join(CLOSE_TIMEOUT_S)
        for stream in (self._stdin, self._stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()
