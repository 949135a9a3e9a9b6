import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Lbfgs
from styler.optimizers.base import step
from styler.types import Evaluation
from support.functions import SHAPE, bowl, evaluations_of


def state_with_pairs(rng, moves, turns, newest):
    shape = (len(moves), *SHAPE)
    optimizer = Lbfgs(history=len(moves))
    state = optimizer.init(tf.constant(rng.uniform(size=SHAPE)))._replace(
        moves=tf.reshape(tf.constant(np.array(moves)), shape),
        turns=tf.reshape(tf.constant(np.array(turns)), shape),
        known=tf.fill([len(moves)], True),
    )
    for place in range(len(moves)):  # a run would have met each pair as the newest one
        state, _ = optimizer.begin(state._replace(newest=tf.constant(place)))
    return state._replace(newest=tf.constant(newest))


def begun(optimizer, image, objective):
    """The state after the first evaluation."""
    return step(optimizer, optimizer.init(tf.constant(image)), objective)


def product(gradient, state):
    """What the search goes along, turned round; every pixel of the image is inside the box."""
    _, search = Lbfgs(history=len(state.known)).begin(state._replace(gradient=gradient))
    return -search.direction


def dense_inverse_hessian(moves, turns):
    """BFGS updates of the inverse Hessian one by one (Nocedal & Wright 2006, eq. 7.16-7.20), oldest first."""
    size = moves[0].size
    scale = moves[-1].ravel() @ turns[-1].ravel() / (turns[-1].ravel() @ turns[-1].ravel())
    inverse = scale * np.eye(size)
    for s, y in zip(moves, turns, strict=True):
        s, y = s.ravel(), y.ravel()
        left = np.eye(size) - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    return inverse


def test_the_product_is_the_dense_inverse_hessian(rng):
    moves = [rng.normal(size=SHAPE) for _ in range(4)]
    turns = [m + 0.3 * rng.normal(size=SHAPE) for m in moves]
    gradient = rng.normal(size=SHAPE)
    expected = dense_inverse_hessian(moves, turns) @ gradient.ravel()
    state = state_with_pairs(rng, moves, turns, newest=3)
    np.testing.assert_allclose(product(tf.constant(gradient), state).numpy().ravel(), expected, rtol=1e-8)


def test_the_product_reads_the_ring_from_its_newest_place(rng):
    moves = [rng.normal(size=SHAPE) for _ in range(3)]
    turns = [m + 0.2 * rng.normal(size=SHAPE) for m in moves]
    gradient = tf.constant(rng.normal(size=SHAPE))
    straight = product(gradient, state_with_pairs(rng, moves, turns, newest=2))
    turned = product(gradient, state_with_pairs(rng, [moves[2], *moves[:2]], [turns[2], *turns[:2]], newest=0))
    np.testing.assert_allclose(straight, turned, rtol=1e-10)


def test_no_history_is_steepest_descent(rng):
    objective, _ = bowl(rng)
    state = begun(Lbfgs(), rng.uniform(size=SHAPE), objective)
    np.testing.assert_array_equal(product(state.gradient, state), state.gradient)


def test_every_step_descends_and_stays_in_the_box(rng):
    objective, _ = bowl(rng, center=1.4)  # the minimum lies outside
    optimizer = Lbfgs()
    state = begun(optimizer, rng.uniform(size=SHAPE), objective)
    for _ in range(12):
        before = float(state.value)
        state = step(optimizer, state, objective)
        assert float(state.value) <= before
        assert float(tf.reduce_min(state.image)) >= 0.0
        assert float(tf.reduce_max(state.image)) <= 1.0
    np.testing.assert_allclose(state.image, 1.0, atol=1e-6)


def test_a_step_costs_about_one_evaluation(rng):
    objective, _ = bowl(rng)
    counted, count = evaluations_of(objective)
    optimizer = Lbfgs(tolerance=0.0)
    state = begun(optimizer, rng.uniform(size=SHAPE), counted)
    for _ in range(10):
        state = step(optimizer, state, counted)
    assert int(state.evaluations) == count() <= 13


def test_a_search_that_fails_twice_terminates(rng):
    def uphill(image):
        value, gradient = bowl(np.random.default_rng(1))[0](image)
        return Evaluation(value, -gradient)  # points the wrong way

    optimizer = Lbfgs()
    state = begun(optimizer, rng.uniform(0.3, 0.7, SHAPE), uphill)
    image = state.image.numpy()
    for _ in range(2):
        assert not bool(optimizer.terminate(state))
        state = step(optimizer, state, uphill)
    assert bool(optimizer.terminate(state))
    np.testing.assert_array_equal(state.image, image)


def test_pairs_of_negative_curvature_are_not_kept(rng):
    def hill(image):
        objective, _ = bowl(np.random.default_rng(1))
        value, gradient = objective(image)
        return Evaluation(-value, -gradient)

    optimizer = Lbfgs()
    state = begun(optimizer, rng.uniform(0.4, 0.6, SHAPE), hill)
    state = step(optimizer, state, hill)
    assert int(state.failures) == 0
    assert not np.any(state.known)


def test_stalled_steps_terminate(rng):
    objective, _ = bowl(rng)
    optimizer = Lbfgs(patience=2, tolerance=2.0)  # no step gains twice the value
    state = begun(optimizer, rng.uniform(size=SHAPE), objective)
    state = step(optimizer, state, objective)
    assert not bool(optimizer.terminate(state))
    state = step(optimizer, state, objective)
    assert bool(optimizer.terminate(state))
    assert int(state.failures) == 0


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_it_traces_into_a_graph_of_open_size(rng, dtype):
    objective, center = bowl(rng, dtype=dtype)
    optimizer = Lbfgs()

    def three_steps(image):
        """And the first evaluation, in a loop of the graph as a render has it."""
        body = lambda done, state: (done + 1, step(optimizer, state, objective))  # noqa: E731
        _, state = tf.while_loop(lambda done, _: done < 4, body, (0, optimizer.init(image)))
        return state.image

    open_size = [tf.TensorSpec([1, None, None, 3], dtype)]
    image = tf.function(three_steps, input_signature=open_size, autograph=False)(
        tf.constant(np.full(SHAPE, 0.5), dtype)
    )
    assert image.shape == SHAPE
    assert float(tf.norm(image - tf.constant(center, dtype))) < float(tf.norm(0.5 - tf.constant(center, dtype)))
