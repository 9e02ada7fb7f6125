import signal
import sys
from types import SimpleNamespace

import pytest

from stlkit.cli import main


@pytest.fixture
def stlkit(tmp_path, monkeypatch, capsys):
    """Call the command line within this process, in a home of its own; for commands that start no worker."""
    monkeypatch.setenv("STLKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["stlkit", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code or 0, stdout=shown.out, stderr=shown.err)

    yield call
    signal.signal(signal.SIGTERM, before)
