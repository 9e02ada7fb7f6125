"""Named settings for a kind of work, and the ones that come with stlkit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta

from stlkit.errors import OptionError
from stlkit.model.encoding import from_plain, to_plain
from stlkit.model.options import (
    CheckedOptions,
    OutputSettings,
    Quality,
    RenderOptions,
    ValidationLevel,
    ValidationOptions,
)
from stlkit.model.times import AwareTime, require_aware, utc_now
from stlkit.model.unknown import join_unknown, names_of, split_unknown

TEMPLATE_VERSION = "1.0"
LONGEST_NAME = 500
"""Most letters in the name of a template."""

TEMPLATE_GROUPS: Mapping[str, type[CheckedOptions]] = {
    "render_options": RenderOptions,
    "validation_options": ValidationOptions,
    "output_settings": OutputSettings,
}
"""The options that a template holds, by field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTemplate:
    """Options under a name.

    Parameters
    ----------
    name : str
        As a person typed it.
    description : str
    render_options : RenderOptions
    validation_options : ValidationOptions
    output_settings : OutputSettings
    created_at : datetime
    created_by : str
        ``notebook``, ``cli`` or ``gui``; ``stlkit`` for those that come with it.
    version : str
        Of the format.
    unknown : dict
        Keys of the template's file that this version does not know, those inside groups under the group's name; kept
        and written back.

    Raises
    ------
    OptionError
        The time says no time zone.
    """

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    description: str = ""
    render_options: RenderOptions = RenderOptions()
    validation_options: ValidationOptions = ValidationOptions()
    output_settings: OutputSettings = OutputSettings()
    created_at: AwareTime = field(default_factory=utc_now)
    created_by: str = "notebook"
    version: str = TEMPLATE_VERSION
    unknown: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(created_at=self.created_at)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON values of the file, the version first."""
        return join_unknown({"version": self.version} | to_plain(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QueueTemplate:
        """Build a template from JSON values of today's format.

        Parameters
        ----------
        data : mapping
            What `json.load` returned for the file.

        Returns
        -------
        QueueTemplate

        Raises
        ------
        ValueError
            A value does not fit; `stlkit.model.encoding.explain` says which.
        """
        plain = split_unknown(cls, data, _KNOWN)
        for name, kind in TEMPLATE_GROUPS.items():
            if isinstance(plain.get(name), dict):
                try:  # for a message that names the choices
                    kind().merged(plain[name])
                except OptionError as error:
                    raise ValueError(f"{error} - at `$.{name}`") from error
        return from_plain(cls, plain)


_KNOWN = {name: names_of(kind) for name, kind in TEMPLATE_GROUPS.items()}


def _built_in(name: str, description: str, render: RenderOptions, validation: ValidationOptions) -> QueueTemplate:
    return QueueTemplate(
        name=name,
        description=description,
        render_options=render,
        validation_options=validation,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        created_by="stlkit",
    )


BUILT_IN_TEMPLATES: dict[str, QueueTemplate] = {
    "default_render": _built_in(
        "Default Render",
        "One picture of each model, checked and repaired first.",
        RenderOptions(),
        ValidationOptions(),
    ),
    "quick_preview": _built_in(
        "Quick Preview",
        "A small, fast picture of each model.",
        RenderOptions(width=960, height=540, quality=Quality.DRAFT),
        ValidationOptions(level=ValidationLevel.BASIC, auto_repair=False, generate_analysis=False),
    ),
    "complete_processing": _built_in(
        "Complete Processing",
        "Picture, size chart, turntable video, colour variations, analysis and validation.",
        RenderOptions(generate_size_chart=True, generate_video=True, generate_color_variations=True),
        ValidationOptions(),
    ),
    "validation_only": _built_in(
        "Validation Only",
        "Check and repair meshes, without pictures.",
        RenderOptions(generate_image=False),
        ValidationOptions(generate_analysis=False),
    ),
    "high_quality_renders": _built_in(
        "High Quality Renders",
        "4K pictures and a turntable video of the best quality.",
        RenderOptions(generate_size_chart=True, generate_video=True, width=3840, height=2160, quality=Quality.HIGH),
        ValidationOptions(),
    ),
    "batch_analysis": _built_in(
        "Batch Analysis",
        "Analysis and validation of many files, without pictures.",
        RenderOptions(generate_image=False),
        ValidationOptions(),
    ),
}
"""The templates that come with stlkit, by file name without ``.json``."""
