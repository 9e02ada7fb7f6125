"""Writing meshes."""

import numpy as np

from stlkit.mesh.intake import read_stl
from stlkit.mesh.merging import merge_vertices
from stlkit.mesh.writing import write_stl


def test_a_written_mesh_is_read_back(tmp_path, shapes):
    """What was written is read back without a finding, face by face."""
    triangles = shapes.sphere().astype(np.float32)
    write_stl(merge_vertices(triangles), tmp_path / "sphere.stl")
    reading = read_stl(tmp_path / "sphere.stl")
    assert reading.report.findings == ()
    np.testing.assert_array_equal(reading.triangles, triangles)


def test_colors_are_kept(tmp_path, shapes):
    """Colours are written with the five bits that the format has, and survive a second round unchanged."""
    colors = np.random.default_rng(4).integers(0, 256, (12, 3), dtype=np.uint8)
    write_stl(merge_vertices(shapes.box().astype(np.float32), colors), tmp_path / "once.stl")
    once = read_stl(tmp_path / "once.stl").face_colors
    assert np.abs(once.astype(int) - colors).max() < 8
    write_stl(merge_vertices(shapes.box().astype(np.float32), once), tmp_path / "twice.stl")
    np.testing.assert_array_equal(read_stl(tmp_path / "twice.stl").face_colors, once)
