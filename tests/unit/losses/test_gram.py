import numpy as np
import pytest
import tensorflow as tf

from styler.losses.gram import GramLoss

LOSS = GramLoss()


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(1, 8, 10, 5)), tf.float32)


def test_statistics_are_sums_of_outer_products(features):
    flat = features.numpy().reshape(-1, 5).astype(np.float64)
    stats = LOSS.statistics(features)
    np.testing.assert_allclose(stats.second[0], flat.T @ flat, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(stats.first[0], flat.sum(0), rtol=1e-4, atol=1e-4)
    assert stats.count.numpy().tolist() == [80.0]


@pytest.mark.parametrize("axis", [1, 2])
def test_statistics_are_additive_over_tiles(features, axis):
    one, two = tf.split(features, 2, axis=axis)
    parts = LOSS.statistics(one).plus(LOSS.statistics(two))
    for whole, part in zip(LOSS.statistics(features), parts, strict=True):
        np.testing.assert_allclose(whole, part, rtol=1e-5, atol=1e-4)


def test_distance_is_the_relative_square_difference_of_mean_outer_products(features, rng):
    other = tf.constant(rng.normal(size=(1, 4, 6, 5)), tf.float32)
    one, two = (x.numpy().reshape(-1, 5).astype(np.float64) for x in (features, other))
    mine, target = one.T @ one / len(one), two.T @ two / len(two)
    distance = LOSS.distance(LOSS.statistics(features), LOSS.prepared(LOSS.statistics(other)))
    assert float(distance) == pytest.approx(((mine - target) ** 2).sum() / (target**2).sum(), rel=1e-4)


def test_an_image_is_at_no_distance_from_itself_wherever_its_parts_are(features):
    target = LOSS.prepared(LOSS.statistics(features))
    assert float(LOSS.distance(LOSS.statistics(tf.reverse(features, [1, 2])), target)) < 1e-10


def test_distance_is_finite_for_a_target_of_zeros(features):
    target = LOSS.prepared(LOSS.statistics(tf.zeros_like(features)))
    assert np.isfinite(float(LOSS.distance(LOSS.statistics(features), target)))


def test_weighted_statistics_are_those_of_the_positions_that_count(features):
    weights = tf.concat([tf.ones_like(features[:, :, :2, :1]), tf.zeros_like(features[:, :, 2:, :1])], 2)
    for mine, part in zip(LOSS.statistics(features, weights), LOSS.statistics(features[:, :, :2]), strict=True):
        np.testing.assert_allclose(mine, part, rtol=1e-5, atol=1e-6)


def test_weights_of_one_change_nothing_and_halves_add_up(features):
    ones = tf.ones_like(features[..., :1])
    whole, weighted = LOSS.statistics(features), LOSS.statistics(features, ones)
    halves = LOSS.statistics(features, 0.25 * ones).plus(LOSS.statistics(features, 0.75 * ones))
    for mine, same, added in zip(whole, weighted, halves, strict=True):
        np.testing.assert_allclose(mine, same, rtol=1e-6)
        np.testing.assert_allclose(mine, added, rtol=1e-5, atol=1e-5)
