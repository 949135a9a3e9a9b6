"""Limited-memory BFGS on tensors (Nocedal 1980; Byrd, Nocedal & Schnabel 1994), within a box.

The box 0..1 is kept by projection (Bertsekas 1982): pixels at a bound whose gradient points out are frozen for
the step, the others move by the quasi-Newton direction and are clipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from styler.optimizers.line_search import Search, backtrack, judged, search_along
from styler.types import Evaluation, Scalar, Size, Tensor, ValueAndGradient

CURVATURE = 1e-6  # pairs with s.y below this share of |s||y| are not kept: they would blow up the next direction
FIRST_STEP = 0.01  # root-mean-square change of the very first step, in units of the 0..1 range
LARGEST_STEP = 0.1  # the same for any step: beyond it the quadratic model says nothing about a clipped image


class LbfgsState(NamedTuple):
    """State between two steps.

    Attributes:
        image: Iterate, the best one so far since every step descends.
        value: Objective at `image`; infinite before the first step, which only evaluates.
        gradient: Gradient at `image`.
        moves: Last differences of iterates, (history, *image.shape), a ring.
        turns: Last differences of gradients, likewise.
        cross: move_i . turn_j, (history, history), float64; row and column `newest` are those of an older pair.
        inner: turn_i . turn_j, likewise.
        known: Which places of the ring hold a pair, boolean (history,).
        newest: Place of the newest pair in the ring.
        failures: Searches that failed in a row.
        stalled: Steps in a row that gained less than `tolerance`.
        steps: Searches so far, failed ones too.
        evaluations: Evaluations so far.
        scale: Factor of the first trial of a search and of the largest step.
    """

    image: Tensor
    value: Scalar
    gradient: Tensor
    moves: Tensor
    turns: Tensor
    cross: Tensor
    inner: Tensor
    known: Tensor
    newest: Scalar
    failures: Scalar
    stalled: Scalar
    steps: Scalar
    evaluations: Scalar
    scale: Scalar = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lbfgs:
    """L-BFGS with a safeguarded backtracking search.

    Attributes:
        history: Pairs of differences kept; each costs two images of memory.
        learning_rate: First trial of every search, in units of the quasi-Newton step.
        tolerance: Relative gain of a step below which it counts as stalled.
        patience: Stalled steps in a row after which the optimizer terminates.
    """

    history: int = 10  # crowsonkb's style-transfer-pytorch; more costs memory and gains little
    learning_rate: float = 1.0
    tolerance: float = 1e-5
    patience: int = 5

    def init(self, image: Tensor) -> LbfgsState:
        """Nothing known but where to start."""
        shape = tf.concat([[self.history], tf.shape(image)], 0)
        ring = tf.ensure_shape(tf.zeros(shape, image.dtype), [self.history, *image.shape])
        table = tf.zeros([self.history, self.history], tf.float64)
        unknown, zero = tf.zeros([self.history], tf.bool), tf.constant(0)
        value = tf.constant(math.inf, image.dtype)
        blank = tf.zeros_like(image)
        one = tf.constant(1.0, image.dtype)
        return LbfgsState(image, value, blank, ring, ring, table, table, unknown, zero, zero, zero, zero, zero, one)

    def step(self, state: LbfgsState, objective: ValueAndGradient) -> LbfgsState:
        """One search along the quasi-Newton direction; a failed search forgets the history."""
        state, search = self.begin(state)
        return self.finish(state, backtrack(objective, search, state.image, state.value, state.gradient))

    def begin(self, state: LbfgsState) -> tuple[LbfgsState, Search]:
        """The state with its tables of products, and a search along the quasi-Newton direction."""
        state = with_products(state)
        free = _free(state.image, state.gradient)
        slope = tf.where(free, state.gradient, tf.zeros_like(state.gradient))
        direction = tf.where(free, -inverse_hessian_product(slope, state), tf.zeros_like(slope))
        downhill = tf.reduce_sum(direction * slope) < 0
        direction = tf.where(downhill, direction, -slope)
        length = self._first_length(state, direction)
        return state, search_along(state.image, state.value, state.gradient, direction, length)

    def judge(self, state: LbfgsState, trial: Search, evaluation: Evaluation) -> Search:
        """The search with one trial more."""
        return judged(trial, evaluation, state.image, state.value, state.gradient)

    def finish(self, state: LbfgsState, trial: Search) -> LbfgsState:
        """The state where the search has led, or without a history where it led nowhere."""
        stayed = state._replace(known=tf.zeros_like(state.known), failures=state.failures + 1)
        chosen = tf.cond(trial.accepted, lambda: self._moved(state, trial), lambda: stayed)
        searched = tf.where(tf.math.is_inf(state.value), 0, 1)  # the first evaluation is not a search
        return chosen._replace(steps=state.steps + searched, evaluations=state.evaluations + trial.evaluations)

    def _moved(self, state: LbfgsState, found: Search) -> LbfgsState:
        kept = _with_pair(state, found.image - state.image, found.gradient - state.gradient)
        gain = (state.value - found.value) / tf.maximum(tf.abs(state.value), 1e-30)
        return kept._replace(
            image=found.image,
            value=found.value,
            gradient=found.gradient,
            failures=tf.zeros_like(state.failures),
            stalled=tf.where(gain < self.tolerance, state.stalled + 1, tf.zeros_like(state.stalled)),
        )

    def terminate(self, state: LbfgsState) -> Scalar:
        """Two failed searches in a row, the second along the gradient itself, or too many stalled steps."""
        return tf.logical_or(state.failures >= 2, state.stalled >= self.patience)

    def measured(self, before: LbfgsState, after: LbfgsState) -> Tensor:
        """The iterate itself."""
        return after.image

    def ended_by(self, state: LbfgsState) -> str:
        """No step could be found ("line search"), or the last ones gained next to nothing ("converged")."""
        return "line search" if int(state.failures) >= 2 else "converged"

    def resample(self, state: LbfgsState, image: Tensor, size: Size) -> LbfgsState | None:
        """Always None: curvature pairs of another resolution mislead more than they help."""
        return None

    def _first_length(self, state: LbfgsState, direction: Tensor) -> Scalar:
        typical = tf.sqrt(tf.reduce_mean(tf.square(direction))) + tf.constant(1e-30, direction.dtype)
        has_history = tf.reduce_any(state.known)
        wanted = tf.where(has_history, tf.cast(self.learning_rate, direction.dtype), FIRST_STEP / typical)
        return state.scale * tf.minimum(wanted, LARGEST_STEP / typical)


def inverse_hessian_product(gradient: Tensor, state: LbfgsState) -> Tensor:
    """What the two-loop recursion gives (Nocedal & Wright 2006, algorithm 7.4), in two passes over the pairs.

    The compact form of Byrd, Nocedal & Schnabel (Math. Programming 63, 1994, theorem 2.2) needs scalar products with
    all pairs, two triangular systems of the history's size, and one weighted sum of all pairs.
    """
    by_moves, by_turns = (_dots(ring, [gradient])[:, 0] for ring in (state.moves, state.turns))
    scale, of_moves, of_turns = pair_weights(state, by_moves, by_turns)
    moves, turns = _weighted_sum(state.moves, of_moves), _weighted_sum(state.turns, of_turns)
    return tf.cast(scale, gradient.dtype) * gradient + moves + turns


def pair_weights(state: Any, by_moves: Tensor, by_turns: Tensor) -> tuple[Scalar, Tensor, Tensor]:
    """Weights of the gradient, the moves and the turns whose sum is the inverse-Hessian product.

    Args:
        state: Its `cross`, `inner`, `known` and `newest` count.
        by_moves: Scalar products of the gradient with the moves, (history,), float64.
        by_turns: The same with the turns.

    Returns:
        A scalar and two tensors (history,) in the order of the ring, float64.
    """
    history = state.known.shape[0]
    order = (state.newest + 1 + tf.range(history)) % history  # oldest first
    known = tf.cast(tf.gather(state.known, order), tf.float64)
    both = known[:, None] * known
    cross, inner = (both * tf.gather(tf.gather(table, order), order, axis=1) for table in (state.cross, state.inner))
    by_moves, by_turns = (known * tf.gather(products, order) for products in (by_moves, by_turns))
    scale = _initial_scale(state)
    upper = tf.linalg.band_part(cross, 0, -1) + tf.linalg.diag(1.0 - known)
    inverse = tf.linalg.triangular_solve(upper, by_moves[:, None], lower=False)
    middle = tf.matmul(tf.linalg.diag(tf.linalg.diag_part(cross)) + scale * inner, inverse)
    outer = tf.linalg.triangular_solve(upper, middle - scale * by_turns[:, None], lower=False, adjoint=True)
    places = [tf.scatter_nd(order[:, None], weights[:, 0], [history]) for weights in (outer, -scale * inverse)]
    return scale, places[0], places[1]


def with_products(state: LbfgsState) -> LbfgsState:
    """The tables of scalar products with the newest pair's row and column filled in."""
    newest = state.newest
    move, turn = state.moves[newest], state.turns[newest]
    by_moves, by_turns = _dots(state.moves, [turn]), _dots(state.turns, [move, turn])
    cross = _with_column(_with_row(state.cross, newest, by_turns[:, 0]), newest, by_moves[:, 0])
    inner = _with_column(_with_row(state.inner, newest, by_turns[:, 1]), newest, by_turns[:, 1])
    return state._replace(cross=cross, inner=inner)


