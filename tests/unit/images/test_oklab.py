import numpy as np
import pytest

from styler.images.oklab import from_oklab, to_linear, to_oklab


# White and black are (1, 0, 0) and (0, 0, 0) by definition; red is an example in CSS Color 4
@pytest.mark.parametrize(
    ("rgb", "lab"),
    [((1, 1, 1), (1, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (0.62796, 0.22486, 0.12585))],
)
def test_oklab_of_known_colors(rgb, lab):
    pixels = np.array([[rgb]], np.float32)
    np.testing.assert_allclose(to_oklab(pixels)[0, 0], lab, atol=1e-4)
    np.testing.assert_allclose(from_oklab(to_oklab(pixels)), pixels, atol=1e-4)


def test_there_and_back(rng):
    pixels = rng.random((7, 9, 3), np.float32)
    np.testing.assert_allclose(from_oklab(to_oklab(pixels)), pixels, atol=1e-5)


def test_colors_outside_srgb_show_in_linear_light():
    too_green = to_oklab(np.array([[[0.0, 1.0, 0.0]]], np.float32)) * (1, 1.2, 1.2)
    assert to_linear(too_green).min() < 0
    assert from_oklab(too_green).min() == 0
