"""Which model has which name in an output folder: no two share one, and a model keeps its own."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from stlkit.errors import OptionError
from stlkit.files import name_key, read_json, sha256_of
from stlkit.model.colors import parse_color
from stlkit.model.options import Organization, OutputSettings
from stlkit.outputs.layout import folders_of
from stlkit.outputs.names import (
    COMBINED_LOG_NAME,
    FAILED_FOLDER,
    FILE_INFO_NAME,
    REPORT_NAME,
    SUMMARY_NAME,
    FileNameGenerator,
    is_safe_name,
    safe_base_name,
)
from stlkit.outputs.summary import read_summary

_RESERVED = frozenset(map(name_key, (FAILED_FOLDER, SUMMARY_NAME, COMBINED_LOG_NAME, REPORT_NAME)))
_MADE_BY_STLKIT = re.compile(
    r"(?P<stem>.+)_(?:(?:size_chart|render|presentation)(?:_.*)?\.(?:png|mp4)"
    r"|(?:analysis|dimensions|validation)(?:_.*)?\.json(?:\.gz)?"
    r"|repaired(?:_.*)?\.stl|(?:processing|errors)(?:_.*)?\.log)",
    re.DOTALL,
)
_NUMBER = re.compile(r"_[0-9]+$")
_COLOR_PICTURE = re.compile(r"(?P<stem>.+)_(?P<color>[^_]+)\.png", re.DOTALL)


class OutputNames:
    """The names that are taken in one output folder.

    A name belongs to one source file. It is taken when a job in the queue has it, when ``queue_summary.json`` gives
    it to another file, or when something else already stands where its files would go. Then ``name_2``, ``name_3`` …
    are tried. Names that differ only in case or in Unicode composition count as one, because some file systems
    cannot tell them apart. Where the file that a name belongs to is gone and one of the same name and content
    asks, its folder was moved or renamed, and the name goes with it.

    The folder is read once, at the first claim. Not locked: the queue calls it under its own lock.

    Parameters
    ----------
    base_folder : Path
        The folder of the summary; need not exist.
    """

    def __init__(self, base_folder: Path) -> None:
        self._base_folder = base_folder
        self._owners: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._last_number: dict[str, int] = {}
        self._stems: dict[Organization, frozenset[str]] = {}

    def take(self, taken: Mapping[str, Path]) -> None:
        """Take note of the names that jobs in the queue already have, and of their source files."""
        for name, stl_path in taken.items():
            self._register(name, os.fspath(stl_path))

    def look(self, organization: Organization) -> None:
        """Read the folder now, as `claim` would do for this layout."""
        if organization is not Organization.PER_STL:
            self._stems_on_disk(organization)
        _ = self._entries, self._by_base, self._earlier_names, self._earlier_owners

    def claim(self, stl_path: Path, settings: OutputSettings) -> str:
        """Return the name of a file's outputs, the same one as ever where it had one.

        Parameters
        ----------
        stl_path : Path
            Absolute; two spellings of one path are two files.
        settings : OutputSettings
            Of the job: the layout and the prefix decide what could stand in the way.

        Returns
        -------
        str
            Safe as the name of a folder and of files.
        """
        source = os.fspath(stl_path)
        if source in self._names:
            return self._names[source]
        name = self._earlier_names.get(source)
        if name is None or name_key(name) in self._owners:
            base = safe_base_name(stl_path)
            name = self._inherited(base, stl_path) or self._first_free(base, settings)
        self._register(name, source)
        return name

    def _register(self, name: str, source: str) -> None:
        self._owners[name_key(name)] = source
        self._names[source] = name

    def _inherited(self, base: str, stl_path: Path) -> str | None:
        numbered = re.compile(re.escape(name_key(base)) + "(?:_[0-9]+)?")
        for name, source in self._by_base.get(_NUMBER.sub("", name_key(base)), ()):
            key = name_key(name)
            is_left = key not in self._owners and not os.path.lexists(source)
            if is_left and numbered.fullmatch(key) and _has_content_of(self._base_folder / name, stl_path):
                return name
        return None

    def _first_free(self, base: str, settings: OutputSettings) -> str:
        # Ten thousand files called part.stl must not try ten thousand names each.
        number = self._last_number.get(base, 0)
        while True:
            number += 1
            name = base if number == 1 else f"{base}_{number}"
            if self._is_free(name, settings):
                self._last_number[base] = number
                return name

    def _is_free(self, name: str, settings: OutputSettings) -> bool:
        key = name_key(name)
        if key in _RESERVED or key in self._owners or key in self._earlier_owners:
            return False
        if settings.organization is Organization.PER_STL:
            return key not in self._entries
        return name_key(FileNameGenerator(name, settings).stem) not in self._stems_on_disk(settings.organization)

    @cached_property
    def _entries(self) -> frozenset[str]:
        return frozenset(map(name_key, _listing(self._base_folder)))

    @cached_property
    def _earlier(self) -> tuple[tuple[str, str], ...]:
        """Name and source of the models of earlier runs: from the summary, or else from their own folders."""
        summary = read_summary(self._base_folder)
        models = () if summary is None else summary.models
        # Anybody may have edited the file, and a name becomes a part of a path.
        recorded = {model.name: os.fspath(model.stl_path) for model in models if is_safe_name(model.name)}
        for entry in _listing(self._base_folder):
            if entry not in recorded and is_safe_name(entry):
                source = _recorded_source(self._base_folder / entry)
                if source is not None:
                    recorded[entry] = source
        return tuple(recorded.items())

    @cached_property
    def _earlier_names(self) -> dict[str, str]:
        return {source: name for name, source in reversed(self._earlier)}

    @cached_property
    def _earlier_owners(self) -> frozenset[str]:
        return frozenset(name_key(name) for name, _ in self._earlier)

    @cached_property
    def _by_base(self) -> dict[str, list[tuple[str, str]]]:
        """Models of earlier runs by their names without a number."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, source in self._earlier:
            found.setdefault(_NUMBER.sub("", name_key(name)), []).append((name, source))
        return found

    def _stems_on_disk(self, organization: Organization) -> frozenset[str]:
        if organization not in self._stems:
            folders = folders_of(organization)
            names = (name for folder in folders for name in _listing(self._base_folder / folder))
            self._stems[organization] = frozenset(stem for name in names for stem in _possible_stems(name_key(name)))
        return self._stems[organization]


