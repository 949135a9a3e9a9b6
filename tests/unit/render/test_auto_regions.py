"""Regions that are found and not drawn."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.images.reading import read_image
from styler.images.regions import mask_colors
from styler.inputs import Inputs
from styler.render.auto_regions import COLORS, _common_regions, auto_masks, overview
from styler.render.regions import region_colors
from styler.types import Size
from support.pictures import blobs, stripes

SKY, GROUND = np.float32([0.6, 0.75, 0.95]), np.float32([0.2, 0.3, 0.1])


def extract(image):
    """Lightness and its slopes, as a network's first layer."""
    gray = tf.reduce_mean(image, -1, keepdims=True)
    return {"layer": tf.concat([gray, *tf.image.image_gradients(gray)], -1)}


def landscape(height, width, horizon, seed):
    """A smooth bright sky over dark stripes."""
    top = int(horizon * height)
    pixels = np.clip(SKY + 0.05 * blobs(height, width, seed), 0, 1)
    pixels[top:] = GROUND * (0.5 + stripes(height, width)[top:])
    return read_image(np.float32(np.clip(pixels, 0, 1)))


@pytest.fixture(scope="module")
def images():
    return [landscape(160, 240, 0.5, 1), landscape(200, 200, 0.3, 2), landscape(120, 200, 0.6, 3)]


@pytest.fixture(scope="module")
def masks(images):
    return auto_masks(extract, ["layer"], images[0], images[1:])


def test_what_looks_alike_has_the_same_color(masks):
    tops = {tuple(color) for mask in masks for color in mask[5:15, ::40].reshape(-1, 3)}
    bottoms = {tuple(color) for mask in masks for color in mask[-15:-5, ::40].reshape(-1, 3)}
    assert not tops & bottoms


def test_they_are_masks_for_a_render(images, masks):
    assert [mask.shape[:2] for mask in masks] == [image.size for image in images]
    assert all(mask.dtype == np.uint8 for mask in masks)
    read = [read_image(mask) for mask in masks]
    assert set(mask_colors(read[0], "mask")) <= set(COLORS)
    sizes = Inputs.of(images[0].size, [image.size for image in images[1:]])
    assert region_colors(read[0], read[1:], sizes) == mask_colors(read[0], "mask")


def test_the_same_images_give_the_same_masks(images, masks):
    for mask, again in zip(masks, auto_masks(extract, ["layer"], images[0], images[1:]), strict=True):
        np.testing.assert_array_equal(mask, again)


def test_flat_images_are_one_region():
    flat = read_image(np.full((64, 96, 3), 0.5, np.float32))
    for mask in auto_masks(extract, ["layer"], flat, [flat]):
        assert len(mask_colors(read_image(mask), "mask")) >= 1


def test_large_images_get_smaller_masks():
    large = read_image(blobs(400, 3000, 1))
    assert auto_masks(extract, ["layer"], large, [large])[0].shape == (137, 1024, 3)


def test_an_overview_shows_all_images_side_by_side(images, masks):
    shown = overview(images, masks)
    assert shown.shape[0] == 120
    assert shown.shape[1] == 180 + 120 + 200 + 16
    assert Size(*masks[0].shape[:2]) == images[0].size


def test_a_cluster_that_smoothing_removes_from_every_painting_is_no_region_of_the_photo():
    halves = np.repeat([[0, 1]], 48, 0).repeat(32, 1)
    dotted = np.zeros_like(halves)
    dotted[::3, ::3] = 1  # 11 % of the places, each alone
    sizes = [Size(96, 128)] * 2
    photo, painting = _common_regions([halves, dotted], sizes, np.float32([[0], [1], [9], [9]]))
    assert set(np.unique(photo)) == set(np.unique(painting)) == {0}
    photo, painting = _common_regions([halves, halves], sizes, np.float32([[0], [1], [9], [9]]))
    assert set(np.unique(photo)) == set(np.unique(painting)) == {0, 1}


def test_both_sides_of_a_very_long_image_are_seen_large_enough():
    seen = []

    def watching(image):
        seen.append(image.shape[1:3])
        return extract(image)

    long = read_image(blobs(20, 400, 1))
    auto_masks(watching, ["layer"], long, [read_image(blobs(40, 64, 2))], minimum=32)
    assert seen == [(32, 640), (240, 384)]
