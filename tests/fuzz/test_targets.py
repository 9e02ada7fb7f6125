"""A short search with fixed random numbers, so that the targets of ``make fuzz`` stay alive and honest."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")


@pytest.mark.parametrize(("target", "executions"), [("read", 400), ("judge", 60), ("state", 1500)])
def test_a_short_search_finds_nothing(target, executions):
    """The same broken files each time."""
    command = [sys.executable, RUN, "--plain", "--target", target, "--executions", str(executions), "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{executions} executions" in result.stdout
    assert ", 0 findings" in result.stdout


def test_a_defect_is_found(tmp_path):
    """With a reader that trusts its header, the same search ends with a finding, which is kept."""
    script = tmp_path / "trusting.py"
    script.write_text(
        "import sys, runpy\n"
        "import stlkit.mesh.binary_reader as reader\n"
        "reader._extent = lambda data: reader._Extent(reader.declared_count(data))\n"
        f"sys.argv = ['run.py', '--plain', '--executions', '200', '--seed', '1']\n"
        f"runpy.run_path({str(RUN)!r}, run_name='__main__')\n"
    )
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("FINDING ValueError"))
    assert Path(lines[place + 1].strip()).read_bytes()
