"""Masks whose colors are regions."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from styler.errors import ConfigError
from styler.images.reading import read_image
from styler.images.regions import check_proportions, mask_colors, nearest_color, region_map
from styler.types import Size
from support.pictures import blobs

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def mask(*colors, height=40, width=60):
    """Upright stripes of equal width."""
    stripes = np.zeros((height, width, 3), np.uint8)
    for number, part in enumerate(np.array_split(np.arange(width), len(colors))):
        stripes[:, part] = colors[number]
    return stripes


def shares_of(pixels, *regions, filled=True):
    made = region_map(read_image(pixels), regions, "mask", filled=filled)
    return made.shares / 255.0


def jpeg(pixels, quality=75):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return Image.open(file)


def test_the_colors_of_flat_areas_are_those_of_the_mask():
    assert mask_colors(read_image(mask(RED, BLUE, GREEN)), "mask") == (BLUE, GREEN, RED)
    assert mask_colors(read_image(mask(RED, (0, 0, 0))), "mask") == (RED,)


@pytest.mark.parametrize(
    "changed",
    [
        lambda pixels: Image.fromarray(pixels).resize((90, 60), Image.Resampling.BICUBIC),
        lambda pixels: Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(3)),
        lambda pixels: Image.fromarray(pixels).convert("P"),
        jpeg,
    ],
    ids=["resized", "blurred", "palette", "jpeg"],
)
def test_edges_and_compression_add_no_colors(changed):
    colors = mask_colors(read_image(changed(mask(RED, BLUE, height=80, width=120))), "mask")
    assert len(colors) == 2
    assert {nearest_color(color, (RED, BLUE)) for color in colors} == {RED, BLUE}


def test_a_photo_with_flat_areas_is_no_mask():
    photo = blobs(80, 120, 1)
    photo[:30] = 1
    with pytest.raises(ConfigError, match="few flat colors"):
        mask_colors(read_image(photo), "photo.jpg")


def test_edges_may_be_as_wide_as_a_mask():
    share = np.clip(np.linspace(-0.25, 1.25, 120), 0, 1)[None, :, None]
    pixels = np.uint8(np.rint(share * RED + (1 - share) * BLUE)).repeat(80, 0)
    assert mask_colors(read_image(jpeg(pixels, 90)), "mask")
    assert mask_colors(read_image(pixels), "mask") == (BLUE, RED)


def test_transparent_is_black():
    pixels = np.dstack([mask(RED, BLUE), mask(RED, (0, 0, 0))[..., 0]])
    assert mask_colors(read_image(pixels), "mask") == (RED,)
    with pytest.raises(ConfigError, match="got none"):
        mask_colors(read_image(np.zeros((40, 60, 4), np.uint8)), "mask")


def test_each_pixel_belongs_to_the_region_of_its_color():
    shares = shares_of(mask(RED, BLUE), BLUE, RED)
    np.testing.assert_array_equal(shares[:, :30], np.broadcast_to([0, 1], (40, 30, 2)))
    np.testing.assert_array_equal(shares[:, 30:], np.broadcast_to([1, 0], (40, 30, 2)))


def test_soft_edges_stay_soft():
    ramp = np.linspace(0, 1, 40)[None, :, None]
    soft = np.rint(255 * np.concatenate([np.zeros((1, 20, 1)), ramp, np.ones((1, 20, 1))], 1))
    pixels = np.uint8(np.concatenate([soft, 0 * soft, 255 - soft], -1)).repeat(30, 0)
    shares = shares_of(pixels, RED, BLUE)
    np.testing.assert_allclose(shares[0, :, 0], soft[0, :, 0] / 255, atol=0.03)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=0.005)


def test_black_follows_the_nearest_region_of_a_photo_and_no_region_of_a_painting():
    pixels = mask(RED, (0, 0, 0), BLUE, width=90)
    filled = shares_of(pixels, RED, BLUE)
    assert (filled[:, :44, 0] == 1).all()
    assert (filled[:, 46:, 1] == 1).all()
    assert (filled.sum(-1) == 1).all()
    assert shares_of(pixels, RED, BLUE, filled=False)[:, 32:58].max() == 0


def test_other_colors_of_a_painting_belong_to_no_region():
    shares = shares_of(mask(RED, BLUE), RED, filled=False)
    assert shares[:, 32:].max() == 0


def test_another_size_keeps_the_sum_of_the_shares():
    made = region_map(read_image(mask(RED, BLUE, GREEN)), (RED, BLUE, GREEN), "mask", filled=True)
    for size in (Size(13, 21), Size(90, 130)):
        np.testing.assert_allclose(made.at(size).sum(-1), 1, atol=1e-5)
    size = Size(13, 21)
    np.testing.assert_array_equal(made.with_whole(size), np.dstack([made.at(size), np.ones(size, np.float32)]))
    np.testing.assert_array_equal(made.plane(1, size), made.at(size)[..., 1])
    assert made.no_larger(30).shares.shape == (20, 30, 3)
    assert made.no_larger(60) is made


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (mask((0, 0, 0)), "areas of flat color besides black, got none"),
        (np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8), "areas of flat color"),
        (mask(*((40 * (n % 5) + 50, 100 * (n // 5) + 50, 0) for n in range(9)), width=180), "at most 8 colors"),
    ],
    ids=["black", "photo", "nine"],
)
def test_what_is_no_mask_is_refused(pixels, expected):
    with pytest.raises(ConfigError, match=expected):
        mask_colors(read_image(pixels), "mask")


@pytest.mark.parametrize(("width", "fits"), [(600, True), (611, True), (589, True), (613, False), (587, False)])
def test_a_mask_has_the_proportions_of_its_image_within_two_percent(width, fits):
    def check():
        check_proportions(Size(400, width), Size(200, 300), "mask", "the photo")

    if fits:
        check()
    else:
        with pytest.raises(ConfigError, match=f"300x200, got {width}x400; save it upright"):
            check()
