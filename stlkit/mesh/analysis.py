"""Everything that is measured on a mesh, as one report."""

from __future__ import annotations

import numpy as np

from stlkit.mesh.examination import Examination
from stlkit.mesh.mass import mass_properties
from stlkit.mesh.merging import used_vertices
from stlkit.mesh.plain import MM_PER_INCH, bounds, vector
from stlkit.mesh.quality import triangle_quality
from stlkit.mesh.units import doubt_units
from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import ValidationOptions
from stlkit.model.reports import AnalysisReport, BodyReport, IntakeReport

_BODIES_SHOWN = 100
_MM3_PER_CM3 = 1000.0


def analyze(
    mesh: TriangleMesh, intake: IntakeReport, options: ValidationOptions, *, examination: Examination | None = None
) -> AnalysisReport:
    """Measure a mesh.

    Parameters
    ----------
    mesh : TriangleMesh
        With at least one face.
    intake : IntakeReport
        Of the file it came from.
    options : ValidationOptions
        For the density.
    examination : Examination, optional
        Of this very mesh, as `stlkit.mesh.validation.Validated` has it; saves its work a second time.

    Returns
    -------
    AnalysisReport
    """
    if examination is None or examination.mesh is not mesh:
        examination = Examination(mesh)
    topology, volume = examination.topology, examination.volume_mm3
    low, high = examination.bounds_mm
    size = high - low
    volume_cm3 = None if volume is None else volume / _MM3_PER_CM3
    return AnalysisReport(
        format=intake.format,
        file_size_bytes=intake.file_size_bytes,
        checksum_sha256=intake.checksum_sha256,
        triangles_in_file=intake.triangle_count,
        has_colors=intake.has_colors,
        faces=len(mesh.faces),
        vertices=len(mesh.vertices),
        edges=len(topology.edges.ends),
        bodies=topology.body_count,
        bounds_mm=bounds(low, high),
        size_mm=vector(size),
        size_inch=vector(size / MM_PER_INCH),
        diagonal_mm=float(np.linalg.norm(size)),
        area_mm2=examination.area_mm2,
        volume_mm3=volume,
        volume_cm3=volume_cm3,
        watertight=topology.watertight,
        winding_consistent=examination.winding_consistent,
        euler_characteristic=_euler_characteristic(examination),
        density_g_cm3=options.density_g_cm3,
        estimated_mass_g=volume_cm3 * options.density_g_cm3 if volume_cm3 is not None and volume_cm3 > 0 else None,
        mass_properties=mass_properties(examination),
        triangle_quality=triangle_quality(examination),
        largest_bodies=_largest_bodies(examination),
        units_doubt=doubt_units(float(size.max())),
    )


def _euler_characteristic(examination: Examination) -> int:
    topology = examination.topology
    vertices = int(np.count_nonzero(used_vertices(examination.mesh)))
    return vertices - len(topology.edges.ends) + int(np.count_nonzero(~topology.collapsed))


def _largest_bodies(examination: Examination) -> tuple[BodyReport, ...]:
    shells = examination.shells
    largest = np.argsort(-shells.areas, kind="stable")[:_BODIES_SHOWN]
    return tuple(
        BodyReport(
            faces=int(shells.face_counts[body]),
            bounds_mm=bounds(shells.low[body], shells.high[body]),
            size_mm=vector(shells.high[body] - shells.low[body]),
            area_mm2=float(shells.areas[body]),
            volume_mm3=float(shells.volumes[body]) if shells.closed[body] else None,
            watertight=bool(shells.watertight[body]),
            is_cavity=bool(shells.cavities[body]),
        )
        for body in largest.tolist()
    )
