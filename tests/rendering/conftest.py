import numpy as np
import pytest
import trimesh

from stlkit.model.geometry import TriangleMesh
from stlkit.model.options import RenderOptions
from stlkit.rendering.backends import open_backend
from stlkit.rendering.compositing import to_image
from stlkit.rendering.stage import Stage
from stlkit.rendering.still import take_still


def as_mesh(model, scale=1.0, **kwargs):
    return TriangleMesh(
        vertices=np.asarray(model.vertices, dtype=np.float64) * scale,
        faces=np.asarray(model.faces, dtype=np.int32),
        **kwargs,
    )


@pytest.fixture(scope="session")
def backend():
    """Give the process's one renderer."""
    return open_backend()


@pytest.fixture(scope="session")
def box():
    """Make a box of given width, depth and height, with its lowest corner anywhere."""

    def make(width=20.0, depth=20.0, height=20.0, corner=(0.0, 0.0, 0.0)):
        model = trimesh.creation.box((width, depth, height))
        model.apply_translation(np.array(corner) + np.array([width, depth, height]) / 2)
        return as_mesh(model)

    return make


@pytest.fixture(scope="session")
def sphere():
    """Make a sphere around the origin."""

    def make(radius=10.0, subdivisions=4):
        return as_mesh(trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius))

    return make


@pytest.fixture(scope="session")
def shapes(box, sphere):
    """Give a cube, a needle, a plate and a sphere, by name, of a given size."""

    def make(size=1.0):
        return {
            "cube": box(size, size, size),
            "needle": box(size / 200, size / 200, size),
            "plate": box(size, size * 0.7, size / 100),
            "sphere": sphere(size / 2),
        }

    return make


@pytest.fixture
def still(backend):
    """Take a still of a mesh: straight RGBA, (h, w, 4)."""

    def take(mesh, *, width=160, height=120, color=None, **options):
        stage = Stage(backend, mesh)
        pixels = take_still(stage, RenderOptions(width=width, height=height, **options), color=color)
        return np.asarray(to_image(pixels).convert("RGBA"))

    return take
