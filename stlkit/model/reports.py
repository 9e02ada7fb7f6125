"""What is found out about a model, as data.

Every length is in millimetres unless its name says otherwise, every number is finite, and what could not be
found out is ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stlkit.model import showing


class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"  # worth knowing, never a reason to refuse
    WARNING = "warning"  # a defect; the file is still usable
    ERROR = "error"  # nothing usable is left


def counted(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 hole``, ``3 holes``, ``1,200 vertices``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was noticed about a file or its mesh.

    Parameters
    ----------
    code : str
        Stable name, such as ``truncated_binary`` or ``open_edges``.
    severity : Severity
    message : str
        One sentence for a person.
    count : int, optional
        How many edges, faces, bytes … it concerns.
    faces : tuple of int
        The first faces concerned (at most 20), counted from 0 in the order of the file.
    """

    code: str
    severity: Severity
    message: str
    count: int | None = None
    faces: tuple[int, ...] = ()


class StlFormat(StrEnum):
    """How a file is written."""

    BINARY = "binary"
    ASCII = "ascii"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeReport:
    """What the reader understood of a file.

    Parameters
    ----------
    format : StlFormat
    file_size_bytes : int
    checksum_sha256 : str or None
        Of the whole file; None where it could not be read.
    triangle_count : int
        Triangles that could be read and are usable.
    declared_triangle_count : int or None
        What the header of a binary file claims.
    solid_names : tuple of str
        Names of the solids of an ASCII file.
    header : str or None
        Printable text of a binary header.
    has_colors : bool
        Whether facets carry colours.
    findings : tuple of Finding
    """

    format: StlFormat
    file_size_bytes: int
    checksum_sha256: str | None
    triangle_count: int
    declared_triangle_count: int | None = None
    solid_names: tuple[str, ...] = ()
    header: str | None = None
    has_colors: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is anything to work with."""
        return self.triangle_count > 0 and not any(f.severity is Severity.ERROR for f in self.findings)

    def _repr_html_(self) -> str:
        return showing.intake_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSummary:
    """The figures by which two states of a mesh are compared.

    Parameters
    ----------
    faces, vertices, bodies : int
    bounds_mm : tuple
        Lowest and highest corner, ((x, y, z), (x, y, z)).
    area_mm2 : float
    volume_mm3 : float or None
        Only of a closed, consistently wound mesh.
    open_edges : int
        Edges with one face.
    non_manifold_edges : int
        Edges with more than two faces.
    inconsistent_edges : int
        Edges whose two faces are wound against each other.
    degenerate_faces, duplicate_faces : int
    watertight : bool
    """

    faces: int
    vertices: int
    bodies: int
    bounds_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    area_mm2: float
    volume_mm3: float | None
    open_edges: int
    non_manifold_edges: int
    inconsistent_edges: int
    degenerate_faces: int
    duplicate_faces: int
    watertight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairAction:
    """One thing that a repair did, and how often."""

    code: str
    message: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairReport:
    """What a repair did, or why it was refused.

    Parameters
    ----------
    changed : bool
        Whether the mesh that goes on differs from the one that came in.
    refused : str or None
        Why the repaired mesh was thrown away, for a person.
    actions : tuple of RepairAction
    before, after : MeshSummary
        Of the mesh as it came, and of the repaired one (also where that was refused).
    """

    changed: bool
    refused: str | None
    actions: tuple[RepairAction, ...]
    before: MeshSummary
    after: MeshSummary

    def _repr_html_(self) -> str:
        return showing.repair_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """The judgement over one file.

    Parameters
    ----------
    level : str
        `ValidationLevel` it was judged at.
    passed : bool
        Whether nothing of severity warning or error is left.
    findings : tuple of Finding
        What holds for the mesh that goes on: of the reader, and of the checks after any repair.
    findings_before_repair : tuple of Finding
        What the checks found in the mesh as it came; empty where no repair was tried.
    summary : MeshSummary or None
        Of the mesh that goes on; None at level basic, which does not look at the topology.
    repair : RepairReport or None
    """

    level: str
    passed: bool
    findings: tuple[Finding, ...]
    findings_before_repair: tuple[Finding, ...] = ()
    summary: MeshSummary | None = None
    repair: RepairReport | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Messages of everything that is not merely worth knowing."""
        return tuple(f.message for f in self.findings if f.severity is not Severity.INFO)

    def _repr_html_(self) -> str:
        return showing.validation_html(self)


Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a quantity is distributed over the faces or edges of a mesh.

    Parameters
    ----------
    min, mean, median, max : float
        In the unit that the field's name ends with.
    """

    min: float
    mean: float
    median: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleQuality:
    """The shape of the triangles; faces without area are left out of the angles and ratios.

    Parameters
    ----------
    min_angle_deg : Spread or None
        Smallest angle of each face; 60 is an equilateral triangle.
    aspect_ratio : Spread or None
        Circumradius over twice the inradius of each face; 1 is an equilateral triangle, needles go far above.
    edge_length_mm : Spread or None
        Length of each edge, counted once; None where every face names one vertex twice.
    face_area_mm2 : Spread
    faces_below_1_deg : int
        Faces with an angle below one degree.
    degenerate_faces : int
        Faces without area.
    """

    min_angle_deg: Spread | None
    aspect_ratio: Spread | None
    edge_length_mm: Spread | None
    face_area_mm2: Spread
    faces_below_1_deg: int
    degenerate_faces: int


class MassBasis(StrEnum):
    """What a centre and axes were computed of."""

    VOLUME = "volume"  # the solid inside a closed surface
    SURFACE = "surface"  # the surface itself, as a sheet of even thickness


@dataclass(frozen=True, slots=True, kw_only=True)
class MassProperties:
    """Centre and axes of a model.

    Parameters
    ----------
    basis : MassBasis
        ``volume`` for a closed model, else ``surface``.
    center_mm : (x, y, z)
        Centre of mass at even density.
    principal_axes : three unit vectors
        Right-handed; the first is the axis of the smallest moment.
    principal_moments_mm5 : three floats or None
        Moments of inertia about these axes at density 1, ascending; None for a surface.
    principal_moments_mm4 : three floats or None
        The same of a surface at density 1; None for a volume.
    """

    basis: MassBasis
    center_mm: Vector
    principal_axes: tuple[Vector, Vector, Vector]
    principal_moments_mm5: Vector | None = None
    principal_moments_mm4: Vector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyReport:
    """One connected part of a model.

    Parameters
    ----------
    faces : int
    bounds_mm : tuple
        Lowest and highest corner.
    size_mm : (x, y, z)
    area_mm2 : float
    volume_mm3 : float or None
        Only of a closed, consistently wound body; negative where it is inside-out, as the wall of a cavity is.
    watertight : bool
    is_cavity : bool
        Whether it is the wall of a hollow inside another body.
    """

    faces: int
    bounds_mm: tuple[Vector, Vector]
    size_mm: Vector
    area_mm2: float
    volume_mm3: float | None
    watertight: bool
    is_cavity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisReport:
    """Everything that was measured on a model; the keys of ``ModelA_analysis.json``.

    Parameters
    ----------
    format : StlFormat
        How the file is written.
    file_size_bytes : int
    checksum_sha256 : str or None
    triangles_in_file : int
        Usable facets of the file, before any repair.
    has_colors : bool
    faces, vertices, edges, bodies : int
        Of the mesh that was measured.
    bounds_mm : tuple
        Lowest and highest corner.
    size_mm, size_inch : (x, y, z)
        Width, depth and height.
    diagonal_mm : float
    area_mm2 : float
    volume_mm3, volume_cm3 : float or None
        Only of a closed, consistently wound mesh; cavities are taken off.
    watertight, winding_consistent : bool
    euler_characteristic : int
        Vertices - edges + faces; 2 for each closed body without handles.
    density_g_cm3 : float
        The density that was asked for.
    estimated_mass_g : float or None
        Mass at that density, printed solid (100 % infill); None where there is no volume.
    mass_properties : MassProperties or None
        None where every face is without area.
    triangle_quality : TriangleQuality
    largest_bodies : tuple of BodyReport
        By area, the largest first, at most 100.
    units_doubt : str or None
        Why the model may not be in millimetres, for a person; None where its size is nothing special.
    """

    format: StlFormat
    file_size_bytes: int
    checksum_sha256: str | None
    triangles_in_file: int
    has_colors: bool
    faces: int
    vertices: int
    edges: int
    bodies: int
    bounds_mm: tuple[Vector, Vector]
    size_mm: Vector
    size_inch: Vector
    diagonal_mm: float
    area_mm2: float
    volume_mm3: float | None
    volume_cm3: float | None
    watertight: bool
    winding_consistent: bool
    euler_characteristic: int
    density_g_cm3: float
    estimated_mass_g: float | None
    mass_properties: MassProperties | None
    triangle_quality: TriangleQuality
    largest_bodies: tuple[BodyReport, ...]
    units_doubt: str | None

    def _repr_html_(self) -> str:
        return showing.analysis_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimalBox:
    """The smallest box around a model that was found when the box may be turned.

    Parameters
    ----------
    size_mm, size_inch : three floats
        Lengths of its sides, the longest first.
    volume_mm3 : float
    center_mm : (x, y, z)
    axes : three unit vectors
        Directions of the sides in the same order, right-handed; as rows they are the rotation that lays the
        box along the coordinate axes.
    """

    size_mm: Vector
    size_inch: Vector
    volume_mm3: float
    center_mm: Vector
    axes: tuple[Vector, Vector, Vector]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionReport:
    """How large a model is; the keys of ``ModelA_dimensions.json``.

    Parameters
    ----------
    width_mm, depth_mm, height_mm : float
        Along x, y and z.
    width_inch, depth_inch, height_inch : float
    bounds_mm : tuple
        Lowest and highest corner.
    center_mm : (x, y, z)
        Middle of these.
    diagonal_mm : float
    box_volume_mm3 : float
        Of the box along the axes.
    minimal_box : MinimalBox
        Never larger than that box.
    """

    width_mm: float
    depth_mm: float
    height_mm: float
    width_inch: float
    depth_inch: float
    height_inch: float
    bounds_mm: tuple[Vector, Vector]
    center_mm: Vector
    diagonal_mm: float
    box_volume_mm3: float
    minimal_box: MinimalBox

    def _repr_html_(self) -> str:
        return showing.dimensions_html(self)
