"""Does jobs in this process, and prints every attempt to reach beyond their folders.

Arguments: an STL file, the output folder, the cache folder, a picture for the background, and names of outputs. The
name ``stray`` makes the script itself do what it watches for.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

from stlkit.errors import RenderError
from stlkit.model.options import OutputSettings, RenderOptions, ValidationOptions
from stlkit.model.times import utc_now
from stlkit.pipeline.order import JobOrder
from stlkit.pipeline.runner import JobRunner
from stlkit.rendering.background import make_backdrop

STL, OUT, CACHE = map(Path, sys.argv[1:4])
PICTURE, *NAMES = sys.argv[4:]
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REACHING = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.kill", "pty.", "urllib.")
CHANGING = {
    "os.mkdir": (0,), "os.remove": (0,), "os.rmdir": (0,), "os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "shutil.rmtree": (0,), "shutil.move": (1,),
}  # fmt: skip


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def is_outside(path, *, followed):
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False  # a descriptor, which was looked at when it was opened
    path = Path(os.fsdecode(path))
    real = Path(os.path.realpath(path)) if followed else Path(os.path.realpath(path.parent)) / path.name
    return not any(real.is_relative_to(folder.resolve()) for folder in (OUT, CACHE)) and real != Path(os.devnull)


def watch(event, arguments):
    if event.startswith(REACHING):
        say(f"reached: {event} {arguments}")
    elif event == "open" and arguments[2] & WRITING and is_outside(arguments[0], followed=True):
        say(f"wrote: {arguments[0]!r}")
    elif event in CHANGING and any(is_outside(arguments[place], followed=False) for place in CHANGING[event]):
        say(f"changed: {event} {arguments}")


def do(name):
    order = JobOrder(
        job_id="job_1",
        stl_path=STL,
        output_base_folder=OUT,
        output_name=name,
        cache_folder=CACHE,
        attempt=1,
        created_at=utc_now(),
        render=RenderOptions(generate_image=False, background_image=PICTURE),
        validation=ValidationOptions(),
        output=OutputSettings(custom_prefix="../../"),
    )
    answer = JobRunner().run(order, on_progress=lambda *_: None, between_stages=lambda: None)
    say(f"state: {answer.state}")


def stray():
    (OUT.parent / "stray").write_text("x")
    with socket.socket() as connection:
        connection.connect_ex(("127.0.0.1", 9))
    subprocess.run(["true"], check=False)


sys.addaudithook(watch)
for name in NAMES:
    stray() if name == "stray" else do(name)
try:
    make_backdrop("white", PICTURE, 64, 36)
except RenderError:
    say("refused the picture")
