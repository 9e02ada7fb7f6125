"""The bodies of a mesh as solids: how large each is, whether it is closed, and which lies inside which."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from stlkit.mesh.facets import zero_area_faces
from stlkit.mesh.topology import Topology

# What may be looked at to find out which body lies inside which: pairs of boxes, and faces of bodies around others.
# Each is about two seconds.
_MOST_PAIRS = 200_000_000
_MOST_FACES = 10_000_000


class Shells:
    """The figures of each body; each found when it is first asked for.

    Parameters
    ----------
    topology : Topology
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.mesh = topology.mesh
        self._containers: dict[int, npt.NDArray[np.int64]] = {}
        self._faces_seen = 0

    def __len__(self) -> int:
        return self.topology.body_count

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Faces sorted by body, without the collapsed ones."""
        bodies = self.topology.bodies
        if len(self) <= 1 and not self.topology.collapsed.any():
            return np.arange(len(bodies))
        order = np.argsort(bodies, kind="stable")
        return order[np.count_nonzero(bodies < 0) :]

    @cached_property
    def face_counts(self) -> npt.NDArray[np.int64]:
        """Faces of each body, (b,)."""
        bodies = self.topology.bodies
        return np.bincount(bodies[bodies >= 0], minlength=len(self)).astype(np.int64)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each body begins in `order`, (b,)."""
        return np.cumsum(self.face_counts) - self.face_counts

    @cached_property
    def _corners(self) -> npt.NDArray[np.float64]:
        return self.mesh.vertices[self.mesh.faces[self.order]]

    @cached_property
    def _crosses(self) -> npt.NDArray[np.float64]:
        """Normals with twice the area of each face as their length, in `order`, (n, 3)."""
        corners = self._corners
        return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])

    @cached_property
    def low(self) -> npt.NDArray[np.float64]:
        """Lowest corner of the box around each body, (b, 3)."""
        return np.minimum.reduceat(self._corners.min(axis=1), self.starts) if len(self) else np.empty((0, 3))

    @cached_property
    def high(self) -> npt.NDArray[np.float64]:
        """Highest corner of the box around each body, (b, 3)."""
        return np.maximum.reduceat(self._corners.max(axis=1), self.starts) if len(self) else np.empty((0, 3))

    @cached_property
    def areas(self) -> npt.NDArray[np.float64]:
        """Surface area of each body, mm2, (b,)."""
        return self._sum(np.linalg.norm(self._crosses, axis=1)) / 2

    @cached_property
    def volumes(self) -> npt.NDArray[np.float64]:
        """Signed volume of each body, mm3, (b,); it means something only where the body is `closed`.

        By the divergence theorem, about the middle of each body so that its place costs no precision.
        """
        middle = np.repeat((self.low + self.high) / 2, self.face_counts, axis=0)
        return self._sum(np.einsum("ij,ij->i", self._corners[:, 0] - middle, self._crosses)) / 6

    def _sum(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.add.reduceat(values, self.starts) if len(self) else np.empty(0)

    @cached_property
    def closed(self) -> npt.NDArray[np.bool_]:
        """Which bodies have no boundary and one winding, so that they have a volume, (b,)."""
        return ~self._holding(~self.topology.balanced_edges)

    @cached_property
    def watertight(self) -> npt.NDArray[np.bool_]:
        """Which bodies have an even number of faces on every edge, (b,)."""
        return ~self._holding(self.topology.edges.counts % 2 == 1)

    def _holding(self, edges: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which bodies have one of some edges."""
        holding = np.zeros(len(self), dtype=np.bool_)
        holding[self.topology.bodies[self.topology.faces_at(edges)]] = True
        return holding

    @cached_property
    def flat(self) -> npt.NDArray[np.bool_]:
        """Which bodies have no face with an area, (b,)."""
        solid = ~zero_area_faces(self._corners)
        return np.asarray(self._sum(solid.astype(np.float64)) == 0)

    @cached_property
    def signs(self) -> npt.NDArray[np.int64]:
        """Sign of each closed body's volume, 0 where rounding could have made it or the body is open, (b,)."""
        reach = np.maximum(np.abs(self.low), np.abs(self.high)).max(axis=1, initial=0.0)
        doubt = np.finfo(np.float32).eps * reach * self.areas
        return np.where(self.closed & (np.abs(self.volumes) > doubt), np.sign(self.volumes), 0.0).astype(np.int64)

    @cached_property
    def _solid(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.signs)

    def containers(self, body: int) -> npt.NDArray[np.int64]:
        """Return the closed bodies around another body, ascending.

        Where many bodies lie inside large ones this would take minutes: after `_MOST_FACES` faces were looked at,
        a body counts as inside another when its box is.
        """
        if body not in self._containers:
            others = self._boxes_around(body)
            self._faces_seen += int(self.face_counts[others].sum())
            if len(others) and self._faces_seen <= _MOST_FACES:
                others = others[self._surround(others, body)]
            self._containers[body] = others
        return self._containers[body]

    def _boxes_around(self, body: int) -> npt.NDArray[np.int64]:
        boxed = self._solid != body
        for corners, bounds in zip(self._solid_boxes, (*self.low[body], *-self.high[body]), strict=True):
            boxed &= corners <= bounds
        return np.asarray(self._solid[boxed])

    @cached_property
    def _solid_boxes(self) -> npt.NDArray[np.float64]:
        """Lower corners and negated upper corners of the closed bodies, (6, s): one contiguous row each."""
        return np.ascontiguousarray(np.concatenate([self.low, -self.high], axis=1)[self._solid].T)

    def _surround(self, others: npt.NDArray[np.int64], body: int) -> npt.NDArray[np.bool_]:
        """Tell which of some closed bodies lie around another body."""
        point = self._point_on(body)
        numbers = [winding_number(self._corners[self._faces_of(other)], point) for other in others]
        # On the surface itself the number is a half: bodies that touch do not contain each other.
        return np.asarray(np.abs(np.array(numbers)) > 0.75)

    def _faces_of(self, body: int) -> slice:
        return slice(int(self.starts[body]), int(self.starts[body] + self.face_counts[body]))

    def _point_on(self, body: int) -> npt.NDArray[np.float64]:
        faces = self._faces_of(body)
        largest = int(np.argmax(np.einsum("ij,ij->i", self._crosses[faces], self._crosses[faces])))
        return np.asarray(self._corners[faces][largest].mean(axis=0))

    @cached_property
    def cavities(self) -> npt.NDArray[np.bool_]:
        """Which bodies are the walls of a hollow: inside-out, and inside an odd number of others, (b,)."""
        return self._nested(self.signs < 0)

    @cached_property
    def inverted(self) -> npt.NDArray[np.bool_]:
        """Which bodies are inside-out without being a cavity, (b,)."""
        return (self.signs < 0) & ~self.cavities

    @cached_property
    def to_turn(self) -> npt.NDArray[np.bool_]:
        """Which bodies must be turned over to have every outside outside, (b,).

        These are the inverted ones, and the cavities that were turned with them: closed outward inside a body
        that is inside-out itself.
        """
        turn = self.inverted.copy()
        if turn.any() and not turn.all():
            for body in np.flatnonzero(self._nested((self.signs > 0) & self._boxed_in(turn))):
                around = self.containers(int(body))
                turn[body] = len(around) > 0 and bool(self.inverted[around].all())
        return turn

    def _boxed_in(self, others: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which bodies lie in the box around all of some others; a quick way to rule most out."""
        low, high = self.low[others].min(axis=0), self.high[others].max(axis=0)
        return np.asarray(((self.low >= low) & (self.high <= high)).all(axis=1))

    def _nested(self, asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which of the bodies asked for lie inside an odd number of closed ones; all, where that is too much."""
        bodies = np.flatnonzero(asked)
        if len(bodies) * len(self._solid) > _MOST_PAIRS:
            return asked
        nested = np.zeros(len(self), dtype=np.bool_)
        for body in bodies.tolist():
            nested[body] = len(self.containers(body)) % 2 == 1
        return nested


def winding_number(triangles: npt.NDArray[np.float64], point: npt.NDArray[np.float64]) -> float:
    """Count how often a surface winds around a point: 1 inside a sound closed surface, 0 outside.

    Parameters
    ----------
    triangles : (n, 3, 3) float64
    point : (3,) float64

    Returns
    -------
    float
        A whole number for a closed surface, unless the point lies on it. Source: van Oosterom and Strackee,
        *The solid angle of a plane triangle*, 1983; Jacobson et al., *Robust inside-outside segmentation using
        generalized winding numbers*, 2013.
    """
    a, b, c = np.moveaxis(triangles - point, 1, 0)
    length_a, length_b, length_c = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    spread = (
        length_a * length_b * length_c
        + np.einsum("ij,ij->i", a, b) * length_c
        + np.einsum("ij,ij->i", b, c) * length_a
        + np.einsum("ij,ij->i", c, a) * length_b
    )
    return float(np.arctan2(volume, spread).sum() / (2 * np.pi))
