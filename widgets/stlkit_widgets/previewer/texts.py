"""Words and figures for the page, which shows them as text and never as markup."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stlkit.files import one_line
from stlkit.model.reports import Finding, RepairReport
from stlkit.rendering.lengths import format_inch, format_mm
from stlkit.rendering.scene import FloatArray
from stlkit_widgets.previewer.loading import Picture
from stlkit_widgets.previewer.marks import Mark

_SPACE = "\u00a0"


def name_of(path: Path) -> str:
    """Return a file's name on one line that steers nothing, whatever the file is called."""
    return one_line(path.name or str(path))


def number(value: int) -> str:
    """Write a count with its thousands apart."""
    return f"{value:,}".replace(",", _SPACE)


def volume(volume_mm3: float | None) -> str:
    """Write a volume."""
    if volume_mm3 is None:
        return "none"
    return f"{volume_mm3 / 1000:,.3g}{_SPACE}cm³" if abs(volume_mm3) >= 1000 else f"{volume_mm3:.3g}{_SPACE}mm³"


def size(bounds_mm: FloatArray) -> dict[str, str]:
    """Write width, depth and height in both units."""
    lengths = np.diff(bounds_mm, axis=0)[0].tolist()
    return {
        "mm": " × ".join(format_mm(length).removesuffix(f"{_SPACE}mm") for length in lengths) + f"{_SPACE}mm",
        "inch": " × ".join(format_inch(length).removesuffix(f"{_SPACE}in") for length in lengths) + f"{_SPACE}in",
    }


def facts(name: str, picture: Picture) -> dict[str, object]:
    """Return what is known about a model as the page takes it."""
    return {
        "name": name,
        "faces": number(picture.face_count),
        "size": size(picture.bounds_mm),
        "reduced": number(len(picture.geometry.faces)) if picture.is_reduced else "",
    }


def finding(found: Finding, where: Mark | None = None) -> dict[str, object]:
    """Return a finding, and what there is at its places, as the page takes it."""
    return {
        "code": found.code,
        "severity": found.severity.value,
        "message": one_line(found.message),
        "color": where.color if where else "",
        "places": [place.label for place in where.places] if where else [],
        "place_count": where.place_count if where else 0,
    }


def comparison(report: RepairReport) -> dict[str, object]:
    """Return the figures before and after a repair as the page takes them; those that changed are marked."""
    before, after = report.before, report.after
    figures = [
        ("Faces", number(before.faces), number(after.faces)),
        ("Vertices", number(before.vertices), number(after.vertices)),
        ("Bodies", number(before.bodies), number(after.bodies)),
        ("Open edges", number(before.open_edges), number(after.open_edges)),
        ("Crowded edges", number(before.non_manifold_edges), number(after.non_manifold_edges)),
        ("Doubtful edges", number(before.inconsistent_edges), number(after.inconsistent_edges)),
        ("Without area", number(before.degenerate_faces), number(after.degenerate_faces)),
        ("Repeated", number(before.duplicate_faces), number(after.duplicate_faces)),
        ("Closed", _yes(before.watertight), _yes(after.watertight)),
        ("Volume", volume(before.volume_mm3), volume(after.volume_mm3)),
    ]
    return {
        "rows": [{"name": name, "before": old, "after": new, "changed": old != new} for name, old, new in figures],
        "actions": [action.message for action in report.actions],
        "refused": report.refused or "",
        "changed": report.changed,
    }


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
