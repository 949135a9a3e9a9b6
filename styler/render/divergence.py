"""An optimizer that goes astray: noticed step by step, set back to the best image, given up after a few times."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf

from styler.optimizers.base import Optimizer, State
from styler.types import Scalar, Tensor

FAR_ABOVE = 2.0  # times the octave's lowest loss; Adam's overshoots stay below it at its own learning rate
TOO_LONG = 5  # steps in a row so far above: an overshoot of momentum is over by then
SMALLER = 0.25  # factor of the step after a setback
MOST_SETBACKS = 4  # of an octave; the step is then 1/256 of the first, and smaller ones no longer change 8 bits


class Watch(NamedTuple):
    """What is remembered of an octave beside the optimizer's own state; tensors, so that it lives inside the graph.

    Attributes:
        image: The best image so far, or where the octave began if nothing was evaluated yet.
        best: The lowest loss so far, infinite if nothing was evaluated yet.
        above: Steps in a row whose loss was more than `FAR_ABOVE` times the lowest.
        broken: Whether a loss or an image was not finite.
        setbacks: How often the optimizer was set back.
    """

    image: Tensor
    best: Scalar
    above: Scalar
    broken: Scalar
    setbacks: Scalar


def watching(image: Tensor) -> Watch:
    """At the start of an octave."""
    return Watch(image, tf.constant(math.inf, image.dtype), tf.constant(0), tf.constant(False), tf.constant(0))


def watched(watch: Watch, before: State, after: State, optimizer: Optimizer) -> Watch:
    """After one step."""
    better = after.value < watch.best
    measured = optimizer.measured(before, after)
    far = after.value > FAR_ABOVE * watch.best
    finite = tf.math.is_finite(after.value) & tf.math.is_finite(tf.reduce_sum(after.image))
    return watch._replace(
        image=tf.cond(better, lambda: measured, lambda: watch.image),
        best=tf.where(better, after.value, watch.best),
        above=tf.where(far, watch.above + 1, 0),
        broken=tf.logical_not(finite),
    )


def astray(watch: Watch) -> Scalar:
    """Whether the optimizer must be set back."""
    return tf.logical_or(watch.broken, watch.above >= TOO_LONG)


def hopeless(watch: Watch) -> bool:
    """Whether it has been set back often enough."""
    return int(watch.setbacks) >= MOST_SETBACKS


def set_back(state: State, watch: Watch, optimizer: Optimizer) -> tuple[State, Watch]:
    """The best image again, with smaller steps and nothing remembered of the gradients that led astray."""
    fresh = optimizer.init(watch.image)
    state = fresh._replace(scale=SMALLER * state.scale, evaluations=state.evaluations)
    return state, watch._replace(above=tf.constant(0), broken=tf.constant(False), setbacks=watch.setbacks + 1)


def given_up(state: State, watch: Watch) -> State:
    """The state with the best image as its answer."""
    return state._replace(image=watch.image, value=watch.best)
