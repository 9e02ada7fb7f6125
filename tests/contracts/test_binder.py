"""What makes the Binder demonstration start."""

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"


def test_binder_installs_the_libraries_that_the_makefile_installs():
    """One list of OpenGL packages, in two places that both need it."""
    wanted = re.search(r"call apt,(libegl1[^)]*)\)", (ROOT / "Makefile").read_text())[1].split()
    assert (BINDER / "apt.txt").read_text().split() == wanted


def test_the_scripts_run_here(tmp_path):
    """PostBuild writes a setting that opens a notebook which exists; start hands over to whatever it is given."""
    env = {**os.environ, "HOME": str(tmp_path)}
    stub = tmp_path / "stlkit"
    stub.write_text("#!/bin/sh\nexit 0\n")  # drawing is tested elsewhere; here it would take a second for nothing
    stub.chmod(0o755)
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    subprocess.run([BINDER / "postBuild"], env=env, check=True)
    settings = json.loads((tmp_path / ".jupyter" / "jupyter_config.json").read_text())
    assert set(settings) == {"ServerApp", "LabApp", "JupyterNotebookApp"}  # each has a default of its own
    (opened,) = {settings[app]["default_url"].removeprefix("/lab/tree/") for app in settings}
    assert (ROOT / opened).is_file()
    assert subprocess.run([BINDER / "start", "echo", "hello"], capture_output=True, check=True).stdout == b"hello\n"
