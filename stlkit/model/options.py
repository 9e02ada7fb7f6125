"""What a person may choose for a job: names, types, ranges, help and defaults, in one place.

The dataclasses below are the single source for the command line, the templates, the queue file and the
forms in the notebook. Every instance is valid: a wrong value raises `OptionError` when it is made.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Self, get_type_hints

import msgspec
from msgspec import Meta

from stlkit.errors import OptionError
from stlkit.model.colors import color_name, parse_color


class Material(StrEnum):
    """What the model seems to be made of."""

    PLASTIC = "plastic"
    METAL = "metal"
    RESIN = "resin"
    CERAMIC = "ceramic"
    WOOD = "wood"
    GLASS = "glass"


class Lighting(StrEnum):
    """How the scene is lit."""

    STUDIO = "studio"
    NATURAL = "natural"
    DRAMATIC = "dramatic"
    SOFT = "soft"


class Quality(StrEnum):
    """How much work goes into a picture."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"
    ULTRA = "ultra"


class ValidationLevel(StrEnum):
    """How strictly a file is judged."""

    BASIC = "basic"
    STANDARD = "standard"
    STRICT = "strict"


class Organization(StrEnum):
    """How the output folder is laid out."""

    PER_STL = "per_stl"
    FLAT = "flat"
    BY_TYPE = "by_type"


class BackendName(StrEnum):
    """Which renderer draws."""

    AUTO = "auto"
    PYRENDER = "pyrender"


class OptionKind(StrEnum):
    """How a person enters an option."""

    FLAG = "flag"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    COLOR = "color"
    COLORS = "colors"
    FOLDER = "folder"
    PICTURE = "picture"


_FIELD_TYPES: dict[type, Mapping[str, Any]] = {}


def field_types(cls: type[CheckedOptions]) -> Mapping[str, Any]:
    """Return the annotated type of each option of a group."""
    if cls not in _FIELD_TYPES:
        hints = get_type_hints(cls, include_extras=True)
        types = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        _FIELD_TYPES[cls] = MappingProxyType(types)
    return _FIELD_TYPES[cls]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOptions:
    """Base of the option groups: checks every field on construction.

    Raises
    ------
    OptionError
        A value has the wrong type or is out of range; `field` names the option.
    """

    def __post_init__(self) -> None:
        for name, kind in field_types(type(self)).items():
            try:
                value = msgspec.convert(getattr(self, name), kind)
            except msgspec.ValidationError as error:
                raise OptionError(f"{name}: {_explain(error, kind)}", field=name) from None
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        """Check what a type cannot say; overridden where there is something."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the options in this group."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def merged(self, overrides: Mapping[str, Any]) -> Self:
        """Return a copy in which `overrides` win.

        Parameters
        ----------
        overrides : mapping
            Option name to value; only what differs need be there.

        Returns
        -------
        same type as self

        Raises
        ------
        OptionError
            A name is unknown or a value does not fit.
        """
        for name in overrides:
            if name not in self.names():
                raise unknown_option(name, self.names())
        return dataclasses.replace(self, **overrides)

    def differing_from(self, base: Self) -> dict[str, Any]:
        """Return the options that differ from `base`, as `merged` takes them."""
        return {name: getattr(self, name) for name in self.names() if getattr(self, name) != getattr(base, name)}


_TYPES_IN_WORDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "yes or no", "array": "a list", "null": "none",
}  # fmt: skip
_TYPE_NAME = re.compile(rf"\b(?:{'|'.join(_TYPES_IN_WORDS)})\b")


def _explain(error: msgspec.ValidationError, kind: Any) -> str:
    text = str(error).replace("`", "")
    choices = next((arg for arg in (kind, *getattr(kind, "__args__", ())) if isinstance(arg, type)), None)
    if choices is not None and issubclass(choices, StrEnum):
        return f"{text}; choose one of {', '.join(choices)}"
    return _TYPE_NAME.sub(lambda match: _TYPES_IN_WORDS[match[0]], text)


def unknown_option(name: str, known: tuple[str, ...]) -> OptionError:
    """Build the error for a name that no option has, with the nearest name that one has."""
    return unknown_name("option", name, known, field=name)


def unknown_name(what: str, name: str, known: tuple[str, ...], *, field: str) -> OptionError:
    """Build the error for a name that nothing of a kind has, with the nearest name that one has."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known {what}s: {', '.join(known)}"
    return OptionError(f"there is no {what} {name!r}{hint}", field=field)


Pixels = Annotated[int, Meta(ge=16, le=8192)]
Positive = Annotated[float, Meta(gt=0)]

