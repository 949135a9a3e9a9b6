"""What the distance means; its value and gradient are checked in `tests/numerics`."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import added
from styler.losses.wasserstein import WassersteinLoss

LOSS = WassersteinLoss()


def distance(features, target):
    return float(LOSS.distance(LOSS.statistics(features), LOSS.prepared(LOSS.statistics(target)))[0, 0])


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(1, 12, 10, 4)) + 1.0, tf.float32)


def test_statistics_are_sums_of_activations_and_of_their_outer_products(features):
    flat = features.numpy().reshape(-1, 4).astype(np.float64)
    stats = LOSS.statistics(features)
    np.testing.assert_allclose(stats["first"][0, 0], flat.sum(0), rtol=1e-5)
    np.testing.assert_allclose(stats["second"][0, 0], flat.T @ flat, rtol=1e-4, atol=1e-4)
    assert stats["count"].numpy().tolist() == [[120.0]]


@pytest.mark.parametrize("axis", [1, 2])
def test_statistics_are_additive_over_tiles(features, axis, rng):
    weights = tf.constant(rng.uniform(size=(1, 12, 10, 2)), tf.float32)
    parts = zip(tf.split(features, 2, axis), tf.split(weights, 2, axis), strict=True)
    sums = added(*(LOSS.statistics(*part) for part in parts))
    for name, whole in LOSS.statistics(features, weights).items():
        np.testing.assert_allclose(whole, sums[name], rtol=1e-5, atol=1e-4)


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
    assert np.isfinite(value).all()
    assert np.isfinite(tape.gradient(value, mine)).all()


def test_a_flat_target_leaves_the_value_finite(features):
    assert np.isfinite(distance(features, tf.ones_like(features)))


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_the_value_has_the_features_dtype(features, dtype):
    stats = LOSS.statistics(tf.cast(features, dtype))
    assert LOSS.distance(stats, LOSS.prepared(stats)).dtype == dtype


def test_each_region_is_at_the_distance_it_is_at_alone(features, rng):
    """Regions of the image against regions of the style, of other sizes."""
    style = tf.constant(rng.normal(size=(1, 5, 6, 4)), tf.float32)
    mine, theirs = (tf.constant(rng.uniform(size=(*each.shape[:3], 2)), tf.float32) for each in (features, style))

    def distances(of):
        target = LOSS.prepared(LOSS.statistics(style, theirs[..., of]))
        return LOSS.distance(LOSS.statistics(features, mine[..., of]), target).numpy()[0]

    together = distances(slice(None))
    np.testing.assert_allclose(together, [*distances(slice(0, 1)), *distances(slice(1, 2))], rtol=1e-5)
    assert abs(together[0] - together[1]) > 1e-3
