import os
import shutil
import subprocess

import numpy as np
import pytest

from stlkit.model.geometry import encode_binary_stl
from stlkit.storage.home import Home

# Corners of a unit cube, and its twelve facets wound counter-clockwise seen from outside.
_CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
_FACETS = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
     [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
)  # fmt: skip


@pytest.fixture(scope="session")
def box_stl():
    """Give the bytes of a binary STL of a box with the given width, depth and height in mm."""

    def make(width_mm=20.0, depth_mm=20.0, height_mm=20.0):
        return encode_binary_stl((_CORNERS * (width_mm, depth_mm, height_mm))[_FACETS])

    return make


@pytest.fixture
def models(tmp_path, box_stl):
    """A folder of two models, which are equal."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.stl").write_bytes(box_stl())
    return folder


@pytest.fixture
def home(tmp_path):
    """An empty home folder."""
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
