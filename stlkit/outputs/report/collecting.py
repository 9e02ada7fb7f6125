"""From an output folder to the data of a page; what is missing or damaged becomes a note."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from stlkit.errors import OutputError
from stlkit.files import read_regular_file
from stlkit.model.jobs import JobState
from stlkit.model.reports import AnalysisReport, DimensionReport, Finding, Severity, ValidationReport
from stlkit.outputs.placing import require_inside
from stlkit.outputs.reading import read_document
from stlkit.outputs.report.kinds import ORDER, FileKind, kind_of
from stlkit.outputs.report.meanings import UNITS_DOUBT, meaning_of
from stlkit.outputs.report.model import Measures, ModelCard, ModelFile, Remark
from stlkit.outputs.summary import ModelEntry

T = TypeVar("T")

_GRAVITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_LARGEST_FAILED_LOG_BYTES = 1 << 20
_LARGEST_COUNT = 10**15
_LOGGED_FINDING = re.compile(r"(?P<severity>error|warning|info): (?P<code>[a-z0-9_]+): (?P<message>.+)")


def collect_cards(entries: Iterable[ModelEntry], base_folder: Path) -> tuple[ModelCard, ...]:
    """Gather everything about the models of an output folder, except the small pictures.

    Parameters
    ----------
    entries : iterable of ModelEntry
        Of the summary.
    base_folder : Path
        Absolute.

    Returns
    -------
    tuple of ModelCard
        In the same order.
    """
    folder = _Folder(base_folder)
    return tuple(_Collector(entry, folder).card() for entry in entries)


class _Folder:
    """The output folder, which nothing is read from outside of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Path, bool] = {}  # most files share their folder with others

    def holds(self, path: Path) -> bool:
        """Tell whether a path, links followed, lies inside."""
        if path not in self._known:
            try:
                require_inside(path, self.path)
            except (OutputError, OSError, ValueError):  # ValueError: no path at all, by somebody with an editor
                self._known[path] = False
            else:
                self._known[path] = True
        return self._known[path]

    def relative(self, path: Path) -> str:
        """Return what a link from the folder's page to a file is made of."""
        return os.path.relpath(path, self.path).replace(os.sep, "/")


