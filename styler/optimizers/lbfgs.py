"""Limited-memory BFGS on tensors (Nocedal 1980; Nocedal & Wright 2006, algorithm 7.4), within a box.

The box 0..1 is kept by projection (Bertsekas 1982): pixels at a bound whose gradient points out are frozen for
the step, the others move by the quasi-Newton direction and are clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from styler.optimizers.line_search import Search, backtrack
from styler.types import Scalar, Size, Tensor, ValueAndGradient

CURVATURE = 1e-6  # pairs with s.y below this share of |s||y| are not kept: they would blow up the next direction
FIRST_STEP = 0.01  # root-mean-square change of the very first step, in units of the 0..1 range
LARGEST_STEP = 0.1  # the same for any step: beyond it the quadratic model says nothing about a clipped image


class LbfgsState(NamedTuple):
    """State between two steps.

    Attributes:
        image: Iterate, the best one so far since every step descends.
        value: Objective at `image`.
        gradient: Gradient at `image`.
        moves: Last differences of iterates, (history, *image.shape), a ring.
        turns: Last differences of gradients, likewise.
        curvatures: 1 / (move . turn) for each pair; 0 where there is none.
        newest: Place of the newest pair in the ring.
        failures: Searches that failed in a row.
        stalled: Steps in a row that gained less than `tolerance`.
        evaluations: Evaluations so far.
    """

    image: Tensor
    value: Scalar
    gradient: Tensor
    moves: Tensor
    turns: Tensor
    curvatures: Tensor
    newest: Scalar
    failures: Scalar
    stalled: Scalar
    evaluations: Scalar


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

    def init(self, image: Tensor, objective: ValueAndGradient) -> LbfgsState:
        """One evaluation at `image`; no history."""
        value, gradient = objective(image)
        ring = tf.zeros(tf.concat([[self.history], tf.shape(image)], 0), image.dtype)
        ring = tf.ensure_shape(ring, [self.history, *image.shape])
        none = tf.zeros([self.history], image.dtype)
        zero = tf.constant(0)
        return LbfgsState(image, value, gradient, ring, ring, none, zero, zero, zero, zero + 1)

    def step(self, state: LbfgsState, objective: ValueAndGradient) -> LbfgsState:
        """One search along the quasi-Newton direction; a failed search forgets the history."""
        free = _free(state.image, state.gradient)
        slope = tf.where(free, state.gradient, tf.zeros_like(state.gradient))
        direction = tf.where(free, -two_loop(slope, state), tf.zeros_like(slope))
        downhill = tf.reduce_sum(direction * slope) < 0
        direction = tf.where(downhill, direction, -slope)
        length = self._first_length(state, direction)
        found = backtrack(objective, state.image, state.value, state.gradient, direction, length)
        stayed = state._replace(curvatures=tf.zeros_like(state.curvatures), failures=state.failures + 1)
        chosen = tf.cond(found.accepted, lambda: self._moved(state, found), lambda: stayed)
        return chosen._replace(evaluations=state.evaluations + found.evaluations)

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

    def resample(self, state: LbfgsState, image: Tensor, size: Size) -> LbfgsState | None:
        """Always None: curvature pairs of another resolution mislead more than they help."""
        return None

    def _first_length(self, state: LbfgsState, direction: Tensor) -> Scalar:
        typical = tf.sqrt(tf.reduce_mean(tf.square(direction))) + tf.constant(1e-30, direction.dtype)
        has_history = tf.reduce_any(state.curvatures > 0)
        wanted = tf.where(has_history, tf.cast(self.learning_rate, direction.dtype), FIRST_STEP / typical)
        return tf.minimum(wanted, LARGEST_STEP / typical)


def two_loop(gradient: Tensor, state: LbfgsState) -> Tensor:
    """Inverse-Hessian product by the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4).

    Pairs without curvature have a `curvatures` of 0 and so drop out of both loops.
    """
    history = state.moves.shape[0]
    order = [(state.newest - age) % history for age in range(history)]
    q, shares = gradient, []
    for place in order:
        share = state.curvatures[place] * tf.reduce_sum(state.moves[place] * q)
        q = q - share * state.turns[place]
        shares.append(share)
    q = q * _initial_scale(state)
    for place, share in zip(reversed(order), reversed(shares), strict=True):
        back = state.curvatures[place] * tf.reduce_sum(state.turns[place] * q)
        q = q + state.moves[place] * (share - back)
    return q


def _initial_scale(state: LbfgsState) -> Scalar:
    """move.turn / turn.turn of the newest pair (Nocedal & Wright 2006, eq. 7.20); 1 without one."""
    curvature, turn = state.curvatures[state.newest], state.turns[state.newest]
    square = tf.reduce_sum(tf.square(turn))
    known = curvature > 0
    return tf.where(known, 1.0 / tf.where(known, curvature * square, tf.ones_like(square)), tf.ones_like(square))


def _with_pair(state: LbfgsState, move: Tensor, turn: Tensor) -> LbfgsState:
    """The ring with one more pair, if its curvature is positive beyond rounding."""
    product = tf.reduce_sum(move * turn)
    sizes = tf.norm(move) * tf.norm(turn)
    useful = product > CURVATURE * sizes
    place = (state.newest + 1) % state.moves.shape[0]

    def stored() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        where = tf.reshape(place, [1, 1])
        return (
            tf.tensor_scatter_nd_update(state.moves, where, move[None]),
            tf.tensor_scatter_nd_update(state.turns, where, turn[None]),
            tf.tensor_scatter_nd_update(state.curvatures, where, 1.0 / product[None]),
            place,
        )

    kept = (state.moves, state.turns, state.curvatures, state.newest)
    moves, turns, curvatures, newest = tf.cond(useful, stored, lambda: kept)
    return state._replace(moves=moves, turns=turns, curvatures=curvatures, newest=newest)


def _free(image: Tensor, gradient: Tensor) -> Tensor:
    """Pixels that may move: not at a bound, or pulled inside."""
    held_low = tf.logical_and(image <= 0.0, gradient > 0)
    held_high = tf.logical_and(image >= 1.0, gradient < 0)
    return tf.logical_not(tf.logical_or(held_low, held_high))
