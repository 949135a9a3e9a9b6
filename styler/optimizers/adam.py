"""Adam (Kingma & Ba, ICLR 2015) within a box, with averaged iterates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from styler.optimizers.walk import WHOLE, Walk
from styler.types import Evaluation, Scalar, Size, Tensor


class AdamState(NamedTuple):
    """State between two steps.

    Attributes:
        iterate: Where the next step starts.
        value: Objective at the iterate before; infinite if nothing was evaluated yet.
        first: Running mean of gradients.
        second: Running mean of squared gradients.
        total: Running sum of iterates that the answer is made from.
        best: The average as it stood at the lowest value, a smoothed version of the iterate that had it.
        lowest: That value; infinite if nothing was evaluated yet.
        steps: Steps since the moments were last empty.
        averaged: Steps since the average was last empty.
        evaluations: Evaluations so far.
        scale: Factor of the learning rate.
    """

    iterate: Tensor
    value: Scalar
    first: Tensor
    second: Tensor
    total: Tensor
    best: Tensor
    lowest: Scalar
    steps: Scalar
    averaged: Scalar
    evaluations: Scalar
    scale: Scalar = 1.0


class Look(NamedTuple):
    """One evaluation, before and after it.

    Attributes:
        image: Where.
        value: Objective there, once it is known.
        gradient: Likewise.
        over: Whether they are known.
    """

    image: Tensor
    value: Scalar
    gradient: Tensor
    over: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam with bias correction, clipping to 0..1 and an exponential average of the iterates.

    Attributes:
        learning_rate: Step size, in units of the 0..1 range.
        first_decay: Of the running mean of gradients.
        second_decay: Of the running mean of squared gradients.
        averaging: Decay of the average of iterates, bias-corrected; 0 gives the last iterate.
        epsilon: Added to the root of the second moment.
        walk: Through images.
    """

    # The constants of crowsonkb's style-transfer-pytorch, which draws the cleanest pictures of the field.
    learning_rate: float = 0.02
    first_decay: float = 0.9
    second_decay: float = 0.99
    averaging: float = 0.99
    epsilon: float = 1e-8
    walk: Walk = WHOLE
    history: ClassVar[int] = 0
    buffers: ClassVar[Mapping[str, str]] = {name: name for name in ("iterate", "first", "second", "total", "best")}

    def on_host(self, walk: Walk, steps: int, history: int | None) -> Adam:
        """See `Optimizer`."""
        return replace(self, walk=walk)

    def like(self, arrays: Mapping[str, Any]) -> Adam:
        """See `Optimizer`."""
        return self

    def adopted(self, state: AdamState) -> AdamState:
        """See `Optimizer`."""
        return state

    def init(self, image: Tensor) -> AdamState:
        """Empty moments, nothing evaluated yet."""
        zero, unknown = tf.constant(0), tf.constant(math.inf, image.dtype)
        first, second, total = (self.walk.zeros(name, image) for name in ("first", "second", "total"))
        (best,), _ = self.walk.apply(lambda piece: ((piece,), ()), image, into=["best"])
        one = tf.constant(1.0, image.dtype)
        return AdamState(image, unknown, first, second, total, best, unknown, zero, zero, zero, one)

    def begin(self, state: AdamState) -> tuple[AdamState, Look]:
        """The state as it is, and its iterate to be looked at."""
        return state, Look(state.iterate, state.value, state.iterate, tf.constant(False))

    def judge(self, state: AdamState, trial: Look, evaluation: Evaluation) -> Look:
        """One evaluation is all that a step needs."""
        return Look(trial.image, *evaluation, tf.constant(True))

    def finish(self, state: AdamState, trial: Look) -> AdamState:
        """The state moved against the gradient."""
        steps, lower = state.steps + 1, trial.value < state.lowest

        def moved(gradient: Tensor, *pieces: Tensor) -> tuple[tuple[Tensor, ...], tuple[()]]:
            iterate, first, second, total, best = pieces
            best = tf.where(lower, self._average(iterate, total, state.averaged), best)
            first = _toward(first, gradient, self.first_decay)
            second = _toward(second, tf.square(gradient), self.second_decay)
            spread = tf.sqrt(second / _mass(self.second_decay, steps, second)) + self.epsilon
            move = first / _mass(self.first_decay, steps, first) / spread
            iterate = tf.clip_by_value(iterate - self.learning_rate * state.scale * move, 0.0, 1.0)
            return (iterate, first, second, _toward(total, iterate, self.averaging), best), ()

        names = tuple(self.buffers)
        new, _ = self.walk.apply(moved, trial.gradient, *(getattr(state, name) for name in names), into=names)
        return state._replace(
            **dict(zip(names, new, strict=True)),
            value=trial.value,
            lowest=tf.where(lower, trial.value, state.lowest),
            steps=steps,
            averaged=state.averaged + 1,
            evaluations=state.evaluations + 1,
        )

    def answer(self, state: AdamState) -> Tensor:
        """The average of the iterates."""
        (image,), _ = self.walk.apply(
            lambda iterate, total: ((self._average(iterate, total, state.averaged),), ()),
            state.iterate,
            state.total,
            into=["gradient"],  # used up, and written anew by the next evaluation
        )
        return image

    def _average(self, iterate: Tensor, total: Tensor, count: Scalar) -> Tensor:
        """The iterate itself as long as no step was made."""
        mean = total / _mass(self.averaging, tf.maximum(count, 1), total)
        return tf.where(count > 0, tf.clip_by_value(mean, 0.0, 1.0), iterate)

    def terminate(self, state: AdamState) -> Scalar:
        """Never: a noisy value says nothing about the average."""
        return tf.constant(False)

    def ended_by(self, state: AdamState) -> str:
        """It never ends by itself."""
        return "converged"

    def set_back(self, state: AdamState, factor: float) -> AdamState:
        """At the best image with empty moments."""
        (iterate,), _ = self.walk.apply(lambda best: ((best,), ()), state.best, into=["iterate"])
        return self.init(iterate)._replace(
            scale=factor * state.scale, evaluations=state.evaluations, lowest=state.lowest
        )

    def given_up(self, state: AdamState, value: Scalar) -> AdamState:
        """The best image as the answer."""
        return self.set_back(state, 1.0)._replace(value=value)

    def resample(self, state: AdamState, image: Tensor) -> AdamState:
        """Moments resized to the image of the next octave, the average begun anew."""
        size, fresh = Size(*image.shape[1:3]), self.init(image)
        first = self.walk.resized("first", state.first, size, "bicubic")
        resized = self.walk.resized("second", state.second, size, "bilinear")
        (second,), _ = self.walk.apply(lambda piece: ((tf.nn.relu(piece),), ()), resized, into=["second"])
        return fresh._replace(
            first=first, second=second, steps=state.steps, evaluations=state.evaluations, scale=state.scale
        )


def _toward(mean: Tensor, value: Tensor, decay: float) -> Tensor:
    return mean * decay + value * (1.0 - decay)


def _mass(decay: float, count: Scalar, like: Tensor) -> Scalar:
    """Sum of the weights of an exponential mean after `count` terms."""
    return 1.0 - tf.constant(decay, like.dtype) ** tf.cast(count, like.dtype)
