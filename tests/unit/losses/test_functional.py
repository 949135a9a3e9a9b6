import numpy as np
import pytest
import tensorflow as tf

from styler.losses import functional as F


@pytest.fixture
def features(rng):
    """Of two images, so that nothing can mix them up."""
    return tf.constant(rng.normal(size=(2, 4, 5, 3)))


@pytest.fixture
def weights(rng):
    """Of three regions that overlap."""
    return tf.constant(rng.uniform(0, 1, (2, 4, 5, 3)))


def by_numpy(features, weights=None):
    """Sums of activations and of their outer products, straight from their definition."""
    flat = np.asarray(features).reshape(len(features), -1, features.shape[-1])
    heavy = np.ones((*flat.shape[:2], 1)) if weights is None else np.asarray(weights).reshape(*flat.shape[:2], -1)
    return np.einsum("bnr,bni->bri", heavy, flat), np.einsum("bnr,bni,bnj->brij", heavy, flat, flat)


def test_positions_are_counted_or_their_weights_summed(features, weights):
    np.testing.assert_array_equal(F.positions(features), [[20.0], [20.0]])
    np.testing.assert_allclose(F.positions(features, weights), np.asarray(weights).sum((1, 2)))
    assert F.positions(tf.cast(features, tf.float32)).dtype == tf.float32


@pytest.mark.parametrize("regions", [0, 1, 3])
def test_moments_are_weighted_sums_of_outer_products(features, weights, regions):
    chosen = weights[..., :regions] if regions else None
    for made, expected in zip(F.moment_sums(features, chosen), by_numpy(features, chosen), strict=True):
        np.testing.assert_allclose(made, expected, rtol=1e-10, atol=1e-12)


def test_each_region_has_the_moments_it_has_alone(features, weights):
    together = F.moment_sums(features, weights)
    for region in range(3):
        alone = F.moment_sums(features, weights[..., region : region + 1])
        for mine, whole in zip(alone, together, strict=True):
            np.testing.assert_allclose(mine[:, 0], whole[:, region], rtol=1e-12, atol=1e-12)


def test_weights_of_one_change_nothing_and_weights_of_none_leave_nothing(features):
    ones = tf.ones_like(features[..., :1])
    for mine, weighted, nothing in zip(
        F.moment_sums(features), F.moment_sums(features, ones), F.moment_sums(features, 0 * ones), strict=True
    ):
        np.testing.assert_allclose(mine, weighted, rtol=1e-12)
        np.testing.assert_array_equal(nothing, tf.zeros_like(mine))


@pytest.mark.parametrize("regions", [0, 1, 3])
@pytest.mark.parametrize("used", ["first", "second", "both"])
def test_the_slope_of_the_moments_is_that_of_their_definition(features, weights, rng, regions, used):
    """A slope that is not symmetric, and one of the two sums or both in use."""
    chosen = weights[..., :regions] if regions else tf.ones_like(features[..., :1])
    slopes = [tf.constant(rng.normal(size=(2, max(regions, 1), *(3,) * rank))) for rank in (1, 2)]

    def pulled(first, second):
        parts = {"first": tf.reduce_sum(slopes[0] * first), "second": tf.reduce_sum(slopes[1] * second)}
        return sum(parts.values()) if used == "both" else parts[used]

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(features)
        mine = pulled(*F.moment_sums(features, chosen if regions else None))
        plain = pulled(
            tf.einsum("bhwr,bhwi->bri", chosen, features),
            tf.einsum("bhwr,bhwi,bhwj->brij", chosen, features, features),
        )
    np.testing.assert_allclose(tape.gradient(mine, features), tape.gradient(plain, features), rtol=1e-10, atol=1e-12)


def test_covariance_is_numpys(rng):
    points = rng.normal(size=(1, 40, 3))
    first, second = points.mean(1), np.einsum("bni,bnj->bij", points, points) / 40
    got = F.covariance(tf.constant(first), tf.constant(second))[0]
    np.testing.assert_allclose(got, np.cov(points[0].T, bias=True), rtol=1e-10)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 4)])
def test_relative_square_is_one_for_zeros_against_anything_region_by_region(rng, shape):
    reference = tf.constant(rng.normal(size=shape))
    np.testing.assert_allclose(F.relative_square(tf.zeros_like(reference), reference), np.ones((2, 3)), rtol=1e-9)
    np.testing.assert_allclose(F.relative_square(3 * reference, reference), np.full((2, 3), 4.0), rtol=1e-9)


def test_regions_count_by_their_positions():
    values, count = tf.constant([[1.0, 4.0]]), tf.constant([[30.0, 10.0]])
    assert float(F.mean_over_regions(values, count)) == pytest.approx(1.75)
    assert float(F.mean_over_regions(values, tf.constant([[5.0, 0.0]]))) == pytest.approx(1.0)
