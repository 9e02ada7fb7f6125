"""The main picture, and the same in other colours."""

from __future__ import annotations

from stlkit.model.options import RenderOptions
from stlkit.rendering.compositing import Pixels
from stlkit.rendering.framing import frame, view_of
from stlkit.rendering.quality import EFFORTS
from stlkit.rendering.stage import Stage


def take_still(stage: Stage, options: RenderOptions, *, color: str | None = None) -> Pixels:
    """Take a picture of the whole model from the side that the options name.

    Parameters
    ----------
    stage : Stage
    options : RenderOptions
    color : str, optional
        Instead of the colour of the options.

    Returns
    -------
    (h, w, 4) uint8
        sRGB multiplied by alpha.

    Raises
    ------
    RenderError
        The renderer refused, or the background picture cannot be read.
    """
    effort = EFFORTS[options.quality]
    camera = frame(stage.geometry.positions, options.width, options.height, view_rad=view_of(options))
    canvas = stage.backdrop(options, options.width, options.height)
    if effort.ground_shadow:
        stage.lay_shadow(canvas, options, camera)
    stage.lay_model(canvas, options, camera, effort, color=color)
    return canvas
