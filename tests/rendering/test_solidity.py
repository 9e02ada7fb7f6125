import numpy as np
import pytest
import trimesh

from stlkit.rendering.solidity import hides_inside


def judged(*models):
    model = trimesh.util.concatenate(models)
    return hides_inside(np.asarray(model.vertices, np.float32), np.asarray(model.faces, np.int64))


def cube(size=1.0, at=0.0, *, inverted=False):
    model = trimesh.creation.box((size, size, size))
    model.apply_translation((at, 0, 0))
    if inverted:
        model.invert()
    return model


def test_closed_bodies_hide_their_inside():
    """One closed body, or several apart, show only the outsides of their faces."""
    assert judged(cube())
    assert judged(cube(), cube(at=3.0), trimesh.creation.icosphere())


def test_a_hole_shows_the_inside():
    """A body without one of its faces is seen from inside."""
    model = cube()
    assert not hides_inside(np.asarray(model.vertices, np.float32), np.asarray(model.faces[:-1], np.int64))


@pytest.mark.parametrize("face", [0, 5, 11])
def test_a_face_wound_the_wrong_way_would_be_lost(face):
    """A body with one face turned around is not drawn by its outsides alone."""
    model = cube()
    faces = np.array(model.faces, np.int64)
    faces[face] = faces[face][::-1]
    assert not hides_inside(np.asarray(model.vertices, np.float32), faces)


def test_a_body_inside_out_would_be_lost():
    """A body turned inside out counts, be it alone, beside a larger one, or a cavity."""
    assert not judged(cube(inverted=True))
    assert not judged(cube(5.0), cube(at=9.0, inverted=True))
    assert not judged(cube(5.0), cube(1.0, inverted=True))
