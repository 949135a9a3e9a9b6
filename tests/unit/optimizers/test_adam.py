import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam
from styler.optimizers.base import step
from styler.types import Evaluation
from support.functions import SHAPE, bowl


def numpy_adam(optimizer, image, gradient_of, steps):
    """Kingma & Ba 2015, algorithm 1, with clipping and a bias-corrected average of iterates."""
    first = second = total = np.zeros_like(image)
    for t in range(1, steps + 1):
        gradient = gradient_of(image)
        first = optimizer.first_decay * first + (1 - optimizer.first_decay) * gradient
        second = optimizer.second_decay * second + (1 - optimizer.second_decay) * gradient**2
        corrected = first / (1 - optimizer.first_decay**t)
        scale = np.sqrt(second / (1 - optimizer.second_decay**t)) + optimizer.epsilon
        image = np.clip(image - optimizer.learning_rate * corrected / scale, 0, 1)
        total = optimizer.averaging * total + (1 - optimizer.averaging) * image
    return image, total / (1 - optimizer.averaging**steps)


@pytest.mark.parametrize("averaging", [0.0, 0.9, 0.99])
def test_it_follows_the_paper_step_by_step(rng, averaging):
    objective, _ = bowl(rng)
    optimizer = Adam(averaging=averaging)
    start = rng.uniform(size=SHAPE)
    state = optimizer.init(tf.constant(start))
    for steps in range(1, 16):
        state = step(optimizer, state, objective)
        iterate, average = numpy_adam(optimizer, start, lambda x: objective(tf.constant(x)).gradient.numpy(), steps)
        np.testing.assert_allclose(state.iterate, iterate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(optimizer.answer(state), average, rtol=1e-6, atol=1e-9)


def test_it_comes_near_the_minimum(rng):
    objective, center = bowl(rng)
    optimizer = Adam(averaging=0.9)
    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE)))
    traced = tf.function(lambda state: step(optimizer, state, objective), autograph=False)
    for _ in range(300):
        state = traced(state)
    np.testing.assert_allclose(optimizer.answer(state), center, atol=0.02)


def test_resampling_keeps_the_moments_and_begins_a_new_average(rng):
    objective, _ = bowl(rng, dtype=tf.float32)
    optimizer = Adam()
    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE), tf.float32))
    state = step(optimizer, state, objective)
    larger = optimizer.resample(state, tf.fill((1, 6, 8, 3), 0.5))
    assert larger.first.shape == larger.second.shape == larger.iterate.shape == (1, 6, 8, 3)
    assert float(tf.reduce_min(larger.second)) >= 0.0
    assert float(tf.reduce_mean(larger.first)) == pytest.approx(float(tf.reduce_mean(state.first)), rel=0.5)
    assert int(larger.steps) == 1
    assert int(larger.averaged) == 0


def test_the_answer_is_the_start_before_any_step(rng):
    start = tf.constant(rng.uniform(size=SHAPE))
    optimizer = Adam()
    state = optimizer.init(start)
    np.testing.assert_array_equal(optimizer.answer(state), start)
    assert np.isinf(state.value)
    assert int(state.steps) == int(state.evaluations) == 0


def test_a_step_is_one_evaluation_at_the_iterate(rng):
    objective, _ = bowl(rng)
    optimizer, seen = Adam(), []

    def watched(image):
        seen.append(image.numpy())
        return objective(image)

    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE)))
    for count in range(1, 4):
        before = state.iterate
        state = step(optimizer, state, watched)
        np.testing.assert_array_equal(seen[-1], before)
        assert int(state.evaluations) == int(state.steps) == len(seen) == count
        assert float(state.value) == float(objective(before).value)


def values_in_turn(values):
    """An objective whose values come from a list, whatever the image is."""
    left = iter(values)
    return lambda image: Evaluation(tf.constant(next(left), image.dtype), tf.ones_like(image))


def test_the_best_image_is_the_average_at_the_lowest_value(rng):
    optimizer, averages = Adam(averaging=0.9), []
    state, objective = optimizer.init(tf.constant(rng.uniform(0.4, 0.6, SHAPE))), values_in_turn([3.0, 1.0, 2.0, 1.0])
    for _ in range(4):
        averages.append(optimizer.answer(state).numpy())
        state = step(optimizer, state, objective)
    assert float(state.lowest) == 1.0
    np.testing.assert_array_equal(state.best, averages[1])


def test_a_setback_goes_to_the_best_image_with_smaller_steps(rng):
    optimizer = Adam(learning_rate=0.02, averaging=0.0)
    state, objective = optimizer.init(tf.constant(rng.uniform(0.4, 0.6, SHAPE))), values_in_turn([2.0, 1.0, 5.0, 5.0])
    for _ in range(3):
        state = step(optimizer, state, objective)
    back = optimizer.set_back(state, 0.25)
    np.testing.assert_array_equal(optimizer.answer(back), state.best)
    assert float(back.scale) == 0.25
    assert float(back.lowest) == 1.0
    assert int(back.evaluations) == 3
    moved = step(optimizer, back, objective)
    np.testing.assert_allclose(
        back.iterate - moved.iterate, 0.25 * 0.02, rtol=1e-6
    )  # the first step of Adam is one rate
    assert float(optimizer.set_back(moved, 0.25).scale) == 0.25**2


def test_given_up_the_answer_is_the_best_image_and_the_value_its_own(rng):
    optimizer = Adam()
    state, objective = optimizer.init(tf.constant(rng.uniform(0.4, 0.6, SHAPE))), values_in_turn([1.0, 5.0, 9.0])
    for _ in range(3):
        state = step(optimizer, state, objective)
    end = optimizer.given_up(state, tf.constant(1.0, tf.float64))
    np.testing.assert_array_equal(optimizer.answer(end), state.best)
    assert float(end.value) == 1.0
