import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import added
from styler.losses.gram import GramLoss

LOSS = GramLoss()


def distance(features, target):
    return float(LOSS.distance(LOSS.statistics(features), LOSS.prepared(LOSS.statistics(target)))[0, 0])


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(1, 8, 10, 5)), tf.float32)


def mean_outer_product(features):
    flat = features.numpy().reshape(-1, features.shape[-1]).astype(np.float64)
    return flat.T @ flat / len(flat)


def test_statistics_are_sums_of_outer_products(features):
    stats = LOSS.statistics(features)
    np.testing.assert_allclose(stats["second"][0, 0], 80 * mean_outer_product(features), rtol=1e-4, atol=1e-4)
    assert stats["count"].numpy().tolist() == [[80.0]]


@pytest.mark.parametrize("axis", [1, 2])
def test_statistics_are_additive_over_tiles(features, axis, rng):
    weights = tf.constant(rng.uniform(size=(1, 8, 10, 2)), tf.float32)
    parts = zip(tf.split(features, 2, axis), tf.split(weights, 2, axis), strict=True)
    sums = added(*(LOSS.statistics(*part) for part in parts))
    for name, whole in LOSS.statistics(features, weights).items():
        np.testing.assert_allclose(whole, sums[name], rtol=1e-5, atol=1e-4)


def test_distance_is_the_relative_square_difference_of_mean_outer_products(features, rng):
    other = tf.constant(rng.normal(size=(1, 4, 6, 5)), tf.float32)
    mine, target = mean_outer_product(features), mean_outer_product(other)
    assert distance(features, other) == pytest.approx(((mine - target) ** 2).sum() / (target**2).sum(), rel=1e-4)


def test_sums_over_tiles_in_float64_give_the_same_target(features):
    stats = LOSS.statistics(features)
    by_tiles = LOSS.prepared({name: tf.cast(part, tf.float64) for name, part in stats.items()})
    target = LOSS.prepared(stats)
    assert target.gram.dtype == by_tiles.gram.dtype
    np.testing.assert_allclose(target.gram, by_tiles.gram, rtol=1e-6)
    assert LOSS.distance(stats, by_tiles).dtype == tf.float32


def test_an_image_is_at_no_distance_from_itself_wherever_its_parts_are(features):
    assert distance(tf.reverse(features, [1, 2]), features) < 1e-10


def test_distance_is_finite_for_a_target_of_zeros(features):
    assert np.isfinite(distance(features, tf.zeros_like(features)))


def test_weighted_statistics_are_those_of_the_positions_that_count(features):
    weights = tf.concat([tf.ones_like(features[:, :, :2, :1]), tf.zeros_like(features[:, :, 2:, :1])], 2)
    part = LOSS.statistics(features[:, :, :2])
    for name, mine in LOSS.statistics(features, weights).items():
        np.testing.assert_allclose(mine, part[name], rtol=1e-5, atol=1e-6)


def test_each_region_is_at_the_distance_it_is_at_alone(features, rng):
    """Regions of the image against regions of the style, of other sizes."""
    style = tf.constant(rng.normal(size=(1, 5, 6, 5)), tf.float32)
    mine, theirs = (tf.constant(rng.uniform(size=(*each.shape[:3], 2)), tf.float32) for each in (features, style))

    def distances(of):
        target = LOSS.prepared(LOSS.statistics(style, theirs[..., of]))
        return LOSS.distance(LOSS.statistics(features, mine[..., of]), target).numpy()[0]

    together = distances(slice(None))
    np.testing.assert_allclose(together, [*distances(slice(0, 1)), *distances(slice(1, 2))], rtol=1e-5)
    assert abs(together[0] - together[1]) > 1e-3
