"""The picture of activations: which channels, how they are drawn, what makes a channel fire."""

from __future__ import annotations

import numpy as np
import pytest

from styler.errors import LayerError
from styler.features.sheet import TILE, Heat, normalized, sheet, strongest, warmed


def test_strongest_channels_first():
    maps = np.stack([np.full((4, 4), value) for value in (1.0, -3.0, 2.0, 2.0)], -1)
    assert strongest(maps) == [1, 2, 3, 0]
    assert strongest(maps, 2) == [1, 2]


def test_tiles_are_normalized_channel_by_channel():
    assert normalized(np.array([[-1.0, 0.0], [1.0, 3.0]])).tolist() == [[0, 64], [128, 255]]
    assert normalized(np.ones((2, 2))).tolist() == [[128, 128], [128, 128]]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_photo_is_red_where_it_is_hot_and_gray_elsewhere(channels):
    heat = np.zeros((4, 4))
    heat[:, 3] = 2.0
    drawn = warmed(np.full((8, 8, channels), 0.5), heat)
    assert drawn.shape == (8, 8, 3)
    assert drawn[0, 0].tolist() == [128, 128, 128]
    assert drawn[0, -1, 0] > 200 > 50 > drawn[0, -1, 2]


def test_a_silent_channel_leaves_the_photo_gray():
    assert np.ptp(warmed(np.full((8, 8, 3), 0.25), np.zeros((2, 2))), axis=-1).max() == 0


def test_rows_for_images_and_layers(rng):
    maps = rng.random((2, 6, 8, 20), np.float32)
    heat = Heat("c:1 gradcam", rng.random((2, 3, 4), np.float32), rng.random((2, 6, 8, 3), np.float32))
    plain, warm = sheet({"c": maps}, ["a", "b"]), sheet({"c": maps}, ["a", "b"], heat)
    assert plain.width > 8 * TILE
    assert warm.height > plain.height + 2 * TILE


def test_vectors_have_no_picture():
    with pytest.raises(LayerError, match=r"expected maps .*, got \(1, 4\)"):
        sheet({"dense": np.zeros((1, 4))}, ["a"])
