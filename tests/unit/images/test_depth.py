from __future__ import annotations

import numpy as np
import pytest

from styler.images.depth import quantized, rounded


def test_what_was_8_bits_comes_out_exactly():
    values = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(quantized(values / np.float32(255), 8), values)


def test_what_was_16_bits_comes_out_exactly():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    np.testing.assert_array_equal(quantized(values / np.float32(65535), 16), values)
    np.testing.assert_array_equal(rounded(values / np.float32(65535), 16), values)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_dither_keeps_the_mean_where_rounding_cannot(share):
    flat = np.full((32, 32, 3), (100 + share) / 255, np.float32)
    values = quantized(flat, 8)
    assert set(np.unique(values)) == {100, 101}
    np.testing.assert_allclose(values.mean((0, 1)), 100 + share, atol=0.04)


def test_dither_keeps_the_mean_of_every_small_neighborhood():
    values = quantized(np.full((64, 64, 1), 100.5 / 255, np.float32), 8)[..., 0]
    blocks = values.reshape(8, 8, 8, 8).mean((1, 3))
    assert np.abs(blocks - 100.5).max() < 0.15


def test_a_slow_ramp_has_no_bands():
    ramp = np.tile(np.linspace(0.4, 0.42, 512, dtype=np.float32)[None, :, None], (64, 1, 3))
    smooth = quantized(ramp, 8)[..., 0].astype(float).reshape(64, 64, 8).mean((0, 2)) / 255
    np.testing.assert_allclose(smooth, ramp[0, :, 0].reshape(64, 8).mean(1), atol=0.1 / 255)


def test_it_is_the_same_every_time_and_clipped(rng):
    values = rng.normal(0.5, 1.0, (30, 40, 3)).astype(np.float32)
    np.testing.assert_array_equal(quantized(values, 8), quantized(values.copy(), 8))
    assert quantized(values, 8)[values[..., :] < -0.1].max() == 0
    assert quantized(values, 16)[values > 1].min() == 65535


def test_a_gray_gets_no_pattern_shared_by_the_channels():
    values = quantized(np.full((64, 64, 3), 100.5 / 255, np.float32), 8)
    assert not np.array_equal(values[..., 0], values[..., 1])
    assert not np.array_equal(values[..., 1], values[..., 2])
