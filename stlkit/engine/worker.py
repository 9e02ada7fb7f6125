"""The worker process: ``python -m stlkit.engine.worker``.

The main thread does the jobs, because a renderer's context belongs to the thread that made it. A second thread reads
commands; when the pipe closes, whoever started the worker is gone, and the worker ends on the spot.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import sys
import threading
from functools import partial
from typing import BinaryIO

import psutil

from stlkit.engine.protocol import (
    Cancel,
    Hold,
    Holding,
    Proceed,
    Progress,
    Report,
    Result,
    Run,
    decode_message,
    encode_message,
)
from stlkit.pipeline.order import JobOrder
from stlkit.pipeline.runner import JobCancelled, JobRunner

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_NICE = 10  # of -20, first, to 19, last


class WorkerProcess:
    """Everything one worker holds: the pipe, the commands, and the runner with its renderer.

    Parameters
    ----------
    commands : binary stream
        Where commands come from.
    reports : binary stream
        Where reports go.
    """

    def __init__(self, commands: BinaryIO, reports: BinaryIO) -> None:
        self._commands = commands
        self._reports = reports
        self._orders: queue.SimpleQueue[JobOrder] = queue.SimpleQueue()
        self._may_proceed = threading.Event()
        self._may_proceed.set()
        self._cancelled = threading.Event()
        self._runner = JobRunner()

    def serve(self) -> None:
        """Do jobs until the pipe closes; never returns."""
        threading.Thread(target=self._listen, name="stlkit-commands", daemon=True).start()
        while True:
            order = self._orders.get()
            answer = self._runner.run(
                order,
                on_progress=partial(self._progress, order.job_id),
                between_stages=partial(self._between_stages, order.job_id),
            )
            self._say(Result(answer=answer))

    def _listen(self) -> None:
        for line in self._commands:
            command = decode_message(line)
            if isinstance(command, Run):
                self._cancelled.clear()
                self._orders.put(command.order)
            elif isinstance(command, Hold):
                self._may_proceed.clear()
            elif isinstance(command, Proceed):
                self._may_proceed.set()
            elif isinstance(command, Cancel):
                self._cancelled.set()
                self._may_proceed.set()
        os._exit(0)  # the main thread may be deep in native code; there is nobody left to work for

    def _progress(self, job_id: str, stage: str, progress: float) -> None:
        if self._cancelled.is_set():
            raise JobCancelled
        self._say(Progress(job_id=job_id, stage=stage, progress=progress))

    def _between_stages(self, job_id: str) -> None:
        if not self._may_proceed.is_set():
            self._say(Holding(job_id=job_id))
            self._may_proceed.wait()
        if self._cancelled.is_set():
            raise JobCancelled

    def _say(self, report: Report) -> None:
        self._reports.write(encode_message(report))
        self._reports.flush()


def _end_with_parent() -> None:
    """Have Linux end this process in the moment in which the supervising thread ends, even by SIGKILL.

    Elsewhere, and before this call, the closed pipe does the same a little later. In between, an orphan could write
    beside the worker of the next session.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _give_way() -> None:
    """Let everything else on this machine go first: the notebook and the browser stay quick while all cores draw.

    Where nothing else wants the processor, this costs nothing.
    """
    with contextlib.suppress(psutil.Error, OSError):  # some containers refuse it
        me = psutil.Process()
        if sys.platform == "win32":
            if me.nice() != psutil.IDLE_PRIORITY_CLASS:
                me.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            me.nice(max(me.nice(), _NICE))


def main() -> None:
    """Serve on standard input and output."""
    _end_with_parent()
    _give_way()
    # Ctrl-C in a terminal reaches the whole process group; the supervisor decides what becomes of the job.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Native libraries print to descriptor 1; the reports get a descriptor of their own.
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    WorkerProcess(sys.stdin.buffer, reports).serve()


if __name__ == "__main__":
    main()
