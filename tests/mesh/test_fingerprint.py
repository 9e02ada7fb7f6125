"""The same model is known again at any size and place; another one is not taken for it."""

import numpy as np
import pytest

from stlkit.mesh.fingerprint import fingerprint
from stlkit.samples.collection import SOUND

GENERATOR = np.random.default_rng(20260115)


@pytest.fixture(scope="module")
def models():
    """The sound samples as an STL file holds them."""
    return {name: make().astype(np.float32) for name, (make, _) in SOUND.items()}


@pytest.mark.parametrize("scale", [1e-3, 1 / 25.4, 0.1, 1 / 3, 2.54, 1000.0])
def test_a_model_is_known_at_every_scale(models, scale):
    """Each sample has its own digest, and keeps it when it is scaled and rounded; the sizes tell the scale."""
    found = {name: fingerprint(triangles) for name, triangles in models.items()}
    assert len({each.digest for each in found.values()}) == len(models)
    for name, triangles in models.items():
        scaled = fingerprint((triangles * scale).astype(np.float32))
        assert scaled.digest == found[name].digest
        assert scaled.size_mm / found[name].size_mm == pytest.approx(scale, rel=1e-5)


def test_neither_place_nor_attitude_nor_order_matters(models, shapes):
    """Moved, turned, its triangles shuffled and their first corners changed, a model has the same digest."""
    for triangles in models.values():
        moved = triangles @ shapes.rotation().T + [120.0, -40.0, 300.0]
        shuffled = np.roll(moved[GENERATOR.permutation(len(moved))], 1, axis=1).astype(np.float32)
        assert fingerprint(shuffled).digest == fingerprint(triangles).digest


def test_one_percent_makes_another_model(shapes):
    """A box that is one percent longer is another one, and so are one turned inside out and one cut open."""
    solid = shapes.box((1, 2, 3))
    variants = [solid, shapes.box((1, 2, 3.03)), shapes.inside_out(solid), solid[1:]]
    assert len({fingerprint(variant).digest for variant in variants}) == 4


def test_the_size_is_the_root_of_the_surface_area(shapes):
    """A box of 1 by 2 by 3 has 22 square millimetres."""
    assert fingerprint(shapes.box((1, 2, 3), at=(7, 8, 9))).size_mm == pytest.approx(22**0.5)


@pytest.mark.parametrize(
    "triangles",
    [
        np.zeros((0, 3, 3)),
        np.zeros((4, 3, 3)),
        np.repeat(np.arange(12.0).reshape(4, 1, 3), 3, axis=1),
        np.full((1, 3, 3), np.inf),
        np.array([[[0, 0, 0], [1, 1, 1], [2, 2, 2]]], dtype=np.float32),
    ],
    ids=["none", "one point", "points", "infinite", "a line"],
)
def test_nothing_to_know_again(triangles):
    """Where no triangle has an area there is no fingerprint."""
    assert fingerprint(triangles) is None


@pytest.mark.parametrize("size", [1e-30, 1e-15, 1e15, 1e30])
def test_extreme_sizes(shapes, size):
    """Neither squares nor eighth powers of the smallest and largest models overflow."""
    assert fingerprint((shapes.box() * size).astype(np.float32)).digest == fingerprint(shapes.box()).digest
