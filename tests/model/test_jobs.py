"""Jobs: one table of legal moves, ids that never come twice, lossless JSON."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.geometry import STL_RECORD, TriangleMesh, encode_binary_stl, facet_normals
from stlkit.model.jobs import TRANSITIONS, JobResults, JobState, new_job_id
from stlkit.model.times import format_utc, parse_utc


def test_every_state_has_its_moves_and_an_ended_job_has_none():
    """Nothing leaves an ending; every other state can reach one."""
    assert set(TRANSITIONS) == set(JobState)
    for state, targets in TRANSITIONS.items():
        assert state.ended == (not targets)
        assert state not in targets
        if not state.ended:
            assert any(target.ended for target in targets)


def test_ids_sort_by_time_and_never_come_twice():
    """Ten thousand ids of one second are all different."""
    moment = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    ids = {new_job_id(moment) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert max(ids) < new_job_id(datetime(2026, 1, 15, 10, 30, 1, tzinfo=UTC))


def test_results_survive_json():
    """What a worker answers arrives as it was."""
    results = JobResults(
        validation_passed=False, warnings=("w",), stage_durations_s={"image": 1.5}, faces=12,
        output_bytes=5, options_hash="o", geometry_hash="g", geometry_size_mm=1.5, reused_files=2, saved_s=0.5,
    )  # fmt: skip
    assert from_plain(JobResults, json.loads(json.dumps(to_plain(results)))) == results


def test_a_wrong_value_is_named_by_its_path():
    """The error says where in the document."""
    with pytest.raises(ValueError, match=r"\$\.faces"):
        from_plain(JobResults, {"faces": "many"})


def test_times_are_utc_and_sort_as_text():
    """Text order is time order, and the texts come back exactly."""
    moments = [datetime(2026, 1, 15, 10, 30, 0, micro, tzinfo=UTC) for micro in (0, 1, 999_999)]
    texts = [format_utc(moment) for moment in moments]
    assert texts == sorted(texts)
    assert all(text.endswith("Z") for text in texts)
    assert [parse_utc(text) for text in texts] == moments
    assert parse_utc("2026-01-15T12:30:00+02:00") == moments[0]


def test_a_facet_normal_follows_the_right_hand_rule():
    """Counter-clockwise seen from above points up; a face without area has no direction."""
    triangles = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 1], [2, 2, 2]]], dtype=float)
    assert facet_normals(triangles).tolist() == [[0, 0, 1], [0, 0, 0]]


def test_a_binary_stl_is_84_bytes_and_50_more_for_each_facet():
    """The bytes are those of the format: header, count, records."""
    triangles = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    data = encode_binary_stl(triangles, header="x" * 200)
    assert len(data) == 84 + 2 * 50
    assert data[:80] == b"x" * 80
    assert int.from_bytes(data[80:84], "little") == 2
    assert np.frombuffer(data[84:], dtype=STL_RECORD)["corners"].tolist() == triangles.tolist()


def test_bounds_are_those_of_the_faces_not_of_loose_vertices():
    """A vertex that no face uses is not part of the model."""
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [9, 9, 9]], dtype=float)
    mesh = TriangleMesh(vertices=vertices, faces=np.array([[0, 1, 2]], dtype=np.int32))
    assert mesh.extents_mm.tolist() == [2, 3, 0]
