import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import Stats, blended
from styler.losses.gram import GramLoss


def some_stats(rng, positions):
    return GramLoss().statistics(tf.constant(rng.normal(size=(1, positions, 4, 3)), tf.float32))


def test_a_blend_counts_shares_and_not_sizes(rng):
    small, large = some_stats(rng, 5), some_stats(rng, 50)
    mixed = blended([small, large], [0.25, 0.75])
    expected = 0.25 * small.second / small.count + 0.75 * large.second / large.count
    np.testing.assert_allclose(mixed.second, expected, rtol=1e-5, atol=1e-6)
    assert float(mixed.count[0]) == pytest.approx(1.0)


def test_a_blend_of_one_is_that_one_per_position(rng):
    stats = some_stats(rng, 9)
    for part, whole in zip(blended([stats], [1.0]), stats.per_position(), strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-6)


def test_times_counts_every_position_again(rng):
    stats = some_stats(rng, 6)
    for twice, added in zip(stats.times(2.0), stats.plus(stats), strict=True):
        np.testing.assert_allclose(twice, added, rtol=1e-6)
    assert isinstance(stats.times(2.0), Stats)
