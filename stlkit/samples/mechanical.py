"""Parts with flat faces and crisp edges: a calibration cube, a gear, a bracket."""

from __future__ import annotations

import numpy as np

from stlkit.samples.surfaces import (
    Floats,
    assemble,
    at_height,
    circle,
    lifted,
    polygon,
    reversed_faces,
    ring,
    skin,
    strip,
    with_hole,
)

CUBE_MM = 20.0
CUBE_CHAMFER_MM = 1.0
LETTER_DEPTH_MM = 1.2

# Outlines in a box of 10 x 12 mm around the origin, counter-clockwise.
LETTERS: dict[str, Floats] = {
    "X": np.array(
        [
            *[(-5, -6), (-1.8, -6), (0, -2.6), (1.8, -6), (5, -6), (1.7, 0)],
            *[(5, 6), (1.8, 6), (0, 2.6), (-1.8, 6), (-5, 6), (-1.7, 0)],
        ]
    ),
    "Y": np.array(
        [(-1.4, -6), (1.4, -6), (1.4, -0.4), (5, 6), (1.9, 6), (0, 2.1), (-1.9, 6), (-5, 6), (-1.4, -0.4)],
    ),
    "Z": np.array(
        [
            *[(-4.5, -6), (4.5, -6), (4.5, -3.4), (-1.1, -3.4), (4.5, 3.6)],
            *[(4.5, 6), (-4.5, 6), (-4.5, 3.4), (1.1, 3.4), (-4.5, -3.6)],
        ]
    ),
}


def calibration_cube() -> Floats:
    """Make the 20 mm cube with chamfered edges and the letters X, Y and Z sunk into its sides.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    half, flat = CUBE_MM / 2, CUBE_MM / 2 - CUBE_CHAMFER_MM
    square = np.array([(-flat, -flat), (flat, -flat), (flat, flat), (-flat, flat)])
    plain = lifted(polygon(square), half)
    faces = {letter: _sunk_letter(square, outline, half) for letter, outline in LETTERS.items()}
    pieces = [faces["Z"], plain * (1, -1, -1)]
    for turn, letter in enumerate("XYXY"):
        side = _stand_up(faces[letter])
        pieces.append(_about_z(side, turn * np.pi / 2))
        pieces += [_about_z(edge, turn * np.pi / 2) for edge in _chamfers(half, flat)]
    return assemble(pieces)


def _sunk_letter(square: Floats, outline: Floats, z: float) -> Floats:
    floor = z - LETTER_DEPTH_MM
    wall = strip(at_height(outline[::-1], floor), at_height(outline[::-1], z))
    return np.concatenate([lifted(polygon(with_hole(square, outline)), z), wall, lifted(polygon(outline), floor)])


def _stand_up(top: Floats) -> Floats:
    """Turn the top face to the front (-y), its text upright."""
    return np.stack([top[..., 0], -top[..., 2], top[..., 1]], axis=-1)


def _about_z(triangles: Floats, angle: float) -> Floats:
    cosine, sine = round(np.cos(angle)), round(np.sin(angle))
    x, y, z = np.moveaxis(triangles, -1, 0)
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1)


def _chamfers(half: float, flat: float) -> list[Floats]:
    """Make the front's upper, lower and right edge and the two corners at that edge's ends."""
    top = _quad((-flat, -half, flat), (flat, -half, flat), (flat, -flat, half), (-flat, -flat, half))
    right = _quad((flat, -half, -flat), (half, -flat, -flat), (half, -flat, flat), (flat, -half, flat))
    corner = np.array([[(flat, -half, flat), (half, -flat, flat), (flat, -flat, half)]], dtype=float)
    return [top, reversed_faces(top * (1, 1, -1)), right, corner, reversed_faces(corner * (1, 1, -1))]


def _quad(*corners: tuple[float, float, float]) -> Floats:
    a, b, c, d = np.array(corners, dtype=float)
    return np.array([(a, b, c), (a, c, d)])


def gear(teeth: int = 24, module_mm: float = 2.0) -> Floats:
    """Make a spur gear with a raised hub, a keyed bore and six lightening holes in a thinner web.

    Parameters
    ----------
    teeth : int
    module_mm : float
        Pitch diameter through number of teeth.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    outline = involute_outline(teeth, module_mm)
    pitch = teeth * module_mm / 2
    # An edge broken by 0.4 mm catches the light as a machined one does.
    shoulder = outline * (1 - 0.4 / (pitch + module_mm))
    rim, hub, bore = circle(pitch * 0.76, 96), circle(pitch * 0.36, 72), keyed_bore(pitch * 0.17)
    half = [*_gear_rim(outline, shoulder, rim), *_gear_web(rim, hub, pitch)]
    half += [strip(at_height(hub, 2.0), at_height(hub, 7.0)), lifted(ring(hub, bore), 7.0)]
    upper = np.concatenate(half)
    lower = reversed_faces(upper * (1, 1, -1))
    hole_walls = [strip(at_height(hole[::-1], -2.0), at_height(hole[::-1], 2.0)) for hole in _web_holes(pitch)]
    bore_wall = strip(at_height(bore[::-1], -7.0), at_height(bore[::-1], 7.0))
    flanks = strip(at_height(outline, -4.6), at_height(outline, 4.6))
    return assemble([upper, lower, bore_wall, flanks, *hole_walls])


