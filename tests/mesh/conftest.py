"""Shapes whose answers are known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings

from stlkit.mesh.intake import parse_stl
from stlkit.mesh.merging import merge_vertices
from stlkit.model.geometry import encode_binary_stl

# A busy machine is no failure.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

# Corner i of the unit cube has x = bit 0, y = bit 1, z = bit 2 of i.
CUBE_CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)], dtype=np.float64)
CUBE_QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6))


def box(size=(1.0, 1.0, 1.0), at=(0.0, 0.0, 0.0)):
    """Twelve triangles of a box with one corner at `at`; the first two are its underside."""
    corners = CUBE_CORNERS * size + at
    return np.array([corners[list(t)] for a, b, c, d in CUBE_QUADS for t in ((a, b, c), (a, c, d))])


def tetrahedron():
    """The corner tetrahedron with edges 1, 1, 1 along the axes; its volume is 1/6."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
    return corners[np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)])]


def sphere(radius=1.0, columns=64, rows=32):
    """A sphere of latitude rings, both poles single points."""
    turn = np.arange(columns) * 2 * np.pi / columns
    tilt = np.arange(1, rows) * np.pi / rows
    rings = radius * np.stack(
        [np.outer(np.sin(tilt), np.cos(turn)), np.outer(np.sin(tilt), np.sin(turn)), np.outer(np.cos(tilt), turn**0)],
        axis=-1,
    )
    onward = np.roll(rings, -1, axis=1)
    quads = (rings[:-1], rings[1:], onward[1:], onward[:-1])
    pole = np.broadcast_to([0.0, 0.0, radius], rings[0].shape)
    return np.concatenate(
        [
            np.stack([quads[0], quads[1], quads[2]], axis=2).reshape(-1, 3, 3),
            np.stack([quads[0], quads[2], quads[3]], axis=2).reshape(-1, 3, 3),
            np.stack([pole, rings[0], onward[0]], axis=1),
            np.stack([-pole, onward[-1], rings[-1]], axis=1),
        ]
    )


def rotation():
    """A rotation about no special axis."""
    axis, angle = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0), 0.7
    skew = np.cross(np.eye(3), -axis)
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


@pytest.fixture
def shapes():
    """The builders of this module."""
    return SimpleNamespace(
        box=box,
        tetrahedron=tetrahedron,
        sphere=sphere,
        rotation=rotation,
        inside_out=lambda triangles: triangles[:, ::-1],
        mesh=lambda *parts: merge_vertices(np.concatenate(parts).astype(np.float32)),
        reading=lambda *parts: parse_stl(encode_binary_stl(np.concatenate(parts))),
    )
