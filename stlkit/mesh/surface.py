"""One state of a mesh in repair, with the place that each of its faces has in the mesh as it came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.examination import Examination
from stlkit.mesh.merging import select_faces
from stlkit.model.geometry import TriangleMesh
from stlkit.model.reports import RepairAction

NEW_FACE = -1
"""Origin of a face that a repair made."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A mesh in repair.

    Parameters
    ----------
    examination : Examination
    origin : (n,) int64
        Place of each face in the mesh as it came, or `NEW_FACE`.
    """

    examination: Examination
    origin: npt.NDArray[np.int64]

    @property
    def mesh(self) -> TriangleMesh:
        """The triangles."""
        return self.examination.mesh

    def keeping(self, kept: npt.NDArray[np.bool_]) -> Surface:
        """Return the surface with some of its faces only."""
        return Surface(Examination(select_faces(self.mesh, kept)), self.origin[kept])

    def with_faces(self, faces: npt.NDArray[np.int32]) -> Surface:
        """Return the surface with other corners for the same faces."""
        mesh = TriangleMesh(vertices=self.mesh.vertices, faces=faces, face_colors=self.mesh.face_colors)
        return Surface(Examination(mesh), self.origin)

    def turning(self, turned: npt.NDArray[np.bool_]) -> Surface:
        """Return the surface with some of its faces turned over."""
        faces = self.mesh.faces.copy()
        faces[turned] = faces[turned][:, ::-1]
        return self.with_faces(faces)

    def adding(self, faces: npt.NDArray[np.int32], beside: npt.NDArray[np.int64]) -> Surface:
        """Return the surface with new faces, each in the colour of the face it lies beside."""
        old = self.mesh
        colors = None if old.face_colors is None else np.concatenate([old.face_colors, old.face_colors[beside]])
        mesh = TriangleMesh(vertices=old.vertices, faces=np.concatenate([old.faces, faces]), face_colors=colors)
        return Surface(Examination(mesh), np.concatenate([self.origin, np.full(len(faces), NEW_FACE)]))


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one step of a repair made, and how it is told."""

    surface: Surface
    action: RepairAction
