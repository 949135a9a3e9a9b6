"""Gray masks that say how much painting there is where."""

from __future__ import annotations

import numpy as np
import pytest

from styler.images.amounts import FADED, FEATHER, amounts_of, cover, is_colored
from styler.images.reading import read_image
from styler.types import Size


def half(white=1.0):
    """White on the left."""
    gray = np.zeros((96, 128), np.float32)
    gray[:, :64] = white
    return read_image(gray)


def test_without_masks_there_is_nothing_to_say():
    assert amounts_of(None, None, 128) is None


def test_what_is_kept_has_no_painting_beyond_a_feather():
    amounts = amounts_of(half(), None, 128).at(Size(96, 128))
    feather = int(FEATHER * 128) + 1
    assert amounts.shape == (96, 128, 1)
    assert (amounts[:, : 64 - feather] == 0).all()
    assert (amounts[:, 64 + feather :] == 1).all()
    assert 0.3 < amounts[48, 63:65].mean() < 0.7
    assert (np.diff(amounts[48, :, 0]) >= 0).all()


def test_the_lightness_of_a_map_is_the_share_of_the_strength():
    amounts = amounts_of(None, half(0.5), 128).at(Size(48, 64))
    np.testing.assert_allclose(amounts[:, :31], 0.5, atol=0.003)
    assert amounts[:, 33:].max() == 0


def test_colors_count_by_their_luma_and_transparent_pixels_as_black():
    pixels = np.zeros((96, 128, 4), np.float32)
    pixels[..., 1] = 1
    pixels[:, :64, 3] = 1
    amounts = amounts_of(None, read_image(pixels), 128).at(Size(96, 128))
    np.testing.assert_allclose(amounts[:, :64], 0.587, atol=0.003)
    assert amounts[:, 64:].max() == 0


def test_gray_is_no_color_and_a_few_colored_pixels_are_none_either(rng):
    assert not is_colored(half())
    pixels = half().pixels + rng.uniform(-0.05, 0.05, (96, 128, 3)).astype(np.float32)
    assert not is_colored(read_image(np.clip(pixels, 0, 1)))
    pixels = half().pixels.copy()
    pixels[:10, :10] = (1, 0, 0)
    assert not is_colored(read_image(pixels))
    pixels[:10] = (1, 0, 0)
    assert is_colored(read_image(pixels))


def test_both_together_multiply():
    amounts = amounts_of(half(), half(0.5), 128).at(Size(96, 128))
    assert amounts[:, :60].max() == 0
    assert amounts[:, 70:].max() == 0
    assert amounts.max() <= 0.5


@pytest.mark.parametrize(("amount", "expected"), [(0.0, 0.0), (FADED / 2, 0.5), (FADED, 1.0), (0.7, 1.0), (1.0, 1.0)])
def test_the_picture_shows_fully_from_a_quarter_of_the_strength_on(amount, expected):
    assert cover(np.float32([amount])) == pytest.approx(expected)


def test_a_mask_that_is_transparent_everywhere_is_black():
    clear = read_image(np.zeros((20, 30, 4), np.uint8))
    amounts = amounts_of(clear, clear, 30)
    assert not amounts.keep.any()
    assert not amounts.strength.any()