def _listing(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))  # noqa: PTH208 - names are wanted, not ten thousand Path objects
    except OSError:  # no folder, no names; that it cannot be written is said when something is placed there
        return ()


def _recorded_source(model_folder: Path) -> str | None:
    source = _file_info(model_folder).get("stl_path")
    return source if isinstance(source, str) else None


def _has_content_of(model_folder: Path, stl_path: Path) -> bool:
    info = _file_info(model_folder)
    try:
        return info.get("stl_size") == stl_path.stat().st_size and info.get("stl_checksum") == sha256_of(stl_path)
    except (OSError, ValueError):  # whoever is to read it will say so
        return False


def _file_info(model_folder: Path) -> dict[str, Any]:
    try:
        info = read_json(model_folder / "source" / FILE_INFO_NAME)
    except (OSError, ValueError):  # not a folder of ours
        return {}
    return info if isinstance(info, dict) else {}


def _possible_stems(name: str) -> Iterator[str]:
    """Yield what stands in front of the suffix, where a file could be one of ours."""
    made = _MADE_BY_STLKIT.fullmatch(name)
    if made:
        yield made["stem"]
    picture = _COLOR_PICTURE.fullmatch(name)
    if picture and _is_color(picture["color"]):
        yield picture["stem"]


def _is_color(text: str) -> bool:
    for spelling in (text, f"#{text}"):
        with contextlib.suppress(OptionError):
            parse_color(spelling)
            return True
    return False
