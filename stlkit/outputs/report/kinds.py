"""What each file of a model is, told from its place and name, in all three layouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from stlkit.outputs.names import FAILED_FOLDER, FILE_INFO_NAME


class FileKind(StrEnum):
    """What a file is; the value is how the page calls it, and their order that in which it lists them."""

    RENDER = "Picture"
    SIZE_CHART = "Size chart"
    COLOR = "Colour"
    VIDEO = "Video"
    ANALYSIS = "Analysis"
    DIMENSIONS = "Dimensions"
    VALIDATION = "Validation"
    REPAIRED = "Repaired STL"
    SOURCE = "Source STL"
    FILE_INFO = "Source facts"
    LOG = "Log"
    ERRORS = "Errors"
    OTHER = "File"


ORDER = {kind: number for number, kind in enumerate(FileKind)}
PICTURES = frozenset({FileKind.RENDER, FileKind.SIZE_CHART, FileKind.COLOR})

_WORDS = {
    "render": FileKind.RENDER,
    "size_chart": FileKind.SIZE_CHART,
    "presentation": FileKind.VIDEO,
    "analysis": FileKind.ANALYSIS,
    "dimensions": FileKind.DIMENSIONS,
    "validation": FileKind.VALIDATION,
    "repaired": FileKind.REPAIRED,
    "processing": FileKind.LOG,
    "errors": FileKind.ERRORS,
}
# After the model's name: what it is, then, where the options ask for it, quality, material, size and time.
_REST = re.compile(
    r"(?:(?P<word>render|size_chart)(?:_[^_]+)*\.png|(?P<video>presentation)(?:_[^_]+)*\.mp4"
    r"|(?P<document>analysis|dimensions|validation)(?:_[^_]+)*\.json(?:\.gz)?"
    r"|(?P<mesh>repaired)(?:_[^_]+)*\.stl|(?P<log>processing|errors)(?:_[^_]+)*\.log)"
)
_COLOR = re.compile(r"(?P<color>[^_]+)(?:_[^_]+)*\.png")


def kind_of(relative_path: str, model_name: str) -> tuple[FileKind, str]:
    """Tell what a file is.

    Parameters
    ----------
    relative_path : str
        As the summary lists it, with ``/``.
    model_name : str
        Base name of the model's files.

    Returns
    -------
    kind : FileKind
    label : str
        For a link to it; of a picture in one colour the colour's name.
    """
    *folders, name = relative_path.split("/")
    if folders[:1] == [FAILED_FOLDER] and len(folders) == 1:
        kind = FileKind.ERRORS if name.endswith("_error.log") else FileKind.SOURCE
    elif folders[-1:] == ["source"]:
        kind = FileKind.FILE_INFO if name == FILE_INFO_NAME else FileKind.SOURCE
    else:
        return _kind_by_name(name, model_name)
    return kind, kind.value


def _kind_by_name(name: str, model_name: str) -> tuple[FileKind, str]:
    # A long name was cut in its files; then only the words themselves can tell.
    rests = tuple(_behind(f"{model_name}_", name)) or tuple(_behind("_", name))[::-1]
    for rest in rests:
        if match := _REST.fullmatch(rest):
            kind = _WORDS[next(word for word in match.groups() if word)]
            return kind, kind.value
    for rest in rests:
        if match := _COLOR.fullmatch(rest):
            return FileKind.COLOR, match["color"]
    return FileKind.OTHER, name


def _behind(before: str, name: str) -> Iterator[str]:
    """Yield what follows each place where a text stands in a name."""
    begin = name.find(before)
    while begin >= 0:
        yield name[begin + len(before) :]
        begin = name.find(before, begin + 1)
