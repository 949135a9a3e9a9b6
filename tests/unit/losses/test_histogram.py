import numpy as np
import pytest
import scipy.interpolate
import tensorflow as tf

from styler.losses.base import added
from styler.losses.histogram import BINS, OCTAVES, PARTS, UNIT, HistogramLoss, soft_histogram

LOSS = HistogramLoss()


@pytest.fixture
def features(rng):
    return tf.constant(rng.normal(size=(2, 6, 7, 3)) * [0.1, 1.0, 50.0], tf.float64)


def places(values):
    return OCTAVES * PARTS + np.sign(values) * PARTS * np.log2(1 + np.abs(values) / UNIT)


def counted(features, weights=None):
    """Position by position, in NumPy: the B-spline is the overlap of three boxes."""
    batch, height, width, channels = features.shape
    regions = 1 if weights is None else weights.shape[-1]
    found = np.zeros((batch, regions, channels, BINS))
    spline = scipy.interpolate.BSpline.basis_element([-1.5, -0.5, 0.5, 1.5], extrapolate=False)
    for b, h, w, c in np.ndindex(batch, height, width, channels):
        place = min(max(places(features[b, h, w, c]), 0.5), BINS - 1.5)
        parts = np.nan_to_num(spline(np.arange(BINS) - place))
        for region in range(regions):
            found[b, region, c] += parts * (1.0 if weights is None else weights[b, h, w, region])
    return found


def bin_of(value):
    """Where the middle of a value's share lies, in bins above that of 0."""
    found = soft_histogram(tf.constant([[[[value]]]], tf.float64))[0, 0, 0].numpy()
    return float(found @ np.arange(BINS)) - (BINS - 1) / 2


def test_bins_are_half_an_octave_wide_for_both_signs_and_narrow_to_none_at_zero():
    assert bin_of(0.0) == pytest.approx(0.0)
    for value in (1.0, 30.0, 1000.0):
        assert bin_of(value * 2**0.5) - bin_of(value) == pytest.approx(1.0, abs=0.02)
        assert bin_of(-value) == pytest.approx(-bin_of(value))
    assert bin_of(0.001) < 0.2


def test_bins_reach_as_far_as_the_activations_of_vgg():
    assert bin_of(12_000.0) < bin_of(13_500.0) < bin_of(1e6) < (BINS - 1) / 2


@pytest.mark.parametrize("regions", [0, 2])
def test_every_value_counts_in_the_bins_around_it(features, rng, regions):
    weights = tf.constant(rng.uniform(size=(2, 6, 7, regions))) if regions else None
    wanted = counted(features.numpy(), None if weights is None else weights.numpy())
    np.testing.assert_allclose(soft_histogram(features, weights), wanted, atol=1e-12)


@pytest.mark.parametrize("regions", [0, 2])
def test_the_gradient_is_that_of_finite_differences(features, rng, regions):
    weights = tf.constant(rng.uniform(size=(2, 6, 7, regions))) if regions else None
    upstream = tf.constant(rng.normal(size=(2, max(regions, 1), 3, BINS)))

    def value(x):
        return tf.reduce_sum(soft_histogram(x, weights) * upstream)

    with tf.GradientTape() as tape:
        tape.watch(features)
        at = value(features)
    gradient = tape.gradient(at, features)
    for _ in range(3):
        move = 1e-7 * tf.constant(rng.normal(size=features.shape))
        numeric = float(value(features + move) - value(features - move)) / 2
        assert float(tf.reduce_sum(gradient * move)) == pytest.approx(numeric, rel=1e-4)


def test_values_beyond_the_bins_count_in_the_last_ones_and_have_no_slope():
    far = tf.constant([[[[1e9], [-1e9]]]])
    with tf.GradientTape() as tape:
        tape.watch(far)
        found = soft_histogram(far)
    assert float(tf.reduce_sum(found[0, 0, 0, :2])) == float(tf.reduce_sum(found[0, 0, 0, -2:])) == 1.0
    np.testing.assert_array_equal(tape.gradient(found, far), 0)


def test_distributions_of_equal_mean_and_deviation_differ(rng):
    two = rng.choice([-1.0, 1.0], (1, 60, 60, 1)) + 3.0
    bell = rng.normal(3.0, 1.0, (1, 60, 60, 1))
    other = rng.normal(3.0, 1.0, (1, 60, 60, 1))
    target = LOSS.prepared(LOSS.statistics(tf.constant(bell)))
    apart, same = (float(LOSS.distance(LOSS.statistics(tf.constant(each)), target)[0, 0]) for each in (two, other))
    assert apart > 20 * same


def test_statistics_are_additive_over_tiles(features):
    sums = added(*(LOSS.statistics(part) for part in tf.split(features, 2, 1)))
    for name, whole in LOSS.statistics(features).items():
        np.testing.assert_allclose(whole, sums[name], atol=1e-12)


def test_a_flat_target_leaves_the_distance_finite(features):
    flat = LOSS.prepared(LOSS.statistics(tf.zeros_like(features)))
    assert np.isfinite(LOSS.distance(LOSS.statistics(features), flat)).all()
