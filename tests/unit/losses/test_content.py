import numpy as np
import pytest
import tensorflow as tf

from styler.losses.content import ContentLoss

LOSS = ContentLoss()


def distance(features, target):
    return float(LOSS.distance(features, LOSS.prepared(target)))


def test_the_content_itself_is_at_zero(rng):
    target = tf.constant(rng.normal(size=(1, 6, 7, 4)), tf.float32)
    assert distance(target, target) == 0.0


def test_an_unrelated_image_of_the_same_contrast_is_at_about_two(rng):
    one, two = (tf.constant(rng.normal(size=(1, 60, 60, 4)), tf.float32) for _ in range(2))
    assert distance(one, two) == pytest.approx(2.0, rel=0.05)


def test_it_is_the_squared_difference_over_the_variance_around_channel_means(rng):
    rows = np.arange(6.0)[None, :, None, None]  # a gradient over rows is variance too
    one, two = (rng.normal(size=(1, 6, 7, 4)) + rows * scale + [0, 5, 10, 15] for scale in (1, 2))
    expected = np.square(one - two).mean() / two.reshape(-1, 4).var(0).mean()
    assert distance(tf.constant(one), tf.constant(two)) == pytest.approx(expected, rel=1e-6)


def test_contrast_cancels_out(rng):
    one, two = (tf.constant(rng.normal(size=(1, 9, 9, 4)), tf.float32) for _ in range(2))
    assert distance(10 * one, 10 * two) == pytest.approx(distance(one, two), rel=1e-4)


def test_a_flat_photo_gives_a_finite_distance():
    assert distance(tf.ones((1, 4, 4, 2)), tf.zeros((1, 4, 4, 2))) < 1e7
