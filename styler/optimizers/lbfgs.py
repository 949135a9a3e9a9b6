"""Limited-memory BFGS on tensors (Nocedal 1980; Byrd, Nocedal & Schnabel 1994), within a box.

Projection keeps the values in the box 0..1 (Bertsekas 1982). Values at a bound that would move outside are fixed for
the step. The others move along the quasi-Newton direction and are clipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from styler.optimizers.line_search import Search, Start, judged, search_along
from styler.optimizers.walk import WHOLE, Array, Formula, ImagesAndSums, Walk
from styler.types import Evaluation, Scalar, Tensor

CURVATURE = 1e-6  # pairs with s.y below this share of |s||y| are dropped: they would make the next direction huge
FIRST_STEP = 0.01  # root-mean-square change of the very first step, in units of the 0..1 range
LARGEST_STEP = 0.1  # the same for every step; beyond it, the quadratic model is useless for a clipped image


class LbfgsState(NamedTuple):
    """State between two steps.

    Attributes:
        image: Iterate; it is the best so far, because every step descends.
        value: Objective at `image`; infinite before the first step, which only evaluates.
        gradient: Gradient at `image`.
        moves: Latest differences of iterates, s_i in the literature, (history, *image.shape), as a ring buffer.
        turns: Latest differences of gradients, y_i in the literature, in the same form.
        cross: s_i . y_j, (history, history), float64; row and column `newest` still belong to an older pair.
        inner: y_i . y_j, in the same form.
        known: Which places of the ring buffer hold a pair, boolean (history,).
        newest: Place of the newest pair in the ring buffer.
        failures: Number of consecutive failed searches.
        stalled: Number of consecutive steps that gained less than `tolerance`.
        steps: Searches so far, including failed ones.
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


class Products(NamedTuple):
    """Scalar products of the gradient with all pairs, each (history,), float64.

    Attributes:
        with_moves: Products with `moves`.
        with_turns: Products with `turns`.
    """

    with_moves: Tensor
    with_turns: Tensor


