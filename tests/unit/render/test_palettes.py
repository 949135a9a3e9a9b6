"""The palette of the paintings, region by region."""

from __future__ import annotations

import numpy as np

from styler.images.color_statistics import palette_of
from styler.images.reading import read_image
from styler.images.tone import with_palette
from styler.inputs import Inputs
from styler.render.palettes import with_palettes
from styler.render.regions import regions_of
from support.pictures import blobs

PHOTO = read_image(blobs(48, 64, 1))
WARM = read_image(np.float32(blobs(48, 64, 2) * [1.0, 0.5, 0.2]))
COLD = read_image(np.float32(blobs(48, 64, 3) * [0.2, 0.5, 1.0]))
LEFT, RIGHT = np.float32([1, 0, 0]), np.float32([0, 0, 1])
HALVES = np.broadcast_to(np.where(np.arange(64)[:, None] < 32, LEFT, RIGHT), (48, 64, 3)).astype(np.float32)


def whole(color):
    return np.broadcast_to(color, (48, 64, 3)).copy()


def regions(content, *styles):
    masks = [None if style is None else read_image(style) for style in styles]
    return regions_of(Inputs.of(PHOTO, [WARM, COLD]).with_masks(read_image(content), masks), 64)


def test_each_region_takes_the_palette_of_its_own_painting():
    made = with_palettes(PHOTO, [WARM, COLD], [0.5, 0.5], 1.0, regions(HALVES, whole(LEFT), whole(RIGHT))).pixels
    left, right = made[:, :30].mean((0, 1)), made[:, 34:].mean((0, 1))
    np.testing.assert_allclose(left, WARM.pixels.mean((0, 1)), atol=0.08)
    np.testing.assert_allclose(right, COLD.pixels.mean((0, 1)), atol=0.08)


def test_without_regions_and_with_one_it_is_the_palette_of_all():
    expected = with_palette(PHOTO, palette_of([WARM, COLD], [0.3, 0.7]), 0.5).pixels
    for found in (None, regions(whole(LEFT), None, None)):
        made = with_palettes(PHOTO, [WARM, COLD], [0.3, 0.7], 0.5, found).pixels
        np.testing.assert_allclose(made, expected, atol=1e-6)


def test_transparency_stays():
    half = read_image(np.dstack([PHOTO.pixels, HALVES[..., 0]]))
    made = with_palettes(half, [WARM, COLD], [0.5, 0.5], 1.0, regions(HALVES, whole(LEFT), None))
    np.testing.assert_array_equal(made.alpha, half.alpha)
    assert np.isfinite(made.pixels).all()


def test_a_painting_of_weight_zero_gives_no_palette():
    found = regions(HALVES, None, whole(LEFT))  # the right half is in no painting that counts
    made = with_palettes(PHOTO, [WARM, COLD], [0.0, 1.0], 1.0, found).pixels
    np.testing.assert_allclose(made.mean((0, 1)), COLD.pixels.mean((0, 1)), atol=0.08)
