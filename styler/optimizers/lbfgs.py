"""Limited-memory BFGS on tensors (Nocedal 1980; Byrd, Nocedal & Schnabel 1994), within a box.

The box 0..1 is kept by projection (Bertsekas 1982): pixels at a bound whose gradient points out are frozen for
the step, the others move by the quasi-Newton direction and are clipped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from styler.optimizers.line_search import Search, Start, judged, search_along
from styler.optimizers.walk import WHOLE, Walk
from styler.types import Evaluation, Scalar, Tensor

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
        walk: Through images and rings.
    """

    history: int = 10  # crowsonkb's style-transfer-pytorch; more costs memory and gains little
    learning_rate: float = 1.0
    tolerance: float = 1e-5
    patience: int = 5
    walk: Walk = WHOLE
    buffers: ClassVar[Mapping[str, str]] = {
        "image": "iterate",
        "gradient": "slope",
        "moves": "moves",
        "turns": "turns",
    }

    def on_host(self, walk: Walk, steps: int, history: int | None) -> Lbfgs:
        """See `Optimizer`."""
        most = min(self.history, steps, self.history if history is None else history)
        return replace(self, walk=walk, history=max(1, most))

    def like(self, arrays: Mapping[str, Any]) -> Lbfgs:
        """See `Optimizer`."""
        known = np.shape(arrays.get("state.known", ()))
        return replace(self, history=known[0]) if len(known) == 1 and known[0] else self

    def init(self, image: Tensor) -> LbfgsState:
        """Nothing known but where to start."""
        table = tf.zeros([self.history, self.history], tf.float64)
        zero = tf.constant(0)
        return LbfgsState(
            image=image,
            value=tf.constant(math.inf, image.dtype),
            gradient=self.walk.zeros("slope", image),
            moves=self.walk.ring("moves", self.history, image),
            turns=self.walk.ring("turns", self.history, image),
            cross=table,
            inner=table,
            known=tf.zeros([self.history], tf.bool),
            newest=zero,
            failures=zero,
            stalled=zero,
            steps=zero,
            evaluations=zero,
            scale=tf.constant(1.0, image.dtype),
        )

    def begin(self, state: LbfgsState) -> tuple[LbfgsState, Search]:
        """The state with its tables of products, and a search along the quasi-Newton direction."""
        state, by_moves, by_turns = self._with_products(state)
        direction, length = self._aimed(state, *pair_weights(state, by_moves, by_turns))
        return state, search_along(self.walk, _start(state), direction, length)

    def judge(self, state: LbfgsState, trial: Search, evaluation: Evaluation) -> Search:
        """The search with one trial more."""
        return judged(self.walk, trial, evaluation, _start(state))

    def finish(self, state: LbfgsState, trial: Search) -> LbfgsState:
        """The state where the search has led, or without a history where it led nowhere."""
        stayed = state._replace(known=tf.zeros_like(state.known), failures=state.failures + 1)
        chosen = tf.cond(trial.accepted, lambda: self._moved(state, trial), lambda: stayed)
        searched = tf.where(tf.math.is_inf(state.value), 0, 1)  # the first evaluation is not a search
        return chosen._replace(steps=state.steps + searched, evaluations=state.evaluations + trial.evaluations)

    def answer(self, state: LbfgsState) -> Tensor:
        """The iterate."""
        return state.image

    def terminate(self, state: LbfgsState) -> Scalar:
        """Two failed searches in a row, the second along the gradient itself, or too many stalled steps."""
        return tf.logical_or(state.failures >= 2, state.stalled >= self.patience)

    def ended_by(self, state: LbfgsState) -> str:
        """No step could be found ("line search"), or the last ones gained next to nothing ("converged")."""
        return "line search" if int(state.failures) >= 2 else "converged"

    def set_back(self, state: LbfgsState, factor: float) -> LbfgsState:
        """At the iterate with no pairs and nothing known of the objective."""
        fresh = self.init(state.image)
        return fresh._replace(scale=factor * state.scale, evaluations=state.evaluations)

    def given_up(self, state: LbfgsState, value: Scalar) -> LbfgsState:
        """The iterate, since every step descends."""
        return state._replace(value=value)

    def resample(self, state: LbfgsState, image: Tensor) -> LbfgsState:
        """Begun anew: curvature pairs of another resolution mislead more than they help."""
        return self.init(image)

    def adopted(self, state: LbfgsState) -> LbfgsState:
        """See `Optimizer`; of the pairs the newest that it has room for."""
        if len(state.known) == self.history:
            return state
        state, _, _ = replace(self, walk=WHOLE)._with_products(LbfgsState(*map(tf.convert_to_tensor, state)))
        length = state.known.shape[0]
        order = (np.arange(length) + int(state.newest) + 1) % length  # oldest first
        kept = order[state.known.numpy()[order]][-self.history :]
        free = self.history - len(kept)
        tables = [np.pad(table.numpy()[np.ix_(kept, kept)], (0, free)) for table in (state.cross, state.inner)]
        rings = [
            tf.concat([tf.gather(ring, kept), tf.zeros([free, *ring.shape[1:]], ring.dtype)], 0)
            for ring in (state.moves, state.turns)
        ]
        return state._replace(
            moves=rings[0],
            turns=rings[1],
            cross=tf.constant(tables[0]),
            inner=tf.constant(tables[1]),
            known=tf.constant(np.arange(self.history) < len(kept)),
            newest=tf.constant(max(len(kept) - 1, 0)),
        )

    def _with_products(self, state: LbfgsState) -> tuple[LbfgsState, Tensor, Tensor]:
        """The tables of scalar products with the newest pair filled in, and the gradient's products with all pairs.

        Returns:
            The state, and the products with its moves and turns, (history,), float64.
        """
        newest = state.newest

        def products(
            image: Tensor, gradient: Tensor, moves: Tensor, turns: Tensor
        ) -> tuple[tuple[()], tuple[Tensor, Tensor]]:
            free = _free(image, gradient)
            return (), (_dots(moves, [free, turns[newest]]), _dots(turns, [free, moves[newest], turns[newest]]))

        _, (of_moves, of_turns) = self.walk.apply(products, state.image, state.gradient, state.moves, state.turns)
        of_moves, of_turns = (tf.cast(each, tf.float64) for each in (of_moves, of_turns))
        cross = _with_column(_with_row(state.cross, newest, of_turns[:, 1]), newest, of_moves[:, 1])
        inner = _with_column(_with_row(state.inner, newest, of_turns[:, 2]), newest, of_turns[:, 2])
        return state._replace(cross=cross, inner=inner), of_moves[:, 0], of_turns[:, 0]

    def _aimed(self, state: LbfgsState, scale: Scalar, of_moves: Tensor, of_turns: Tensor) -> tuple[Tensor, Scalar]:
        """Direction and first length of a search: minus the inverse-Hessian product, or downhill if that leads up.

        The product is what the two-loop recursion gives (Nocedal & Wright 2006, algorithm 7.4), in two passes over the
        pairs: the compact form of Byrd, Nocedal & Schnabel (Math. Programming 63, 1994, theorem 2.2) needs scalar
        products with all pairs, two triangular systems of the history's size, and one weighted sum of all pairs.
        """

        def quasi_newton(image: Tensor, gradient: Tensor, moves: Tensor, turns: Tensor) -> Aimed:
            factor, *weights = (tf.cast(each, image.dtype) for each in (scale, of_moves, of_turns))
            free = _free(image, gradient)
            product = factor * free + _weighted_sum(moves, weights[0]) + _weighted_sum(turns, weights[1])
            return _direction(tf.where(_held(image, gradient), tf.zeros_like(product), -product), free)

        def steepest(image: Tensor, gradient: Tensor) -> Aimed:
            free = _free(image, gradient)
            return _direction(-free, free)

        def along(formula: Callable[..., Aimed], *arrays: Tensor) -> tuple[Tensor, Scalar, Scalar, Scalar]:
            (direction,), sums = self.walk.apply(formula, *arrays, into=["direction"])
            return direction, *sums

        aimed = along(quasi_newton, state.image, state.gradient, state.moves, state.turns)
        direction, _, square, count = tf.cond(
            aimed[1] < 0, lambda: aimed, lambda: along(steepest, state.image, state.gradient)
        )
        typical = tf.sqrt(square / count) + tf.constant(1e-30, square.dtype)
        has_history = tf.reduce_any(state.known)
        wanted = tf.where(has_history, tf.cast(self.learning_rate, square.dtype), FIRST_STEP / typical)
        return direction, state.scale * tf.minimum(wanted, LARGEST_STEP / typical)

    def _moved(self, state: LbfgsState, found: Search) -> LbfgsState:
        arrays = (state.image, state.gradient, found.image, found.gradient)
        _, (product, *squares) = self.walk.apply(_products_of_pair, *arrays)
        useful = product > CURVATURE * tf.sqrt(squares[0] * squares[1])  # positive beyond rounding
        place = (state.newest + 1) % self.history

        def stored() -> tuple[Tensor, Tensor, Tensor, Tensor]:
            moves = self.walk.stored(state.moves, place, tf.subtract, found.image, state.image)
            turns = self.walk.stored(state.turns, place, tf.subtract, found.gradient, state.gradient)
            return moves, turns, _with_row(state.known, place, tf.constant(True)), place

        moves, turns, known, newest = tf.cond(
            useful, stored, lambda: (state.moves, state.turns, state.known, state.newest)
        )
        (image, gradient), _ = self.walk.apply(
            lambda image, gradient: ((image, gradient), ()), found.image, found.gradient, into=["iterate", "slope"]
        )
        gain = (state.value - found.value) / tf.maximum(tf.abs(state.value), 1e-30)
        return state._replace(
            image=image,
            value=found.value,
            gradient=gradient,
            moves=moves,
            turns=turns,
            known=known,
            newest=newest,
            failures=tf.zeros_like(state.failures),
            stalled=tf.where(gain < self.tolerance, state.stalled + 1, tf.zeros_like(state.stalled)),
        )


