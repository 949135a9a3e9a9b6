"""Adam (Kingma & Ba, ICLR 2015) within a box, with averaged iterates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.optimizers.walk import WHOLE, Array, ImagesAndSums, Walk
from styler.types import Evaluation, Scalar, Size, Tensor


class AdamState(NamedTuple):
    """State between two steps.

    Attributes:
        iterate: Start of the next step.
        value: Objective at the previous iterate; infinite if nothing has been evaluated yet.
        first: Moving average of gradients.
        second: Moving average of squared gradients.
        total: Moving average of iterates without bias correction; the answer is computed from it.
        best: The answer at the step with the lowest value: a smoothed version of that step's iterate.
        lowest: Lowest value so far; infinite if nothing has been evaluated yet.
        steps: Steps since the moments were last reset.
        averaged: Steps since the average of iterates was last reset.
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


class AdamTrial(NamedTuple):
    """The only evaluation of a step, before or after it is made.

    Attributes:
        image: Image to evaluate.
        value: Objective there; not yet known before the evaluation.
        gradient: Gradient there; not yet known before the evaluation.
        over: Whether the evaluation has been made.
    """

    image: Tensor
    value: Scalar
    gradient: Tensor
    over: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam with bias correction, clipping to 0..1 and an exponential moving average of the iterates.

    Attributes:
        learning_rate: Step size, in units of the 0..1 range.
        first_decay: Decay of the moving average of gradients, beta_1 of the paper.
        second_decay: Decay of the moving average of squared gradients, beta_2 of the paper.
        averaging: Decay of the moving average of iterates, bias-corrected; 0 gives the last iterate.
        epsilon: Added to the root of the second moment.
        walk: Applies formulas to images.
    """

    # The constants of crowsonkb's style-transfer-pytorch, whose pictures are especially clean.
    learning_rate: float = 0.02
    first_decay: float = 0.9
    second_decay: float = 0.99
    averaging: float = 0.99
    epsilon: float = 1e-8
    walk: Walk = WHOLE
    history: ClassVar[int] = 0
    buffers: ClassVar[Mapping[str, str]] = {
        "iterate": "iterate",
        "first": "first",
        "second": "second",
        "total": "total",
        "best": "best",
    }

    def on_host(
        self,
        walk: Walk,
        steps: int,
        history: int | None,
    ) -> Adam:
        """See `Optimizer`."""
        return replace(self, walk=walk)

    def like(self, arrays: Mapping[str, Array]) -> Adam:
        """See `Optimizer`."""
        return self

    def adopted(self, state: AdamState) -> AdamState:
        """See `Optimizer`."""
        return state

    def init(self, image: Tensor) -> AdamState:
        """Return a state with empty moments, in which nothing has been evaluated yet."""
        zero = tf.constant(0)
        unknown = tf.constant(math.inf, image.dtype)
        first = self.walk.zeros("first", image)
        second = self.walk.zeros("second", image)
        total = self.walk.zeros("total", image)
        (best,), _ = self.walk.apply(_copy, image, into=["best"])
        return AdamState(
            iterate=image,
            value=unknown,
            first=first,
            second=second,
            total=total,
            best=best,
            lowest=unknown,
            steps=zero,
            averaged=zero,
            evaluations=zero,
            scale=tf.constant(1.0, image.dtype),
        )

    def begin(self, state: AdamState) -> tuple[AdamState, AdamTrial]:
        """Return the state unchanged, and a trial at its iterate."""
        trial = AdamTrial(
            image=state.iterate,
            value=state.value,
            gradient=state.iterate,
            over=tf.constant(False),
        )
        return state, trial

    def judge(
        self,
        state: AdamState,
        trial: AdamTrial,
        evaluation: Evaluation,
    ) -> AdamTrial:
        """Return the trial with its evaluation, the only one that a step needs."""
        return AdamTrial(
            image=trial.image,
            value=evaluation.value,
            gradient=evaluation.gradient,
            over=tf.constant(True),
        )

    def finish(self, state: AdamState, trial: AdamTrial) -> AdamState:
        """Return the state after a move against the gradient."""
        steps = state.steps + 1
        is_lowest = trial.value < state.lowest

        def moved(
            gradient: Tensor,
            iterate: Tensor,
            first: Tensor,
            second: Tensor,
            total: Tensor,
            best: Tensor,
        ) -> ImagesAndSums:
            best = tf.where(is_lowest, self._average(iterate, total, state.averaged), best)
            first = _moving_average(first, gradient, self.first_decay)
            second = _moving_average(second, tf.square(gradient), self.second_decay)
            corrected_second = second / _bias_correction(self.second_decay, steps, second)
            corrected_first = first / _bias_correction(self.first_decay, steps, first)
            direction = corrected_first / (tf.sqrt(corrected_second) + self.epsilon)
            iterate = iterate - self.learning_rate * state.scale * direction
            iterate = tf.clip_by_value(iterate, 0.0, 1.0)
            total = _moving_average(total, iterate, self.averaging)
            return (iterate, first, second, total, best), ()

        (iterate, first, second, total, best), _ = self.walk.apply(
            moved,
            trial.gradient,
            state.iterate,
            state.first,
            state.second,
            state.total,
            state.best,
            into=["iterate", "first", "second", "total", "best"],
        )
        return AdamState(
            iterate=iterate,
            value=trial.value,
            first=first,
            second=second,
            total=total,
            best=best,
            lowest=tf.where(is_lowest, trial.value, state.lowest),
            steps=steps,
            averaged=state.averaged + 1,
            evaluations=state.evaluations + 1,
            scale=state.scale,
        )

    def answer(self, state: AdamState) -> Tensor:
        """Return the average of the iterates."""

        def average(iterate: Tensor, total: Tensor) -> ImagesAndSums:
            return (self._average(iterate, total, state.averaged),), ()

        (image,), _ = self.walk.apply(
            average,
            state.iterate,
            state.total,
            into=["gradient"],  # no longer needed; the next evaluation overwrites it
        )
        return image

    def _average(
        self,
        iterate: Tensor,
        total: Tensor,
        count: Scalar,
    ) -> Tensor:
        """Return the bias-corrected average of `count` iterates, or the iterate itself before the first step."""
        mean = total / _bias_correction(self.averaging, tf.maximum(count, 1), total)
        return tf.where(count > 0, tf.clip_by_value(mean, 0.0, 1.0), iterate)

    def terminate(self, state: AdamState) -> Scalar:
        """Return false, because a noisy value says nothing about the average."""
        return tf.constant(False)

    def ended_by(self, state: AdamState) -> str:
        """See `Optimizer`; never called, because `terminate` is never true."""
        return "converged"

    def set_back(self, state: AdamState, factor: float) -> AdamState:
        """Restart at the best image with empty moments."""
        (iterate,), _ = self.walk.apply(_copy, state.best, into=["iterate"])
        fresh = self.init(iterate)
        return fresh._replace(
            lowest=state.lowest,
            evaluations=state.evaluations,
            scale=factor * state.scale,
        )

    def given_up(self, state: AdamState, value: Scalar) -> AdamState:
        """See `Optimizer`."""
        return self.set_back(state, 1.0)._replace(value=value)

    def resample(self, state: AdamState, image: Tensor) -> AdamState:
        """Resize the moments to the next octave, and empty the average."""
        size = Size(*image.shape[1:3])
        fresh = self.init(image)
        first = self.walk.resized("first", state.first, size, "bicubic")
        second = self.walk.resized("second", state.second, size, "bilinear")
        (second,), _ = self.walk.apply(_clip_negative, second, into=["second"])
        return fresh._replace(
            first=first,
            second=second,
            steps=state.steps,
            evaluations=state.evaluations,
            scale=state.scale,
        )


def _copy(piece: Tensor) -> ImagesAndSums:
    return (piece,), ()


def _clip_negative(piece: Tensor) -> ImagesAndSums:
    return (tf.nn.relu(piece),), ()


def _moving_average(mean: Tensor, value: Tensor, decay: float) -> Tensor:
    return mean * decay + value * (1.0 - decay)


def _bias_correction(decay: float, count: Scalar, like: Tensor) -> Scalar:
    """Return the sum of the weights of an exponential moving average after `count` terms, in the dtype of `like`."""
    base = tf.constant(decay, like.dtype)
    return 1.0 - base ** tf.cast(count, like.dtype)
