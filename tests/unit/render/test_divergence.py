from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs
from styler.render.divergence import FAR_ABOVE, MOST_SETBACKS, SMALLER, TOO_LONG, astray, watched, watching
from styler.render.loop import Program, Progress, run_octave
from styler.render.stand import begun
from styler.types import Evaluation
from support.functions import bowl

OPTIMIZERS = [Adam(), Lbfgs()]


class Problem:
    """Stands where the objective does."""

    def __init__(self, evaluate):
        self.evaluate = evaluate

    def at(self, targets):
        return self.evaluate


def run(evaluate, optimizer, steps=40, start=0.5):
    shape = (1, 3, 4, 3)
    stand = begun(optimizer.init(tf.fill(shape, np.float32(start))))
    program = Program(Problem(evaluate), optimizer, xla=False)
    return list(run_octave(program, Progress(stand, 0, 0.0), tf.constant(0.0), steps))


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


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_an_ordinary_run_is_never_set_back(rng, optimizer):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    end = run(evaluate, optimizer)[-1]
    assert int(end.stand.watch.setbacks) == 0
    assert float(end.stand.watch.best) < float(evaluate(tf.fill((1, 3, 4, 3), 0.5)).value)


def test_steps_far_too_large_are_made_smaller_until_they_help(rng):
    evaluate = raised(bowl(rng, center=0.45, dtype=tf.float32)[0], 0.02)
    before = float(evaluate(tf.fill((1, 3, 4, 3), 0.5)).value)
    end = run(evaluate, Adam(learning_rate=0.5), steps=100)[-1]
    assert 1 <= int(end.stand.watch.setbacks) <= MOST_SETBACKS
    assert float(end.stand.state.scale) == SMALLER ** int(end.stand.watch.setbacks)
    assert float(end.stand.watch.best) < before
    assert end.reason == "steps"


def test_a_step_into_what_is_no_number_is_taken_back(rng):
    evaluate, _ = bowl(rng, center=0.9, dtype=tf.float32)
    end = run(spoiled(evaluate, lambda image: tf.reduce_max(image) > 0.8), Adam(learning_rate=0.35), steps=12)[-1]
    assert int(end.stand.watch.setbacks) >= 1
    assert np.isfinite(end.stand.state.image).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_what_is_never_a_number_ends_with_the_image_it_began_with(rng, optimizer):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    end = run(spoiled(evaluate, lambda image: True), optimizer)[-1]
    assert end.reason == "diverged"
    assert int(end.stand.watch.setbacks) == MOST_SETBACKS
    np.testing.assert_array_equal(end.stand.state.image, np.full((1, 3, 4, 3), 0.5, np.float32))


def test_a_search_does_not_move_to_where_the_gradient_is_no_number(rng):
    evaluate, _ = bowl(rng, center=0.9, dtype=tf.float32)
    end = run(spoiled(evaluate, lambda image: tf.reduce_max(image) > 0.7, value=False), Lbfgs())[-1]
    assert np.isfinite(end.stand.state.image).all()
    assert np.isfinite(end.stand.state.gradient).all()
    assert 0.5 < np.max(end.stand.state.image) <= 0.7


def test_the_result_of_a_run_given_up_is_its_best_image(rng):
    evaluate, _ = bowl(rng, center=0.5, dtype=tf.float32)
    end = run(evaluate, Adam(learning_rate=1e6), start=0.5001)[-1]
    assert end.reason == "diverged"
    np.testing.assert_array_equal(end.stand.state.image, np.full((1, 3, 4, 3), 0.5001, np.float32))


def state(value, image=0.5):
    return SimpleNamespace(value=tf.constant(value), image=tf.fill((1, 2, 2, 3), image))


def watched_over(values):
    watch, before = watching(tf.zeros((1, 2, 2, 3))), state(9.0)
    for value in values:
        after = state(value, value / 10)
        watch, before = watched(watch, before, after, Lbfgs()), after
    return watch


def test_five_steps_in_a_row_far_above_the_best_are_too_many():
    far = [1.0, *[1.01 * FAR_ABOVE] * (TOO_LONG - 1)]
    assert not bool(astray(watched_over(far)))
    assert bool(astray(watched_over([*far, 3.0])))
    assert not bool(astray(watched_over([*far, 1.5, 3.0])))


def test_the_best_image_is_remembered():
    watch = watched_over([3.0, 1.0, 2.0, float("inf")])
    assert float(watch.best) == 1.0
    np.testing.assert_allclose(watch.image, 0.1, rtol=1e-6)
    assert bool(watch.broken)
