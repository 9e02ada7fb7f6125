"""The models that a summary lists, as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stlkit.errors import OutputError
from stlkit.files import printable, read_json
from stlkit.model.encoding import from_plain
from stlkit.outputs.names import SUMMARY_NAME
from stlkit.outputs.summary import SUMMARY_VERSION, ModelEntry, QueueSummary, read_summary


def listed_models(base_folder: Path) -> tuple[QueueSummary, tuple[str, ...]]:
    """Read the summary of an output folder; of a damaged one what is left.

    Parameters
    ----------
    base_folder : Path

    Returns
    -------
    summary : QueueSummary
        Its counts and totals may be those of before the damage.
    notes : tuple of str
        What could not be read of it.

    Raises
    ------
    OutputError
        There is none, it is no JSON at all, or a newer version wrote it.
    """
    summary = read_summary(base_folder)
    if summary is not None:
        return summary, ()
    path = base_folder / SUMMARY_NAME
    try:
        data = read_json(path)
    except FileNotFoundError as error:
        raise OutputError(
            f"{printable(base_folder)} holds no {SUMMARY_NAME}; name a folder that outputs went to", path=path
        ) from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{printable(path)} cannot be read: {error}; {_ADVICE}", path=path) from error
    if not isinstance(data, dict) or not isinstance(data.get("models"), list):
        raise OutputError(f"{printable(path)} lists no models; {_ADVICE}", path=path)
    if str(data.get("version", SUMMARY_VERSION)).split(".")[0] != SUMMARY_VERSION.split(".", maxsplit=1)[0]:
        raise OutputError(f"{printable(path)} was written by a newer version of stlkit; update stlkit", path=path)
    return _what_is_left(data)


_ADVICE = "process the models again, and it is written anew"


def _what_is_left(data: Mapping[str, Any]) -> tuple[QueueSummary, tuple[str, ...]]:
    models, notes = [], ["The summary of this folder is damaged; what can be read of it is shown."]
    for number, entry in enumerate(data["models"], start=1):
        try:
            models.append(from_plain(ModelEntry, entry))
        except ValueError as error:
            notes.append(f"Model {number} of the summary cannot be read: {error}")
    times = {key: data[key] for key in ("created_at", "last_updated") if key in data}
    try:
        summary = from_plain(QueueSummary, times | {"models": []})
    except ValueError:
        summary = QueueSummary()
    return QueueSummary(created_at=summary.created_at, last_updated=summary.last_updated, models=tuple(models)), tuple(
        notes
    )
