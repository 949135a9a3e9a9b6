"""Sums over positions, and the maps of the image that stand beside layers."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import added, blended, per_position
from styler.losses.grain import Grain
from styler.losses.palette import Palette
from styler.losses.smoothness import HeavyColor
from styler.losses.wasserstein import WassersteinLoss

REGIONS = 2


def some_stats(rng, positions, regions=REGIONS):
    """Of float64 activations with unequal weights, so that regions count differently."""
    features = tf.constant(rng.normal(size=(1, positions, 4, 3)))
    weights = tf.constant(rng.uniform(0.2, 1, (1, positions, 4, regions)))
    return WassersteinLoss().statistics(features, weights)


def assert_same(stats, expected):
    assert stats.keys() == expected.keys()
    for name, part in stats.items():
        np.testing.assert_allclose(part, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_sums_of_two_parts_add_up_name_by_name(rng):
    one, two = some_stats(rng, 5), some_stats(rng, 7)
    assert_same(added(one, two), {name: one[name] + two[name] for name in one})
    assert_same(added(one, two), added(two, one))


def test_per_position_every_region_is_divided_by_its_own_count(rng):
    stats = some_stats(rng, 6)
    means = per_position(stats)
    np.testing.assert_allclose(means["count"], np.ones((1, REGIONS)))
    for name, part in stats.items():
        for region in range(REGIONS):
            np.testing.assert_allclose(means[name][0, region], part[0, region] / stats["count"][0, region], rtol=1e-12)


def test_counting_every_position_twice_leaves_means_as_they_are(rng):
    stats = some_stats(rng, 6)
    assert_same(per_position(added(stats, stats)), per_position(stats))


def test_a_blend_counts_shares_and_not_sizes(rng):
    small, large = some_stats(rng, 5), some_stats(rng, 50)
    one, two = per_position(small), per_position(large)
    assert_same(blended([small, large], [0.25, 0.75]), {name: 0.25 * one[name] + 0.75 * two[name] for name in one})


def test_a_blend_of_one_is_that_one_per_position(rng):
    stats = some_stats(rng, 9)
    assert_same(blended([stats], [1.0]), per_position(stats))


def test_the_order_of_styles_does_not_matter_and_a_share_of_0_is_as_good_as_none(rng):
    styles = [{name: tf.cast(part, tf.float32) for name, part in some_stats(rng, n).items()} for n in (3, 4, 5, 6)]
    shares = [0.1, 0.3, 0.6]
    blend = blended(styles[:3], shares)
    for name, part in blended(styles[2::-1], shares[::-1]).items():
        np.testing.assert_array_equal(part, blend[name])
    for name, part in blended(styles, [*shares, 0.0]).items():
        np.testing.assert_array_equal(part, blend[name])


def test_a_blend_needs_a_share_for_every_style(rng):
    with pytest.raises(ValueError, match="zip"):
        blended([some_stats(rng, 3), some_stats(rng, 4)], [1.0])


@pytest.fixture(params=[Palette(), Grain(), HeavyColor()], ids=lambda reading: type(reading).__name__)
def reading(request):
    return request.param


@pytest.mark.parametrize(("height", "width"), [(12, 14), (13, 15)])
def test_a_reading_has_as_many_positions_and_channels_as_it_says(rng, reading, height, width):
    made = reading(tf.constant(rng.random((2, height, width, 3))))
    assert made.shape == (2, height // reading.stride, width // reading.stride, reading.channels)
    assert made.dtype == tf.float64


@pytest.mark.parametrize("position", [(2, 3), (3, 2)])
def test_a_position_of_a_reading_sees_the_pixels_it_says_and_no_other(rng, reading, position):
    image = tf.constant(rng.random((1, 12, 13, 3)))
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = tf.reduce_sum(reading(image)[0, position[0], position[1]] * rng.uniform(1, 2, reading.channels))
    rows, columns = np.nonzero(np.abs(tape.gradient(value, image)[0]).sum(-1) > 1e-12)
    for seen, place in ((rows, position[0]), (columns, position[1])):
        first = place * reading.stride
        assert sorted(set(seen)) == list(range(first + reading.low, first + reading.high + 1))
