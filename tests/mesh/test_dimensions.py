"""Sizes along the axes and of the smallest box."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.minimal_box import minimal_box
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.reports import DimensionReport


def test_along_the_axes(shapes):
    """Width, depth and height are the extents along x, y and z, in millimetres and inches."""
    report = measure_dimensions(shapes.mesh(shapes.box((25.4, 50.8, 76.2), at=(1, 2, 3))))
    assert (report.width_mm, report.depth_mm, report.height_mm) == pytest.approx((25.4, 50.8, 76.2))
    assert (report.width_inch, report.depth_inch, report.height_inch) == pytest.approx((1, 2, 3))
    assert report.center_mm == pytest.approx((13.7, 27.4, 41.1))
    assert report.diagonal_mm == pytest.approx(25.4 * np.sqrt(14))
    assert report.box_volume_mm3 == pytest.approx(25.4**3 * 6)
    assert report.minimal_box.size_mm == pytest.approx((76.2, 50.8, 25.4))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_a_turned_box_is_found_again(shapes, scale):
    """The smallest box around a turned box is that box, with its sides, centre and directions."""
    rotation = shapes.rotation()
    found = measure_dimensions(shapes.mesh(shapes.box((1, 2, 3)) @ rotation.T * scale)).minimal_box
    assert found.size_mm == pytest.approx(np.array([3, 2, 1]) * scale, rel=1e-5)
    assert found.size_inch == pytest.approx(np.array([3, 2, 1]) * scale / 25.4, rel=1e-5)
    assert found.volume_mm3 == pytest.approx(6 * scale**3, rel=1e-5)
    assert found.center_mm == pytest.approx(rotation @ [0.5, 1, 1.5] * scale, rel=1e-5)
    np.testing.assert_allclose(np.abs(np.array(found.axes) @ rotation), np.eye(3)[::-1], atol=1e-5)


def test_a_finely_meshed_box_is_found_again(shapes):
    """So is one of so many vertices that only the outermost are looked at."""
    steps = np.linspace(0, 1, 60)
    grid = np.stack(np.meshgrid(steps, steps, [0, 1]), axis=-1).reshape(-1, 3)
    points = np.concatenate([grid, grid[:, [1, 2, 0]], grid[:, [2, 0, 1]]]) * (3, 0.01, 2)
    assert len(points) > 20_000
    found = minimal_box(points @ shapes.rotation().T)
    assert found.size_mm == pytest.approx((3, 2, 0.01), rel=1e-4)


@settings(max_examples=60)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-100, 100, width=32)),
    st.integers(0, 2**32 - 1),
)
def test_the_box_holds_every_point(points, seed):
    """The smallest box holds every point, is never larger than the box along the axes, and is right-handed."""
    points = points @ Rotation.random(rng=seed).as_matrix().T
    found = minimal_box(points)
    axes = np.array(found.axes)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)
    offsets = np.abs((points - found.center_mm) @ axes.T)
    assert (offsets <= np.array(found.size_mm) / 2 + 1e-9 * (1 + np.abs(points).max())).all()
    assert found.volume_mm3 <= np.ptp(points, axis=0).prod() * (1 + 1e-9) + 1e-12
    assert (np.diff(found.size_mm) < 1e-9).all()


def test_a_flat_model(shapes):
    """A turned rectangle without thickness has a box of its own sides."""
    sheet = shapes.box((2, 5, 1))[:2]
    found = measure_dimensions(shapes.mesh(sheet @ shapes.rotation().T)).minimal_box
    assert found.size_mm == pytest.approx((5, 2, 0), abs=1e-5)


def test_a_model_on_a_line():
    """Points on a line have a box of its length; a single point has one of no size."""
    line = np.linspace(0, 1, 7)[:, None] * np.array([2.0, 3.0, 6.0])
    assert minimal_box(line).size_mm == pytest.approx((7, 0, 0), abs=1e-9)
    assert minimal_box(line[:1]).size_mm == (0, 0, 0)


def test_straight_models_are_not_turned(shapes):
    """Where turning saves nothing, the box lies along the axes."""
    found = measure_dimensions(shapes.mesh(shapes.box((3, 3, 3)), shapes.sphere())).minimal_box
    np.testing.assert_array_equal(np.sort(np.abs(found.axes), axis=1), [[0, 0, 1]] * 3)


def test_the_report_is_a_document(shapes):
    """A report becomes JSON of finite numbers, and comes back as it was."""
    report = measure_dimensions(shapes.mesh(shapes.tetrahedron()))
    assert from_plain(DimensionReport, json.loads(json.dumps(to_plain(report), allow_nan=False))) == report
