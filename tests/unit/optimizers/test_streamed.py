"""Piece by piece on the host equals in one piece on tensors."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs, pieces, streamed
from support.functions import bowl


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 10)


def zeros(name, shape):
    return np.zeros(shape, np.float32)


def host(evaluate):
    def objective(image, gradient):
        value, slope = evaluate(tf.constant(image)[None])
        gradient[...] = slope[0].numpy()
        return float(value)

    return objective


OPTIMIZERS = {
    "adam": Adam(),
    "lbfgs": Lbfgs(tolerance=0.0),
    "short": Lbfgs(history=2, tolerance=0.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_path_as_on_tensors(rng, name):
    evaluate, center = bowl(rng, dtype=tf.float32)
    start = np.full(center.shape[1:], 0.5, np.float32)
    mine = streamed.streamed(OPTIMIZERS[name], start.copy(), zeros, lambda piece: None)
    theirs = OPTIMIZERS[name].init(tf.constant(start)[None])
    step = tf.function(lambda state: OPTIMIZERS[name].step(state, evaluate))
    for _ in range(12):
        mine.step(host(evaluate))
        theirs = step(theirs)
        np.testing.assert_allclose(mine.image, theirs.image[0], atol=2e-4)
        assert (mine.steps, mine.evaluations) == (int(theirs.steps), int(theirs.evaluations))
        assert mine.value == pytest.approx(float(theirs.value), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("made", [0, 1, 7, 14])
def test_going_on_where_tensors_stand(rng, name, made):
    """With a full ring that begins anywhere, a part of one, and none."""
    evaluate, center = bowl(rng, dtype=tf.float32)
    start = np.full(center.shape[1:], 0.5, np.float32)
    theirs = OPTIMIZERS[name].init(tf.constant(start)[None])
    step = tf.function(lambda state: OPTIMIZERS[name].step(state, evaluate))
    for _ in range(made):
        theirs = step(theirs)
    image = getattr(theirs, "iterate", theirs.image)[0].numpy().copy()
    mine = streamed.streamed(OPTIMIZERS[name], image, zeros, lambda piece: None)
    mine.follow(theirs)
    for _ in range(4):
        mine.step(host(evaluate))
        theirs = step(theirs)
        np.testing.assert_allclose(mine.image, theirs.image[0], atol=2e-5)
        assert (mine.steps, mine.evaluations) == (int(theirs.steps), int(theirs.evaluations))


def test_the_newest_pairs_are_kept_where_there_is_room_for_few(rng):
    evaluate, center = bowl(rng, dtype=tf.float32)
    theirs = Lbfgs(tolerance=0.0).init(tf.constant(np.full(center.shape[1:], 0.5, np.float32))[None])
    for _ in range(8):
        theirs = Lbfgs(tolerance=0.0).step(theirs, evaluate)
    mine = streamed.streamed(Lbfgs(history=2), theirs.image[0].numpy().copy(), zeros, lambda piece: None)
    mine.follow(theirs)
    newest = int(theirs.newest)
    np.testing.assert_array_equal(mine._moves[1], theirs.moves[newest].numpy().ravel())
    np.testing.assert_array_equal(mine._turns[0], theirs.turns[newest - 1].numpy().ravel())
    products = mine._moves @ mine._turns.T
    np.testing.assert_allclose(mine.cross, products, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mine.inner, mine._turns @ mine._turns.T, rtol=1e-4, atol=1e-6)


def test_a_search_that_fails_twice_is_the_end():
    mine = streamed.streamed(Lbfgs(), np.full((4, 5, 3), 0.5, np.float32), zeros, lambda piece: None)

    def lying(image, gradient):
        """Rises wherever one goes, whatever the gradient says."""
        gradient[...] = 1.0
        return float(np.abs(image - 0.5).sum())

    for _ in range(3):
        mine.step(lying)
    assert mine.finished
    np.testing.assert_array_equal(mine.image, 0.5)


def test_every_piece_of_every_large_buffer_is_let_go(rng):
    evaluate, center = bowl(rng, dtype=tf.float32)
    seen = set()
    start = np.full(center.shape[1:], 0.5, np.float32)
    mine = streamed.streamed(Lbfgs(history=3), start, zeros, lambda piece: seen.add(piece.ctypes.data))
    for _ in range(4):
        mine.step(host(evaluate))
    for buffer in (mine._slope, mine._direction, mine._moves, mine._turns):
        assert buffer.ctypes.data in seen
