"""The command line: parse, call the façade, print. One module a group of commands."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line, and end quietly where Ctrl-C comes while its modules are loaded."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where somebody has it ignored
    if is_heard:
        signal.signal(signal.SIGINT, _end_at_once)
    from stlkit.cli import program  # noqa: PLC0415 - takes most of a second

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    program.main()


def _end_at_once(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"stlkit: interrupted\n")
    os._exit(_INTERRUPTED)  # nothing has begun; an exception could be swallowed by a module that is being loaded
