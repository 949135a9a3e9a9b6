"""`Lbfgs` on images that stay on the host."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from styler.optimizers.lbfgs import (
    CURVATURE,
    FIRST_STEP,
    LARGEST_STEP,
    Lbfgs,
    LbfgsState,
    pair_weights,
    with_products,
)
from styler.optimizers.line_search import SUFFICIENT_DECREASE, TRIALS, shrink
from styler.optimizers.pieces import Allocate, Array, HostObjective, Release, copy, pieces


@dataclass
class StreamedLbfgs:
    """`Lbfgs` in place, with the products of all pairs of a step taken in one sweep and the direction in another.

    Attributes:
        lbfgs: Its constants.
        image: Iterate, the best one so far, (H, W, 3).
        allocate: Where buffers come from.
        release: See `Release`.
    """

    lbfgs: Lbfgs
    image: Array
    allocate: Allocate
    release: Release = lambda piece: None
    value: float = math.inf
    steps: int = 0
    evaluations: int = 0
    failures: int = 0
    stalled: int = 0
    newest: int = 0
    scale: float = 1.0
    known: Array = field(init=False)
    cross: Array = field(init=False)
    inner: Array = field(init=False)

    def __post_init__(self) -> None:
        """No pairs yet."""
        history, shape = self.lbfgs.history, self.image.shape
        self.known = np.zeros(history, bool)
        self.cross, self.inner = np.zeros((history, history)), np.zeros((history, history))
        names = ("slope", "direction", "trial", "gradient")
        self._slope, self._direction, self._trial, self._gradient = (self.allocate(name, shape) for name in names)
        rings = (self.allocate(name, (history, self.image.size)) for name in ("moves", "turns"))
        self._moves, self._turns = rings

    @property
    def finished(self) -> bool:
        """Two failed searches in a row, or too many stalled steps."""
        return self.failures >= 2 or self.stalled >= self.lbfgs.patience

    def step(self, objective: HostObjective) -> None:
        """One search along the quasi-Newton direction; a failed search forgets the history."""
        if math.isinf(self.value):
            self._begin(objective(self.image, self._slope))
            return
        length = self._aim()
        for _ in range(TRIALS):
            slope = self._move(length)
            value = objective(self._trial, self._gradient)
            self.evaluations += 1
            fell = math.isfinite(value) and value <= self.value + SUFFICIENT_DECREASE * slope
            if slope < 0 and fell and self._is_finite(self._gradient):
                self._accept(value)
                self.steps += 1
                return
            length *= float(shrink(*(tf.constant(each, tf.float64) for each in (self.value, value, slope))))
        self.known[:] = False
        self.failures += 1
        self.steps += 1

    def _begin(self, value: float) -> None:
        self.evaluations += 1
        if math.isfinite(value) and self._is_finite(self._slope):
            self.value = value
        else:
            self.failures += 1

    def _is_finite(self, array: Array) -> bool:
        for (piece,) in pieces(array):
            finite = np.isfinite(piece.sum(dtype=np.float64))
            self.release(piece)
            if not finite:
                return False
        return True

    @property
    def arrays(self) -> dict[str, Array]:
        """See `Streamed`."""
        buffers = {"image": self.image, "slope": self._slope, "moves": self._moves, "turns": self._turns}
        return buffers | {name: getattr(self, name) for name in ("known", "cross", "inner")}

    @property
    def counts(self) -> tuple[float, ...]:
        """See `Streamed`."""
        return self.value, self.scale, self.steps, self.evaluations, self.failures, self.stalled, self.newest

    @counts.setter
    def counts(self, counts: tuple[float, ...]) -> None:
        self.value, self.scale, *whole = counts
        self.steps, self.evaluations, self.failures, self.stalled, self.newest = (int(each) for each in whole)

    def follow(self, state: LbfgsState) -> None:
        """See `Streamed`; of the pairs the newest for which there is room."""
        if math.isinf(float(state.value)):
            return
        state = with_products(state)
        copy(state.gradient[0].numpy(), self._slope, self.release)
        order = (np.arange(len(state.known)) + int(state.newest) + 1) % len(state.known)  # oldest first
        pairs = order[state.known.numpy()[order]][-self.lbfgs.history :]
        for place, pair in enumerate(pairs):
            copy(state.moves[pair].numpy(), self._moves[place], self.release)
            copy(state.turns[pair].numpy(), self._turns[place], self.release)
        count = len(pairs)
        self.known[:count] = True
        self.cross[:count, :count] = state.cross.numpy()[np.ix_(pairs, pairs)]
        self.inner[:count, :count] = state.inner.numpy()[np.ix_(pairs, pairs)]
        numbers = (state.steps, state.evaluations, state.failures, state.stalled, max(count - 1, 0))
        self.counts = (float(state.value), float(state.scale), *(float(each) for each in numbers))

    def keep(self) -> None:
        """Nothing to do: every step descends, so that the image is the best one."""

    def set_back(self, factor: float) -> None:
        """Forget the history."""
        self.scale *= factor
        self.known[:] = False

    def give_up(self, value: float) -> None:
        """Nothing to do, as in `keep`."""

    def _aim(self) -> float:
        """Fill the direction; returns the first trial's length."""
        history = self.lbfgs.history
        by_moves, by_turns = np.zeros(history), np.zeros(history)
        if self.known.any():
            for image, slope, moves, turns in pieces(self.image, self._slope, self._moves, self._turns):
                free = _free(image, slope)
                by_moves += moves @ free
                by_turns += turns @ free
                self._let_go(image, slope, moves, turns)
        scale, *weights = (each.numpy() for each in pair_weights(_View(self), by_moves, by_turns))
        downhill, square = self._combine(float(scale), *(each.astype(np.float32) for each in weights))
        if downhill >= 0:
            nothing = np.zeros(history, np.float32)
            _, square = self._combine(1.0, nothing, nothing)
        typical = math.sqrt(square / self.image.size) + 1e-30
        wanted = self.lbfgs.learning_rate if self.known.any() else FIRST_STEP / typical
        return self.scale * min(wanted, LARGEST_STEP / typical)

    def _combine(self, scale: float, of_moves: Array, of_turns: Array) -> tuple[float, float]:
        """Fill the direction from the pairs; returns its product with the slope and its own square."""
        downhill, square, any_pair = 0.0, 0.0, of_moves.any() or of_turns.any()
        arrays = (self.image, self._slope, self._direction, self._moves, self._turns)
        for image, slope, direction, moves, turns in pieces(*arrays):
            free = _free(image, slope)
            np.multiply(free, np.float32(-scale), out=direction)
            if any_pair:
                direction -= of_moves @ moves + of_turns @ turns
                direction[_held(image, slope)] = 0.0
            downhill, square = downhill + float(direction @ free), square + float(direction @ direction)
            self._let_go(image, slope, direction, moves, turns)
        return downhill, square

    def _move(self, length: float) -> float:
        """Fill the trial; returns what the slope promises of it."""
        promised = 0.0
        arrays = (self.image, self._slope, self._direction, self._trial)
        for image, slope, direction, trial in pieces(*arrays):
            np.clip(image + np.float32(length) * direction, 0.0, 1.0, out=trial)
            promised += float(slope @ (trial - image))
            self._let_go(image, slope, direction, trial)
        return promised

    def _accept(self, value: float) -> None:
        gain = (self.value - value) / max(abs(self.value), 1e-30)
        self.stalled = self.stalled + 1 if gain < self.lbfgs.tolerance else 0
        self.value, self.failures = value, 0
        products = np.zeros(3)
        for image, slope, trial, gradient in pieces(self.image, self._slope, self._trial, self._gradient):
            move, turn = trial - image, gradient - slope
            products += move @ turn, move @ move, turn @ turn
            self._let_go(image, slope, trial, gradient)
        useful = products[0] > CURVATURE * math.sqrt(products[1] * products[2])
        self._keep(useful)

    def _keep(self, pair: bool) -> None:
        """Make the trial the image and, if it gave a useful pair, put that in the ring with its products."""
        place = (self.newest + 1) % self.lbfgs.history
        by_moves, by_turns = np.zeros(self.lbfgs.history), np.zeros((2, self.lbfgs.history))
        arrays = (self.image, self._slope, self._trial, self._gradient, self._moves, self._turns)
        for image, slope, trial, gradient, moves, turns in pieces(*arrays):
            if pair:
                moves[place], turns[place] = trial - image, gradient - slope
                by_moves += moves @ turns[place]
                by_turns += turns @ moves[place], turns @ turns[place]
            image[...], slope[...] = trial, gradient
            self._let_go(image, slope, trial, gradient, moves, turns)
        if pair:
            self.newest, self.known[place] = place, True
            self.cross[place], self.cross[:, place] = by_turns[0], by_moves
            self.inner[place] = self.inner[:, place] = by_turns[1]

    def _let_go(self, *arrays: Array) -> None:
        for array in arrays:
            self.release(array)


class _View:
    """The small tables of a state as tensors, for `pair_weights`."""

    def __init__(self, state: StreamedLbfgs) -> None:
        self.cross, self.inner = tf.constant(state.cross), tf.constant(state.inner)
        self.known, self.newest = tf.constant(state.known), tf.constant(state.newest)


def _held(image: Array, slope: Array) -> Array:
    """Pixels at a bound that are pulled outside."""
    return ((image <= 0.0) & (slope > 0)) | ((image >= 1.0) & (slope < 0))


def _free(image: Array, slope: Array) -> Array:
    """The slope of pixels that may move."""
    return np.where(_held(image, slope), np.float32(0.0), slope)