_AS_COLOR = {"entered_as": OptionKind.COLOR}
_AS_COLORS = {"entered_as": OptionKind.COLORS}
_AS_FOLDER = {"entered_as": OptionKind.FOLDER}
_AS_PICTURE = {"entered_as": OptionKind.PICTURE}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions(CheckedOptions):
    """Which pictures are made of a model, and how they look."""

    generate_image: Annotated[bool, Meta(title="Picture", description="Make the main picture.")] = True
    generate_size_chart: Annotated[
        bool, Meta(title="Size chart", description="Make the picture with the dimensions.")
    ] = False
    generate_video: Annotated[bool, Meta(title="Turntable video", description="Make the turntable video.")] = False
    generate_color_variations: Annotated[
        bool, Meta(title="Colour variations", description="Make one picture for each colour.")
    ] = False
    width: Annotated[Pixels, Meta(title="Width, px", description="Width of pictures and video, in pixels.")] = 1920
    height: Annotated[Pixels, Meta(title="Height, px", description="Height of pictures and video, in pixels.")] = 1080
    material: Annotated[Material, Meta(description="What the model seems to be made of.")] = Material.PLASTIC
    lighting: Annotated[Lighting, Meta(description="How the scene is lit.")] = Lighting.STUDIO
    quality: Annotated[Quality, Meta(description="How much work goes into a picture.")] = Quality.STANDARD
    color: Annotated[
        str | None,
        Meta(title="Colour", extra=_AS_COLOR, description="Colour of the model; none for the material's own."),
    ] = None
    view_azimuth_deg: Annotated[
        float,
        Meta(
            title="View from the side, °",
            ge=-360,
            le=360,
            description="Side it is seen from, in degrees: 0 is the front, 90 the right side.",
        ),
    ] = 32.0
    view_elevation_deg: Annotated[
        float,
        Meta(
            title="View from above, °",
            ge=-90,
            le=90,
            description="Height it is seen from, in degrees: 0 is level, 90 straight above.",
        ),
    ] = 24.0
    background_color: Annotated[
        str, Meta(title="Background colour", extra=_AS_COLOR, description="Background colour, or 'transparent'.")
    ] = "#eceef1"
    background_image: Annotated[
        str | None,
        Meta(title="Background picture", extra=_AS_PICTURE, description="Path of a picture behind the model."),
    ] = None
    color_palette: Annotated[
        tuple[str, ...],
        Meta(title="Palette", extra=_AS_COLORS, min_length=1, max_length=64, description="Colours of the variations."),
    ] = ("red", "blue", "green", "yellow", "black", "white")
    video_duration: Annotated[
        float, Meta(title="Video length, s", gt=0, le=120, description="Length of the video, in seconds.")
    ] = 10.0
    video_fps: Annotated[int, Meta(title="Video frames a second", ge=1, le=120, description="Frames a second.")] = 30
    video_rotation_angle: Annotated[
        float, Meta(title="Video rotation, °", ge=-3600, le=3600, description="How far the model turns, in degrees.")
    ] = 360.0
    backend: Annotated[BackendName, Meta(title="Renderer", description="Which renderer draws.")] = BackendName.AUTO

    def _check(self) -> None:
        if self.color is not None:
            parse_color(self.color, field="color")
        if self.background_color != "transparent":
            parse_color(self.background_color, field="background_color")
        seen: dict[str, str] = {}
        for entry in self.color_palette:
            parse_color(entry, field="color_palette")
            other = seen.setdefault(color_name(entry).casefold(), entry)
            if other is not entry:
                raise OptionError(
                    f"color_palette: {entry!r} and {other!r} would be saved under one name; rename one "
                    f"as 'other name=#rrggbb'",
                    field="color_palette",
                )

    @property
    def draws(self) -> bool:
        """Whether anything has to be rendered."""
        return self.generate_image or self.generate_size_chart or self.generate_video or self.generate_color_variations


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOptions(CheckedOptions):
    """How a file is judged, mended and measured."""

    level: Annotated[ValidationLevel, Meta(description="How strictly a file is judged.")] = ValidationLevel.STANDARD
    auto_repair: Annotated[bool, Meta(title="Repair", description="Mend what can be mended safely.")] = True
    generate_analysis: Annotated[
        bool, Meta(title="Analysis and dimensions", description="Write analysis and dimensions.")
    ] = True
    save_repaired: Annotated[
        bool, Meta(title="Save the repaired mesh", description="Write the repaired mesh where a repair changed it.")
    ] = True
    density_g_cm3: Annotated[
        float, Meta(title="Density, g/cm³", gt=0, le=30, description="Material density, in g/cm3 (PLA: 1.24).")
    ] = 1.24


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NamingOptions(CheckedOptions):
    """What goes into the names of the files that are made."""

    include_timestamp: Annotated[bool, Meta(title="Time in names", description="Append the time.")] = False
    include_quality: Annotated[bool, Meta(title="Quality in names", description="Append the quality.")] = False
    include_material: Annotated[bool, Meta(title="Material in names", description="Append the material.")] = False
    include_size: Annotated[bool, Meta(title="Size in names", description="Append the picture's size.")] = False
    custom_prefix: Annotated[str, Meta(title="Prefix", max_length=64, description="Prefix of every file name.")] = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings(NamingOptions):
    """Where results go and what they are called."""

    organization: Annotated[Organization, Meta(title="Folders", description="Layout of the output folder.")] = (
        Organization.PER_STL
    )
    compress_analysis: Annotated[
        bool, Meta(title="Compress analysis", description="Write analysis files as .json.gz.")
    ] = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings(CheckedOptions):
    """How the queue runs its jobs."""

    max_concurrent_jobs: Annotated[
        int, Meta(title="Jobs at once", ge=1, le=64, description="Jobs that run side by side.")
    ] = 2
    auto_retry_failed: Annotated[bool, Meta(title="Retry failed jobs", description="Try a failed job again.")] = True
    max_retry_attempts: Annotated[
        int, Meta(title="Most retries", ge=0, le=20, description="How many times a job is tried again.")
    ] = 3
    output_base_folder: Annotated[
        str, Meta(title="Output folder", extra=_AS_FOLDER, description="Where outputs go unless a job says otherwise.")
    ] = ""
    job_timeout_s: Annotated[
        Positive | None,
        Meta(
            title="Time limit of a job, s",
            description="Longest time of one attempt, in seconds; none: from the file's size.",
        ),
    ] = None
    job_memory_limit_mb: Annotated[
        Positive | None,
        Meta(
            title="Memory limit of a job, MB", description="Most memory of one job, in MB; none: from the file's size."
        ),
    ] = None
    memory_budget_mb: Annotated[
        Positive | None,
        Meta(
            title="Memory for all jobs, MB",
            description="Most memory of all jobs together, in MB; none: 80 % of the machine's.",
        ),
    ] = None
    min_free_disk_mb: Annotated[
        float,
        Meta(
            title="Least free disk, MB",
            ge=0,
            description="The queue pauses while a disk it writes to has less room, in MB.",
        ),
    ] = 200.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CleanupOptions(CheckedOptions):
    """What a home folder keeps; the group ``cleanup`` of ``config.json`` holds what differs from the defaults."""

    history_keep_days: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(title="Keep history, days", description="Days that the history keeps a job; none: for good."),
    ] = None
    cache_max_age_hours: Annotated[
        float,
        Meta(
            title="Keep temporary files, hours",
            ge=0,
            le=1e6,
            description="Hours that the temporary files of a job that nobody works on are kept.",
        ),
    ] = 24.0
    cache_max_size_mb: Annotated[
        float,
        Meta(
            title="Largest cache, MB",
            ge=0,
            le=1e9,
            description="Most room of temporary files and thumbnails together, in MB.",
        ),
    ] = 1000.0
    backup_keep_count: Annotated[
        int,
        Meta(title="Backups of the queue", ge=1, le=100, description="Automatic backups of the queue that are kept."),
    ] = 5


def parse_option(group: type[CheckedOptions], name: str, text: str) -> Any:
    """Read one option from text, as a command line has it.

    Parameters
    ----------
    group : type
        The group that has the option.
    name : str
        Name of the option.
    text : str
        Its value; a list is written with commas, ``none`` stands for no value.

    Returns
    -------
    Any
        The value in the option's own type.

    Raises
    ------
    OptionError
        The text does not fit the option.
    """
    types = field_types(group)
    if name not in types:
        raise unknown_option(name, tuple(types))
    kind = types[name]
    default = next(field.default for field in dataclasses.fields(group) if field.name == name)
    value: Any = text
    if isinstance(default, tuple):
        value = tuple(part.strip() for part in text.split(",") if part.strip())
    elif isinstance(default, bool):
        value = {"yes": True, "on": True, "no": False, "off": False}.get(text.lower(), text.lower())
    elif default is None and text.lower() == "none":
        value = None
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        expected = _explain(error, kind).partition(", got")[0]  # of text there is more to say than that it is text
        raise OptionError(f"{name}: {expected}; got {text!r}", field=name) from None
