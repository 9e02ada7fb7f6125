"""The page as data: what it says, not how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from stlkit.model.jobs import JobState
from stlkit.model.reports import Severity
from stlkit.outputs.report.kinds import FileKind
from stlkit.outputs.report.thumbnails import Thumbnail


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One finding, repair or warning as the page shows it.

    Parameters
    ----------
    severity : Severity
    message : str
        What was found.
    meaning : str or None
        What that means, in plain words.
    """

    severity: Severity
    message: str
    meaning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model.

    Parameters
    ----------
    kind : FileKind
    label : str
    path : Path
        Absolute.
    relative_path : str or None
        What a link is made of; None where the file is gone or lies outside the folder.
    may_be_read : bool
        Whether it lies inside the folder, links followed.
    """

    kind: FileKind
    label: str
    path: Path
    relative_path: str | None
    may_be_read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Figures of a model; what is not known is None.

    Parameters
    ----------
    size_mm, size_inch : (width, depth, height) or None
    volume_mm3 : float or None
    faces, bodies : int or None
    watertight : bool or None
    mass_g : float or None
        Printed solid, at `density_g_cm3`.
    density_g_cm3 : float or None
    """

    size_mm: tuple[float, float, float] | None = None
    size_inch: tuple[float, float, float] | None = None
    volume_mm3: float | None = None
    faces: int | None = None
    bodies: int | None = None
    watertight: bool | None = None
    mass_g: float | None = None
    density_g_cm3: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One model of the page.

    Parameters
    ----------
    name : str
    source_name : str
        Of the STL file; its folder is nobody's business whom the page is sent to.
    state : JobState
    reason : str or None
        Why it failed or was skipped.
    reason_meanings : tuple of str
        What that means, in plain words.
    reason_warnings : int
        How many warnings the reason says; they are not among the remarks.
    validation_passed : bool or None
    measures : Measures
    remarks : tuple of Remark
        The gravest first.
    repairs : tuple of Remark
        What was mended.
    files : tuple of ModelFile
    thumbnails : dict of ModelFile to Thumbnail
    notes : tuple of str
        What could not be shown, and why.
    completed_at : datetime or None
    duration_s : float or None
    attempts : int
    files_size_bytes : int
    """

    name: str
    source_name: str
    state: JobState
    reason: str | None
    reason_meanings: tuple[str, ...] = ()
    reason_warnings: int = 0
    validation_passed: bool | None
    measures: Measures
    remarks: tuple[Remark, ...]
    repairs: tuple[Remark, ...]
    files: tuple[ModelFile, ...]
    thumbnails: dict[ModelFile, Thumbnail] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    completed_at: datetime | None
    duration_s: float | None
    attempts: int
    files_size_bytes: int

    @property
    def warnings(self) -> int:
        """How many findings are more than merely worth knowing: remarks, and warnings that the reason says."""
        return self.listed_warnings + self.reason_warnings

    @property
    def listed_warnings(self) -> int:
        """How many remarks are more than merely worth knowing."""
        return sum(remark.severity is not Severity.INFO for remark in self.remarks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Everything that stands in a report.

    Parameters
    ----------
    title : str
    begun_at, ended_at : datetime
        When the first job was added, and when the summary was last brought up to date.
    cards : tuple of ModelCard
    notes : tuple of str
        About the summary itself.
    """

    title: str
    begun_at: datetime
    ended_at: datetime
    cards: tuple[ModelCard, ...]
    notes: tuple[str, ...] = ()
