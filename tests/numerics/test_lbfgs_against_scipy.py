"""L-BFGS against SciPy's on classical problems, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from styler.optimizers import Lbfgs
from styler.optimizers.lbfgs import CURVATURE, inverse_hessian_product, with_products
from support.functions import SHAPE, bowl, rosenbrock


def by_scipy(objective, start):
    def fun(x):
        value, gradient = objective(tf.constant(x.reshape(start.shape)))
        return float(value), gradient.numpy().ravel()

    options = {"maxcor": 10, "ftol": 0, "gtol": 1e-9, "maxiter": 2000}
    return scipy.optimize.minimize(
        fun, start.ravel(), jac=True, method="L-BFGS-B", bounds=[(0, 1)] * start.size, options=options
    )


def by_styler(objective, start, steps):
    optimizer = Lbfgs(tolerance=0.0, patience=10**6)
    state = optimizer.step(optimizer.init(tf.constant(start)), objective)
    for _ in range(steps):
        if bool(optimizer.terminate(state)):
            break
        state = optimizer.step(state, objective)
    return state


@pytest.mark.parametrize("center", [None, 0.5, 1.3, -0.2])
def test_a_quadratic_inside_and_outside_the_box(rng, center):
    objective, middle = bowl(rng, center)
    start = rng.uniform(size=SHAPE)
    state, reference = by_styler(objective, start, 60), by_scipy(objective, start)
    np.testing.assert_allclose(state.image.numpy().ravel(), reference.x, atol=1e-4)
    np.testing.assert_allclose(state.image, np.clip(middle, 0, 1), atol=1e-4)


def test_some_bounds_active_some_not(rng):
    objective, _ = bowl(rng)
    tilted = lambda image: _tilted(objective, image)  # noqa: E731
    start = rng.uniform(size=SHAPE)
    state, reference = by_styler(tilted, start, 120), by_scipy(tilted, start)
    active = np.isclose(reference.x, 0) | np.isclose(reference.x, 1)
    assert active.any()
    assert not active.all()
    assert float(state.value) == pytest.approx(reference.fun, rel=1e-6, abs=1e-8)


def _tilted(objective, image):
    value, gradient = objective(image)
    push = tf.reshape(tf.linspace(tf.constant(-3.0, tf.float64), 3.0, image.shape.num_elements()), image.shape)
    return type(objective(image))(value + tf.reduce_sum(push * image), gradient + push)


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


@pytest.mark.parametrize("history", [3, 10])
def test_every_step_of_a_run_goes_where_scipys_inverse_hessian_points(history):
    """Pairs are recorded outside the optimizer, from its iterates and the objective alone."""
    optimizer = Lbfgs(history=history, tolerance=0.0)
    state = optimizer.step(optimizer.init(tf.constant(np.full((1, 1, 2, 3), 0.3))), rosenbrock)
    moves, turns = [], []
    for _ in range(25):
        before = state
        state = optimizer.step(state, rosenbrock)
        move, turn = ((a - b).numpy().ravel() for a, b in zip(state[:3:2], before[:3:2], strict=True))
        if move @ turn > CURVATURE * np.linalg.norm(move) * np.linalg.norm(turn):
            moves, turns = [*moves, move][-history:], [*turns, turn][-history:]
        expected = scipys_direction(moves, turns, state.gradient.numpy().ravel())
        got = inverse_hessian_product(state.gradient, with_products(state))
        np.testing.assert_allclose(got.numpy().ravel(), expected, rtol=1e-6)
    assert len(moves) == history
