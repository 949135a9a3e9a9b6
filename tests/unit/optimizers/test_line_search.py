import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers.line_search import LEAST_SHRINK, MOST_SHRINK, TRIALS, Start, judged, search_along, shrink
from styler.optimizers.walk import WHOLE
from styler.types import Evaluation
from support.functions import SHAPE, bowl, evaluations_of


def search(objective, image, direction, length, value=None):
    """From the first trial to the end; `value` is what is known of the objective at the start."""
    at = objective(image)
    start = Start(image, at.value if value is None else tf.constant(value, image.dtype), at.gradient)
    found = search_along(WHOLE, start, direction, tf.constant(length, image.dtype))
    while not bool(found.over):
        found = judged(WHOLE, found, objective(found.image), start)
    return found


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


def test_what_is_accepted_is_the_last_trial(rng):
    objective, _ = bowl(rng)
    image = tf.constant(rng.uniform(size=SHAPE))
    direction = -objective(image).gradient
    found = search(objective, image, direction, 10.0)
    value, gradient = objective(found.image)
    assert float(found.value) == float(value)
    np.testing.assert_array_equal(found.gradient, gradient)
    np.testing.assert_allclose(found.image, np.clip(image + found.length * direction, 0, 1), rtol=1e-12)


def test_an_uphill_direction_is_given_up(rng):
    objective, _ = bowl(rng)
    counted, count = evaluations_of(objective)
    image = tf.constant(rng.uniform(0.3, 0.7, SHAPE))
    found = search(counted, image, objective(image).gradient, 0.1)
    assert not bool(found.accepted)
    assert int(found.evaluations) == TRIALS == count() - 1  # and one at the start


def test_any_point_is_good_where_nothing_is_known_of_the_start(rng):
    objective, _ = bowl(rng)
    image = tf.constant(rng.uniform(0.3, 0.7, SHAPE))
    found = search(objective, image, objective(image).gradient, 0.1, value=np.inf)
    assert bool(found.accepted)
    assert int(found.evaluations) == 1


@pytest.mark.parametrize("broken", ["value", "gradient"])
def test_a_trial_that_is_no_number_is_never_accepted(rng, broken):
    objective, _ = bowl(rng)

    def broken_far_away(image):
        value, gradient = objective(image)
        bad = tf.where(tf.reduce_max(tf.abs(image - 0.5)) > 0.3, np.nan, tf.zeros([], tf.float64))
        return Evaluation(value + bad, gradient) if broken == "value" else Evaluation(value, gradient + bad)

    image = tf.constant(np.full(SHAPE, 0.5))
    gradient = objective(image).gradient
    found = search(broken_far_away, image, -gradient / tf.reduce_max(tf.abs(gradient)), 0.45)
    assert bool(found.accepted)
    assert np.isfinite(float(found.value))
    assert np.isfinite(found.gradient).all()


def test_a_step_out_of_the_box_that_leads_nowhere_is_given_up(rng):
    objective, _ = bowl(rng, center=1.5)
    found = search(objective, tf.ones(SHAPE, tf.float64), tf.ones(SHAPE, tf.float64), 0.5)
    assert not bool(found.accepted)


@pytest.mark.parametrize("ideal", [0.02, 0.1, 0.27, 0.5, 0.9])
def test_the_next_trial_is_at_the_lowest_point_of_the_parabola_within_limits(ideal):
    """Through the value 1 with slope -1 at the start, and through the first trial."""
    value, slope = tf.constant(1.0, tf.float64), tf.constant(-1.0, tf.float64)
    curvature = 1 / (2 * ideal)  # value + slope t + curvature t^2 is lowest at `ideal`
    share = float(shrink(value, value + slope + curvature, slope))
    assert share == pytest.approx(np.clip(ideal, MOST_SHRINK, LEAST_SHRINK), rel=1e-9)


@pytest.mark.parametrize("new", [np.nan, np.inf, -5.0])
def test_where_there_is_no_parabola_the_next_trial_is_the_shortest(new):
    numbers = (tf.constant(number, tf.float64) for number in (1.0, new, -1.0))
    assert float(shrink(*numbers)) == pytest.approx(MOST_SHRINK)
