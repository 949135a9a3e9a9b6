"""Functions to minimize whose answers are known."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from styler.types import Evaluation

SHAPE = (1, 3, 4, 3)


def bowl(random: np.random.Generator, center: float | None = None, dtype: tf.DType = tf.float64):
    """A convex quadratic of condition 100 and its minimum; `center` puts the minimum at one value everywhere."""
    middle = random.uniform(0.2, 0.8, SHAPE) if center is None else np.full(SHAPE, center)
    weights = tf.constant(np.geomspace(0.1, 10, middle.size).reshape(SHAPE), dtype)
    goal = tf.constant(middle, dtype)

    def evaluate(image: tf.Tensor) -> Evaluation:
        away = image - goal
        return Evaluation(0.5 * tf.reduce_sum(weights * away * away), weights * away)

    return evaluate, middle


def rosenbrock(image: tf.Tensor) -> Evaluation:
    """The chained Rosenbrock function on 2 u - 0.5, so that its minimum lies at u = 0.75 inside the box."""
    with tf.GradientTape() as tape:
        tape.watch(image)
        x = tf.reshape(2.0 * image - 0.5, [-1])
        value = tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)
    return Evaluation(value, tape.gradient(value, image))


def evaluations_of(objective):
    """The objective and a function that tells how often it was called."""
    calls = []

    def counted(image: tf.Tensor) -> Evaluation:
        calls.append(1)
        return objective(image)

    return counted, lambda: len(calls)
