"""A real worker process that speaks the protocol and behaves as the file's name says.

``ok*`` completes, ``stages*`` goes through three stages, ``crash*`` dies by SIGKILL, ``crash_once*`` on its first
attempt alone, ``hang*`` never answers and hears nothing, ``eat*`` takes memory, ``fail*`` fails for good,
``flaky*`` fails twice in a way that may be tried again, ``noise*`` prints to standard output before it completes.
"""

import os
import re
import signal
import sys
import threading

from stlkit.engine.worker import WorkerProcess
from stlkit.model.jobs import JobResults, JobState
from stlkit.pipeline.order import FailureCause, JobAnswer
from stlkit.pipeline.runner import JobCancelled


def answer(order, state=JobState.COMPLETED, message=None, cause=FailureCause.FILE, path=None):
    results = JobResults(stl_checksum="c", stl_size=1, errors=(message,) if message else ())
    return JobAnswer(job_id=order.job_id, state=state, results=results, error_message=message, cause=cause, path=path)


class OddRunner:
    """Stands where `JobRunner` stands."""

    def __init__(self, worker):
        self.worker = worker

    def run(self, order, *, on_progress, between_stages):
        """Do as the file's name says."""
        manner = re.match("[a-z_]+", order.stl_path.stem)[0]
        try:
            between_stages()
            on_progress("intake", 10.0)
            return getattr(self, manner)(order, on_progress, between_stages) or answer(order)
        except JobCancelled:
            return answer(order, JobState.CANCELLED)

    def ok(self, *_):
        pass

    def crash(self, *_):
        os.kill(os.getpid(), signal.SIGKILL)

    def crash_once(self, order, *_):
        if order.attempt == 1:
            self.crash()

    def hang(self, _order, on_progress, _between_stages):
        on_progress("video", 50.0)
        threading.Event().wait()

    def eat(self, _order, on_progress, _between_stages):
        on_progress("image", 50.0)
        self.eaten = os.urandom(1) * 300_000_000
        threading.Event().wait()

    def fail(self, order, *_):
        return answer(order, JobState.FAILED, "the file is empty")

    def flaky(self, order, *_):
        if order.attempt <= 2:
            return answer(order, JobState.FAILED, "the disk hiccuped", FailureCause.OTHER)
        return None

    def noise(self, *_):
        os.write(1, b"a native library says hello\n")

    def stages(self, order, on_progress, between_stages):
        for stage in ("image", "size_chart", "video"):
            between_stages()
            self.work_until_told(order, stage, on_progress)

    def work_until_told(self, order, stage, on_progress):
        """A stage ends when the worker was asked to hold, or when the test has put a file beside the model."""
        permission = order.stl_path.with_suffix(".go")
        while self.worker._may_proceed.is_set() and not permission.exists():
            on_progress(stage, 50.0)  # raises where the job was cancelled
            threading.Event().wait(0.01)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    worker = WorkerProcess(sys.stdin.buffer, reports)
    worker._runner = OddRunner(worker)
    worker.serve()


if __name__ == "__main__":
    main()
