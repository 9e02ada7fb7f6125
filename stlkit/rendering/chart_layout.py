"""Where the lines and numbers of a size chart go, worked out before anything is drawn.

The model is shown in isometric projection (ISO 5456-3), in which lengths along width, depth and height are shortened
alike, so that one scale bar is true for all three. Its bounding box is seen as a hexagon, and each of the three
dimensions is one of its outer edges. A dimension line lies outside of its edge, its label outside of the line:
neither can touch the model, whatever its shape. Labels that would touch each other move outwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from stlkit.rendering.framing import ISOMETRIC_RAD, view_axes
from stlkit.rendering.plane import Box, Point, Segment, apart, as_point
from stlkit.rendering.scene import FloatArray


class Axis(StrEnum):
    """The three dimensions, in the order of x, y and z."""

    WIDTH = "width"
    DEPTH = "depth"
    HEIGHT = "height"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Sizes of everything that is not the model, in pixels.

    Parameters
    ----------
    em : float
        Height of the numbers' letters.
    """

    em: float

    @property
    def line(self) -> float:
        """Thickness of a line."""
        return max(1.0, self.em / 13)

    @property
    def arrow(self) -> float:
        """Length of an arrow head."""
        return 0.8 * self.em

    @property
    def tail(self) -> float:
        """Length of the line behind an arrow head that points inwards."""
        return 0.35 * self.em

    @property
    def offset(self) -> float:
        """From the model's box to a dimension line."""
        return 1.3 * self.em

    @property
    def far_offset(self) -> float:
        """The same, where the arrows point inwards from outside and need room."""
        return 2.9 * self.em

    @property
    def gap(self) -> float:
        """Between anything and a label."""
        return 0.45 * self.em


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One dimension line with its label.

    Parameters
    ----------
    axis : Axis
    line : Segment
        From end to end of the length that it measures.
    reach : Segment
        The line with what stands over at its ends.
    extensions : tuple of Segment
        Thin lines from the box to the dimension line and a little beyond.
    inward : bool
        Arrow heads stand outside and point at each other, because there is no room between them.
    label : Box
    """

    axis: Axis
    line: Segment
    reach: Segment
    extensions: tuple[Segment, Segment]
    inward: bool
    label: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLayout:
    """Everything that has a place.

    Parameters
    ----------
    outline : tuple of Point
        The bounding box as it is seen, a hexagon.
    dimensions : tuple of Dimension
    px_per_unit : float
        Pixels for each unit of model space, in the plane of the picture.
    center : Point
        Where the middle of the bounding box is.
    """

    outline: tuple[Point, ...]
    dimensions: tuple[Dimension, ...]
    px_per_unit: float
    center: Point


def lay_out(extents: FloatArray, labels: dict[Axis, tuple[float, float]], room: Box, style: Style) -> ChartLayout:
    """Place the model and its dimensions as large as they fit.

    Parameters
    ----------
    extents : (3,) float
        Width, depth and height of the bounding box, in model space.
    labels : dict of Axis to (float, float)
        Width and height of each label.
    room : Box
        Where everything has to stay.
    style : Style

    Returns
    -------
    ChartLayout
    """
    hexagon = _hexagon(extents)
    size = np.ptp(hexagon, axis=0)
    room_size = np.array([room.right - room.left, room.bottom - room.top])
    low, high = 0.0, float((room_size / size).min())
    for _ in range(24):  # the decoration does not grow with the model, so this is a matter of one number
        middle = (low + high) / 2
        spread = np.ptp(_everything(_placed(hexagon, middle, labels, style)), axis=0)
        low, high = (middle, high) if (spread <= room_size).all() else (low, middle)
    scale = max(low, 1e-6)
    everything = _everything(_placed(hexagon, scale, labels, style))
    middle_of_room = np.array([room.left + room.right, room.top + room.bottom]) / 2
    shift = middle_of_room - (everything.min(axis=0) + everything.max(axis=0)) / 2
    return _placed(hexagon, scale, labels, style, shift)


def _hexagon(extents: FloatArray) -> FloatArray:
    """Return the outline of the box in pixels a unit, y downwards, (6, 2).

    In the order left bottom, front bottom, right bottom, right top, back top, left top: width is the first edge, depth
    the second, height the last.
    """
    signs = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [1, 1, 1], [-1, 1, 1], [-1, -1, 1]])
    axes = view_axes(*ISOMETRIC_RAD)
    return (signs * extents / 2) @ axes[:2].T * (1, -1)


def _placed(
    hexagon: FloatArray,
    scale: float,
    labels: dict[Axis, tuple[float, float]],
    style: Style,
    shift: FloatArray | None = None,
) -> ChartLayout:
    center = np.zeros(2) if shift is None else shift
    outline = hexagon * scale + center
    directions = _edge_directions()
    lines = [
        _measured(axis, outline[index], outline[(index + 1) % 6], directions[axis], style)
        for axis, index in ((Axis.WIDTH, 0), (Axis.DEPTH, 1), (Axis.HEIGHT, 5))
    ]
    obstacles = [segment for one in lines for segment in (one.reach, *one.extensions)]
    dimensions: list[Dimension] = []
    for line in lines:
        taken = [one.label for one in dimensions]
        label = _label_box(line, directions[line.axis][1], labels[line.axis], style, (outline, obstacles, taken))
        dimensions.append(dataclasses.replace(line, label=label))
    return ChartLayout(
        outline=tuple(as_point(corner) for corner in outline),
        dimensions=tuple(dimensions),
        px_per_unit=scale,
        center=as_point(center),
    )


def _edge_directions() -> dict[Axis, tuple[FloatArray, FloatArray]]:
    """Return for each dimension the direction of its edge and the one away from the box; a flat box has them too."""
    corners = _hexagon(np.ones(3))
    result = {}
    for axis, index in ((Axis.WIDTH, 0), (Axis.DEPTH, 1), (Axis.HEIGHT, 5)):
        along = corners[(index + 1) % 6] - corners[index]
        along /= np.linalg.norm(along)
        outward = np.array([-along[1], along[0]])
        outward *= np.sign(outward @ corners[index])
        result[axis] = along, outward
    return result


def _measured(
    axis: Axis, start: FloatArray, end: FloatArray, directions: tuple[FloatArray, FloatArray], style: Style
) -> Dimension:
    """Place a dimension line; its label has no place yet."""
    along, outward = directions
    inward = bool(np.linalg.norm(end - start) < 2.6 * style.arrow)
    offset = style.far_offset if inward else style.offset
    first, second = start + outward * offset, end + outward * offset
    over = along * (style.arrow + style.tail if inward else 0.0)
    near, far = outward * 0.3 * style.em, outward * (offset + 0.35 * style.em)
    return Dimension(
        axis=axis,
        line=(as_point(first), as_point(second)),
        reach=(as_point(first - over), as_point(second + over)),
        extensions=((as_point(start + near), as_point(start + far)), (as_point(end + near), as_point(end + far))),
        inward=inward,
        label=Box(left=0.0, top=0.0, right=0.0, bottom=0.0),
    )


_Obstacles = tuple[FloatArray, list[Segment], list[Box]]


def _label_box(
    dimension: Dimension, outward: FloatArray, size: tuple[float, float], style: Style, obstacles: _Obstacles
) -> Box:
    """Find the nearest free place outside of a dimension line."""
    width, height = size
    middle = np.array(dimension.line).mean(axis=0)
    # so far from the line that no corner of the label reaches back to it
    clear = abs(outward[0]) * width / 2 + abs(outward[1]) * height / 2 + style.gap
    box = Box(left=-width / 2, top=-height / 2, right=width / 2, bottom=height / 2)
    nearest = box.moved(middle + outward * clear)
    candidates = (nearest.moved(move) for move in _moves(outward, style))
    return next((box for box in candidates if _free(box.grown(style.gap / 2), obstacles)), nearest)


def _moves(outward: FloatArray, style: Style) -> Iterator[FloatArray]:
    """Ways to move a label out of the way: first not at all, then further and further outwards and sideways."""
    along = np.array([-outward[1], outward[0]])
    for ring in range(10):
        for side in range(-ring, ring + 1):
            yield outward * (ring * 0.7 * style.em) + along * (side * 0.9 * style.em)


def _free(box: Box, obstacles: _Obstacles) -> bool:
    outline, segments, boxes = obstacles
    return (
        not any(box.touches(other) for other in boxes)
        and all(apart(box.corners, np.array(segment)) for segment in segments)
        and apart(box.corners, outline)
    )


def _everything(layout: ChartLayout) -> FloatArray:
    points = [*layout.outline]
    for dimension in layout.dimensions:
        points += [*dimension.reach, *(point for segment in dimension.extensions for point in segment)]
        points += [as_point(corner) for corner in dimension.label.corners]
    return np.array(points)
