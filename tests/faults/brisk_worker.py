"""A worker process that starts at once: it speaks the protocol with the standard library alone.

It notes every attempt as a file in the folder that it is given, and the end of it by removing that file, so that a job
that runs twice at once is seen. What a job does is written in its file's name: ``ok``, ``flaky`` (fails the first
time) or ``die`` (kills its process the first time).
"""

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path

STEPS = 6
STEP_S = 0.003


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    notes = Path(sys.argv[1])
    orders, cancelled, may_proceed = queue.SimpleQueue(), threading.Event(), threading.Event()
    threading.Thread(target=listen, args=(orders, cancelled, may_proceed), daemon=True).start()
    while True:
        order = orders.get()
        state, message = work(order, notes, cancelled, may_proceed)
        answer = {"job_id": order["job_id"], "state": state, "results": {}, "error_message": message, "cause": "other"}
        say({"kind": "result", "answer": answer})


def listen(orders, cancelled, may_proceed):
    for line in sys.stdin:
        command = json.loads(line)
        if command["kind"] == "run":
            cancelled.clear()
            orders.put(command["order"])
        elif command["kind"] == "hold":
            may_proceed.clear()
        elif command["kind"] == "proceed":
            may_proceed.set()
        else:
            cancelled.set()
            may_proceed.set()
    os._exit(0)


def work(order, notes, cancelled, may_proceed):
    running = notes / f"{order['job_id']}.running"
    twice = running.exists() and Path(f"/proc/{running.read_text()}").exists()
    if twice:
        (notes / f"{order['job_id']}.twice").touch()
    running.write_text(str(os.getpid()))
    manner = Path(order["stl_path"]).stem.split("_")[0]
    try:
        for step in range(STEPS):
            say({"kind": "progress", "job_id": order["job_id"], "stage": "intake" if step == 0 else "video",
                 "progress": 100 * step / STEPS})  # fmt: skip
            if not may_proceed.is_set():
                say({"kind": "holding", "job_id": order["job_id"]})
                may_proceed.wait()
            if cancelled.wait(STEP_S):
                return "cancelled", None
        if order["attempt"] == 1 and manner == "flaky":
            return "failed", "the disk hiccuped"
        if order["attempt"] == 1 and manner == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return "completed", None
    finally:
        running.unlink()


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
