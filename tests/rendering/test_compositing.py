import numpy as np
import pytest

from stlkit.rendering.compositing import darken, lay_over, to_image


def over(canvas, layer):
    """Porter and Duff's operator, in floating point."""
    alpha = layer[..., 3:] / 255
    return layer[..., : canvas.shape[2]] + canvas * (1 - alpha)


def random_layer(rng, height, width):
    alpha = rng.integers(0, 256, (height, width, 1))
    alpha[rng.random(alpha.shape) < 0.5] = 255
    alpha[rng.random(alpha.shape) < 0.3] = 0
    return np.concatenate([rng.integers(0, 256, (height, width, 3)) * alpha // 255, alpha], axis=2).astype(np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_layer_is_laid_over_as_defined(channels):
    """Every pixel is the layer plus what its alpha leaves of the canvas, to within rounding."""
    rng = np.random.default_rng(0)
    canvas, layer = rng.integers(0, 256, (20, 30, channels)).astype(np.uint8), random_layer(rng, 12, 9)
    expected = canvas.astype(float)
    expected[5:17, 7:16] = over(expected[5:17, 7:16], layer)
    lay_over(canvas, layer, 7, 5)
    assert np.abs(canvas - expected).max() <= 0.5 + 1e-9


def test_a_shadow_darkens_and_covers():
    """A shadow takes its share of a colour, and makes a transparent place as opaque as it is deep."""
    canvas = np.zeros((2, 2, 4), dtype=np.uint8)
    canvas[0] = (200, 100, 50, 255)
    darken(canvas, np.array([[51]], dtype=np.uint8), 0, 0)
    darken(canvas, np.array([[51]], dtype=np.uint8), 0, 1)
    assert canvas[0, 0].tolist() == [160, 80, 40, 255]
    assert canvas[1, 0].tolist() == [0, 0, 0, 51]
    assert canvas[0, 1].tolist() == [200, 100, 50, 255]
    assert not canvas[1, 1].any()


def test_a_picture_has_alpha_only_where_something_is_transparent():
    """An opaque picture is RGB; otherwise colours are those behind the multiplication with alpha."""
    pixels = np.full((2, 2, 4), 255, dtype=np.uint8)
    assert to_image(pixels).mode == "RGB"
    pixels[0, 0] = (100, 50, 0, 128)
    image = to_image(pixels)
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0)) == pytest.approx((199, 99, 0, 128), abs=1)