def _gear_rim(outline: Floats, shoulder: Floats, rim: Floats) -> list[Floats]:
    return [
        strip(at_height(outline, 4.6), at_height(shoulder, 5.0)),
        lifted(ring(shoulder, rim), 5.0),
        strip(at_height(rim[::-1], 2.0), at_height(rim[::-1], 5.0)),
    ]


def _web_holes(pitch: float) -> list[Floats]:
    return [
        circle(pitch * 0.13, 36, (pitch * 0.56 * np.cos(angle), pitch * 0.56 * np.sin(angle)), start=angle)
        for angle in np.arange(6) * (np.pi / 3)
    ]


def _gear_web(rim: Floats, hub: Floats, pitch: float) -> list[Floats]:
    """Make the web in six sectors, each around its hole."""
    pieces = []
    outer_step, inner_step = len(rim) // 6, len(hub) // 6
    for sector, hole in enumerate(_web_holes(pitch)):
        outer = np.arange(-outer_step // 2, outer_step // 2 + 1) + sector * outer_step
        inner = np.arange(inner_step // 2, -inner_step // 2 - 1, -1) + sector * inner_step
        cell = np.concatenate([rim[outer % len(rim)], hub[inner % len(hub)]])
        pieces.append(lifted(ring(cell, hole), 2.0))
    return pieces


def involute_outline(teeth: int, module_mm: float, pressure_angle: float = np.radians(20.0)) -> Floats:
    """Draw a spur gear's outline, counter-clockwise.

    Source: ISO 53, basic rack: addendum one module, dedendum 1.25.

    Parameters
    ----------
    teeth : int
    module_mm : float
    pressure_angle : float
        In radians.

    Returns
    -------
    (n, 2) float
        In millimetres.
    """
    pitch = teeth * module_mm / 2
    base, tip, root = pitch * np.cos(pressure_angle), pitch + module_mm, pitch - 1.25 * module_mm
    # Half a tooth's angle at the base circle: a quarter of the pitch, and the involute of the pressure angle.
    half_at_base = np.pi / (2 * teeth) + np.tan(pressure_angle) - pressure_angle
    radii = np.linspace(base, tip, 8)
    roll = np.sqrt((radii / base) ** 2 - 1)
    flank_angles = half_at_base - (roll - np.arctan(roll))
    gap = 2 * np.pi / teeth - 2 * half_at_base
    root_angles = half_at_base + gap * np.array([0.18, 0.5, 0.82])
    land = flank_angles[-1] * np.array([-0.5, 0.0, 0.5])
    angles = np.concatenate([-flank_angles, land, flank_angles[::-1], root_angles])
    radii = np.concatenate([radii, np.full(3, tip), radii[::-1], np.full(3, root)])
    turns = np.arange(teeth)[:, None] * (2 * np.pi / teeth)
    all_angles, all_radii = (angles + turns).ravel(), np.tile(radii, teeth)
    return np.column_stack([all_radii * np.cos(all_angles), all_radii * np.sin(all_angles)])


def keyed_bore(radius: float) -> Floats:
    """Draw a bore with a keyway, counter-clockwise, (n, 2)."""
    half_width, depth = radius * 0.36, radius * 1.38
    start = float(np.arcsin(half_width / radius))
    angles = np.linspace(start, 2 * np.pi - start, 48)
    arc = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([arc, [(depth, -half_width), (depth, half_width)]])


LEG_MM, WIDTH_MM, THICKNESS_MM = 44.0, 40.0, 5.0
CORNER_MM, OUTER_BEND_MM, INNER_BEND_MM = 9.0, 8.0, 6.0
HOLE_MM, SINK_MM, SINK_DEPTH_MM = 2.7, 5.2, 2.5
_HOLES = ((29.0, 10.0), (29.0, 30.0))


def bracket() -> Floats:
    """Make a rounded L-bracket with four countersunk screw holes.

    Returns
    -------
    (n, 3, 3) float
        In millimetres.
    """
    leg = np.concatenate(_leg())
    upright = reversed_faces(leg[..., ::-1])  # x and z change places
    return assemble([leg, upright, *_bend(), *_cheeks()])


def _leg() -> list[Floats]:
    corner = circle(CORNER_MM, 48)[:13]  # a quarter, from east to north
    end = LEG_MM - CORNER_MM
    near = np.add(corner[::-1] * (1, -1), (end, CORNER_MM))
    far = np.add(corner, (end, WIDTH_MM - CORNER_MM))
    edge = np.concatenate([near, [(LEG_MM, WIDTH_MM / 2)], far])
    pieces = [strip(at_height(edge, 0.0), at_height(edge, THICKNESS_MM), closed=False)]
    for is_near, (x, y) in zip((True, False), _HOLES, strict=True):
        half = edge[:14] if is_near else edge[13:]
        hole, sink = circle(HOLE_MM, 48, (x, y)), circle(SINK_MM, 48, (x, y))
        top = ring(_cell(half, THICKNESS_MM + INNER_BEND_MM, is_near=is_near), sink)
        bottom = ring(_cell(half, OUTER_BEND_MM, is_near=is_near), hole)
        sink_floor = THICKNESS_MM - SINK_DEPTH_MM
        pieces += [
            lifted(top, THICKNESS_MM),
            reversed_faces(bottom),
            strip(at_height(hole[::-1], sink_floor), at_height(sink[::-1], THICKNESS_MM)),
            strip(at_height(hole[::-1], 0.0), at_height(hole[::-1], sink_floor)),
        ]
    return pieces


def _cell(half_edge: Floats, x: float, *, is_near: bool) -> Floats:
    """Half of a leg's face, from the bend at `x` to its edge."""
    middle, side = (x, WIDTH_MM / 2), (x, 0.0 if is_near else WIDTH_MM)
    return np.concatenate([half_edge, [middle, side] if is_near else [side, middle]])


def _bend_profile(radius: float, center: float) -> Floats:
    """Draw a quarter of a circle in x and z, from the flat leg to the upright one."""
    angles = np.linspace(-np.pi / 2, -np.pi, 17)
    return np.column_stack([center + radius * np.cos(angles), center + radius * np.sin(angles)])


def _bend() -> list[Floats]:
    outer = _bend_profile(OUTER_BEND_MM, OUTER_BEND_MM)
    inner = _bend_profile(INNER_BEND_MM, THICKNESS_MM + INNER_BEND_MM)
    stations = (0.0, WIDTH_MM / 2, WIDTH_MM)

    def rows(profile: Floats) -> Floats:
        return np.stack([np.column_stack([profile[:, 0], np.full(len(profile), y), profile[:, 1]]) for y in stations])

    return [skin(rows(outer), closed_rows=False), reversed_faces(skin(rows(inner), closed_rows=False))]


def _cheeks() -> list[Floats]:
    """Make the L-shaped faces at y = 0 and y = width, up to where the corners begin to round."""
    end = LEG_MM - CORNER_MM
    outer = [(end, 0.0), *_bend_profile(OUTER_BEND_MM, OUTER_BEND_MM), (0.0, end)]
    inner = [(end, THICKNESS_MM), *_bend_profile(INNER_BEND_MM, THICKNESS_MM + INNER_BEND_MM), (THICKNESS_MM, end)]
    lines = (np.array([(x, 0.0, z) for x, z in line]) for line in (inner, outer))
    front = strip(*lines, closed=False)
    return [front, reversed_faces(front) + np.array([0.0, WIDTH_MM, 0.0])]
