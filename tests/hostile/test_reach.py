"""What a job may touch: its output folder and its cache folder, and nothing else on this machine or another."""

import subprocess
import sys
from pathlib import Path

from stlkit.mesh.intake import parse_stl
from stlkit.model.geometry import encode_binary_stl

SCRIPT = Path(__file__).with_name("reach.py")
CODE = "__import__('os').system('touch canary')"
EVIL = ("../../x", "$(touch canary)", "`touch canary`", f"{{{CODE}}}", "-o;touch canary", "a\nb", "%s%n", "http:x")
URL = "http://127.0.0.1:9/x.png"


def do(folder, stl, *names, picture=URL):
    for name in ("out", "cache"):
        (folder / name).mkdir()
    # -B: what Python itself caches of its modules is no output of the job
    command = [sys.executable, "-B", SCRIPT, stl, folder / "out", folder / "cache", picture, *names]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_a_job_touches_its_own_folders_alone(tmp_path, box_stl):
    """Whatever its file, solid, outputs and picture are called: no file elsewhere, no process, no network."""
    stl = tmp_path / f"{CODE}; $(touch canary) %s.stl"
    stl.write_bytes(encode_binary_stl(parse_stl(box_stl()).triangles, CODE))
    said = do(tmp_path, stl, "ModelA", *EVIL)
    assert said[0] == "state: completed"
    assert set(said) <= {"state: completed", "state: failed", "refused the picture"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["cache", "out", stl.name])


def test_the_watch_sees_what_strays(tmp_path, box_stl):
    """A file beside the output folder, a connection and a process are noticed, so the test above can fail."""
    (tmp_path / "box.stl").write_bytes(box_stl())
    said = do(tmp_path, tmp_path / "box.stl", "stray")
    for word in ("wrote:", "reached: socket.connect", "reached: subprocess.Popen"):
        assert any(line.startswith(word) for line in said)
