"""The optimizers on images that stay on the host, in memory or mapped from a file, worked through piece by piece.

What they compute is what `Lbfgs` and `Adam` compute on tensors; only the buffers are changed in place, and none is ever
copied as a whole. The objective writes its gradient where it is told to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from styler.optimizers.adam import Adam, AdamState
from styler.optimizers.lbfgs import CURVATURE, FIRST_STEP, LARGEST_STEP, Lbfgs, pair_weights
from styler.optimizers.line_search import SUFFICIENT_DECREASE, TRIALS, shrink
from styler.types import Size

Array: TypeAlias = NDArray[Any]

HostObjective: TypeAlias = Callable[[Array, Array], float]
"""Image (H, W, 3) and where its gradient goes -> value."""

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name of a buffer and its shape -> zeros, in memory or mapped."""

Release: TypeAlias = Callable[[Array], object]
"""Called with a piece that will not be needed for a while, so that a mapped one need not stay in memory."""

PIECE = 1 << 18  # values, 1 MiB in float32: some two dozen of them, rings included, are in memory at a time


class Streamed(Protocol):
    """An optimizer under way."""

    value: float
    steps: int
    evaluations: int

    @property
    def image(self) -> Array:
        """The answer so far, (H, W, 3)."""
        ...

    @property
    def finished(self) -> bool:
        """Whether further steps are of no use."""
        ...

    def step(self, objective: HostObjective) -> None:
        """One step; the first one of L-BFGS only evaluates and does not count."""
        ...


def pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The same values of each array, `PIECE` at a time, as views; the last axis of a ring (history, N) is cut."""
    flat = [array.reshape(-1) if array.ndim == 3 else array for array in arrays]
    for start in range(0, flat[0].shape[-1], PIECE):
        yield tuple(each[..., start : start + PIECE] for each in flat)


@dataclass
class StreamedAdam:
    """`Adam` in place: elementwise, so its step on pieces is its step on the whole.

    Attributes:
        adam: Its constants.
        iterate: Where the next step starts, (H, W, 3).
        allocate: Where buffers come from.
        release: See `Release`.
    """

    adam: Adam
    iterate: Array
    allocate: Allocate
    release: Release = lambda piece: None
    value: float = math.inf
    steps: int = 0
    averaged: int = 0
    evaluations: int = 0
    finished: bool = False
    first: Array = field(init=False)
    second: Array = field(init=False)
    total: Array = field(init=False)
    _gradient: Array = field(init=False)

    def __post_init__(self) -> None:
        """Empty moments."""
        shape = self.iterate.shape
        self.first, self.second, self.total = (self.allocate(name, shape) for name in ("first", "second", "total"))
        self._gradient = self.allocate("gradient", shape)
        self._compiled = tf.function(self._piece, reduce_retracing=True, autograph=False)

    @property
    def image(self) -> Array:
        """The averaged iterate, worked out when asked for; valid until the next step."""
        if not self.averaged:
            return self.iterate
        share = np.float32(1.0 - self.adam.averaging**self.averaged)
        for mean, total in pieces(self._gradient, self.total):  # used up, and written anew by the next evaluation
            np.clip(total / share, 0.0, 1.0, out=mean)
            self.release(mean)
            self.release(total)
        return self._gradient

    def carry(self, state: AdamState) -> None:
        """Take over moments of another octave, (1, H, W, 3) of its size, resized color by color."""
        height, width = self.iterate.shape[:2]
        for color in range(self.iterate.shape[2]):
            planes = [tf.constant(part[..., color : color + 1]) for part in (state.first, state.second)]
            blank = tf.zeros([1, height, width, 1])
            plane = state._replace(image=blank, iterate=blank, first=planes[0], second=planes[1])
            new = self.adam.resample(plane, blank, Size(height, width))
            if new is not None:
                self.first[..., color], self.second[..., color] = new.first[0, ..., 0], new.second[0, ..., 0]
        self.steps, self.evaluations = int(state.steps), int(state.evaluations)

    @property
    def state(self) -> AdamState:
        """What `carry` takes over; arrays, not copies."""
        moments = (self.iterate, self.first, self.second, self.total)
        iterate, first, second, total = (array[None] for array in moments)
        counts = (self.steps, self.averaged, self.evaluations)
        return AdamState(iterate, self.value, iterate, first, second, total, *counts)

    def step(self, objective: HostObjective) -> None:
        """One evaluation and one sweep over the buffers."""
        self.value = objective(self.iterate, self._gradient)
        counts = tf.constant(self.steps), tf.constant(self.averaged)
        buffers = (self.iterate, self.first, self.second, self.total)
        for gradient, *own in pieces(self._gradient, *buffers):
            for buffer, new in zip(own, self._compiled(gradient, *own, *counts), strict=True):
                buffer[...] = new.numpy()
                self.release(buffer)
            self.release(gradient)
        self.steps, self.averaged, self.evaluations = self.steps + 1, self.averaged + 1, self.evaluations + 1

    def _piece(
        self, gradient: Any, iterate: Any, first: Any, second: Any, total: Any, steps: Any, averaged: Any
    ) -> tuple[Any, ...]:
        zero = tf.constant(0.0)
        state = AdamState(iterate, zero, iterate, first, second, total, steps, averaged, tf.constant(0))
        new = self.adam.step(state, lambda _: (zero, gradient))  # type: ignore[arg-type, return-value]
        return new.iterate, new.first, new.second, new.total


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
            self.value = objective(self.image, self._slope)
            self.evaluations += 1
            return
        length = self._aim()
        for _ in range(TRIALS):
            slope = self._move(length)
            value = objective(self._trial, self._gradient)
            self.evaluations += 1
            if slope < 0 and math.isfinite(value) and value <= self.value + SUFFICIENT_DECREASE * slope:
                self._accept(value)
                self.steps += 1
                return
            length *= float(shrink(*(tf.constant(each, tf.float64) for each in (self.value, value, slope))))
        self.known[:] = False
        self.failures += 1
        self.steps += 1

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
        return min(wanted, LARGEST_STEP / typical)

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


def streamed(optimizer: Any, image: Array, allocate: Allocate, release: Release) -> Streamed:
    """The streamed counterpart of an optimizer, starting at an image that it may change.

    Args:
        optimizer: `Lbfgs` or `Adam`.
        image: (H, W, 3), 0..1.
        allocate: Where buffers come from.
        release: See `Release`.
    """
    if isinstance(optimizer, Adam):
        return StreamedAdam(optimizer, image, allocate, release)
    return StreamedLbfgs(optimizer, image, allocate, release)
