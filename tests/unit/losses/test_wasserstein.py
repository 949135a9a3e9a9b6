"""What the distance means; its value and gradient are checked in `tests/numerics`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.gram import GramLoss
from styler.losses.wasserstein import WassersteinLoss

LOSS = WassersteinLoss()


def distance(features, target):
    return float(LOSS.distance(LOSS.statistics(features), LOSS.prepared(LOSS.statistics(target))))


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(1, 12, 10, 4)) + 1.0, tf.float32)


def test_it_sees_the_statistics_that_gram_sees(features):
    for mine, other in zip(LOSS.statistics(features), GramLoss().statistics(features), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_image_is_at_no_distance_from_itself_wherever_its_parts_are(features):
    assert distance(tf.reverse(features, [1, 2]), features) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_a_shift_of_the_means_costs_its_square_over_the_variance(features, shift):
    variance = float(tf.reduce_sum(tf.math.reduce_variance(features, (1, 2))))
    assert distance(features + shift, features) == pytest.approx(4 * shift**2 / variance, rel=1e-3)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_change_of_contrast_costs_the_square_of_the_change(features, factor):
    mean = tf.reduce_mean(features, (1, 2), keepdims=True)
    assert distance(mean + factor * (features - mean), features) == pytest.approx((factor - 1) ** 2, rel=2e-3)


def test_the_units_of_a_layer_cancel_out(features, rng):
    target = tf.constant(rng.normal(size=(1, 9, 9, 4)), tf.float32)
    assert distance(100 * features, 100 * target) == pytest.approx(distance(features, target), rel=1e-3)


@pytest.mark.parametrize("dead", ["features", "target", "both"])
def test_dead_channels_leave_value_and_slope_finite(features, dead):
    alive = tf.constant([1.0, 1.0, 0.0, 0.0])
    mine = features * alive if dead in ("features", "both") else features
    target = LOSS.prepared(LOSS.statistics(features * alive if dead in ("target", "both") else features))
    with tf.GradientTape() as tape:
        tape.watch(mine)
        value = LOSS.distance(LOSS.statistics(mine), target)
    assert np.isfinite(float(value))
    assert np.isfinite(tape.gradient(value, mine)).all()


def test_a_flat_target_leaves_the_value_finite(features):
    assert np.isfinite(distance(features, tf.ones_like(features)))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_value_has_the_features_dtype(features, dtype):
    stats = LOSS.statistics(tf.cast(features, dtype))
    assert LOSS.distance(stats, LOSS.prepared(stats)).dtype == dtype
