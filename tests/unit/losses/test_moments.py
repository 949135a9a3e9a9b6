import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import added
from styler.losses.moments import FLOOR, MomentsLoss

LOSS = MomentsLoss()


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(1, 8, 10, 5)) * [1, 2, 3, 4, 5] + [0, 1, 0, -1, 0], tf.float32)


def distance(features, target):
    return float(LOSS.distance(LOSS.statistics(features), LOSS.prepared(LOSS.statistics(target)))[0, 0])


def test_it_is_the_squared_difference_of_means_and_deviations_over_the_variance(features, rng):
    other = tf.constant(rng.normal(size=(1, 4, 6, 5)), tf.float32)
    mine, theirs = (each.numpy().reshape(-1, 5).astype(np.float64) for each in (features, other))
    deviations = [np.sqrt(each.var(0) + FLOOR) for each in (mine, theirs)]
    apart = np.square(mine.mean(0) - theirs.mean(0)).sum() + np.square(deviations[0] - deviations[1]).sum()
    assert distance(features, other) == pytest.approx(apart / np.square(deviations[1]).sum(), rel=1e-4)


def test_which_channels_go_together_does_not_matter(features):
    """Each channel is shuffled by itself, which leaves its own distribution and none of the correlations."""
    shifted = tf.stack([tf.roll(features[..., channel], channel, 1) for channel in range(5)], -1)
    assert distance(shifted, features) < 1e-9


def test_contrast_and_shift_count(features):
    assert distance(1.5 * features, features) > 0.1
    assert distance(features + 2.0, features) > 0.1


def test_flat_channels_leave_value_and_slope_finite(features):
    flat = tf.ones_like(features)
    for mine, target in ((flat, features), (features, flat), (flat, flat)):
        with tf.GradientTape() as tape:
            tape.watch(mine)
            value = LOSS.distance(LOSS.statistics(mine), LOSS.prepared(LOSS.statistics(target)))
        assert np.isfinite(value).all()
        assert np.isfinite(tape.gradient(value, mine)).all()


def test_statistics_are_additive_over_tiles_and_each_region_is_its_own(features, rng):
    weights = tf.constant(rng.uniform(size=(1, 8, 10, 2)), tf.float32)
    whole = LOSS.statistics(features, weights)
    parts = zip(tf.split(features, 2, 2), tf.split(weights, 2, 2), strict=True)
    sums = added(*(LOSS.statistics(*part) for part in parts))
    for name, part in whole.items():
        np.testing.assert_allclose(part, sums[name], rtol=1e-4, atol=1e-4)
        for region in range(2):
            alone = LOSS.statistics(features, weights[..., region : region + 1])
            np.testing.assert_allclose(part[:, region], alone[name][:, 0], rtol=1e-5, atol=1e-5)
