import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam
from styler.types import Size
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
        state = optimizer.step(state, objective)
        iterate, average = numpy_adam(optimizer, start, lambda x: objective(tf.constant(x)).gradient.numpy(), steps)
        np.testing.assert_allclose(state.iterate, iterate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(state.image, average, rtol=1e-6, atol=1e-9)


def test_it_comes_near_the_minimum(rng):
    objective, center = bowl(rng)
    optimizer = Adam(averaging=0.9)
    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE)))
    for _ in range(300):
        state = optimizer.step(state, objective)
    np.testing.assert_allclose(state.image, center, atol=0.02)


def test_resampling_keeps_the_moments_and_begins_a_new_average(rng):
    objective, _ = bowl(rng, dtype=tf.float32)
    optimizer = Adam()
    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE), tf.float32))
    state = optimizer.step(state, objective)
    larger = optimizer.resample(state, tf.fill((1, 6, 8, 3), 0.5), Size(6, 8))
    assert larger.first.shape == larger.second.shape == larger.iterate.shape == (1, 6, 8, 3)
    assert float(tf.reduce_min(larger.second)) >= 0.0
    assert float(tf.reduce_mean(larger.first)) == pytest.approx(float(tf.reduce_mean(state.first)), rel=0.5)
    assert int(larger.steps) == 1
    assert int(larger.averaged) == 0
