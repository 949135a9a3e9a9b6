import numpy as np
import pytest

from styler.images.reading import read_image
from styler.images.tone import from_oklab, palette_of, to_oklab, with_palette
from support.pictures import blobs, stripes

PHOTO, PAINTING = read_image(blobs(60, 80, 1)), read_image(stripes(90, 70))


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


def test_the_whole_palette_is_taken_over():
    taken = palette_of([with_palette(PHOTO, palette_of([PAINTING], [1.0]), 1.0)], [1.0])
    wanted = palette_of([PAINTING], [1.0])
    assert np.abs(taken.lightness - wanted.lightness).mean() < 0.02
    assert np.abs(taken.mean - wanted.mean).max() < 0.03


def test_no_share_and_the_own_palette_change_nothing():
    other = palette_of([PAINTING], [1.0])
    np.testing.assert_allclose(with_palette(PHOTO, other, 0.0).pixels, PHOTO.pixels, atol=1e-5)
    np.testing.assert_allclose(with_palette(PHOTO, palette_of([PHOTO], [1.0]), 1.0).pixels, PHOTO.pixels, atol=8e-3)


def test_a_photo_of_one_color_takes_the_paintings_middle():
    flat = read_image(np.full((20, 20, 3), 0.3, np.float32))
    result = with_palette(flat, palette_of([PAINTING], [1.0]), 1.0).pixels
    assert np.isfinite(result).all()
    assert result.std(axis=(0, 1)).max() < 1e-3


def test_transparent_pixels_do_not_count():
    rgba = np.concatenate([PAINTING.pixels, np.ones_like(PAINTING.pixels[..., :1])], -1)
    rgba[:, 35:] = (0, 1, 0, 0)
    left = palette_of([read_image(PAINTING.pixels[:, :35])], [1.0])
    np.testing.assert_allclose(palette_of([read_image(rgba)], [1.0]).mean, left.mean, atol=1e-6)
