"""How the faces of a mesh hang together: one sort of its edges serves every check."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stlkit.model.geometry import TriangleMesh

_KEY_BITS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The edges of a mesh, each with the sides of faces that lie on it.

    A *side* is one directed edge of one face: side ``3 f + k`` of face ``f`` runs from its corner ``k`` to the
    next.

    Parameters
    ----------
    ends : (e, 2) int64
        Lower and higher vertex of each edge.
    starts, counts : (e,) int64
        The sides of edge ``i`` are ``sides[starts[i] : starts[i] + counts[i]]``.
    sides : (s,) int64
        Ascending for each edge.
    ascending : (s,) bool
        Whether each runs from the lower to the higher vertex.
    """

    ends: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    sides: npt.NDArray[np.int64]
    ascending: npt.NDArray[np.bool_]

    def sides_of(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the sides that lie on chosen edges."""
        return self.sides[np.repeat(chosen, self.counts)]


class Topology:
    """Edges, bodies and vertex fans of a mesh, each found when it is first asked for.

    Faces that name one vertex twice are lines without area: they take no part here.

    Parameters
    ----------
    mesh : TriangleMesh
    """

    def __init__(self, mesh: TriangleMesh) -> None:
        self.mesh = mesh

    @cached_property
    def collapsed(self) -> npt.NDArray[np.bool_]:
        """Which faces name one vertex twice, (n,)."""
        a, b, c = self.mesh.faces.T
        return np.asarray((a == b) | (b == c) | (c == a))

    @cached_property
    def edges(self) -> Edges:
        """All edges of the faces that are not collapsed."""
        faces = self.mesh.faces
        begins = faces.ravel().astype(np.uint64)
        ends = faces[:, [1, 2, 0]].ravel().astype(np.uint64)
        low, high = np.minimum(begins, ends), np.maximum(begins, ends)
        sides = np.arange(len(begins), dtype=np.uint64)
        if self.collapsed.any():
            kept = np.repeat(~self.collapsed, 3)
            low, high, sides = low[kept], high[kept], sides[kept]
        keys, sides = _sorted_by_edge(low, high, sides, len(self.mesh.vertices))
        is_first = np.ones(len(keys), dtype=np.bool_)
        is_first[1:] = keys[1:] != keys[:-1]
        starts = np.flatnonzero(is_first)
        order = sides.astype(np.int64)
        vertex_bits = np.uint64(len(self.mesh.vertices).bit_length())
        firsts = keys[starts]
        return Edges(
            ends=np.stack([firsts >> vertex_bits, firsts & _ones(vertex_bits)], axis=1).astype(np.int64),
            starts=starts,
            counts=np.diff(starts, append=len(keys)),
            sides=order,
            ascending=begins[order] < ends[order],
        )

    @cached_property
    def open_edges(self) -> npt.NDArray[np.bool_]:
        """Which edges have one face, (e,)."""
        return np.asarray(self.edges.counts == 1)

    @cached_property
    def non_manifold_edges(self) -> npt.NDArray[np.bool_]:
        """Which edges have more than two faces, (e,)."""
        return np.asarray(self.edges.counts > 2)

    @cached_property
    def inconsistent_edges(self) -> npt.NDArray[np.bool_]:
        """Which edges have two faces that are wound against each other, (e,)."""
        pairs = self.edges.counts == 2
        starts = self.edges.starts[pairs]
        inconsistent = np.zeros(len(pairs), dtype=np.bool_)
        inconsistent[pairs] = self.edges.ascending[starts] == self.edges.ascending[starts + 1]
        return inconsistent

    @cached_property
    def balanced_edges(self) -> npt.NDArray[np.bool_]:
        """Which edges are walked as often one way as the other, (e,).

        Where every edge is, the surface has no boundary and its volume is well defined.
        """
        if not len(self.edges.counts):
            return np.empty(0, dtype=np.bool_)
        up = np.add.reduceat(self.edges.ascending.astype(np.int64), self.edges.starts)
        return np.asarray(2 * up == self.edges.counts)

    @property
    def watertight(self) -> bool:
        """Whether every edge has an even number of faces, so that no surface ends anywhere."""
        return len(self.edges.counts) > 0 and not bool((self.edges.counts % 2).any())

    def faces_at(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the faces that lie on chosen edges, ascending."""
        at = np.zeros(len(self.mesh.faces), dtype=np.bool_)
        at[self.edges.sides_of(chosen) // 3] = True
        return np.flatnonzero(at)

    @cached_property
    def _neighbours(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Pairs of sides that lie on one edge, next to each other in `Edges.sides`."""
        follows = np.ones(len(self.edges.sides), dtype=np.bool_)
        follows[self.edges.starts] = False
        second = np.flatnonzero(follows)
        return self.edges.sides[second - 1], self.edges.sides[second]

    @cached_property
    def bodies(self) -> npt.NDArray[np.int64]:
        """The body of each face, (n,): faces that share an edge are of one body; -1 for collapsed faces."""
        first, second = self._neighbours
        labels = components(len(self.mesh.faces), first // 3, second // 3)
        labels[self.collapsed] = -1
        return _without_gaps(labels)

    @property
    def body_count(self) -> int:
        """How many bodies there are."""
        return int(self.bodies.max(initial=-1)) + 1

    @cached_property
    def non_manifold_vertices(self) -> npt.NDArray[np.int64]:
        """Vertices where surfaces touch that share no edge there, ascending."""
        first, second = self._neighbours
        head, tail = _next_corner(first), _next_corner(second)
        corners = self.mesh.faces.ravel()
        opposed = corners[first] == corners[tail]
        here = np.concatenate([first, head])
        there = np.concatenate([np.where(opposed, tail, second), np.where(opposed, second, tail)])
        fans = components(len(corners), here, there)
        kept = np.repeat(~self.collapsed, 3)
        vertex_of_fan = np.full(int(fans.max(initial=-1)) + 1, -1, dtype=np.int64)
        vertex_of_fan[fans[kept]] = corners[kept]
        fans_at = np.bincount(vertex_of_fan[vertex_of_fan >= 0], minlength=len(self.mesh.vertices))
        return np.flatnonzero(fans_at > 1)

    def faces_around(self, vertices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the faces that have one of some vertices as a corner, ascending."""
        chosen = np.zeros(len(self.mesh.vertices), dtype=np.bool_)
        chosen[vertices] = True
        return np.flatnonzero(chosen[self.mesh.faces].any(axis=1))


def components(count: int, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Label the connected parts of a graph.

    Parameters
    ----------
    count : int
        Number of nodes.
    first, second : (m,) int
        The nodes at both ends of each link.

    Returns
    -------
    (count,) int64
    """
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    _, labels = connected_components(links.tocsr(), directed=False)
    return np.asarray(labels, dtype=np.int64)


def _sorted_by_edge(
    low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64], sides: npt.NDArray[np.uint64], vertices: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the key of each edge and its side, sorted by both."""
    vertex_bits = vertices.bit_length()
    side_bits = np.uint64(int(sides[-1] if len(sides) else 0).bit_length())
    keys = low << np.uint64(vertex_bits) | high
    if 2 * vertex_bits + int(side_bits) > _KEY_BITS:
        order = np.argsort(keys, kind="stable")
        return keys[order], sides[order]
    # Key and side in one integer: sorting integers is many times faster than sorting their indices.
    packed = keys << side_bits | sides
    packed.sort()
    return packed >> side_bits, packed & _ones(side_bits)


def _ones(bits: np.uint64) -> np.uint64:
    return (np.uint64(1) << bits) - np.uint64(1)


def _next_corner(sides: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.where(sides % 3 == 2, sides - 2, sides + 1)


def _without_gaps(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Close the gaps in a numbering of labels, keeping their order; negative ones stay."""
    used = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.bool_)
    used[labels[labels >= 0]] = True
    numbers = np.append(np.cumsum(used) - 1, -1)  # the last one serves the label -1
    return numbers[labels]
