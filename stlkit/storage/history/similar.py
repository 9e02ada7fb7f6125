"""Earlier jobs for the same model, and why they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stlkit.storage.history.rows import RECORD_COLUMNS, JobHistoryRecord, record_values


class Likeness(StrEnum):
    """Why an earlier job was for the same model."""

    PATH = "path"  # the file had the same path
    CONTENT = "content"  # the file had the same bytes
    GEOMETRY = "geometry"  # the model was the same, at any size and place


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTraits:
    """By what a model is known again; None where it is not known.

    Parameters
    ----------
    path : str
    checksum : str or None
        SHA-256 of the file.
    geometry_hash : str or None
    geometry_size_mm : float or None
        Length that `geometry_hash` took as 1.
    """

    path: str
    checksum: str | None = None
    geometry_hash: str | None = None
    geometry_size_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarJob(JobHistoryRecord):
    """A row of the history that was for the same model.

    Parameters
    ----------
    likeness : tuple of Likeness
        Everything that is the same.
    scale : float or None
        How many times as large as the model that was asked for; None where the geometry is not known to be the same.
    """

    likeness: tuple[Likeness, ...]
    scale: float | None = None


COLUMNS = (*RECORD_COLUMNS, "geometry_hash", "geometry_size_mm")
CONDITION = (
    "stl_path = :path OR (stl_checksum = :checksum AND stl_checksum != '') "
    "OR id IN (SELECT job_id FROM job_facts WHERE geometry_hash = :geometry_hash)"
)


def read_similar(row: Mapping[str, Any], traits: ModelTraits) -> SimilarJob:
    """Build a record from a row's values (`COLUMNS`); raises as `record_values` does."""
    same = {
        Likeness.PATH: row["stl_path"] == traits.path,
        Likeness.CONTENT: bool(traits.checksum) and row["stl_checksum"] == traits.checksum,
        Likeness.GEOMETRY: bool(traits.geometry_hash) and row["geometry_hash"] == traits.geometry_hash,
    }
    scale = None
    if same[Likeness.GEOMETRY] and traits.geometry_size_mm and row["geometry_size_mm"]:
        scale = float(row["geometry_size_mm"]) / traits.geometry_size_mm
    record = {name: row[name] for name in RECORD_COLUMNS}
    return SimilarJob(**record_values(record), likeness=tuple(each for each in Likeness if same[each]), scale=scale)
