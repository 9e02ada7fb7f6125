"""What can be chosen in a previewer, and what its page is told: attributes that both sides share."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets as t

from stlkit.errors import OptionError
from stlkit.model.colors import parse_color
from stlkit.model.options import Lighting, Material, RenderOptions


class Attributes(anywidget.AnyWidget):
    """The attributes of `Previewer`, which describes them."""

    index = t.Int(0).tag(sync=True)
    material = t.Enum([*Material], Material.PLASTIC).tag(sync=True)
    lighting = t.Enum([*Lighting], Lighting.STUDIO).tag(sync=True)
    color = t.Unicode(None, allow_none=True).tag(sync=True)
    background = t.Unicode(RenderOptions().background_color).tag(sync=True)
    wireframe = t.Bool(False).tag(sync=True)
    edges = t.Bool(False).tag(sync=True)
    box = t.Bool(False).tag(sync=True)
    axes = t.Bool(False).tag(sync=True)
    marks = t.Bool(True).tag(sync=True)
    orthographic = t.Bool(False).tag(sync=True)
    section = t.Enum([None, "x", "y", "z"], None, allow_none=True).tag(sync=True)
    section_position = t.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    section_flipped = t.Bool(False).tag(sync=True)
    repaired = t.Bool(False).tag(sync=True)
    full = t.Bool(False).tag(sync=True)
    measuring = t.Bool(False).tag(sync=True)

    _page = t.Dict().tag(sync=True)
    """What never changes: size, choices, and what the page finds the renderer and the cameras by."""
    _facts = t.Dict().tag(sync=True)
    """What is known about the file that is shown, or the card that says why there is nothing to show."""
    _findings: t.List[Any] = t.List().tag(sync=True)
    """The findings in words, each with the labels of its places."""
    _comparison = t.Instance(dict, allow_none=True).tag(sync=True)
    """Figures before and after a repair, once there was one."""
    _measures: t.List[Any] = t.List().tag(sync=True)
    """The measures in words."""
    _labels: t.List[Any] = t.List().tag(sync=True)
    """Words over the drawing area, and where in model space they belong."""
    _aim = t.Dict().tag(sync=True)
    """Where the camera was last sent, and whether it flies there; the number tells orders apart."""
    _plane = t.Instance(dict, allow_none=True).tag(sync=True)
    """The section plane."""
    _files = t.Dict().tag(sync=True)
    """How many files there are, and which one is shown."""
    _busy = t.Unicode("").tag(sync=True)
    """What is being done."""
    _note = t.Dict().tag(sync=True)
    """The last thing a person has to be told."""

    @t.validate("color", "background")
    def _check_color(self, proposal: dict[str, Any]) -> str | None:
        value: str | None = proposal["value"]
        if value is None or (value == "transparent" and proposal["trait"].name == "background"):
            return value
        try:
            return "#{:02x}{:02x}{:02x}".format(*parse_color(value))
        except OptionError as error:
            raise t.TraitError(str(error)) from None
