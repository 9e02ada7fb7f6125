"""Names of output files: safe on every file system, the same on every run."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime
from pathlib import Path

from stlkit.errors import OptionError
from stlkit.files import is_device_name, name_key, printable
from stlkit.model.colors import color_name
from stlkit.model.options import NamingOptions, RenderOptions
from stlkit.model.times import in_utc, utc_now

MAX_NAME_BYTES = 255
"""Longest name of one file on the usual file systems, in bytes of UTF-8 (Linux ``NAME_MAX``)."""

MAX_BASE_BYTES = 180
"""Longest base name; what is left takes any suffix, and the ``_2`` of a repeated name."""

_MAX_NUMBERED_BYTES = MAX_BASE_BYTES + 16

SUMMARY_NAME = "queue_summary.json"
COMBINED_LOG_NAME = "processing_log.txt"
REPORT_NAME = "report.html"
FAILED_FOLDER = "failed"
FILE_INFO_NAME = "file_info.json"

_DEFAULT_RENDER = RenderOptions()
_UNNAMED = "unnamed"
_MAX_PREFIX_BYTES = 64
_MAX_SUFFIX_BYTES = 40
_MAX_EXTENSION_BYTES = 16
_DIGEST_DIGITS = 8
_SEPARATORS = tuple("_-. ")
_REFUSED = re.compile(
    r'[<>:"/\\|?*'  # by Windows
    r"\x00-\x1f\x7f-\x9f\u2028\u2029"  # control characters, and what ends a line or a paragraph
    r"\u202a-\u202e\u2066-\u2069"  # would show the end of a name in front of its beginning
    r"\ud800-\udfff]"  # bytes that are no UTF-8, as Python carries them
)
_UNSAFE_END = re.compile(r"[\s.]+$")


def safe_base_name(stl_path: Path) -> str:
    """Derive the name of a model's outputs from the name of its file.

    Spaces, apostrophes, emoji and every script stay as they are. Characters that Windows refuses, control
    characters and bytes that are no UTF-8 become ``_``; a leading dash or dot becomes ``_``; spaces and dots at
    the end go; a device name of Windows gets a ``_`` in front; a long name is cut and ends in a digest of the whole.

    Parameters
    ----------
    stl_path : Path
        Only its last part is looked at.

    Returns
    -------
    str
        Never empty, NFC, at most `MAX_BASE_BYTES` bytes of UTF-8, and equal for equal input.
    """
    name = stl_path.name
    stem = name[:-4] if name.lower().endswith(".stl") else stl_path.stem
    return _shorten(_clean(stem), MAX_BASE_BYTES) or _UNNAMED


def is_safe_name(name: str) -> bool:
    """Tell whether a name, read from a file that anybody may have edited, can stand in a path."""
    return bool(name) and _clean(name) == name and len(name.encode()) <= _MAX_NUMBERED_BYTES


class FileNameGenerator:
    """Names of all files that one job makes.

    A name is ``[prefix_]base_suffix``, then, for pictures and the video, ``[_quality][_material][_size]``, then
    ``[_timestamp]``, then the extension. It is at most 255 bytes of UTF-8, whatever the parts are: the prefix is
    cut at 64 bytes, and a base name that leaves too little room is cut, in all files alike, and ends in a digest.

    Nothing changes once it is made, hence thread-safe.

    Parameters
    ----------
    base_name : str
        For example ``ModelA``.
    options : NamingOptions
        What goes into the names; an `OutputSettings` is one.
    render : RenderOptions, optional
        Where quality, material and size come from; the defaults, unless given.
    moment : datetime, optional
        The time in a time stamp, written in UTC; now, unless given.
    """

    def __init__(
        self,
        base_name: str,
        options: NamingOptions,
        *,
        render: RenderOptions | None = None,
        moment: datetime | None = None,
    ) -> None:
        self.base_name = base_name
        self.options = options
        self._render = render or _DEFAULT_RENDER
        stamp = in_utc(moment or utc_now()).strftime("%Y%m%d_%H%M%S")
        self._time_parts = (stamp,) if options.include_timestamp else ()
        self._picture_parts = tuple(self._chosen_picture_parts())
        self.stem = self._joined_stem()

    def render_filename(self, suffix: str = "render") -> str:
        """Name a picture: ``ModelA_render.png``."""
        return self._name(suffix, "png", picture=True)

    def size_chart_filename(self) -> str:
        """Name the size chart: ``ModelA_size_chart.png``."""
        return self.render_filename("size_chart")

    def color_filename(self, color_entry: str) -> str:
        """Name the picture in one colour: ``ModelA_red.png``.

        Parameters
        ----------
        color_entry : str
            An entry of the palette: ``red``, ``#ff8800``, or ``dark red=#8b0000``.

        Returns
        -------
        str
            An underscore in a colour's name becomes a dash: ``dark_red`` of ``Vase`` must not meet ``red`` of
            ``Vase_dark`` in a folder that they share.
        """
        raw = color_name(color_entry)
        suffix = _color_word(raw)
        if self._is_ambiguous(suffix, raw):
            suffix = f"{suffix}-{_digest(raw)[:4]}".lstrip("-")
        return self.render_filename(suffix)

    def video_filename(self) -> str:
        """Name the turntable video: ``ModelA_presentation.mp4``."""
        return self._name("presentation", "mp4", picture=True)

    def analysis_filename(self, format: str = "json") -> str:  # noqa: A002 - the specification's own name
        """Name the analysis: ``ModelA_analysis.json``."""
        return self._name("analysis", format)

    def dimensions_filename(self, format: str = "json") -> str:  # noqa: A002 - as above
        """Name the dimensions: ``ModelA_dimensions.json``."""
        return self._name("dimensions", format)

    def validation_filename(self, format: str = "json") -> str:  # noqa: A002 - as above
        """Name the judgement: ``ModelA_validation.json``."""
        return self._name("validation", format)

    def repaired_filename(self) -> str:
        """Name the repaired mesh: ``ModelA_repaired.stl``."""
        return self._name("repaired", "stl")

    def processing_log_filename(self) -> str:
        """Name the job's log: ``ModelA_processing.log``."""
        return self._name("processing", "log")

    def errors_log_filename(self) -> str:
        """Name the log of the job's errors: ``ModelA_errors.log``."""
        return self._name("errors", "log")

    def file_info(self) -> str:
        """Name the facts about the source: ``file_info.json``, in the model's own folder whatever the options."""
        return FILE_INFO_NAME

    def _chosen_picture_parts(self) -> list[str]:
        render, options = self._render, self.options
        size = "4k" if (render.width, render.height) == (3840, 2160) else f"{render.width}x{render.height}"
        chosen = [
            (options.include_quality, str(render.quality)),
            (options.include_material, str(render.material)),
            (options.include_size, size),
        ]
        return [text for wanted, text in chosen if wanted]

    def _joined_stem(self) -> str:
        prefix = _cut(_clean(self.options.custom_prefix, end_is_free=False), _MAX_PREFIX_BYTES)
        if prefix and not prefix.endswith(_SEPARATORS):
            prefix += "_"
        marks = "".join(f"_{part}" for part in (*self._picture_parts, *self._time_parts))
        # Room for the longest suffix, so that the base is cut alike in all files of a job; and for the underscore
        # that a prefix such as 'con.' calls for.
        taken = len((prefix + marks).encode()) + len("__.") + _MAX_SUFFIX_BYTES + _MAX_EXTENSION_BYTES
        base = _shorten(_clean(self.base_name) or _UNNAMED, min(_MAX_NUMBERED_BYTES, MAX_NAME_BYTES - taken))
        return _clean(prefix + base)

    def _is_ambiguous(self, suffix: str, raw: str) -> bool:
        taken = {"", "render", "size-chart", "chart"}
        entries = (color_name(entry) for entry in self._render.color_palette)
        taken.update(name_key(_color_word(entry)) for entry in entries if entry != raw)
        return name_key(suffix) in taken

    def _name(self, suffix: str, extension: str, *, picture: bool = False) -> str:
        marks = (*(self._picture_parts if picture else ()), *self._time_parts)
        end = _clean(extension).strip("._")
        if not end or len(end.encode()) > _MAX_EXTENSION_BYTES:
            raise OptionError(f"a file name cannot end in {printable(extension)!r}", field="format")
        parts = (self.stem, _shorten(_clean(suffix), _MAX_SUFFIX_BYTES), *marks)
        return f"{'_'.join(part for part in parts if part)}.{end}"


def _clean(text: str, *, end_is_free: bool = True) -> str:
    text = _REFUSED.sub("_", unicodedata.normalize("NFC", text)).lstrip()
    if end_is_free:
        text = _UNSAFE_END.sub("", text)
    if text.startswith(("-", ".")):
        text = "_" + text[1:]
    return f"_{text}" if is_device_name(text) else text


def _color_word(name: str) -> str:
    return _clean(name).replace("_", "-").strip("-. ")


def _shorten(text: str, limit: int) -> str:
    if len(text.encode()) <= limit:
        return text
    mark = f"-{_digest(text)}"
    return _UNSAFE_END.sub("", _cut(text, limit - len(mark))) + mark


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_DIGITS]
