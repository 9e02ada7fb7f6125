import dataclasses

import numpy as np
import pytest

from stlkit.model.options import Lighting, Material
from stlkit.rendering.framing import frame, light_camera
from stlkit.rendering.lights import RIGS
from stlkit.rendering.materials import SURFACES, surface_of
from stlkit.rendering.normals import prepare_geometry
from stlkit.rendering.scene import MAX_LIGHTS, Illumination, Light, Room, Surface
from stlkit.rendering.shading import MAP_CELLS, SHOULDER, light_maps, matt_light, mirrored_light, roll_off, shade

DARK = (0.0, 0.0, 0.0)
UP = np.array([[0.0, 0.0, 1.0]])


def lit_from(direction, color=(0.5, 0.5, 0.5), room=DARK):
    light = Light(direction=direction, color=color, half_width=0.2, half_height=0.2, glare=1.0)
    return even_room(room, light)


def even_room(color, *lights):
    room = Room(sky=color, horizon=color, ground=color)
    return Illumination(lights=lights, room=room, mirrored_room=room)


def test_a_matt_face_follows_lambert():
    """A matt white face sends back the light times the cosine of the angle, and none from behind."""
    for degrees in (0.0, 30.0, 60.0, 90.0, 150.0):
        angle = np.radians(degrees)
        found = matt_light(lit_from((float(np.sin(angle)), 0.0, float(np.cos(angle)))), 0.0, UP)
        np.testing.assert_allclose(found[0], 0.5 * max(0.0, np.cos(angle)), atol=1e-12)


def test_an_evenly_lit_room_lights_every_face_alike():
    """In a room without lights and of one brightness, all matt faces have that brightness."""
    room = even_room((0.4, 0.4, 0.4))
    directions = np.vstack([np.eye(3), -np.eye(3)])
    np.testing.assert_allclose(matt_light(room, 0.0, directions), 0.4)
    np.testing.assert_allclose(mirrored_light(room, 0.1, directions), 0.4)


def test_a_mirror_shows_the_light_where_it_stands():
    """A sharp mirror shows a softbox at its full brightness in its middle, and nothing of it away from it."""
    light = lit_from((0.0, 0.6, 0.8))
    rays = np.array([[0.0, 0.6, 0.8], [0.0, -0.6, 0.8], [0.0, -0.6, -0.8]])
    np.testing.assert_allclose(mirrored_light(light, 0.0, rays)[:, 0], [0.5, 0.0, 0.0], atol=1e-12)
    blurred = mirrored_light(light, 0.8, rays[:1])[0, 0]
    assert 0.0 < blurred < 0.4


def test_a_face_shines_more_the_flatter_it_is_seen():
    """By Fresnel's effect, what is not metal mirrors little head-on and much at a grazing angle."""
    black = Surface(color=(0.0, 0.0, 0.0), roughness=0.1)
    room = even_room((0.5, 0.5, 0.5))
    grazing = np.array([[0.0, -np.cos(0.05), np.sin(0.05)]])
    high_up = np.array([9.0])
    assert shade(black, room, UP, UP, high_up).max() < 0.25
    assert shade(black, room, UP, grazing, high_up).min() > 0.45


def test_the_floor_is_dark_where_the_model_stands():
    """Close to the floor, a face that looks down gets little light; high up, or looking up, it makes no difference."""
    white, room = Surface(color=(1.0, 1.0, 1.0), reflectance=0.0, roughness=1.0), even_room((0.5, 0.5, 0.5))
    low, high = np.array([0.0]), np.array([9.0])
    assert shade(white, room, -UP, -UP, low).max() < 0.6 * shade(white, room, -UP, -UP, high).min()
    np.testing.assert_array_equal(shade(white, room, UP, UP, low), shade(white, room, UP, UP, high))


def test_soft_matter_carries_light_around_the_edge():
    """Where light only grazes, soft matter sends some of it back and hard matter none."""
    grazing = lit_from((1.0, 0.0, 0.0))
    assert matt_light(grazing, 0.0, UP).max() == pytest.approx(0.0)
    assert matt_light(grazing, 0.5, UP).min() == pytest.approx(0.5 / 3)


def test_highlights_are_rolled_off_below_white():
    """Light is unchanged up to the shoulder, rises on without a kink, and never reaches 1."""
    light = np.linspace(0, 5, 500)
    rolled = roll_off(light)
    np.testing.assert_allclose(rolled[light <= SHOULDER], light[light <= SHOULDER])
    steps = np.diff(rolled)
    assert (steps > 0).all()
    assert (np.diff(steps) < 1e-12).all()
    assert rolled.max() < 1


def look_up(light_map, directions):
    """Interpolate a light map as a graphics card does."""
    folded = directions / np.abs(directions).sum(axis=1, keepdims=True)
    side = np.where(folded[:, :2] < 0, -1.0, 1.0)
    below = (1 - np.abs(folded[:, 1::-1])) * side
    xy = np.where(folded[:, 2:] < 0, below, folded[:, :2])
    cell = (xy + 1) / 2 * MAP_CELLS + 0.5
    low = np.floor(cell).astype(int)
    part = cell - low
    total = np.zeros((len(directions), 3))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            total += weight[:, None] * light_map[low[:, 1] + dy, low[:, 0] + dx]
    return total


def test_light_maps_hold_the_light_of_every_direction():
    """Looked up in a map, light is what the formula says, in all directions and across the map's folds."""
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(4000, 3))
    directions[:500, 2] *= 1e-3  # along the fold
    directions[500:600, :2] *= 1e-3  # straight up and down, where the map's corners meet
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    camera = light_camera(np.array([0.4, -0.7, 0.5]), 8)
    illumination = RIGS[Lighting.STUDIO].seen_by(camera)
    maps = light_maps(illumination, 0.2, 0.1)
    np.testing.assert_allclose(look_up(maps.matt, directions), matt_light(illumination, 0.1, directions), atol=0.01)
    np.testing.assert_allclose(
        look_up(maps.mirrored, directions), mirrored_light(illumination, 0.2, directions), atol=0.07
    )


def test_every_material_and_lighting_is_there():
    """Each name of the options has its data, and no rig has more lights than a backend takes."""
    assert set(SURFACES) == set(Material)
    assert set(RIGS) == set(Lighting)
    assert all(0 < len(rig.softboxes) <= MAX_LIGHTS for rig in RIGS.values())


def test_a_chosen_color_replaces_the_materials_own():
    """A colour changes a material's colour and nothing else of it."""
    red = surface_of(Material.CERAMIC, "#ff0000")
    np.testing.assert_allclose(red.color, [1, 0, 0], atol=1e-9)
    assert dataclasses.replace(red, color=SURFACES[Material.CERAMIC].color) == SURFACES[Material.CERAMIC]


def test_lights_stand_with_the_camera(box):
    """The key light of the studio comes from the left and above, as the camera sees it."""
    camera = frame(prepare_geometry(box()).positions, 100, 100)
    right, up, backward = camera.axes @ np.array(RIGS[Lighting.STUDIO].seen_by(camera).lights[0].direction)
    assert right < 0 < up
    assert backward > 0
    assert right**2 + up**2 + backward**2 == pytest.approx(1.0)
