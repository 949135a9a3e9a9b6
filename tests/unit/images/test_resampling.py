from __future__ import annotations

import numpy as np
import pytest

from styler.images.picture import Picture
from styler.images.resampling import resampled, resampled_alpha, resampled_colors
from styler.types import Size
from support.pictures import blobs, stripes


@pytest.mark.parametrize("size", [(20, 30), (57, 31), (200, 300), (1, 1)])
def test_gives_the_size_asked_for_within_the_range(size):
    result = resampled(stripes(57, 80), Size(*size))
    assert result.shape == (*size, 3)
    assert result.dtype == np.float32
    assert 0.0 <= result.min() <= result.max() <= 1.0


def test_the_same_size_is_the_same_picture():
    pixels = blobs(20, 30, 0)
    np.testing.assert_array_equal(resampled(pixels, Size(20, 30)), pixels)


def test_rows_stay_rows_and_colors_stay_colors():
    pixels = np.zeros((8, 16, 3), np.float32)
    pixels[:4, :, 0] = 1.0  # the upper half is red
    pixels[:, 8:, 2] = 1.0  # the right half is blue
    small = resampled(pixels, Size(2, 4))
    np.testing.assert_allclose(small[0, 0], [1, 0, 0], atol=0.15)
    np.testing.assert_allclose(small[1, 3], [0, 0, 1], atol=0.15)


def test_a_flat_picture_stays_flat():
    np.testing.assert_allclose(resampled(np.full((40, 30, 3), 0.3, np.float32), Size(17, 51)), 0.3, atol=1e-6)


def test_nothing_is_rounded_to_bytes():
    ramp = np.linspace(0.5, 0.5 + 1 / 255, 64, dtype=np.float32)
    pixels = np.broadcast_to(ramp[None, :, None], (64, 64, 3)).copy()
    assert len(np.unique(resampled(pixels, Size(48, 48)))) > 20


def test_shrinking_averages_instead_of_skipping():
    fine = np.indices((64, 64)).sum(0) % 2
    checkered = np.repeat(fine[..., None], 3, -1).astype(np.float32)
    np.testing.assert_allclose(resampled(checkered, Size(13, 13))[2:-2, 2:-2], 0.5, atol=0.03)


def test_the_callers_pixels_are_left_alone():
    pixels = blobs(20, 30, 0)
    before = pixels.copy()
    resampled(pixels, Size(10, 10))
    np.testing.assert_array_equal(pixels, before)


def test_hidden_colors_do_not_bleed_into_the_edge():
    pixels, alpha = np.ones((40, 60, 3), np.float32), np.zeros((40, 60), np.float32)
    pixels[:, :31], alpha[:, :31] = 0.25, 1.0
    picture = Picture(pixels=pixels, name="x", alpha=alpha)
    colors, opacity = resampled_colors(picture, Size(20, 30)), resampled_alpha(picture, Size(20, 30))
    np.testing.assert_allclose(colors[opacity[..., 0] > 0.01], 0.25, atol=1e-3)
    np.testing.assert_array_equal(colors[:, 20:], 1.0)


def test_without_alpha_colors_are_resampled_as_ever(rng):
    picture = Picture(pixels=rng.random((30, 40, 3), np.float32), name="x")
    np.testing.assert_array_equal(resampled_colors(picture, Size(15, 20)), resampled(picture.pixels, Size(15, 20)))
    assert resampled_alpha(picture, Size(15, 20)) is None


def test_alpha_too_faint_to_show_is_none():
    faint = np.zeros((40, 40), np.float32)
    faint[3, 3] = 0.1
    picture = Picture(pixels=np.ones((40, 40, 3), np.float32), name="x", alpha=faint)
    assert resampled_alpha(picture, Size(4, 4)) is None
