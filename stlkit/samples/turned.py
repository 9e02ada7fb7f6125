"""Turned and woven things: a vase, a chain, a knot, a pen cup, a chess piece."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stlkit.samples.surfaces import Floats, assemble, at_height, circle, fan, reversed_faces, skin, strip, tube


def revolve(
    profile: Floats,
    count: int,
    *,
    swell: Callable[[Floats, Floats], Floats] = lambda _angles, radii: np.ones_like(radii),
    twist: Callable[[Floats], Floats] = np.zeros_like,
) -> Floats:
    """Turn a profile about the z axis.

    Parameters
    ----------
    profile : (n, 2) float
        Radius and height, in the direction in which the surface has its outside on the right. An end on the axis
        is closed, any other is left open.
    count : int
        Steps of the turn.
    swell : callable, optional
        From angles and radii, factors for the radii.
    twist : callable, optional
        From heights, how far the swollen surface is turned there, in radians. The corners turn along, so that a
        ridge stays on a line of corners.

    Returns
    -------
    (k, 3, 3) float
    """
    on_axis = profile[:, 0] == 0
    wall = profile[~on_axis]
    angles = np.broadcast_to(np.arange(count) * (2 * np.pi / count), (len(wall), count))
    radii, heights = (np.repeat(column[:, None], count, axis=1) for column in wall.T)
    radii = radii * swell(angles, radii)
    angles = angles + twist(heights)
    rows = np.stack([radii * np.cos(angles), radii * np.sin(angles), heights], axis=-1)
    pieces = [skin(rows)]
    if on_axis[0]:
        pieces.append(reversed_faces(fan(rows[0], np.array([0.0, 0.0, profile[0, 1]]))))
    if on_axis[-1]:
        pieces.append(fan(rows[-1], np.array([0.0, 0.0, profile[-1, 1]])))
    return np.concatenate(pieces)


def twisted_vase() -> Floats:
    """Make a vase of twelve twisted ribs, with a wall of 2.4 mm and a rounded lip.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    height, wall, ribs = 120.0, 2.4, 12

    def belly(z: Floats) -> Floats:
        t = z / height
        return 27.0 + 15.0 * np.sin(np.pi * (t * 1.15 + 0.08)) ** 2 - 4.0 * t

    def swell(angles: Floats, radii: Floats) -> Floats:
        crest = np.abs(2 * (ribs * angles / (2 * np.pi) % 1.0) - 1)  # a sharp ridge, a round valley
        return 1 + 0.13 * (crest**1.6 - 0.5) * np.minimum(1.0, radii / 20.0)

    def twist(heights: Floats) -> Floats:
        t = heights / height
        return 2 * np.pi * 0.22 * t * t * (3 - 2 * t)

    z = np.linspace(1.0, height, 42)
    outside = np.column_stack([belly(z), z])
    lip_angles = np.linspace(0.0, np.pi, 7)[1:-1]
    middle = belly(z[-1:]) - wall / 2
    lip = np.column_stack([middle + wall / 2 * np.cos(lip_angles), height + wall / 2 * np.sin(lip_angles)])
    z_inside = np.linspace(height, 3.2, 38)
    inside = np.column_stack([belly(z_inside) - wall, z_inside])
    foot = [(0.0, 0.0), (belly(z[:1])[0] - 1.0, 0.0)]
    profile = np.concatenate([foot, outside, lip, inside, [(12.0, 3.0), (0.0, 3.0)]])
    return assemble([revolve(profile, 168, swell=swell, twist=twist)])


def chain_links(links: int = 12) -> Floats:
    """Make a closed chain of separate links, each through the next, that comes off the printer movable.

    Parameters
    ----------
    links : int
        Even, so that the last one fits the first.

    Returns
    -------
    (n, 3, 3) float
        In millimetres; one body a link.
    """
    radius, straight, wire, pitch = 7.0, 5.0, 2.2, 16.0
    half_turn = np.linspace(-np.pi / 2, np.pi / 2, 25)
    bow = np.column_stack([straight + radius * np.cos(half_turn), radius * np.sin(half_turn)])
    path = at_height(np.concatenate([bow, -bow]), 0.0)
    link = tube(path, path - np.clip(path, (-straight, 0, 0), (straight, 0, 0)), wire, 18)
    ring_radius = pitch / (2 * np.sin(np.pi / links))
    pieces = []
    for number in range(links):
        tilt = np.pi / 4 if number % 2 else -np.pi / 4  # no link lies flat, none stands: no support is needed
        x, y, z = np.moveaxis(link, -1, 0)
        tilted = np.stack([x, y * np.cos(tilt) - z * np.sin(tilt), y * np.sin(tilt) + z * np.cos(tilt)], axis=-1)
        around = 2 * np.pi * number / links
        x, y, z = np.moveaxis(tilted + np.array([0.0, -ring_radius, 0.0]), -1, 0)
        cosine, sine = np.cos(around), np.sin(around)
        pieces.append(np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1))
    return assemble(pieces)