class Weights(NamedTuple):
    """The inverse-Hessian product as a weighted sum, float64.

    Attributes:
        of_gradient: Weight of the gradient, a scalar.
        of_moves: Weights of `moves`, (history,) in the order of the ring.
        of_turns: Weights of `turns`, in the same order.
    """

    of_gradient: Scalar
    of_moves: Tensor
    of_turns: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Lbfgs:
    """L-BFGS with a safeguarded backtracking line search.

    Attributes:
        history: Number of pairs of differences to keep; each takes as much memory as two images.
        learning_rate: Length of the first trial of each search, in units of the quasi-Newton step.
        tolerance: Relative gain of a step below which it counts as stalled.
        patience: Number of consecutive stalled steps after which the optimizer terminates.
        walk: Applies formulas to images and ring buffers.
    """

    history: int = 10  # as in crowsonkb's style-transfer-pytorch; more pairs take memory and gain little
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

    def on_host(
        self,
        walk: Walk,
        steps: int,
        history: int | None,
    ) -> Lbfgs:
        """See `Optimizer`."""
        most = min(self.history, steps)
        if history is not None:
            most = min(most, history)
        return replace(self, walk=walk, history=max(1, most))

    def like(self, arrays: Mapping[str, Array]) -> Lbfgs:
        """See `Optimizer`."""
        known = arrays.get("state.known")
        if known is None or known.ndim != 1 or len(known) == 0:
            return self
        return replace(self, history=len(known))

    def init(self, image: Tensor) -> LbfgsState:
        """Return a state without history, in which nothing has been evaluated yet."""
        zero = tf.constant(0)
        empty_table = tf.zeros([self.history, self.history], tf.float64)
        return LbfgsState(
            image=image,
            value=tf.constant(math.inf, image.dtype),
            gradient=self.walk.zeros("slope", image),
            moves=self.walk.ring("moves", self.history, image),
            turns=self.walk.ring("turns", self.history, image),
            cross=empty_table,
            inner=empty_table,
            known=tf.zeros([self.history], tf.bool),
            newest=zero,
            failures=zero,
            stalled=zero,
            steps=zero,
            evaluations=zero,
            scale=tf.constant(1.0, image.dtype),
        )

    def begin(self, state: LbfgsState) -> tuple[LbfgsState, Search]:
        """Return the state with complete tables of products, and a search along the quasi-Newton direction."""
        state, products = self._with_products(state)
        weights = pair_weights(state, products)
        direction, length = self._direction(state, weights)
        search = search_along(self.walk, _start(state), direction, length)
        return state, search

    def judge(
        self,
        state: LbfgsState,
        trial: Search,
        evaluation: Evaluation,
    ) -> Search:
        """Return the search after one more trial."""
        return judged(self.walk, trial, evaluation, _start(state))

    def finish(self, state: LbfgsState, trial: Search) -> LbfgsState:
        """Return the state at the point that the search accepted; if it accepted none, drop the history."""
        failed = state._replace(
            known=tf.zeros_like(state.known),
            failures=state.failures + 1,
        )
        new = tf.cond(
            trial.accepted,
            lambda: self._moved(state, trial),
            lambda: failed,
        )
        is_first_evaluation = tf.math.is_inf(state.value)
        searches = tf.where(is_first_evaluation, 0, 1)
        return new._replace(
            steps=state.steps + searches,
            evaluations=state.evaluations + trial.evaluations,
        )

    def answer(self, state: LbfgsState) -> Tensor:
        """Return the iterate."""
        return state.image

    def terminate(self, state: LbfgsState) -> Scalar:
        """Whether two searches in a row failed (the second along the gradient itself) or too many steps stalled."""
        return tf.logical_or(state.failures >= 2, state.stalled >= self.patience)

    def ended_by(self, state: LbfgsState) -> str:
        """Return "line search" if no step could be found, "converged" if the last steps gained next to nothing."""
        return "line search" if int(state.failures) >= 2 else "converged"

    def set_back(self, state: LbfgsState, factor: float) -> LbfgsState:
        """Restart at the iterate, without pairs and without a known value of the objective."""
        fresh = self.init(state.image)
        return fresh._replace(
            evaluations=state.evaluations,
            scale=factor * state.scale,
        )

    def given_up(self, state: LbfgsState, value: Scalar) -> LbfgsState:
        """See `Optimizer`; the iterate is the best image, because every step descends."""
        return state._replace(value=value)

    def resample(self, state: LbfgsState, image: Tensor) -> LbfgsState:
        """Start anew, because curvature pairs of another resolution do more harm than good."""
        return self.init(image)

    def adopted(self, state: LbfgsState) -> LbfgsState:
        """See `Optimizer`; keeps as many of the newest pairs as fit."""
        if len(state.known) == self.history:
            return state
        state = LbfgsState(*(tf.convert_to_tensor(value) for value in state))
        state, _ = replace(self, walk=WHOLE)._with_products(state)
        length = state.known.shape[0]
        oldest_first = (np.arange(length) + int(state.newest) + 1) % length
        is_known = state.known.numpy()[oldest_first]
        kept = oldest_first[is_known][-self.history :]
        count = len(kept)

        def shortened_ring(ring: Tensor) -> Tensor:
            padding = tf.zeros([self.history - count, *ring.shape[1:]], ring.dtype)
            return tf.concat([tf.gather(ring, kept), padding], 0)

        def shortened_table(table: Tensor) -> Tensor:
            part = table.numpy()[np.ix_(kept, kept)]
            return tf.constant(np.pad(part, (0, self.history - count)))

        return state._replace(
            moves=shortened_ring(state.moves),
            turns=shortened_ring(state.turns),
            cross=shortened_table(state.cross),
            inner=shortened_table(state.inner),
            known=tf.constant(np.arange(self.history) < count),
            newest=tf.constant(max(count - 1, 0)),
        )

    def _with_products(self, state: LbfgsState) -> tuple[LbfgsState, Products]:
        """Add the newest pair to the state's tables, and compute the projected gradient's products with all pairs."""
        newest = state.newest

        def formula(
            image: Tensor,
            gradient: Tensor,
            moves: Tensor,
            turns: Tensor,
        ) -> ImagesAndSums:
            gradient = _projected(image, gradient)
            with_moves = _dots(moves, [gradient, turns[newest]])
            with_turns = _dots(turns, [gradient, moves[newest], turns[newest]])
            return (), (with_moves, with_turns)

        _, (with_moves, with_turns) = self.walk.apply(
            formula,
            state.image,
            state.gradient,
            state.moves,
            state.turns,
        )
        with_moves = tf.cast(with_moves, tf.float64)
        with_turns = tf.cast(with_turns, tf.float64)
        cross = _with_row(state.cross, newest, with_turns[:, 1])
        cross = _with_column(cross, newest, with_moves[:, 1])
        inner = _with_row(state.inner, newest, with_turns[:, 2])
        inner = _with_column(inner, newest, with_turns[:, 2])
        return (
            state._replace(cross=cross, inner=inner),
            Products(with_moves[:, 0], with_turns[:, 0]),
        )

    def _direction(self, state: LbfgsState, weights: Weights) -> tuple[Tensor, Scalar]:
        """Return direction and first length of a search: quasi-Newton, or steepest descent if that goes uphill."""

        def quasi_newton(
            image: Tensor,
            gradient: Tensor,
            moves: Tensor,
            turns: Tensor,
        ) -> ImagesAndSums:
            of_gradient, of_moves, of_turns = (tf.cast(weight, image.dtype) for weight in weights)
            projected = _projected(image, gradient)
            product = of_gradient * projected + _weighted_sum(moves, of_moves) + _weighted_sum(turns, of_turns)
            is_fixed = _is_fixed(image, gradient)
            direction = tf.where(is_fixed, tf.zeros_like(product), -product)
            return _with_sums(direction, projected)

        def steepest(image: Tensor, gradient: Tensor) -> ImagesAndSums:
            projected = _projected(image, gradient)
            return _with_sums(-projected, projected)

        def applied(formula: Formula, *arrays: Tensor) -> tuple[Tensor, Scalar, Scalar, Scalar]:
            (direction,), sums = self.walk.apply(formula, *arrays, into=["direction"])
            slope, square, count = sums
            return direction, slope, square, count

        newton = applied(
            quasi_newton,
            state.image,
            state.gradient,
            state.moves,
            state.turns,
        )
        _, newton_slope, _, _ = newton
        direction, _, square, count = tf.cond(
            newton_slope < 0,
            lambda: newton,
            lambda: applied(steepest, state.image, state.gradient),
        )
        root_mean_square = tf.sqrt(square / count) + tf.constant(1e-30, square.dtype)
        wanted = tf.where(
            tf.reduce_any(state.known),
            tf.cast(self.learning_rate, square.dtype),
            FIRST_STEP / root_mean_square,
        )
        length = state.scale * tf.minimum(wanted, LARGEST_STEP / root_mean_square)
        return direction, length

    def _moved(self, state: LbfgsState, search: Search) -> LbfgsState:
        """Return the state at the point that a search accepted, with the new pair if its curvature is positive."""
        place = (state.newest + 1) % self.history
        has_curvature = self._has_curvature(state, search)

        def with_pair() -> tuple[Tensor, Tensor, Tensor, Scalar]:
            moves = self.walk.stored(
                state.moves,
                place,
                tf.subtract,
                search.image,
                state.image,
            )
            turns = self.walk.stored(
                state.turns,
                place,
                tf.subtract,
                search.gradient,
                state.gradient,
            )
            known = _with_row(state.known, place, tf.constant(True))
            return moves, turns, known, place

        moves, turns, known, newest = tf.cond(
            has_curvature,
            with_pair,
            lambda: (state.moves, state.turns, state.known, state.newest),
        )
        (image, gradient), _ = self.walk.apply(
            lambda image, gradient: ((image, gradient), ()),
            search.image,
            search.gradient,
            into=["iterate", "slope"],
        )
        gain = (state.value - search.value) / tf.maximum(tf.abs(state.value), 1e-30)
        is_stalled = gain < self.tolerance
        return state._replace(
            image=image,
            value=search.value,
            gradient=gradient,
            moves=moves,
            turns=turns,
            known=known,
            newest=newest,
            failures=tf.zeros_like(state.failures),
            stalled=tf.where(is_stalled, state.stalled + 1, tf.zeros_like(state.stalled)),
        )

    def _has_curvature(self, state: LbfgsState, search: Search) -> Scalar:
        """Whether s.y of the new pair is positive beyond rounding, as a boolean tensor."""

        def formula(
            image: Tensor,
            gradient: Tensor,
            new_image: Tensor,
            new_gradient: Tensor,
        ) -> ImagesAndSums:
            move = new_image - image
            turn = new_gradient - gradient
            return (), (
                tf.reduce_sum(move * turn),
                tf.reduce_sum(tf.square(move)),
                tf.reduce_sum(tf.square(turn)),
            )

        _, (product, move_square, turn_square) = self.walk.apply(
            formula,
            state.image,
            state.gradient,
            search.image,
            search.gradient,
        )
        return product > CURVATURE * tf.sqrt(move_square * turn_square)


