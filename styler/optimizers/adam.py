"""Adam (Kingma & Ba, ICLR 2015) within a box, with averaged iterates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from styler.types import Evaluation, Scalar, Size, Tensor, ValueAndGradient


class AdamState(NamedTuple):
    """State between two steps.

    Attributes:
        image: Averaged iterate, the answer.
        value: Objective at the last iterate.
        iterate: Where the next step starts.
        first: Running mean of gradients.
        second: Running mean of squared gradients.
        total: Running sum of iterates that `image` is made from.
        steps: Steps since the moments were last empty.
        averaged: Steps since the average was last empty.
        evaluations: Evaluations so far.
        scale: Factor of the learning rate.
    """

    image: Tensor
    value: Scalar
    iterate: Tensor
    first: Tensor
    second: Tensor
    total: Tensor
    steps: Scalar
    averaged: Scalar
    evaluations: Scalar
    scale: Scalar = 1.0


class Glance(NamedTuple):
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
    """

    # The constants of crowsonkb's style-transfer-pytorch, which draws the cleanest pictures of the field.
    learning_rate: float = 0.02
    first_decay: float = 0.9
    second_decay: float = 0.99
    averaging: float = 0.99
    epsilon: float = 1e-8

    def init(self, image: Tensor) -> AdamState:
        """Empty moments, nothing evaluated yet."""
        empty, zero = tf.zeros_like(image), tf.constant(0)
        value = tf.constant(math.inf, image.dtype)
        return AdamState(image, value, image, empty, empty, empty, zero, zero, zero, tf.constant(1.0, image.dtype))

    def step(self, state: AdamState, objective: ValueAndGradient) -> AdamState:
        """One gradient step and one update of the average."""
        state, glance = self.begin(state)
        return self.finish(state, self.judge(state, glance, objective(glance.image)))

    def begin(self, state: AdamState) -> tuple[AdamState, Glance]:
        """The state as it is, and its iterate to be looked at."""
        return state, Glance(state.iterate, state.value, tf.zeros_like(state.iterate), tf.constant(False))

    def judge(self, state: AdamState, trial: Glance, evaluation: Evaluation) -> Glance:
        """One evaluation is all that a step needs."""
        return Glance(trial.image, *evaluation, tf.constant(True))

    def finish(self, state: AdamState, trial: Glance) -> AdamState:
        """The state moved against the gradient."""
        gradient = trial.gradient
        first = _toward(state.first, gradient, self.first_decay)
        second = _toward(state.second, tf.square(gradient), self.second_decay)
        steps, averaged = state.steps + 1, state.averaged + 1
        scale = tf.sqrt(second / _mass(self.second_decay, steps, second)) + self.epsilon
        move = first / _mass(self.first_decay, steps, first) / scale
        iterate = tf.clip_by_value(state.iterate - self.learning_rate * state.scale * move, 0.0, 1.0)
        total = _toward(state.total, iterate, self.averaging)
        image = total / _mass(self.averaging, averaged, total)
        evaluations = state.evaluations + 1
        return AdamState(image, trial.value, iterate, first, second, total, steps, averaged, evaluations, state.scale)

    def terminate(self, state: AdamState) -> Scalar:
        """Never: a noisy value says nothing about the average."""
        return tf.constant(False)

    def measured(self, before: AdamState, after: AdamState) -> Tensor:
        """The average as it stood when the iterate was evaluated: a smoothed version of it."""
        return before.image

    def ended_by(self, state: AdamState) -> str:
        """It never ends by itself."""
        return "converged"

    def resample(self, state: AdamState, image: Tensor, size: Size) -> AdamState | None:
        """Moments resized to the next octave, the average begun anew from `image`."""
        first = tf.image.resize(state.first, size, "bicubic")
        second = tf.nn.relu(tf.image.resize(state.second, size, "bilinear"))
        zero = tf.constant(0)
        return state._replace(
            image=image, iterate=image, first=first, second=second, total=tf.zeros_like(image), averaged=zero
        )


def _toward(mean: Tensor, value: Tensor, decay: float) -> Tensor:
    return mean * decay + value * (1.0 - decay)


def _mass(decay: float, count: Scalar, like: Tensor) -> Scalar:
    """Sum of the weights of an exponential mean after `count` terms."""
    return 1.0 - tf.constant(decay, like.dtype) ** tf.cast(count, like.dtype)