def torus_knot(p: int = 2, q: int = 3) -> Floats:
    """Make a knot that winds around a torus, `p` times along and `q` times through.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    around, through, wire = 22.0, 10.5, 6.2
    t = np.arange(288) * (2 * np.pi / 288)
    radii = around + through * np.cos(q * t)
    path = np.column_stack([radii * np.cos(p * t), radii * np.sin(p * t), through * np.sin(q * t)])
    core = np.column_stack([around * np.cos(p * t), around * np.sin(p * t), np.zeros_like(t)])
    return assemble([tube(path, path - core, wire, 32)])


def honeycomb_cup() -> Floats:
    """Make a pen cup with a wall of open hexagons.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    columns, rows, side, strut, wall = 18, 8, 7.6, 2.6, 3.0
    low, floor = 9.0 + side, 3.0
    width = np.sqrt(3) * side
    radius = columns * width / (2 * np.pi)
    height = low + (rows - 1) * 1.5 * side + side + 6.0

    def bend(points: Floats, r: float) -> Floats:
        angles = points[:, 0] / radius
        return np.column_stack([r * np.cos(angles), r * np.sin(angles), points[:, 1]])

    outside, inside = radius + wall / 2, radius - wall / 2
    cell = _hexagon(side)
    hole = cell * (1 - strut / width)
    pieces = []
    for row in range(rows):
        for column in range(columns):
            center = np.array([(column + 0.5 * (row % 2)) * width, low + row * 1.5 * side])
            edge, rim = cell + center, hole + center
            pieces += [
                strip(bend(edge, outside), bend(rim, outside)),
                reversed_faces(strip(bend(edge, inside), bend(rim, inside))),
                strip(bend(rim, outside), bend(rim, inside)),
            ]
    lower = _zigzag(columns, side, low, down=True)
    upper = _zigzag(columns, side, low + (rows - 1) * 1.5 * side, down=False, shifted=rows % 2 == 0)

    def level(line: Floats, z: float) -> Floats:
        return np.column_stack([line[:, 0], np.full(len(line), z)])

    foot, top = level(lower, 0.0), level(upper, height)
    pieces += [
        strip(bend(foot, outside), bend(lower, outside)),
        strip(bend(upper, outside), bend(top, outside)),
        strip(bend(top, outside), bend(top, inside)),
        strip(bend(top, inside), bend(upper, inside)),
        strip(bend(lower, inside), bend(level(lower, floor), inside)),
        fan(bend(level(lower, floor), inside), np.array([0.0, 0.0, floor])),
        reversed_faces(fan(bend(foot, outside), np.zeros(3))),
    ]
    return assemble(pieces)


def _hexagon(side: float) -> Floats:
    """Draw a hexagon on its tip, each side in halves so that it follows the bend of the wall, (12, 2)."""
    corners = circle(side, 6, start=np.pi / 6)
    return np.stack([corners, (corners + np.roll(corners, -1, axis=0)) / 2], axis=1).reshape(-1, 2)


def _zigzag(columns: int, side: float, z: float, *, down: bool, shifted: bool = False) -> Floats:
    """Draw the free edge of the lowest or the highest row of hexagons, once around."""
    sign = -1.0 if down else 1.0
    quarter = np.sqrt(3) * side / 4
    x = np.arange(4 * columns) * quarter + (2 * quarter if shifted else 0.0) - 2 * quarter
    depth = np.tile([0.5, 0.75, 1.0, 0.75], columns) * side
    return np.column_stack([x, z + sign * depth])


def chess_rook() -> Floats:
    """Make a Staunton rook with six battlements.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    count = 96
    outer, inner, notch, top, floor = 11.5, 7.6, 50.0, 55.0, 46.5
    shaft = np.linspace(0.0, 1.0, 18)
    outside = np.concatenate(
        [
            [(0.0, 0.0), (16.2, 0.0), (17.0, 0.8)],
            _bulge((17.0, 3.2), (14.8, 7.6)),
            [(14.8, 8.4), (13.4, 8.8)],
            np.column_stack([8.2 + 5.0 * (1 - shaft) ** 2.6, 9.4 + 28.6 * shaft]),
            [(9.6, 38.4)],
            _bulge((10.2, 38.8), (9.8, 41.2)),
            [(8.9, 41.6), (9.5, 43.0), (11.0, 44.6), (outer, 45.2), (outer, notch)],
        ]
    )
    well = np.array([(inner, notch), (inner, floor), (0.0, floor)])
    walls = _battlements(circle(outer, count), circle(inner, count), notch, top)
    return assemble([revolve(outside, count), revolve(well, count), *walls])


def _bulge(start: tuple[float, float], end: tuple[float, float]) -> Floats:
    """Half an ellipse from a lower to a higher point of a profile, outwards, (13, 2)."""
    (r0, z0), (r1, z1) = start, end
    t = np.linspace(-np.pi / 2, np.pi / 2, 13)
    middle = np.linspace(r0, r1, 13)
    return np.column_stack([middle + 0.28 * (z1 - z0) * np.cos(t), (z0 + z1) / 2 + (z1 - z0) / 2 * np.sin(t)])


def _battlements(outer: Floats, inner: Floats, notch: float, top: float) -> list[Floats]:
    """Make the top of a round wall, cut by six notches, between two loops of equal steps."""
    step, merlon = len(outer) // 6, len(outer) // 10
    pieces = []
    for begin in range(0, len(outer), step):
        up = np.arange(begin, begin + merlon + 1) % len(outer)
        down = np.arange(begin + merlon, begin + step + 1) % len(outer)
        pieces.append(strip(at_height(outer[down], notch), at_height(inner[down], notch), closed=False))
        loop = np.concatenate([outer[up], inner[up[::-1]]])
        pieces.append(strip(at_height(loop, notch), at_height(loop, top)))
        pieces.append(strip(at_height(outer[up], top), at_height(inner[up], top), closed=False))
    return pieces
