"""Properties of validation, repair and analysis that hold for every mesh, however crossed, torn or doubled."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlkit.mesh.analysis import analyze
from stlkit.mesh.dimensions import measure_dimensions
from stlkit.mesh.examination import Examination
from stlkit.mesh.intake import parse_stl
from stlkit.mesh.merging import merge_vertices
from stlkit.mesh.repair import repair
from stlkit.mesh.validation import validate
from stlkit.model.encoding import to_plain
from stlkit.model.geometry import encode_binary_stl
from stlkit.model.options import ValidationLevel, ValidationOptions
from stlkit.model.reports import Severity

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
CORNERS = np.array([[0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]], dtype=np.float32)


@st.composite
def crossed_meshes(draw):
    """Triangles on a coarse grid: full of faces without area, copies, fins and touching corners."""
    return draw(arrays(np.float32, st.tuples(st.integers(1, 24), st.just(3), st.just(3)), elements=st.integers(0, 2)))


@st.composite
def torn_bodies(draw):
    """Closed bodies that overlap and touch, with faces lost, turned over, doubled and moved by a rounding error."""
    places = draw(st.lists(st.tuples(*[st.sampled_from([-3, 0, 1, 9])] * 3), min_size=1, max_size=4))
    triangles = np.concatenate([CORNERS[TETRAHEDRON] + np.float32(place) for place in places])
    picks = draw(st.lists(st.integers(0, len(triangles) - 1), min_size=1, max_size=2 * len(triangles)))
    triangles = triangles[picks if draw(st.booleans()) else sorted(set(picks))]
    turned = draw(arrays(np.bool_, len(triangles)))
    triangles[turned] = triangles[turned][:, ::-1]
    return triangles + draw(st.sampled_from([0, 1e-7])) * draw(
        arrays(np.float32, triangles.shape, elements=st.integers(-1, 1))
    )


MESHES = st.one_of(crossed_meshes(), torn_bodies())


@settings(max_examples=40)
@given(MESHES, st.sampled_from(ValidationLevel), st.booleans())
def test_every_mesh_is_judged(triangles, level, auto_repair):
    """Every mesh is judged without an exception; it passes exactly if nothing above info is left."""
    reading = parse_stl(encode_binary_stl(triangles))
    options = ValidationOptions(level=level, auto_repair=auto_repair)
    validated = validate(reading, options)
    report = validated.report
    assert report.passed == all(finding.severity is Severity.INFO for finding in report.findings)
    assert len(validated.mesh.faces) > 0
    json.dumps(
        to_plain([report, analyze(validated.mesh, reading.report, options), measure_dimensions(validated.mesh)]),
        allow_nan=False,
    )


@settings(max_examples=60, derandomize=True)
@given(MESHES)
def test_a_repair_never_does_harm(triangles):
    """A repair opens and crowds no edge, moves no bounds, keeps every body, and a second one finds nothing to do."""
    examination = Examination(merge_vertices(triangles))
    result = repair(examination)
    before, after = examination.summary, result.examination.summary
    assert after.open_edges <= before.open_edges
    assert after.non_manifold_edges <= before.non_manifold_edges
    assert after.degenerate_faces <= before.degenerate_faces
    diagonal = np.linalg.norm(np.ptp(before.bounds_mm, axis=0))
    assert np.abs(np.array(after.bounds_mm) - before.bounds_mm).max() <= 0.01 * diagonal
    if not result.report.refused:
        assert not repair(result.examination).report.changed


@settings(max_examples=40)
@given(st.sets(st.integers(0, 3), max_size=3), st.permutations(range(4)))
def test_the_order_of_faces_does_not_matter(turned, order):
    """A closed body comes out closed, outward and of its volume, whichever of its faces were turned over."""
    triangles = CORNERS[TETRAHEDRON]
    triangles[list(turned)] = triangles[list(turned)][:, ::-1]
    after = repair(Examination(merge_vertices(triangles[list(order)]))).examination.summary
    assert after.watertight
    assert abs(after.volume_mm3 - 4.5) < 1e-6
