"""The notebooks in the repository: clean on disk, and running from top to bottom."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

NAMES = [
    "01_quickstart.ipynb",
    "02_queue_panel.ipynb",
    "03_preview_and_findings.ipynb",
    "04_history_statistics.ipynb",
    "05_templates_and_options.ipynb",
    "06_recovery.ipynb",
    "app.ipynb",
]


def test_there_are_notebooks():
    """The tests below have something to look at."""
    assert [path.name for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_kept_in_a_notebook(path):
    """What a notebook shows is made by whoever runs it: no outputs, no counts, nothing of the last machine."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata["kernelspec"]["name"] == "python3"


@pytest.mark.gl
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    """Every cell runs without an error, in a fresh kernel, with nothing of the user's own settings."""
    places = {
        name: str(tmp_path / name.lower())
        for name in ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    for place in places.values():
        Path(place).mkdir()
    # Stopping the kernel is nbval's part; the deadline is for a kernel that hangs.
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=240"]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "default", str(path)],
        cwd=tmp_path,
        env={**os.environ, **places, "JUPYTER_PLATFORM_DIRS": "1"},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
