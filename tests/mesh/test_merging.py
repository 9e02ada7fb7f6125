"""Shared vertices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stlkit.mesh import grouping
from stlkit.mesh.grouping import group_rows
from stlkit.mesh.merging import merge_vertices, select_faces

ROWS = arrays(np.uint32, st.tuples(st.integers(0, 60), st.just(3)), elements=st.sampled_from([0, 1, 2**31, 2**32 - 1]))


def columns(rows):
    return tuple(np.ascontiguousarray(rows[:, i]) for i in range(3))


def check_groups(rows):
    groups = group_rows(columns(rows))
    assert len(groups.first) == len(np.unique(rows, axis=0))
    np.testing.assert_array_equal(rows[groups.first][groups.group], rows)
    assert np.all(np.diff(groups.first) > 0)
    assert all(first == np.flatnonzero(groups.group == n)[0] for n, first in enumerate(groups.first))


@given(ROWS)
def test_equal_rows_are_one_group(rows):
    """Rows are in one group exactly if they are equal, and groups are numbered as they first appear."""
    check_groups(rows)


@given(ROWS)
def test_groups_do_not_depend_on_the_hash(rows):
    """Rows that differ stay apart even where they have the same hash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "_hash", lambda columns: np.zeros(len(columns[0]), dtype=np.uint64))
        check_groups(rows)


def test_a_cube_has_eight_vertices(shapes):
    """Merging keeps every face, in its order, and leaves one vertex for each place."""
    triangles = shapes.box().astype(np.float32)
    mesh = merge_vertices(triangles)
    assert mesh.vertices.shape == (8, 3)
    np.testing.assert_array_equal(mesh.triangles, triangles)


def test_both_zeros_are_one():
    """-0.0 and 0.0 are the same coordinate."""
    assert len(merge_vertices(np.array([[[0.0, 1, 2], [-0.0, 1, 2], [1, 1, 1]]], dtype=np.float32)).vertices) == 2


def test_nearly_equal_is_not_equal():
    """Merging on load is exact: the next number a float can hold is another vertex."""
    close = np.nextafter(np.float32(1), np.float32(2))
    assert len(merge_vertices(np.array([[[1, 0, 0], [close, 0, 0], [0, 0, 1]]], dtype=np.float32)).vertices) == 3


def test_no_triangles():
    """No triangles make a mesh without faces."""
    assert len(merge_vertices(np.empty((0, 3, 3), dtype=np.float32)).faces) == 0


def test_selected_faces_take_their_vertices_and_colors(shapes):
    """A selection keeps the faces it names, their colours, and only the vertices they use."""
    triangles = shapes.box().astype(np.float32)
    colors = np.arange(36, dtype=np.uint8).reshape(12, 3)
    chosen = select_faces(merge_vertices(triangles, colors), np.array([5, 0]))
    assert len(chosen.vertices) == 5
    np.testing.assert_array_equal(chosen.triangles, triangles[[5, 0]])
    np.testing.assert_array_equal(chosen.face_colors, colors[[5, 0]])