class _Collector:
    """Reads the documents of one model, and notes what cannot be read."""

    def __init__(self, entry: ModelEntry, folder: _Folder) -> None:
        self._entry = entry
        self._folder = folder
        self._notes: list[str] = []

    def card(self) -> ModelCard:
        entry = self._entry
        files = tuple(sorted(self._files(), key=lambda file: ORDER[file.kind]))
        analysis = self._document(AnalysisReport, FileKind.ANALYSIS, files)
        dimensions = self._document(DimensionReport, FileKind.DIMENSIONS, files)
        validation = self._document(ValidationReport, FileKind.VALIDATION, files)
        reason = None if entry.error_message is None else self._discreet(entry.error_message)
        found = tuple(self._findings(validation, analysis, files))
        found += tuple(self._others(found))
        # What the job ended by is said once, as its reason.
        reasons = tuple(remark for remark in found if reason and remark.message in reason)
        remarks = tuple(remark for remark in found if remark not in reasons)
        return ModelCard(
            name=entry.name,
            source_name=entry.stl_path.name,
            state=entry.state,
            reason=reason,
            reason_meanings=tuple(dict.fromkeys(remark.meaning for remark in reasons if remark.meaning)),
            reason_warnings=sum(remark.severity is Severity.WARNING for remark in reasons),
            validation_passed=entry.validation_passed,
            measures=_measures(analysis, dimensions, validation),
            remarks=tuple(sorted(remarks, key=lambda remark: _GRAVITY[remark.severity])),
            repairs=tuple(_repairs(validation)),
            files=files,
            notes=tuple(self._notes),
            completed_at=entry.completed_at,
            duration_s=entry.duration,
            attempts=_count(entry.attempts) or 0,
            files_size_bytes=_count(entry.files_size) or 0,
        )

    def _files(self) -> Iterator[ModelFile]:
        for listed in dict.fromkeys(self._entry.files):
            kind, label = kind_of(listed, self._entry.name)
            path = self._folder.path / listed
            relative = None
            if ".." in path.parts or not self._folder.holds(path.parent):
                self._notes.append(f"{listed} lies outside this folder and is not shown")
            elif not os.path.lexists(path):
                self._notes.append(f"{listed} is not there any more")
            else:
                relative = self._folder.relative(path)
            # A link to the source leads out, and a browser may follow it; this program does not.
            readable = relative is not None and (not path.is_symlink() or self._folder.holds(path))
            yield ModelFile(kind=kind, label=label, path=path, relative_path=relative, may_be_read=readable)

    def _document(self, shape: type[T], kind: FileKind, files: tuple[ModelFile, ...]) -> T | None:
        file = next((file for file in files if file.kind is kind), None)
        if file is None or file.relative_path is None:
            return None
        if not file.may_be_read:
            self._notes.append(f"{file.relative_path} leads out of this folder and is not read")
            return None
        try:
            return read_document(shape, file.path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._notes.append(f"{file.relative_path} cannot be read: {self._discreet(reason)}")
            return None

    def _findings(
        self, validation: ValidationReport | None, analysis: AnalysisReport | None, files: tuple[ModelFile, ...]
    ) -> Iterator[Remark]:
        findings = validation.findings if validation else tuple(self._logged_findings(files))
        for finding in findings:
            message = self._discreet(finding.message)
            yield Remark(severity=finding.severity, message=message, meaning=meaning_of(finding.code))
        if analysis is not None and analysis.units_doubt:
            yield Remark(severity=Severity.WARNING, message=analysis.units_doubt, meaning=meaning_of(UNITS_DOUBT))

    def _logged_findings(self, files: tuple[ModelFile, ...]) -> Iterator[Finding]:
        """Read what the reader noticed about a file that failed; its log is the only place where that stands."""
        log = next((file for file in files if file.kind is FileKind.ERRORS and file.may_be_read), None)
        if log is None or self._entry.state is JobState.COMPLETED:
            return
        try:
            text = read_regular_file(log.path, limit_bytes=_LARGEST_FAILED_LOG_BYTES).decode(errors="backslashreplace")
        except (OSError, ValueError):  # the reason stands in the summary as well
            return
        for line in text.splitlines():
            if match := _LOGGED_FINDING.fullmatch(line):
                yield Finding(code=match["code"], severity=Severity(match["severity"]), message=match["message"])

    def _others(self, remarks: tuple[Remark, ...]) -> Iterator[Remark]:
        """Yield the warnings of the summary that no document explains."""
        known = {remark.message for remark in remarks}
        for severity, messages in ((Severity.WARNING, self._entry.warnings), (Severity.ERROR, self._entry.errors)):
            for message in map(self._discreet, messages):
                if message not in known:
                    yield Remark(severity=severity, message=message)

    def _discreet(self, text: str) -> str:
        """Leave folders of this machine out of a text: the page is made to be sent away."""
        folder = os.fspath(self._entry.stl_path.parent)
        text = text.replace(f"{self._folder.path}{os.sep}", "")
        return text.replace(f"{folder}{os.sep}", "") if folder != os.sep else text


def _measures(
    analysis: AnalysisReport | None, dimensions: DimensionReport | None, validation: ValidationReport | None
) -> Measures:
    summary = validation.summary if validation else None
    if analysis is not None:
        return Measures(
            size_mm=analysis.size_mm,
            size_inch=analysis.size_inch,
            volume_mm3=analysis.volume_mm3,
            faces=_count(analysis.faces),
            bodies=_count(analysis.bodies),
            watertight=analysis.watertight,
            mass_g=analysis.estimated_mass_g,
            density_g_cm3=analysis.density_g_cm3,
        )
    size_mm = size_inch = None
    if dimensions is not None:
        size_mm = (dimensions.width_mm, dimensions.depth_mm, dimensions.height_mm)
        size_inch = (dimensions.width_inch, dimensions.depth_inch, dimensions.height_inch)
    return Measures(
        size_mm=size_mm,
        size_inch=size_inch,
        volume_mm3=summary.volume_mm3 if summary else None,
        faces=_count(summary.faces) if summary else None,
        bodies=_count(summary.bodies) if summary else None,
        watertight=summary.watertight if summary else None,
    )


def _count(number: int) -> int | None:
    """Return a count; None where nobody can have counted that far, and some arithmetic would fail."""
    return number if 0 <= number <= _LARGEST_COUNT else None


def _repairs(validation: ValidationReport | None) -> Iterator[Remark]:
    if validation is not None and validation.repair is not None and validation.repair.changed:
        for action in validation.repair.actions:
            yield Remark(severity=Severity.INFO, message=action.message, meaning=meaning_of(action.code))
