"""Slivers: faces whose three corners lie on one line, between two sound faces.

Taking one out would tear the surface open. Instead the edge across it is flipped: the sliver and the face behind
its longest edge make a quadrilateral, which is cut along its other diagonal.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from stlkit.mesh.codes import RepairCode
from stlkit.mesh.facets import zero_area_faces
from stlkit.mesh.surface import Step, Surface
from stlkit.model.reports import RepairAction, counted

_MOST_SLIVERS = 20_000
_MOST_FACES = 300_000

Face = tuple[int, int, int]


def flip_slivers(surface: Surface) -> Step | None:
    """Flip the longest edge of every sliver where that leaves two faces with an area.

    Parameters
    ----------
    surface : Surface

    Returns
    -------
    Step or None
        None where nothing could be flipped, or where there is more to flip than a repair should.
    """
    topology = surface.examination.topology
    slivers = np.flatnonzero(surface.examination.degenerate & ~topology.collapsed)
    if not 0 < len(slivers) <= _MOST_SLIVERS:
        return None
    around = topology.faces_around(np.unique(surface.mesh.faces[slivers]))
    around = around[~topology.collapsed[around]]
    if len(around) > _MOST_FACES:
        return None
    patch = _Patch(surface, around)
    flips = patch.flip_all(slivers.tolist())
    if not flips:
        return None
    faces = surface.mesh.faces.copy()
    faces[around] = [patch.faces[face] for face in around.tolist()]
    message = f"flipped {counted(flips, 'edge')} so that faces without area got one"
    return Step(
        surface.with_faces(faces),
        RepairAction(code=RepairCode.FLIPPED_SLIVER_EDGES.value, message=message, count=flips),
    )


class _Patch:
    """The faces around some slivers, with the face on the left of each directed edge.

    Every edge of a sliver has all its faces in the patch, so what is decided here holds for the whole mesh.
    """

    def __init__(self, surface: Surface, around: npt.NDArray[np.int64]) -> None:
        self.vertices = surface.mesh.vertices
        corners = surface.mesh.faces[around].tolist()
        self.faces: dict[int, Face] = {n: (a, b, c) for n, (a, b, c) in zip(around.tolist(), corners, strict=True)}
        self.left: dict[tuple[int, int], int] = {}
        self.crowded: set[tuple[int, int]] = set()
        for face in self.faces:
            self._enter(face)

    def flip_all(self, slivers: list[int]) -> int:
        """Flip what can be flipped; a sliver behind a sliver waits until that one is done."""
        waiting = deque(slivers)
        flips = idle = 0
        while waiting and idle < len(waiting):
            sliver = waiting.popleft()
            if self._flip(sliver):
                flips += 1
                idle = 0
            else:
                waiting.append(sliver)
                idle += 1
        return flips

    def _flip(self, sliver: int) -> bool:
        a, b, c = self._longest_first(sliver)
        behind = self.left.get((b, a))
        if behind is None or behind == sliver or (a, b) in self.crowded or (b, a) in self.crowded:
            return False
        d = next(corner for corner in self.faces[behind] if corner not in (a, b))
        if (c, d) in self.left or (d, c) in self.left:
            return False
        new: tuple[Face, Face] = ((c, a, d), (d, b, c))
        if zero_area_faces(self.vertices[np.array(new)]).any():
            return False
        for face in (sliver, behind):
            self._leave(face)
        for face, corners in zip((sliver, behind), new, strict=True):
            self.faces[face] = corners
            self._enter(face)
        return True

    def _longest_first(self, face: int) -> Face:
        a, b, c = self.faces[face]
        sides = [float(np.linalg.norm(self.vertices[q] - self.vertices[p])) for p, q in ((a, b), (b, c), (c, a))]
        return ((a, b, c), (b, c, a), (c, a, b))[sides.index(max(sides))]

    def _enter(self, face: int) -> None:
        a, b, c = self.faces[face]
        for edge in ((a, b), (b, c), (c, a)):
            if edge in self.left:
                self.crowded.add(edge)
            self.left[edge] = face

    def _leave(self, face: int) -> None:
        a, b, c = self.faces[face]
        for edge in ((a, b), (b, c), (c, a)):
            if self.left.get(edge) == face:
                del self.left[edge]
