"""Holes: boundary loops that are small against the body they are in, and the faces that close them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import RepairCode
from stlkit.mesh.polygons import contains, triangulate
from stlkit.mesh.surface import Step, Surface
from stlkit.model.reports import RepairAction, counted

_MOST_OPEN_EDGES = 50_000
_LONGEST_LOOP = 512
_MOST_LOOPS_OF_A_BODY = 100
_LARGEST_SHARE = 0.2
"""Of the area of a body, the most that may be new; a cube without one side is just below it."""
_LARGEST_OPENING = 0.05
"""The same for a loop of more than four edges, which is less likely lost facets than the mouth of a thin vase."""
_LEAST_AREA = 1e-6
"""Of the square of a loop's size: below it the loop is a slit, and a face in it would be a sliver."""
_MOST_UNEVEN = 0.2
"""Of its own size, how far a loop may leave its best plane."""


@dataclass(frozen=True, slots=True, eq=False)
class _Patch:
    """The faces that close one loop.

    Parameters
    ----------
    polygon : (k, 3) float64
    normal : (3,) float64
        Unit normal of the best plane.
    area : float
    faces : tuple of (int, int, int)
        Vertex numbers.
    beside : int
        A face at the loop.
    """

    polygon: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]
    area: float
    faces: tuple[tuple[int, int, int], ...]
    beside: int


def close_holes(surface: Surface) -> Step | None:
    """Close the holes of every body that becomes watertight by it.

    A body keeps its holes where one of them is large, far from flat or not simple, where several loops bound one
    hole, or where it has other faults at its edges: half a repair changes how a model looks and mends nothing.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where nothing could be closed.
    """
    open_count = int(np.count_nonzero(surface.examination.topology.open_edges))
    if not 0 < open_count <= _MOST_OPEN_EDGES:
        return None
    known = _edge_keys(surface.examination.topology.edges.ends, len(surface.mesh.vertices))
    patches = [patch for loops in _loops_by_body(surface) for patch in _close_body(surface, loops, known)]
    if not patches:
        return None
    faces = np.array([face for patch in patches for face in patch.faces], dtype=np.int32)
    beside = np.array([patch.beside for patch in patches for _ in patch.faces])
    message = f"closed {counted(len(patches), 'hole')} with {counted(len(faces), 'face')}"
    return Step(
        surface.adding(faces, beside),
        RepairAction(code=RepairCode.CLOSED_HOLES.value, message=message, count=len(patches)),
    )


@dataclass(frozen=True, slots=True)
class _Loop:
    """Vertices of a closed chain of open edges, in the direction that new faces need, and a face beside it."""

    body: int
    vertices: list[int]
    beside: int


