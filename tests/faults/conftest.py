import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the harness beside this file: trials, points, the model of a disk


@pytest.fixture(scope="session")
def models(tmp_path_factory, box_stl):
    """Five small models, no two alike."""
    folder = tmp_path_factory.mktemp("models")
    for number in range(5):
        (folder / f"box{number}.stl").write_bytes(box_stl(10 + number))
    return folder
