import numpy as np
import pytest

from stlkit.rendering import selfcheck
from stlkit.rendering.selfcheck import check_renderer

pytestmark = pytest.mark.gl


class FakeBackend:
    """Draws with the real renderer, and spoils the picture."""

    def __init__(self, backend, spoil):
        self._backend, self._spoil = backend, spoil
        self.load, self.unload = backend.load, backend.unload

    def draw(self, shot):
        return self._spoil(self._backend.draw(shot))


def test_the_renderer_of_this_machine_draws_right(backend):
    """A known cube comes out with the right area and colours, and the renderer is named."""
    check = check_renderer()
    assert check.passed
    assert check.platform == backend.info.platform
    assert check.gl_renderer in check.detail
    assert check.gl_version in check.detail


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (np.zeros_like, "covers 0 pixels"),
        (lambda pixels: np.roll(pixels, 60, axis=1), "colours"),
        (lambda pixels: pixels[..., [2, 1, 0, 3]], "colours"),
        (lambda pixels: (pixels * 0.9).astype(np.uint8), "pixels instead of"),
    ],
    ids=["nothing drawn", "elsewhere", "colours swapped", "too dark"],
)
def test_a_renderer_that_draws_wrong_is_found_out(backend, spoil, complaint):
    """A picture with the wrong area or colours is described."""
    assert complaint in "; ".join(selfcheck._problems(FakeBackend(backend, spoil)))
