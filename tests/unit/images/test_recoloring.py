import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from styler.images.oklab import to_oklab
from styler.images.reading import read_image
from styler.images.recoloring import MAPS, recolored, recolored_pixels
from support.pictures import blobs

PHOTO = read_image((0.25 + 0.5 * blobs(60, 80, 1)).astype(np.float32))
PAINTING = read_image((blobs(90, 70, 2) ** 2 * np.float32([0.9, 0.6, 0.4])).astype(np.float32))
HOWS = tuple(MAPS)


def colors(picture):
    return to_oklab(picture.pixels).reshape(-1, 3)


def distance(first, second):
    """Sliced Wasserstein distance of colors along axes that the program does not use."""
    axes = np.random.default_rng(9).normal(size=(20, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return np.mean([wasserstein_distance(colors(first) @ axis, colors(second) @ axis) for axis in axes])


def test_match_gives_the_others_mean_and_covariance():
    matched = colors(recolored(PAINTING, PHOTO, "match"))
    np.testing.assert_allclose(matched.mean(0), colors(PHOTO).mean(0), atol=0.01)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(colors(PHOTO).T), atol=0.004)


def test_histogram_gives_the_others_distribution():
    before, matched, whole = (
        distance(each, PHOTO)
        for each in (PAINTING, recolored(PAINTING, PHOTO, "match"), recolored(PAINTING, PHOTO, "histogram"))
    )
    assert whole < 0.5 * matched < 0.25 * before


@pytest.mark.parametrize("how", HOWS)
def test_the_own_colors_change_nothing(how):
    np.testing.assert_allclose(recolored(PHOTO, PHOTO, how).pixels, PHOTO.pixels, atol=0.02)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("flat", ["picture", "like"])
def test_an_image_of_one_color(how, flat):
    gray = read_image(np.full((20, 20, 3), 0.3, np.float32))
    picture, like = (gray, PHOTO) if flat == "picture" else (PAINTING, gray)
    pixels = recolored(picture, like, how).pixels
    assert np.isfinite(pixels).all()
    assert pixels.std(axis=(0, 1)).max() < 0.02
    np.testing.assert_allclose(pixels.mean((0, 1)), like.pixels.mean((0, 1)), atol=0.08)


def test_a_gray_photo_makes_a_gray_painting():
    gray = read_image(np.repeat(PHOTO.pixels[..., :1], 3, -1))
    matched = recolored(PAINTING, gray, "histogram").pixels
    assert np.ptp(matched, axis=-1).max() < 0.03


@pytest.mark.parametrize("how", HOWS)
def test_bands_and_the_whole_agree(how, monkeypatch):
    whole = recolored_pixels(PAINTING.pixels, PHOTO, how)
    monkeypatch.setattr("styler.images.mapped.LARGE", PAINTING.pixels[:7].nbytes)
    np.testing.assert_array_equal(recolored_pixels(PAINTING.pixels, PHOTO, how), whole)


def test_transparency_and_name_are_kept():
    rgba = np.dstack([PAINTING.pixels, np.linspace(0, 1, 90 * 70, dtype=np.float32).reshape(90, 70)])
    picture = read_image(rgba)
    result = recolored(picture, PHOTO, "match")
    assert result.alpha is picture.alpha
    assert result.name == picture.name


@pytest.mark.parametrize("how", HOWS)
def test_what_is_transparent_counts_on_neither_side(how):
    alpha = np.ones((60, 80), np.float32)
    alpha[:, 40:] = 0
    half = read_image(np.dstack([PHOTO.pixels, alpha]))
    picture = np.where(alpha[..., None] > 0, 0.5 * PHOTO.pixels + 0.3, np.float32([1, 0, 1])).astype(np.float32)
    matched = recolored_pixels(picture, half, how)
    np.testing.assert_allclose(matched[:, :40].mean((0, 1)), PHOTO.pixels[:, :40].mean((0, 1)), atol=0.01)
