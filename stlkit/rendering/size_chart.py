"""The picture with the dimensions: the model, its width, depth and height in mm and inches, a title and a scale bar."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from PIL import ImageFont

from stlkit.model.options import RenderOptions
from stlkit.rendering.chart_layout import Axis, ChartLayout, Dimension, Style, lay_out
from stlkit.rendering.compositing import Pixels
from stlkit.rendering.fonts import font_for, one_line, shortened, without_boxes
from stlkit.rendering.framing import ISOMETRIC_RAD, ISOMETRIC_SHORTENING, orthographic_camera, reach, view_axes
from stlkit.rendering.lengths import format_inch, format_mm, round_length
from stlkit.rendering.lettering import Ink, Lettering, ink_for
from stlkit.rendering.plane import Box, Segment, as_point
from stlkit.rendering.quality import EFFORTS
from stlkit.rendering.scene import Camera
from stlkit.rendering.stage import Stage

_EMS_ACROSS = 31.0
"""The shorter side of the picture is so many times as long as the letters of a dimension are high."""
_SMALLEST_EM_PX = 8.0
_OUTLINE_OPACITY = 0.25
_SCALE_BAR_SHARE = 0.16
"""Longest scale bar, as a share of the picture's width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """A dimension's name and its length in both units, one below the other."""

    lines: tuple[tuple[str, ImageFont.FreeTypeFont], ...]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of all lines, in pixels."""
        width = max(font.getlength(text) for text, font in self.lines)
        return float(width), float(sum(_line_height(font) for _, font in self.lines))

    def write(self, sheet: Lettering, box: Box) -> None:
        """Write the lines into their box, centred."""
        top = box.top
        for text, font in self.lines:
            sheet.text(((box.left + box.right - font.getlength(text)) / 2, top), text, font)
            top += _line_height(font)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleBar:
    """A round length, true along the width, depth and height of the model."""

    length_mm: float
    length_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeChart:
    """A size chart that has been laid out; made by `plan_chart`.

    Parameters
    ----------
    layout : ChartLayout
    camera : Camera
        Sees the model where the layout has it.
    style : Style
    labels : dict of Axis to label
    scale_bar : ScaleBar
    """

    layout: ChartLayout
    camera: Camera
    style: Style
    labels: dict[Axis, _Label]
    scale_bar: ScaleBar


def draw_chart(stage: Stage, options: RenderOptions, title: str) -> Pixels:
    """Draw the model with its dimensions.

    Parameters
    ----------
    stage : Stage
    options : RenderOptions
    title : str
        Any text; shortened where it does not fit.

    Returns
    -------
    (h, w, 4) uint8
        sRGB multiplied by alpha.

    Raises
    ------
    RenderError
        The renderer refused, or the background picture cannot be read.
    """
    chart = plan_chart(stage, options.width, options.height)
    canvas = stage.backdrop(options, options.width, options.height)
    ink = ink_for(canvas)
    _draw_outline(canvas, chart, ink)
    stage.lay_model(canvas, options, chart.camera, EFFORTS[options.quality])
    sheet = Lettering(options.width, options.height, ink)
    for dimension in chart.layout.dimensions:
        _draw_dimension(sheet, dimension, chart)
    _write_title(sheet, title, options.width, chart.style)
    _draw_scale_bar(sheet, chart)
    sheet.lay_over(canvas)
    return canvas


def plan_chart(stage: Stage, width_px: int, height_px: int) -> SizeChart:
    """Lay out a size chart without drawing it.

    Parameters
    ----------
    stage : Stage
    width_px, height_px : int
        Size of the picture.

    Returns
    -------
    SizeChart
    """
    style = Style(em=max(_SMALLEST_EM_PX, min(width_px, height_px * 1.2) / _EMS_ACROSS))
    extents = np.diff(stage.geometry.bounds, axis=0)[0]
    labels = {
        axis: _label(axis, float(extent) * stage.geometry.radius_mm, style)
        for axis, extent in zip(Axis, extents, strict=True)
    }
    em = style.em
    room = Box(left=em, top=2.9 * em, right=width_px - em, bottom=height_px - 3.2 * em)
    layout = lay_out(extents, {axis: label.size for axis, label in labels.items()}, room, style)
    return SizeChart(
        layout=layout,
        camera=_camera(stage, layout, width_px, height_px),
        style=style,
        labels=labels,
        scale_bar=_scale_bar(width_px, layout.px_per_unit * ISOMETRIC_SHORTENING / stage.geometry.radius_mm),
    )


