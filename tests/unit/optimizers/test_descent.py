from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs
from styler.optimizers.descent import (
    FAR_ABOVE,
    MOST_SETBACKS,
    SMALLER,
    TOO_LONG,
    begun,
    is_diverging,
    is_over,
    judged,
    stepped,
    tensors,
    watched,
)
from styler.render.program import Program
from styler.types import Evaluation
from support.functions import SHAPE, bowl

OPTIMIZERS = [Adam(), Lbfgs()]
BOTH = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["adam", "lbfgs"])
STEPS_A_CALL = 7


class Problem:
    """Stands where the objective does."""

    def __init__(self, evaluate):
        self.evaluate = evaluate

    def at(self, targets):
        return self.evaluate


def start_at(optimizer, value):
    return begun(optimizer.init(tf.fill(SHAPE, np.float32(value))))


def run(evaluate, optimizer, steps=40, start=0.5):
    """The descent in the end, its image and why it ended."""
    program, descent, made, reason = Program(Problem(evaluate), optimizer, xla=False), start_at(optimizer, start), 0, ""
    while not reason and made < steps:
        advance = program.advance(descent, tf.constant(0.0), min(STEPS_A_CALL, steps - made))
        made += int(advance.steps)
        descent, reason = judged(optimizer, advance.descent)
    return descent, optimizer.answer(descent.state).numpy(), reason or "steps"


def raised(evaluate, floor):
    """The same function with another lowest value: no real picture comes near 0."""
    return lambda image: evaluate(image)._replace(value=evaluate(image).value + floor)


def spoiled(evaluate, where, value=True):
    """The same function, whose values and gradients are no numbers where a condition holds; or gradients alone."""

    def spoilt(image):
        true = evaluate(image)
        bad = tf.where(where(image), np.float32("nan"), np.float32(0.0))
        return Evaluation(true.value + (bad if value else 0.0), true.gradient + bad)

    return spoilt


@BOTH
def test_an_ordinary_run_is_never_set_back(rng, optimizer):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    descent, image, _ = run(evaluate, optimizer)
    assert int(descent.watch.setbacks) == 0
    assert float(descent.watch.best) < float(evaluate(tf.fill(SHAPE, 0.5)).value)
    assert float(evaluate(tf.constant(image)).value) < float(evaluate(tf.fill(SHAPE, 0.5)).value)


@BOTH
def test_many_steps_a_call_are_the_same_as_one_by_one(rng, optimizer):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    _, image, _ = run(evaluate, optimizer, steps=6)
    descent = start_at(optimizer, 0.5)
    while int(descent.state.steps) < 6:
        descent, _ = judged(optimizer, stepped(optimizer, descent, evaluate))
    np.testing.assert_allclose(optimizer.answer(descent.state), image, atol=1e-5)


def test_steps_far_too_large_are_made_smaller_until_they_help(rng):
    evaluate = raised(bowl(rng, center=0.45, dtype=tf.float32)[0], 0.02)
    before = float(evaluate(tf.fill(SHAPE, 0.5)).value)
    descent, _, reason = run(evaluate, Adam(learning_rate=0.5), steps=100)
    assert 1 <= int(descent.watch.setbacks) <= MOST_SETBACKS
    assert float(descent.state.scale) == SMALLER ** int(descent.watch.setbacks)
    assert float(descent.watch.best) < before
    assert reason == "steps"


def test_a_step_into_what_is_no_number_is_taken_back(rng):
    evaluate, _ = bowl(rng, center=0.9, dtype=tf.float32)
    bad = spoiled(evaluate, lambda image: tf.reduce_max(image) > 0.8)
    descent, image, _ = run(bad, Adam(learning_rate=0.35), steps=12)
    assert int(descent.watch.setbacks) >= 1
    assert np.isfinite(image).all()


@BOTH
def test_what_is_never_a_number_ends_with_the_image_it_began_with(rng, optimizer):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    descent, image, reason = run(spoiled(evaluate, lambda image: True), optimizer)
    assert reason == "diverged"
    assert int(descent.watch.setbacks) == MOST_SETBACKS
    np.testing.assert_array_equal(image, np.full(SHAPE, 0.5, np.float32))


def test_a_search_does_not_move_to_where_the_gradient_is_no_number(rng):
    evaluate, _ = bowl(rng, center=0.9, dtype=tf.float32)
    descent, image, _ = run(spoiled(evaluate, lambda image: tf.reduce_max(image) > 0.7, value=False), Lbfgs())
    assert np.isfinite(image).all()
    assert np.isfinite(descent.state.gradient).all()
    assert 0.5 < np.max(image) <= 0.7


def test_the_result_of_a_run_given_up_is_its_best_image(rng):
    evaluate, _ = bowl(rng, center=0.5, dtype=tf.float32)
    descent, image, reason = run(evaluate, Adam(learning_rate=1e6), start=0.5001)
    assert reason == "diverged"
    np.testing.assert_array_equal(image, np.full(SHAPE, 0.5001, np.float32))
    assert float(descent.state.value) == float(descent.watch.best)


def watched_over(values):
    watch = start_at(Adam(), 0.5).watch
    for value in values:
        watch = watched(watch, tf.constant(value))
    return watch


def test_five_steps_in_a_row_far_above_the_best_are_too_many():
    far = [1.0, *[1.01 * FAR_ABOVE] * (TOO_LONG - 1)]
    assert not bool(is_diverging(watched_over(far)))
    assert bool(is_diverging(watched_over([*far, 3.0])))
    assert not bool(is_diverging(watched_over([*far, 1.5, 3.0])))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_one_value_that_is_no_number_is_too_many(value):
    watch = watched_over([3.0, 1.0, 2.0, float(value)])
    assert bool(watch.broken)
    assert bool(is_diverging(watch))
    assert not bool(is_diverging(watched(watch, tf.constant(1.0))))


def test_the_lowest_value_is_remembered():
    assert float(watched_over([3.0, 1.0, 2.0]).best) == 1.0
    assert np.isinf(watched_over([]).best)


@BOTH
def test_no_step_is_made_before_a_descent_astray_was_judged(optimizer):
    descent = start_at(optimizer, 0.5)
    assert not bool(is_over(optimizer, descent))
    astray = descent._replace(watch=watched(descent.watch, tf.constant(np.nan)))
    assert bool(is_over(optimizer, astray))
    back, reason = judged(optimizer, astray)
    assert not reason
    assert not bool(is_over(optimizer, back))


@BOTH
def test_every_tensor_has_a_name_of_its_own(optimizer):
    descent = start_at(optimizer, 0.5)
    named = tensors(descent)
    assert len(named) == len(descent.state) + len(descent.watch)
    packed = tf.nest.pack_sequence_as(descent, list(named.values()))
    for mine, other in zip(tf.nest.flatten(packed), tf.nest.flatten(descent), strict=True):
        assert mine is other
