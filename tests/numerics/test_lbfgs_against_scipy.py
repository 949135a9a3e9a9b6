"""L-BFGS against SciPy's on classical problems, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from styler.optimizers import Lbfgs
from styler.optimizers.base import step
from styler.optimizers.lbfgs import CURVATURE
from styler.types import Evaluation
from support.functions import SHAPE, bowl, rosenbrock


def by_scipy(objective, start):
    def fun(x):
        value, gradient = objective(tf.constant(x.reshape(start.shape)))
        return float(value), gradient.numpy().ravel()

    options = {"maxcor": 10, "ftol": 0, "gtol": 1e-9, "maxiter": 2000}
    return scipy.optimize.minimize(
        fun, start.ravel(), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * start.size, options=options
    )


def traced_step(optimizer, objective):
    """One step, compiled: hundreds of them take seconds otherwise."""
    return tf.function(lambda state: step(optimizer, state, objective), autograph=False)


def by_styler(objective, start, steps):
    optimizer = Lbfgs(tolerance=0.0, patience=10**6)
    go_on = traced_step(optimizer, objective)
    state = go_on(optimizer.init(tf.constant(start)))
    for _ in range(steps):
        if bool(optimizer.terminate(state)):
            break
        state = go_on(state)
    return state


@pytest.mark.parametrize(
    "center", [None, pytest.param(0.5, marks=pytest.mark.slow), 1.3, pytest.param(-0.2, marks=pytest.mark.slow)]
)
def test_a_quadratic_inside_and_outside_the_box(rng, center):
    objective, middle = bowl(rng, center)
    start = rng.uniform(size=SHAPE)
    state, reference = by_styler(objective, start, 60), by_scipy(objective, start)
    np.testing.assert_allclose(state.image.numpy().ravel(), reference.x, atol=1e-4)
    np.testing.assert_allclose(state.image, np.clip(middle, 0, 1), atol=1e-4)


def test_some_bounds_active_some_not(rng):
    objective, _ = bowl(rng)

    def tilted(image):
        value, gradient = objective(image)
        push = tf.reshape(tf.linspace(tf.constant(-3.0, tf.float64), 3.0, image.shape.num_elements()), image.shape)
        return Evaluation(value + tf.reduce_sum(push * image), gradient + push)

    start = rng.uniform(size=SHAPE)
    state, reference = by_styler(tilted, start, 120), by_scipy(tilted, start)
    active = np.isclose(reference.x, 0) | np.isclose(reference.x, 1)
    assert active.any()
    assert not active.all()
    assert float(state.value) == pytest.approx(reference.fun, rel=1e-6, abs=1e-8)


def test_rosenbrock_in_no_more_than_three_times_scipys_evaluations():
    start = np.full((1, 1, 2, 3), 0.3)
    state, reference = by_styler(rosenbrock, start, 200), by_scipy(rosenbrock, start)
    assert float(state.value) < 1e-8
    assert reference.fun < 1e-8
    np.testing.assert_allclose(state.image, 0.75, atol=1e-3)
    assert int(state.evaluations) <= 3 * reference.nfev


def scipys_direction(moves, turns, gradient):
    """SciPy's product with the inverse Hessian, which starts from 1, rescaled to start from s.y / y.y as ours does."""
    scale = moves[-1] @ turns[-1] / (turns[-1] @ turns[-1])
    pairs = np.array(moves) / np.sqrt(scale), np.array(turns) * np.sqrt(scale)
    return scale * scipy.optimize.LbfgsInvHessProduct(*pairs).matvec(gradient)


@pytest.mark.parametrize("history", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_every_step_of_a_run_goes_where_scipys_inverse_hessian_points(history):
    """Pairs are recorded outside the optimizer, from its iterates and the objective alone."""
    optimizer = Lbfgs(history=history, tolerance=0.0)
    go_on = traced_step(optimizer, rosenbrock)
    state = go_on(optimizer.init(tf.constant(np.full((1, 1, 2, 3), 0.3))))
    moves, turns = [], []
    for _ in range(25):
        before = state
        state = go_on(state)
        move, turn = ((a - b).numpy().ravel() for a, b in zip(state[:3:2], before[:3:2], strict=True))
        if move @ turn > CURVATURE * np.linalg.norm(move) * np.linalg.norm(turn):
            moves, turns = [*moves, move][-history:], [*turns, turn][-history:]
        expected = scipys_direction(moves, turns, state.gradient.numpy().ravel())
        _, search = optimizer.begin(state)
        np.testing.assert_allclose(-search.direction.numpy().ravel(), expected, rtol=1e-6)
    assert len(moves) == history
