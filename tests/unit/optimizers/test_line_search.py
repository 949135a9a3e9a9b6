import numpy as np
import tensorflow as tf

from styler.optimizers.line_search import TRIALS, backtrack, search_along
from styler.types import Evaluation
from support.functions import SHAPE, bowl, evaluations_of


def search(objective, image, direction, length):
    value, gradient = objective(image)
    begun = search_along(image, value, gradient, direction, tf.constant(length, image.dtype))
    return backtrack(objective, begun, image, value, gradient)


def test_a_good_first_step_is_taken_at_once(rng):
    objective, center = bowl(rng)
    image = tf.constant(rng.uniform(size=SHAPE))
    found = search(objective, image, tf.constant(center) - image, 1.0)
    assert bool(found.accepted)
    assert int(found.evaluations) == 1
    np.testing.assert_allclose(found.image, center, atol=1e-12)


def test_a_step_too_long_is_shortened_until_it_descends(rng):
    objective, _ = bowl(rng)
    image = tf.constant(rng.uniform(size=SHAPE))
    value, gradient = objective(image)
    found = search(objective, image, -gradient, 10.0)
    assert bool(found.accepted)
    assert int(found.evaluations) > 1
    assert float(found.value) < float(value)


def test_an_uphill_direction_is_given_up(rng):
    counted, count = evaluations_of(bowl(rng)[0])
    image = tf.constant(rng.uniform(0.3, 0.7, SHAPE))
    found = search(counted, image, counted(image).gradient, 0.1)
    assert not bool(found.accepted)
    assert count() == TRIALS + 2


def test_a_non_finite_trial_is_never_accepted(rng):
    objective, _ = bowl(rng)

    def broken_far_away(image):
        value, gradient = objective(image)
        far = tf.reduce_max(tf.abs(image - 0.5)) > 0.3
        return Evaluation(tf.where(far, tf.constant(np.nan, tf.float64), value), gradient)

    image = tf.constant(np.full(SHAPE, 0.5))
    gradient = objective(image).gradient
    found = search(broken_far_away, image, -gradient / tf.reduce_max(tf.abs(gradient)), 0.45)
    assert bool(found.accepted)
    assert np.isfinite(float(found.value))


def test_a_step_out_of_the_box_that_leads_nowhere_is_given_up(rng):
    objective, _ = bowl(rng, center=1.5)
    found = search(objective, tf.ones(SHAPE, tf.float64), tf.ones(SHAPE, tf.float64), 0.5)
    assert not bool(found.accepted)
