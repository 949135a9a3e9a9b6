"""`Adam` on images that stay on the host."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from styler.optimizers.adam import Adam, AdamState
from styler.optimizers.pieces import Allocate, Array, HostObjective, Release, copy, pieces
from styler.types import Size


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
    scale: float = 1.0
    finished: bool = False
    best: Array = field(init=False)
    first: Array = field(init=False)
    second: Array = field(init=False)
    total: Array = field(init=False)
    _gradient: Array = field(init=False)

    def __post_init__(self) -> None:
        """Empty moments."""
        shape = self.iterate.shape
        self.first, self.second, self.total = (self.allocate(name, shape) for name in ("first", "second", "total"))
        self._gradient, self.best = (self.allocate(name, shape) for name in ("gradient", "best"))
        self._compiled = tf.function(self._piece, reduce_retracing=True, autograph=False)

    @property
    def image(self) -> Array:
        """The averaged iterate, worked out when asked for; valid until the next step."""
        if not self.averaged:
            return self.iterate
        self._average(self._gradient)  # used up, and written anew by the next evaluation
        return self._gradient

    def _average(self, into: Array) -> None:
        share = np.float32(1.0 - self.adam.averaging**self.averaged) if self.averaged else np.float32(1.0)
        for mean, total in pieces(into, self.total if self.averaged else self.iterate):
            np.clip(total / share, 0.0, 1.0, out=mean)
            self.release(mean)
            self.release(total)

    @property
    def arrays(self) -> dict[str, Array]:
        """See `Streamed`."""
        return {name: getattr(self, name) for name in ("iterate", "first", "second", "total", "best")}

    @property
    def counts(self) -> tuple[float, ...]:
        """See `Streamed`."""
        return self.value, self.steps, self.averaged, self.evaluations, self.scale

    @counts.setter
    def counts(self, counts: tuple[float, ...]) -> None:
        self.value, steps, averaged, evaluations, self.scale = counts
        self.steps, self.averaged, self.evaluations = int(steps), int(averaged), int(evaluations)

    def keep(self) -> None:
        """The average as it stands before the step, which is what goes with the value."""
        self._average(self.best)

    def set_back(self, factor: float) -> None:
        """See `Streamed`."""
        self._return()
        self.scale *= factor
        self.steps = self.averaged = 0

    def give_up(self, value: float) -> None:
        """See `Streamed`."""
        self._return()
        self.value, self.averaged, self.finished = value, 0, True

    def _return(self) -> None:
        buffers = (self.best, self.iterate, self.first, self.second, self.total)
        for best, iterate, *moments in pieces(*buffers):
            iterate[...] = best
            for each in moments:
                each[...] = 0.0
            for each in (best, iterate, *moments):
                self.release(each)

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

    def follow(self, state: AdamState) -> None:
        """See `Streamed`."""
        for name in ("iterate", "first", "second", "total"):
            copy(getattr(state, name)[0].numpy(), getattr(self, name), self.release)
        numbers = (state.value, state.steps, state.averaged, state.evaluations, state.scale)
        self.counts = tuple(float(each) for each in numbers)

    @property
    def state(self) -> AdamState:
        """What `carry` takes over; arrays, not copies."""
        moments = (self.iterate, self.first, self.second, self.total)
        iterate, first, second, total = (array[None] for array in moments)
        counts = (self.steps, self.averaged, self.evaluations, self.scale)
        return AdamState(iterate, self.value, iterate, first, second, total, *counts)

    def step(self, objective: HostObjective) -> None:
        """One evaluation and one sweep over the buffers."""
        self.value = objective(self.iterate, self._gradient)
        counts = tf.constant(self.steps), tf.constant(self.averaged), tf.constant(self.scale)
        buffers = (self.iterate, self.first, self.second, self.total)
        for gradient, *own in pieces(self._gradient, *buffers):
            for buffer, new in zip(own, self._compiled(gradient, *own, *counts), strict=True):
                buffer[...] = new.numpy()
                self.release(buffer)
            self.release(gradient)
        self.steps, self.averaged, self.evaluations = self.steps + 1, self.averaged + 1, self.evaluations + 1

    def _piece(
        self,
        gradient: Any,
        iterate: Any,
        first: Any,
        second: Any,
        total: Any,
        steps: Any,
        averaged: Any,
        scale: Any,
    ) -> tuple[Any, ...]:
        zero = tf.constant(0.0)
        state = AdamState(iterate, zero, iterate, first, second, total, steps, averaged, tf.constant(0), scale)
        new = self.adam.step(state, lambda _: (zero, gradient))  # type: ignore[arg-type, return-value]
        return new.iterate, new.first, new.second, new.total
