"""Mending a mesh in small steps, and refusing the result where it lost something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stlkit.mesh.examination import Examination
from stlkit.mesh.holes import close_holes
from stlkit.mesh.merging import select_faces
from stlkit.mesh.removing import drop_degenerate, drop_duplicates
from stlkit.mesh.slivers import flip_slivers
from stlkit.mesh.surface import Surface
from stlkit.mesh.welding import weld_cracks
from stlkit.mesh.winding import align_winding, turn_outward
from stlkit.model.geometry import TriangleMesh
from stlkit.model.reports import RepairAction, RepairReport

# Each step relies on those before it: holes and flips need one winding, one winding needs whole edges. Faces that add
# nothing go twice, because they may keep a crack from being welded, and a weld may make more of them.
_STEPS = (
    drop_degenerate,
    drop_duplicates,
    weld_cracks,
    drop_degenerate,
    drop_duplicates,
    align_winding,
    flip_slivers,
    close_holes,
    turn_outward,
)

_LARGEST_SHIFT = 0.01
"""Of the diagonal, how far a repair may move the box around a model."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repaired:
    """What goes on after a repair.

    Parameters
    ----------
    examination : Examination
        Of the repaired mesh, or of the one that came where the repair changed nothing or was refused.
    origin : (n,) int64
        Place of each face in the mesh that came; negative for new faces.
    report : RepairReport
    """

    examination: Examination
    origin: npt.NDArray[np.int64]
    report: RepairReport


def repair(examination: Examination) -> Repaired:
    """Mend what can be mended safely.

    Cracks are welded, faces without area and duplicates removed, the winding aligned and turned outward body by
    body, and small holes closed. A result that lost a body, moved the bounds by more than a hundredth of the
    diagonal or has more open or non-manifold edges than before is refused.

    Parameters
    ----------
    examination : Examination
        Of the mesh as it came; unchanged.

    Returns
    -------
    Repaired
    """
    start = Surface(examination, np.arange(len(examination.mesh.faces)))
    surface = start
    actions: list[RepairAction] = []
    for step in _STEPS:
        done = step(surface)
        if done is not None:
            surface = done.surface
            actions.append(done.action)
    if not actions:
        return _result(start, (), before=examination, after=examination)
    surface = Surface(Examination(_tidy(surface.mesh)), surface.origin)
    refused = _why_refused(start, surface)
    kept = start if refused else surface
    return _result(kept, tuple(actions), before=examination, after=surface.examination, refused=refused)


def _result(
    kept: Surface,
    actions: tuple[RepairAction, ...],
    *,
    before: Examination,
    after: Examination,
    refused: str | None = None,
) -> Repaired:
    report = RepairReport(
        changed=bool(actions) and refused is None,
        refused=refused,
        actions=actions,
        before=before.summary,
        after=after.summary,
    )
    return Repaired(examination=kept.examination, origin=kept.origin, report=report)


def _tidy(mesh: TriangleMesh) -> TriangleMesh:
    """Leave out vertices that no face uses any more."""
    return select_faces(mesh, np.ones(len(mesh.faces), dtype=np.bool_))


def _why_refused(start: Surface, end: Surface) -> str | None:
    before, after = start.examination, end.examination
    lost = _lost_bodies(start, end)
    if lost:
        return f"it lost {lost:,} of {len(before.shells):,} bodies"
    shift = float(np.abs(after.bounds_mm - before.bounds_mm).max())
    diagonal = float(np.linalg.norm(np.ptp(before.bounds_mm, axis=0)))
    if shift > _LARGEST_SHIFT * diagonal:
        return f"it moved the bounds by {shift:.4g} mm, {shift / diagonal:.1%} of the diagonal"
    for name, now, then in (
        ("open", after.summary.open_edges, before.summary.open_edges),
        ("non-manifold", after.summary.non_manifold_edges, before.summary.non_manifold_edges),
    ):
        if now > then:
            return f"it left {now:,} {name} edges where there were {then:,}"
    return None


def _lost_bodies(start: Surface, end: Surface) -> int:
    """Count the bodies of which no face is left, without those that never had an area."""
    bodies = start.examination.topology.bodies
    left = np.zeros(len(start.examination.shells) + 1, dtype=np.bool_)  # the last one for faces of no body
    left[bodies[end.origin[end.origin >= 0]]] = True
    return int(np.count_nonzero(~(left[:-1] | start.examination.shells.flat)))