def _dots(ring: Tensor, images: list[Tensor]) -> Tensor:
    """Scalar products of every place of a ring with some images, (history, len(images)), float64."""
    history = ring.shape[0]
    rows = tf.reshape(tf.stack(images), [len(images), -1])
    return tf.cast(tf.matmul(tf.reshape(ring, [history, -1]), rows, transpose_b=True), tf.float64)


def _weighted_sum(ring: Tensor, weights: Tensor) -> Tensor:
    """Sum of the places of a ring times weights, (history,)."""
    history = ring.shape[0]
    row = tf.cast(weights, ring.dtype)[None]
    return tf.reshape(tf.matmul(row, tf.reshape(ring, [history, -1])), tf.shape(ring)[1:])


def _with_row(table: Tensor, place: Scalar, row: Tensor) -> Tensor:
    return tf.tensor_scatter_nd_update(table, tf.reshape(place, [1, 1]), row[None])


def _with_column(table: Tensor, place: Scalar, column: Tensor) -> Tensor:
    return tf.transpose(_with_row(tf.transpose(table), place, column))


def _initial_scale(state: Any) -> Scalar:
    """move.turn / turn.turn of the newest pair (Nocedal & Wright 2006, eq. 7.20); 1 without one."""
    known = state.known[state.newest]
    product, square = (tf.linalg.diag_part(table)[state.newest] for table in (state.cross, state.inner))
    return tf.where(known, product / tf.where(known, square, tf.ones_like(square)), tf.ones_like(square))


def _with_pair(state: LbfgsState, move: Tensor, turn: Tensor) -> LbfgsState:
    """The ring with one more pair, if its curvature is positive beyond rounding."""
    product = tf.reduce_sum(move * turn)
    sizes = tf.norm(move) * tf.norm(turn)
    useful = product > CURVATURE * sizes
    place = (state.newest + 1) % state.moves.shape[0]

    def stored() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        known = _with_row(state.known, place, tf.constant(True))
        return _with_row(state.moves, place, move), _with_row(state.turns, place, turn), known, place

    kept = (state.moves, state.turns, state.known, state.newest)
    moves, turns, known, newest = tf.cond(useful, stored, lambda: kept)
    return state._replace(moves=moves, turns=turns, known=known, newest=newest)


def _free(image: Tensor, gradient: Tensor) -> Tensor:
    """Pixels that may move: not at a bound, or pulled inside."""
    held_low = tf.logical_and(image <= 0.0, gradient > 0)
    held_high = tf.logical_and(image >= 1.0, gradient < 0)
    return tf.logical_not(tf.logical_or(held_low, held_high))