def _scale_bar(width_px: int, px_per_mm: float) -> ScaleBar:
    length_mm = round_length(width_px * _SCALE_BAR_SHARE / px_per_mm)
    return ScaleBar(length_mm=length_mm, length_px=length_mm * px_per_mm)


def _label(axis: Axis, length_mm: float, style: Style) -> _Label:
    millimetres, inches = format_mm(length_mm), format_inch(length_mm)
    small = round(0.78 * style.em)
    return _Label(
        lines=(
            (axis.value, font_for(axis.value, small)),
            (millimetres, font_for(millimetres, round(1.08 * style.em), bold=True)),
            (inches, font_for(inches, round(0.86 * style.em))),
        )
    )


def _line_height(font: ImageFont.FreeTypeFont) -> float:
    ascent, descent = font.getmetrics()
    return 0.92 * (ascent + descent)


def _camera(stage: Stage, layout: ChartLayout, width_px: int, height_px: int) -> Camera:
    axes = view_axes(*ISOMETRIC_RAD)
    half_size = np.array([width_px, height_px]) / 2 / layout.px_per_unit
    # The middle of the bounding box is the origin: the picture's middle is so far from it.
    center = (np.array([width_px, height_px]) / 2 - layout.center) * (1, -1) / layout.px_per_unit
    farthest = reach(stage.geometry.positions, np.stack([-axes[2], axes[2]]))
    return orthographic_camera(
        axes, center, half_size, (-float(farthest[0]), float(farthest[1])), (width_px, height_px)
    )


def _draw_outline(canvas: Pixels, chart: SizeChart, ink: Ink) -> None:
    """Draw the bounding box, faintly; the model comes in front of it."""
    sheet = Lettering(canvas.shape[1], canvas.shape[0], dataclasses.replace(ink, halo=None))
    outline = chart.layout.outline
    for start, end in zip(outline, (*outline[1:], outline[0]), strict=True):
        sheet.line(start, end, chart.style.line * 0.8)
    sheet.lay_over(canvas, opacity=_OUTLINE_OPACITY)


def _draw_dimension(sheet: Lettering, dimension: Dimension, chart: SizeChart) -> None:
    style = chart.style
    for start, end in dimension.extensions:
        sheet.line(start, end, style.line * 0.7)
    sheet.line(*_without_tips(dimension, style), style.line)
    ends = np.array(dimension.reach)
    along = ends[1] - ends[0]
    along /= max(float(np.linalg.norm(along)), 1e-9)
    outward = -along if dimension.inward else along
    sheet.arrow_head(dimension.line[0], -outward, style.arrow)
    sheet.arrow_head(dimension.line[1], outward, style.arrow)
    chart.labels[dimension.axis].write(sheet, dimension.label)


def _without_tips(dimension: Dimension, style: Style) -> Segment:
    """Return the line, ending inside of its arrow heads, whose tips it would blunt."""
    if dimension.inward:
        return dimension.reach
    first, second = np.array(dimension.line)
    along = second - first
    inset = along / np.linalg.norm(along) * style.arrow * 0.6
    return as_point(first + inset), as_point(second - inset)


def _write_title(sheet: Lettering, title: str, width_px: int, style: Style) -> None:
    text = one_line(title)
    font = font_for(text, round(1.25 * style.em), bold=True)
    text = shortened(without_boxes(text, font), font, width_px - 2 * style.em)
    sheet.text(((width_px - font.getlength(text)) / 2, 0.7 * style.em), text, font)


def _draw_scale_bar(sheet: Lettering, chart: SizeChart) -> None:
    style, em = chart.style, chart.style.em
    width, height = chart.camera.width_px, chart.camera.height_px
    right, bottom = width - em, height - em
    left = right - chart.scale_bar.length_px
    sheet.line((left, bottom), (right, bottom), style.line * 1.6)
    for x in (left, right):
        sheet.line((x, bottom - 0.3 * em), (x, bottom + 0.3 * em), style.line * 1.6)
    text = format_mm(chart.scale_bar.length_mm)
    font = font_for(text, round(0.86 * em))
    text_left = min((left + right - font.getlength(text)) / 2, right - font.getlength(text))
    sheet.text((text_left, bottom - 0.3 * em - _line_height(font)), text, font)
