"""Processes under test that begin at once: everything is loaded in one process, and each of them is a fork of it.

Loading takes most of the time of a trial. The owner is a fork of the nursery and its workers are forks of the owner,
made before it has a thread or an open file; so signals, exit codes and parents are those of real processes.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from select import select
from typing import Any

PROCESS = Path(__file__).with_name("fault_process.py")
LOADED = ("stlkit.cli.program", "stlkit.engine.worker")
SPARES = 2
_ANSWER_BYTES = 16


class Nursery:
    """A process that has everything loaded; use as a context. One owner at a time."""

    def __init__(self) -> None:
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # forks need it
        self._process = subprocess.Popen(
            (sys.executable, str(PROCESS), "nursery"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **one_thread},
        )

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, arguments: tuple[str, ...], said: Path, timeout_s: float) -> tuple[int, int | None]:
        """Have a fork run with `arguments`, of which the output goes to `said`.

        Returns
        -------
        pid : int
            The fork's; it leads a session of its own.
        code : int or None
            How it ended, as of `subprocess.Popen.returncode`; None where it had not ended in time and was killed.
        """
        self._process.stdin.write(json.dumps([str(said), *arguments]).encode() + b"\n")
        self._process.stdin.flush()
        pid = self._answer()
        if select([self._process.stdout], [], [], timeout_s)[0]:
            return pid, self._answer()
        os.killpg(pid, signal.SIGKILL)
        self._answer()
        return pid, None

    def _answer(self) -> int:
        line = os.read(self._process.stdout.fileno(), _ANSWER_BYTES)
        if not line:
            raise RuntimeError(f"the nursery ended with {self._process.wait()}")
        return int(line)


def wait_to_be_born() -> list[str]:
    """Be the nursery: load, and fork for each line of standard input. Returns in the forks alone, their arguments."""
    for name in LOADED:
        importlib.import_module(name)
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("a module starts a thread when it is loaded: forks would lack it")
    for line in sys.stdin:
        said, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            _take_streams(os.open(os.devnull, os.O_RDONLY), output := os.open(said, os.O_WRONLY | os.O_CREAT), output)
            return arguments
        _answer(child)
        _, status = os.waitpid(child, 0)
        _answer(os.waitstatus_to_exitcode(status))
    sys.exit()


def _answer(number: int) -> None:
    os.write(1, f"{number:<{_ANSWER_BYTES}}".encode())


class Spares:
    """Forks of the owner that wait to be its workers, and end with it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, socket.socket]] = []

    def stay_behind(self) -> bool:
        """Fork them. Returns True in the owner, and False in a spare once it is a worker."""
        for _ in range(SPARES):
            here, there = socket.socketpair()
            child = os.fork()
            if child == 0:
                for _, other in self._waiting:
                    other.close()
                here.close()
                _, descriptors, _, _ = socket.recv_fds(there, 1, 3)
                if not descriptors:  # the owner is gone
                    os._exit(0)
                there.close()
                _take_streams(*descriptors)
                return False
            there.close()
            self._waiting.append((child, here))
        return True

    def take_the_place_of(self, command: tuple[str, ...]) -> None:
        """Where this process starts `command`, have a spare be it, as long as there are any."""
        spares = self._waiting

        class Popen(subprocess.Popen[bytes]):
            def _execute_child(self, args: Any, *rest: Any) -> None:  # the part of Popen that forks
                if args != command or not spares:
                    super()._execute_child(args, *rest)
                    return
                pipes = rest[9:15]
                self.pid, channel = spares.pop(0)
                self._child_created = True
                socket.send_fds(channel, [b"x"], [pipes[0], pipes[3], pipes[5]])
                channel.close()
                self._close_pipe_fds(*pipes)

        if spares:
            subprocess.Popen = Popen


def _take_streams(*descriptors: int) -> None:
    for stream, descriptor in enumerate(descriptors):
        os.dup2(descriptor, stream)
    for descriptor in set(descriptors) - {0, 1, 2}:
        os.close(descriptor)
