"""Measurements whose answers are known in closed form."""

import dataclasses
import json

import numpy as np
import pytest

from stlkit.mesh.analysis import analyze
from stlkit.mesh.units import doubt_units
from stlkit.mesh.validation import validate
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.options import ValidationOptions
from stlkit.model.reports import AnalysisReport, MassBasis, StlFormat

SCALES = [1e-3, 1.0, 1e6]


def analyzed(reading, *, density=1.0):
    options = ValidationOptions(density_g_cm3=density, auto_repair=False)
    validated = validate(reading, options)
    return analyze(validated.mesh, reading.report, options)


@pytest.mark.parametrize("scale", SCALES)
def test_a_box(shapes, scale):
    """A box of 1 by 2 by 3 has volume 6, area 22, and the moments of a box, at every scale."""
    report = analyzed(shapes.reading(shapes.box((1, 2, 3), at=(-1, 4, 2)) * scale))
    assert report.size_mm == pytest.approx((scale, 2 * scale, 3 * scale))
    assert report.size_inch == pytest.approx(np.array([1, 2, 3]) * scale / 25.4)
    assert report.diagonal_mm == pytest.approx(scale * np.sqrt(14))
    assert report.area_mm2 == pytest.approx(22 * scale**2)
    assert report.volume_mm3 == pytest.approx(6 * scale**3)
    assert report.volume_cm3 == pytest.approx(6e-3 * scale**3)
    mass = report.mass_properties
    assert mass.basis is MassBasis.VOLUME
    assert mass.center_mm == pytest.approx(np.array([-0.5, 5, 3.5]) * scale)
    # m (a^2 + b^2) / 12 about each side; about z it is the smallest.
    assert mass.principal_moments_mm5 == pytest.approx(np.array([2.5, 5.0, 6.5]) * scale**5, rel=1e-5)
    assert mass.principal_moments_mm4 is None
    np.testing.assert_allclose(mass.principal_axes, [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-5)


def test_a_turned_box(shapes):
    """The principal axes turn with the model and the moments stay."""
    rotation = shapes.rotation()
    report = analyzed(shapes.reading(shapes.box((1, 2, 3)) @ rotation.T))
    axes = np.array(report.mass_properties.principal_axes)
    np.testing.assert_allclose(np.abs(axes @ rotation), np.eye(3)[::-1], atol=1e-6)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert report.mass_properties.principal_moments_mm5 == pytest.approx((2.5, 5.0, 6.5))


def test_a_tetrahedron(shapes):
    """The corner tetrahedron has volume 1/6 and its centre at a quarter of each edge."""
    report = analyzed(shapes.reading(shapes.tetrahedron()))
    assert report.volume_mm3 == pytest.approx(1 / 6)
    assert report.area_mm2 == pytest.approx(1.5 + np.sqrt(3) / 2)
    assert report.mass_properties.center_mm == pytest.approx((0.25, 0.25, 0.25))
    assert (report.faces, report.vertices, report.edges, report.euler_characteristic) == (4, 4, 6, 2)


def test_a_sphere(shapes):
    """A fine sphere comes near 4/3 pi r^3, 4 pi r^2 and 2/5 m r^2."""
    report = analyzed(shapes.reading(shapes.sphere(2.0, 256, 128)))
    volume = 4 / 3 * np.pi * 8
    assert report.volume_mm3 == pytest.approx(volume, rel=1e-3)
    assert report.area_mm2 == pytest.approx(16 * np.pi, rel=1e-3)
    assert report.mass_properties.principal_moments_mm5 == pytest.approx([0.4 * volume * 4] * 3, rel=2e-3)


def test_an_open_surface(shapes):
    """An open surface has no volume and no mass; centre and axes are those of the sheet."""
    report = analyzed(shapes.reading(shapes.box((2, 4, 1))[:2]))
    assert (report.volume_mm3, report.volume_cm3, report.estimated_mass_g) == (None, None, None)
    assert (report.watertight, report.euler_characteristic) == (False, 1)
    mass = report.mass_properties
    assert mass.basis is MassBasis.SURFACE
    assert mass.center_mm == pytest.approx((1, 2, 0))
    assert mass.principal_moments_mm5 is None
    # a b^3 / 12 about each middle line of a rectangle, and their sum about its normal
    assert mass.principal_moments_mm4 == pytest.approx((4 * 8 / 12, 2 * 64 / 12, 32 / 12 + 128 / 12))


def test_mass(shapes):
    """Mass is volume times density: 1000 mm3 of PLA weigh 1.24 g."""
    report = analyzed(shapes.reading(shapes.box((10, 10, 10))), density=1.24)
    assert report.density_g_cm3 == 1.24
    assert report.estimated_mass_g == pytest.approx(1.24)


def test_an_inverted_body_has_no_mass(shapes):
    """A negative volume is reported as it is, and no mass is made of it."""
    report = analyzed(shapes.reading(shapes.inside_out(shapes.box())))
    assert report.volume_mm3 == pytest.approx(-1)
    assert report.estimated_mass_g is None
    assert report.mass_properties.center_mm == pytest.approx((0.5, 0.5, 0.5))


def test_bodies(shapes):
    """Every body is reported with its size, the largest first, and a cavity is named as such."""
    report = analyzed(
        shapes.reading(
            shapes.box(at=(9, 0, 0)), shapes.box((5, 5, 5)), shapes.inside_out(shapes.box((2, 2, 2), at=(1, 1, 1)))
        )
    )
    assert report.bodies == 3
    large, cavity, small = report.largest_bodies
    assert (large.volume_mm3, cavity.volume_mm3, small.volume_mm3) == pytest.approx((125, -8, 1))
    assert (large.is_cavity, cavity.is_cavity, small.is_cavity) == (False, True, False)
    assert small.bounds_mm == ((9, 0, 0), (10, 1, 1))
    assert (small.size_mm, small.faces, small.area_mm2, small.watertight) == ((1, 1, 1), 12, pytest.approx(6), True)
    assert report.volume_mm3 == pytest.approx(118)


def test_at_most_a_hundred_bodies_are_listed(shapes):
    """A soup of triangles does not blow the report up."""
    report = analyzed(shapes.reading(np.random.default_rng(2).random((300, 3, 3))))
    assert (report.bodies, len(report.largest_bodies)) == (300, 100)


def test_triangle_quality(shapes):
    """A cube is made of right-angled triangles with 45 degrees, and twelve edges of 1 and six of the root of 2."""
    quality = analyzed(shapes.reading(shapes.box())).triangle_quality
    assert dataclasses.astuple(quality.min_angle_deg) == pytest.approx((45, 45, 45, 45))
    # R = sqrt(2) / 2 and r = 1 / (2 + sqrt(2))
    assert quality.aspect_ratio.mean == pytest.approx((1 + np.sqrt(2)) / 2)
    edges = quality.edge_length_mm
    assert (edges.min, edges.mean, edges.max) == pytest.approx((1, (12 + 6 * np.sqrt(2)) / 18, np.sqrt(2)))
    assert quality.face_area_mm2.median == pytest.approx(0.5)
    assert (quality.faces_below_1_deg, quality.degenerate_faces) == (0, 0)


def test_needles_are_counted(shapes):
    """A triangle with an angle below one degree is counted, one without area is not measured."""
    needle = [[[0, 0, 0], [100, 0, 0], [100, 1, 0]]]
    quality = analyzed(shapes.reading(needle, shapes.box()[:1, [0, 1, 1]])).triangle_quality
    assert (quality.faces_below_1_deg, quality.degenerate_faces) == (1, 1)
    assert quality.min_angle_deg.min == pytest.approx(np.degrees(np.arctan(0.01)))


@pytest.mark.parametrize("triangle", [[[1, 2, 3]] * 3, [[0, 0, 0], [1, 1, 1], [2, 2, 2]]])
def test_a_model_without_area(shapes, triangle):
    """A model of one degenerate face is reported in finite numbers."""
    report = analyzed(shapes.reading([triangle]))
    assert report.mass_properties is None
    assert report.triangle_quality.min_angle_deg is None
    json.dumps(to_plain(report), allow_nan=False)


@pytest.mark.parametrize("scale", [1e-40, 1e-3, 1e6, 1e37])
def test_numbers_stay_finite(shapes, scale):
    """Whatever 32-bit floats can hold, every number of the report is finite."""
    report = analyzed(shapes.reading(shapes.box() * scale))
    text = json.dumps(to_plain(report), allow_nan=False)
    assert from_plain(AnalysisReport, json.loads(text)) == report


def test_facts_of_the_file(shapes):
    """The analysis says which file it is about."""
    reading = shapes.reading(shapes.box())
    report = analyzed(reading)
    assert report.checksum_sha256 == reading.report.checksum_sha256
    assert (report.format, report.file_size_bytes, report.triangles_in_file) == (StlFormat.BINARY, 684, 12)


def test_work_can_be_shared(shapes):
    """An analysis on top of a validation says the same as one from scratch."""
    reading, options = shapes.reading(shapes.box()[2:]), ValidationOptions()
    validated = validate(reading, options)
    shared = analyze(validated.mesh, reading.report, options, examination=validated.examination)
    assert shared == analyze(validated.mesh, reading.report, options)
    assert shared.watertight


@pytest.mark.parametrize("extent", [3.0, 20.0, 2000.0])
def test_usual_sizes_raise_no_doubt(extent):
    """From 3 mm to 2 m there is nothing to say about the units."""
    assert doubt_units(extent) is None


@pytest.mark.parametrize(
    ("extent", "reasons"),
    [
        (0.1, ["it would be 100 mm if it was drawn in metres"]),
        (2.0, ["it would be 50.8 mm if it was drawn in inches, 20 mm if it was drawn in centimetres"]),
        (50_000.0, ["it would be 50 mm if it was drawn in micrometres"]),
        (1e-6, ["no usual unit"]),
    ],
)
def test_doubtful_sizes_are_explained(extent, reasons):
    """A doubtful size comes with what other units would make of it."""
    doubt = doubt_units(extent)
    assert all(reason in doubt for reason in reasons)