def _loops_by_body(surface: Surface) -> Iterator[list[_Loop]]:
    """Walk the open edges of each body that is no scrap and has no other fault at its edges."""
    topology, shells = surface.examination.topology, surface.examination.shells
    open_counts = np.bincount(topology.bodies[topology.edges.sides_of(topology.open_edges) // 3], minlength=len(shells))
    faulty = np.append(topology.faces_at(topology.inconsistent_edges), topology.faces_at(topology.non_manifold_edges))
    left_out = {*np.flatnonzero(open_counts > shells.face_counts).tolist(), *topology.bodies[faulty].tolist()}
    sides = topology.edges.sides_of(topology.open_edges)
    corners = surface.mesh.faces.ravel()
    ends = corners[np.where(sides % 3 == 2, sides - 2, sides + 1)]
    by_body: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    rows = zip(
        topology.bodies[sides // 3].tolist(), ends.tolist(), corners[sides].tolist(), sides.tolist(), strict=True
    )
    for body, start, end, side in rows:
        if body not in left_out:
            by_body[body].append((start, end, side // 3))
    for body, edges in by_body.items():
        loops = _walk(body, edges)
        if loops is not None and len(loops) <= _MOST_LOOPS_OF_A_BODY:
            yield loops


def _walk(body: int, edges: list[tuple[int, int, int]]) -> list[_Loop] | None:
    """Split open edges into simple loops; None where one does not close."""
    onward: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, end, face in edges:
        onward[start].append((end, face))
    loops = []
    for first in list(onward):
        path, faces, place = [first], [], {first: 0}
        while onward[path[-1]]:
            vertex, face = onward[path[-1]].pop()
            faces.append(face)
            if vertex not in place:
                place[vertex] = len(path)
                path.append(vertex)
                continue
            # Back at a vertex of the path: what lies between is a loop of its own.
            back = place[vertex]
            loops.append(_Loop(body, path[back:], faces[back]))
            for left in path[back + 1 :]:
                del place[left]
            del path[back + 1 :], faces[back:]
        if len(path) > 1:
            return None
    return loops


def _close_body(surface: Surface, loops: list[_Loop], known: npt.NDArray[np.int64]) -> list[_Patch]:
    shells = surface.examination.shells
    area = float(shells.areas[loops[0].body])
    patches = []
    for loop in loops:
        patch = _close_loop(surface, loop, area)
        if patch is None:
            return []
        patches.append(patch)
    new_area = sum(patch.area for patch in patches)
    if (
        new_area > _LARGEST_SHARE * (area + new_area)
        or _nested(patches)
        or _crowds(patches, loops, known, len(surface.mesh.vertices))
    ):
        return []
    return patches


def _close_loop(surface: Surface, loop: _Loop, body_area: float) -> _Patch | None:
    if not 3 <= len(loop.vertices) <= _LONGEST_LOOP:
        return None
    points = surface.mesh.vertices[loop.vertices]
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    polygon = (points - points.mean(axis=0)) / size
    # Newell's method: the sum is twice the area of the polygon as seen along the normal.
    doubled = np.cross(polygon, np.roll(polygon, -1, axis=0)).sum(axis=0)
    flat_area = float(np.linalg.norm(doubled)) / 2
    share = _LARGEST_SHARE if len(loop.vertices) <= 4 else _LARGEST_OPENING
    if flat_area < _LEAST_AREA or flat_area * size**2 > share / (1 - share) * body_area:
        return None
    normal = doubled / (2 * flat_area)
    if np.abs(polygon @ normal).max() > _MOST_UNEVEN:
        return None
    corners = triangulate(polygon @ _plane_axes(normal).T)
    if corners is None:
        return None
    cut = points[np.array(corners)]
    crosses = np.cross(cut[:, 1] - cut[:, 0], cut[:, 2] - cut[:, 0])
    return _Patch(
        polygon=points,
        normal=normal,
        area=float(np.linalg.norm(crosses, axis=1).sum()) / 2,
        faces=tuple((loop.vertices[a], loop.vertices[b], loop.vertices[c]) for a, b, c in corners),
        beside=loop.beside,
    )


def _plane_axes(normal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return two unit vectors that make a right-handed system with a normal, (2, 3)."""
    across = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(normal, across)])


def _nested(patches: list[_Patch]) -> bool:
    """Tell whether a loop lies inside another one in its plane: together they bound a ring, not two holes."""
    for outer in patches:
        axes = _plane_axes(outer.normal)
        middle = outer.polygon.mean(axis=0)
        reach = float(np.linalg.norm(np.ptp(outer.polygon, axis=0)))
        flat = (outer.polygon - middle) @ axes.T
        for inner in patches:
            point = inner.polygon[0] - middle
            if inner is not outer and abs(float(point @ outer.normal)) < 1e-3 * reach and contains(flat, axes @ point):
                return True
    return False


def _edge_keys(ends: npt.NDArray[np.int64], vertices: int) -> npt.NDArray[np.int64]:
    return ends[:, 0] * vertices + ends[:, 1]


def _crowds(patches: list[_Patch], loops: list[_Loop], known: npt.NDArray[np.int64], vertices: int) -> bool:
    """Tell whether a new edge would lie on one that is there already, or on another new one."""
    borders = {
        _ordered(*edge)
        for loop in loops
        for edge in zip(loop.vertices, [*loop.vertices[1:], loop.vertices[0]], strict=True)
    }
    uses = Counter(_ordered(*edge) for patch in patches for a, b, c in patch.faces for edge in ((a, b), (b, c), (c, a)))
    inner = [edge for edge in uses if edge not in borders]
    if not inner:
        return False
    keys = _edge_keys(np.array(inner, dtype=np.int64), vertices)
    # The edges of a topology are sorted, and so are their keys.
    there = known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys
    return bool(there.any()) or any(uses[edge] != 2 for edge in inner)


def _ordered(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)
