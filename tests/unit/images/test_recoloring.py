from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from styler.images.oklab import to_oklab
from styler.images.reading import read_image
from styler.images.recoloring import MAPS, Places, recolored, recolored_pixels
from styler.images.regions import RegionMap
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


WARM = np.float32([1.0, 0.6, 0.3])
COLD = np.float32([0.3, 0.6, 1.0])


def halves(left, right, width):
    """The left and the right half of blobs of this width in two tints."""
    tints = np.where(np.arange(width)[:, None] < width // 2, left, right)
    return read_image((0.1 + 0.8 * blobs(60, width, width) * tints).astype(np.float32))


def regions(width, edge=0.5):
    """Two regions, left and right; the pixels of the left share of `edge` belong to the first."""
    first = np.broadcast_to(np.where(np.arange(width) < edge * width, 255, 0), (60, width)).astype(np.uint8)
    return RegionMap(colors=((255, 0, 0), (0, 0, 255)), shares=np.stack([first, 255 - first], -1))


LAKE = halves(WARM, COLD, 80)
SWIRLS = halves(COLD, WARM, 100)


@pytest.mark.parametrize("how", HOWS)
def test_each_region_gets_the_colors_of_the_same_region(how):
    made = recolored(SWIRLS, LAKE, how, Places(regions(100), regions(80)))
    for of_made, of_lake in ((slice(50), slice(40)), (slice(50, 100), slice(40, 80))):
        own = replace(made, pixels=made.pixels[:, of_made])
        wanted = replace(LAKE, pixels=LAKE.pixels[:, of_lake])
        np.testing.assert_allclose(colors(own).mean(0), colors(wanted).mean(0), atol=0.015)
        assert distance(own, wanted) < 0.3 * distance(replace(SWIRLS, pixels=SWIRLS.pixels[:, of_made]), wanted)


def test_what_is_in_no_region_or_in_a_small_one_gets_the_colors_of_the_whole():
    whole = recolored(SWIRLS, LAKE, "match").pixels
    small = recolored(SWIRLS, LAKE, "match", Places(regions(100, 0.1), regions(80))).pixels
    np.testing.assert_allclose(small[:, :10], whole[:, :10], atol=1e-6)
    assert np.abs(small[:, 10:] - whole[:, 10:]).max() > 0.05
    nowhere = RegionMap(colors=((255, 0, 0),), shares=np.zeros((60, 100, 1), np.uint8))
    like = RegionMap(colors=((255, 0, 0),), shares=np.full((60, 80, 1), 255, np.uint8))
    np.testing.assert_allclose(recolored(SWIRLS, LAKE, "match", Places(nowhere, like)).pixels, whole, atol=1e-6)


def test_one_region_everywhere_is_the_whole():
    own, like = (RegionMap(colors=((255, 0, 0),), shares=np.full((60, w, 1), 255, np.uint8)) for w in (100, 80))
    expected = recolored(SWIRLS, LAKE, "histogram").pixels
    np.testing.assert_allclose(recolored(SWIRLS, LAKE, "histogram", Places(own, like)).pixels, expected, atol=1e-6)


def test_soft_edges_have_colors_of_both_regions():
    ramp = np.clip((np.arange(100) - 40) / 20, 0, 1)
    second = np.broadcast_to(np.rint(255 * ramp), (60, 100)).astype(np.uint8)
    soft = RegionMap(colors=((255, 0, 0), (0, 0, 255)), shares=np.stack([255 - second, second], -1))
    flat = read_image(np.full((60, 100, 3), 0.5, np.float32) + 0.02 * blobs(60, 100, 5).astype(np.float32))
    made = to_oklab(recolored(flat, LAKE, "match", Places(soft, regions(80))).pixels)
    yellowness = made[..., 2].mean(0)
    left, right = yellowness[:35].mean(), yellowness[65:].mean()
    assert left > right + 0.05
    assert right < yellowness[48:52].mean() < left


@pytest.mark.parametrize("how", HOWS)
def test_each_region_of_a_result_gets_the_photos_colors_there(how):
    mixed = recolored_pixels(halves(COLD, WARM, 80).pixels, LAKE, how, regions(80))
    for part in (slice(40), slice(40, 80)):
        wanted = to_oklab(LAKE.pixels[:, part]).mean((0, 1))
        np.testing.assert_allclose(to_oklab(mixed[:, part]).mean((0, 1)), wanted, atol=0.015)