Aimed: TypeAlias = tuple[tuple[Tensor], tuple[Scalar, Scalar, Scalar]]


def _direction(direction: Tensor, slope: Tensor) -> Aimed:
    """With its product with the slope, its own square, and the number of its values."""
    count = tf.cast(tf.size(direction), direction.dtype)
    return (direction,), (tf.reduce_sum(direction * slope), tf.reduce_sum(tf.square(direction)), count)


def _products_of_pair(
    image: Tensor, gradient: Tensor, new_image: Tensor, new_gradient: Tensor
) -> tuple[tuple[()], tuple[Scalar, Scalar, Scalar]]:
    move, turn = new_image - image, new_gradient - gradient
    return (), (tf.reduce_sum(move * turn), tf.reduce_sum(tf.square(move)), tf.reduce_sum(tf.square(turn)))


def _start(state: LbfgsState) -> Start:
    return Start(state.image, state.value, state.gradient)


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


def _dots(ring: Tensor, images: list[Tensor]) -> Tensor:
    """Scalar products of every place of a ring (history, N) with some images (N,), (history, len(images))."""
    return tf.matmul(ring, tf.stack(images), transpose_b=True)


def _weighted_sum(ring: Tensor, weights: Tensor) -> Tensor:
    """Sum of the places of a ring (history, N) times weights (history,)."""
    return tf.matmul(weights[None], ring)[0]


def _with_row(table: Tensor, place: Scalar, row: Tensor) -> Tensor:
    return tf.tensor_scatter_nd_update(table, tf.reshape(place, [1, 1]), row[None])


def _with_column(table: Tensor, place: Scalar, column: Tensor) -> Tensor:
    return tf.transpose(_with_row(tf.transpose(table), place, column))


def _initial_scale(state: Any) -> Scalar:
    """move.turn / turn.turn of the newest pair (Nocedal & Wright 2006, eq. 7.20); 1 without one."""
    known = state.known[state.newest]
    product, square = (tf.linalg.diag_part(table)[state.newest] for table in (state.cross, state.inner))
    return tf.where(known, product / tf.where(known, square, tf.ones_like(square)), tf.ones_like(square))


def _held(image: Tensor, gradient: Tensor) -> Tensor:
    """Pixels at a bound that are pulled outside."""
    return tf.logical_or((image <= 0.0) & (gradient > 0), (image >= 1.0) & (gradient < 0))


def _free(image: Tensor, gradient: Tensor) -> Tensor:
    """The gradient of pixels that may move, 0 elsewhere."""
    return tf.where(_held(image, gradient), tf.zeros_like(gradient), gradient)
