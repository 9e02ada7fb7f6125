"""The process under test: ``fault_process.py SPEC owner ARGUMENTS…`` is the command line with faults in it.

SPEC is a JSON object: ``owner`` and ``worker`` hold the fault of either process, or null. ``fault_process.py SPEC
worker`` is what the owner starts as its worker. ``fault_process.py nursery`` loads everything once and becomes the
owner in forks of itself, see `fault_nursery`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fault_nursery
from fault_points import Fault, FaultPoints


def main() -> None:
    """Install the fault, then be the owner or the worker."""
    spares = fault_nursery.Spares()
    if sys.argv[1:] == ["nursery"]:
        spec, role, *arguments = fault_nursery.wait_to_be_born()
        if not spares.stay_behind():
            role = "worker"
    else:
        spec, role, *arguments = sys.argv[1:]
    fault = json.loads(spec)[role]
    if fault is not None:
        once = Path(fault["trace"] + ".done")
        if role == "worker" and once.exists():  # the fault hits one worker; its successor is sound
            fault["action"] = "count"
        once.touch()
        FaultPoints(
            Fault(action=fault["action"], at=fault["at"], root=Path(fault["root"]), trace=Path(fault["trace"]))
        ).install()
    if role == "worker":
        from stlkit.engine.worker import main as work  # noqa: PLC0415 - after the fault is in place

        work()
        return
    from stlkit.engine import local_worker  # noqa: PLC0415 - as above

    command = (sys.executable, str(Path(__file__).resolve()), spec, "worker")
    local_worker.LocalWorker.__init__.__kwdefaults__["command"] = command
    spares.take_the_place_of(command)
    from stlkit.cli import main as command_line  # noqa: PLC0415 - as above

    sys.argv = ["stlkit", *arguments]
    command_line()


if __name__ == "__main__":
    main()