def pair_weights(state: LbfgsState, products: Products) -> Weights:
    """Compute the weights of the gradient and of all pairs in the inverse-Hessian product.

    The product is that of the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4). The compact form of Byrd,
    Nocedal & Schnabel (Math. Programming 63, 1994, theorem 2.2) needs only two passes over the pairs: one for scalar
    products with all pairs, and one for a weighted sum of all pairs. Between the two, it solves two triangular systems
    of the history's size.

    Args:
        state: State with complete tables; its `cross`, `inner`, `known` and `newest` are used.
        products: Products of the gradient with all pairs.
    """
    history = state.known.shape[0]
    oldest_first = (state.newest + 1 + tf.range(history)) % history
    known = tf.cast(tf.gather(state.known, oldest_first), tf.float64)

    def ordered(values: Tensor) -> Tensor:
        return known * tf.gather(values, oldest_first)

    def ordered_table(table: Tensor) -> Tensor:
        rows = tf.gather(table, oldest_first)
        both_known = known[:, None] * known
        return both_known * tf.gather(rows, oldest_first, axis=1)

    def in_ring_order(column: Tensor) -> Tensor:
        return tf.scatter_nd(oldest_first[:, None], column[:, 0], [history])

    cross = ordered_table(state.cross)
    inner = ordered_table(state.inner)
    with_moves = ordered(products.with_moves)
    with_turns = ordered(products.with_turns)
    scale = _initial_scale(state)
    upper = tf.linalg.band_part(cross, 0, -1) + tf.linalg.diag(1.0 - known)  # R of the theorem
    solved = tf.linalg.triangular_solve(upper, with_moves[:, None], lower=False)
    diagonal = tf.linalg.diag(tf.linalg.diag_part(cross))  # D of the theorem
    middle = tf.matmul(diagonal + scale * inner, solved)
    of_moves = tf.linalg.triangular_solve(
        upper,
        middle - scale * with_turns[:, None],
        lower=False,
        adjoint=True,
    )
    of_turns = -scale * solved
    return Weights(scale, in_ring_order(of_moves), in_ring_order(of_turns))


