import numpy as np
import pytest

from styler.images.color_statistics import palette_of
from styler.images.oklab import to_oklab
from styler.images.reading import read_image
from support.pictures import blobs, stripes

PHOTO, PAINTING = read_image(blobs(60, 80, 1)), read_image(stripes(90, 70))


def test_the_palette_is_mean_covariance_and_quantiles_of_the_colors():
    found = palette_of([PAINTING], [1.0])
    colors = to_oklab(PAINTING.pixels).reshape(-1, 3)
    np.testing.assert_allclose(found.mean, colors.mean(0), atol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(colors.T, bias=True) + 1e-6 * np.eye(3), atol=1e-12)
    assert found.lightness[[0, -1]] == pytest.approx([colors[:, 0].min(), colors[:, 0].max()])


def test_shares_weight_the_paintings():
    one, other = (palette_of([each], [1.0]).mean for each in (PHOTO, PAINTING))
    mixed = palette_of([PHOTO, PAINTING], [0.25, 0.75]).mean
    np.testing.assert_allclose(mixed, 0.25 * one + 0.75 * other, atol=1e-12)


def test_transparent_pixels_do_not_count():
    rgba = np.concatenate([PAINTING.pixels, np.ones_like(PAINTING.pixels[..., :1])], -1)
    rgba[:, 35:] = (0, 1, 0, 0)
    left = palette_of([read_image(PAINTING.pixels[:, :35])], [1.0])
    np.testing.assert_allclose(palette_of([read_image(rgba)], [1.0]).mean, left.mean, atol=1e-6)
