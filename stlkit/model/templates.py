"""Named settings for a kind of work, and the ones that come with stlkit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from stlkit.model.options import OutputSettings, Quality, RenderOptions, ValidationLevel, ValidationOptions
from stlkit.model.times import utc_now


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
    """

    name: str
    description: str = ""
    render_options: RenderOptions = RenderOptions()
    validation_options: ValidationOptions = ValidationOptions()
    output_settings: OutputSettings = OutputSettings()
    created_at: datetime = field(default_factory=utc_now)
    created_by: str = "notebook"


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