def _initial_scale(state: LbfgsState) -> Scalar:
    """Return s.y / y.y of the newest pair (Nocedal & Wright 2006, eq. 7.20); 1 if there is no pair."""
    known = state.known[state.newest]
    product = tf.linalg.diag_part(state.cross)[state.newest]
    square = tf.linalg.diag_part(state.inner)[state.newest]
    one = tf.ones_like(square)
    return tf.where(known, product / tf.where(known, square, one), one)


def _start(state: LbfgsState) -> Start:
    return Start(state.image, state.value, state.gradient)


def _with_sums(direction: Tensor, gradient: Tensor) -> ImagesAndSums:
    """Return a search direction with its gradient product, its square and the number of its values."""
    slope = tf.reduce_sum(direction * gradient)
    square = tf.reduce_sum(tf.square(direction))
    count = tf.cast(tf.size(direction), direction.dtype)
    return (direction,), (slope, square, count)


def _dots(ring: Tensor, images: list[Tensor]) -> Tensor:
    """Compute scalar products of all images of a ring buffer (history, N) with images (N,): (history, len(images))."""
    return tf.matmul(ring, tf.stack(images), transpose_b=True)


def _weighted_sum(ring: Tensor, weights: Tensor) -> Tensor:
    """Sum the images of a ring buffer (history, N), weighted by (history,)."""
    return tf.matmul(weights[None], ring)[0]


def _with_row(table: Tensor, place: Scalar, row: Tensor) -> Tensor:
    return tf.tensor_scatter_nd_update(table, tf.reshape(place, [1, 1]), row[None])


def _with_column(table: Tensor, place: Scalar, column: Tensor) -> Tensor:
    return tf.transpose(_with_row(tf.transpose(table), place, column))


def _is_fixed(image: Tensor, gradient: Tensor) -> Tensor:
    """Whether each value is at a bound and would move outside, as a boolean tensor."""
    pulled_below = (image <= 0.0) & (gradient > 0)
    pulled_above = (image >= 1.0) & (gradient < 0)
    return tf.logical_or(pulled_below, pulled_above)


def _projected(image: Tensor, gradient: Tensor) -> Tensor:
    """Return the projected gradient, which is 0 for values that must not move."""
    return tf.where(_is_fixed(image, gradient), tf.zeros_like(gradient), gradient)
