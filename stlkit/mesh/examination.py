"""Everything the checks want to know about one state of a mesh, found when it is first asked for."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from stlkit.mesh.facets import zero_area_faces
from stlkit.mesh.grouping import group_rows
from stlkit.mesh.merging import used_vertices
from stlkit.mesh.shells import Shells
from stlkit.mesh.topology import Topology
from stlkit.model.geometry import TriangleMesh
from stlkit.model.reports import MeshSummary


class Examination:
    """One state of a mesh under examination.

    Parameters
    ----------
    mesh : TriangleMesh
        With at least one face.
    """

    def __init__(self, mesh: TriangleMesh) -> None:
        self.mesh = mesh
        self.topology = Topology(mesh)
        self.shells = Shells(self.topology)

    @cached_property
    def degenerate(self) -> npt.NDArray[np.bool_]:
        """Which faces name one vertex twice or have no area, (n,)."""
        return self.topology.collapsed | zero_area_faces(self.mesh.triangles)

    @cached_property
    def duplicate(self) -> npt.NDArray[np.bool_]:
        """Which faces repeat an earlier one, (n,).

        The same three corners in the same winding always do. In the opposite winding they do where an edge
        has an odd number of faces; else they are the two walls of bodies that touch, or a sheet closed on
        itself, and taking one away would open the surface.
        """
        rotated = _smallest_first(self.mesh.faces)
        groups = group_rows((rotated[0], rotated[1], rotated[2]))
        duplicate = np.ones(len(self.mesh.faces), dtype=np.bool_)
        duplicate[groups.first] = False
        a, b, c = (column[groups.first] for column in rotated)
        pairs = group_rows((a, np.minimum(b, c), np.maximum(b, c)))
        opposed = np.ones(len(groups.first), dtype=np.bool_)
        opposed[pairs.first] = False
        candidates = groups.first[opposed]
        if len(candidates):
            duplicate[candidates[self._at_odd_edge(candidates)]] = True
        return duplicate & ~self.topology.collapsed

    def _at_odd_edge(self, faces: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        odd = np.zeros(len(self.mesh.faces), dtype=np.bool_)
        odd[self.topology.faces_at(self.topology.edges.counts % 2 == 1)] = True
        return odd[faces]

    @cached_property
    def bounds_mm(self) -> npt.NDArray[np.float64]:
        """Lowest and highest corner of the box around all faces, (2, 3)."""
        points = self.mesh.vertices[used_vertices(self.mesh)]
        return np.stack([points.min(axis=0), points.max(axis=0)])

    @property
    def winding_consistent(self) -> bool:
        """Whether the two faces on every edge agree which side is outside."""
        return not bool(self.topology.inconsistent_edges.any())

    @property
    def volume_mm3(self) -> float | None:
        """Enclosed volume, cavities taken off; None unless the mesh is closed and consistently wound."""
        shells = self.shells
        return float(shells.volumes.sum()) if len(shells) and bool(shells.closed.all()) else None

    @property
    def area_mm2(self) -> float:
        """Area of all faces."""
        return float(self.shells.areas.sum())

    @cached_property
    def summary(self) -> MeshSummary:
        """The figures by which two states of a mesh are compared."""
        low, high = self.bounds_mm.tolist()
        topology = self.topology
        return MeshSummary(
            faces=len(self.mesh.faces),
            vertices=len(self.mesh.vertices),
            bodies=topology.body_count,
            bounds_mm=((low[0], low[1], low[2]), (high[0], high[1], high[2])),
            area_mm2=self.area_mm2,
            volume_mm3=self.volume_mm3,
            open_edges=int(np.count_nonzero(topology.open_edges)),
            non_manifold_edges=int(np.count_nonzero(topology.non_manifold_edges)),
            inconsistent_edges=int(np.count_nonzero(topology.inconsistent_edges)),
            degenerate_faces=int(np.count_nonzero(self.degenerate)),
            duplicate_faces=int(np.count_nonzero(self.duplicate)),
            watertight=topology.watertight,
        )


def _smallest_first(faces: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.uint32], ...]:
    """Turn each face, keeping its winding, so that its smallest vertex comes first; three columns."""
    a, b, c = np.ascontiguousarray(faces.T.astype(np.uint32))
    b_first, c_first = (b < a) & (b < c), (c < a) & (c <= b)
    first = np.where(b_first, b, np.where(c_first, c, a))
    second = np.where(b_first, c, np.where(c_first, a, b))
    third = np.where(b_first, a, np.where(c_first, b, c))
    return first, second, third
