"""Watches an optimizer: if it diverges, it is set back to its best image; after too many setbacks, it is given up."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf

from styler.optimizers.base import AnyOptimizer, State, step
from styler.types import Scalar, Tensor, ValueAndGradient

FAR_ABOVE = 2.0  # times the octave's lowest loss; Adam's overshoots stay below it at the default learning rate
TOO_LONG = 5  # steps in a row with such a loss; an overshoot due to momentum is over by then
SMALLER = 0.25  # factor of the step after a setback
MOST_SETBACKS = 4  # per octave; the step is then 1/256 of the first, and smaller steps do not change 8-bit values


class Watch(NamedTuple):
    """Record of an octave's losses, as tensors, so that it can be part of a graph.

    Attributes:
        best: Lowest loss so far; infinite if nothing has been evaluated yet.
        above: Number of steps in a row whose loss was more than `FAR_ABOVE` times the lowest.
        broken: Whether the last loss was not finite.
        setbacks: How often the optimizer has been set back.
    """

    best: Scalar
    above: Scalar
    broken: Scalar
    setbacks: Scalar


class Descent(NamedTuple):
    """Everything that is needed to continue an octave, except its step count.

    Attributes:
        state: State of the optimizer.
        watch: Record of the losses.
    """

    state: State
    watch: Watch


def begun(state: State) -> Descent:
    """Return a descent at the start of an octave."""
    watch = Watch(
        best=tf.constant(math.inf, state.value.dtype),
        above=tf.constant(0),
        broken=tf.constant(False),
        setbacks=tf.constant(0),
    )
    return Descent(state, watch)


def renewed(optimizer: AnyOptimizer, descent: Descent) -> Descent:
    """Continue from the same image under another objective, without the values and gradients of the old one."""
    fresh = begun(optimizer.set_back(descent.state, 1.0))
    watch = fresh.watch._replace(setbacks=descent.watch.setbacks)
    return fresh._replace(watch=watch)


def stepped(optimizer: AnyOptimizer, descent: Descent, objective: ValueAndGradient) -> Descent:
    """Return the descent after one step."""
    state = step(optimizer, descent.state, objective)
    return Descent(state, watched(descent.watch, state.value))


def watched(watch: Watch, value: Scalar) -> Watch:
    """Return the record after a step that ended with loss `value`."""
    is_far_above = value > FAR_ABOVE * watch.best
    return watch._replace(
        best=tf.where(value < watch.best, value, watch.best),
        above=tf.where(is_far_above, watch.above + 1, 0),
        broken=tf.logical_not(tf.math.is_finite(value)),
    )


def is_diverging(watch: Watch) -> Scalar:
    """Whether the optimizer must be set back, as a boolean tensor."""
    return tf.logical_or(watch.broken, watch.above >= TOO_LONG)


def is_over(optimizer: AnyOptimizer, descent: Descent) -> Scalar:
    """Whether `judged` must be called before the next step, as a boolean tensor."""
    return tf.logical_or(
        optimizer.terminate(descent.state),
        is_diverging(descent.watch),
    )


def judged(optimizer: AnyOptimizer, descent: Descent) -> tuple[Descent, str]:
    """Set the optimizer back or give it up if it diverges. Call this outside a graph.

    Returns:
        The descent to continue from, and why the octave ends: "converged", "line search" or "diverged"; empty if it
        continues.
    """
    state, watch = descent
    if not bool(is_diverging(watch)):
        terminates = bool(optimizer.terminate(state))
        return descent, optimizer.ended_by(state) if terminates else ""
    if int(watch.setbacks) >= MOST_SETBACKS:
        return Descent(optimizer.given_up(state, watch.best), watch), "diverged"
    after_setback = watch._replace(
        above=tf.constant(0),
        broken=tf.constant(False),
        setbacks=watch.setbacks + 1,
    )
    return Descent(optimizer.set_back(state, SMALLER), after_setback), ""


def tensors(descent: Descent) -> dict[str, Tensor]:
    """Return every tensor of a descent by name, "state.<field>" or "watch.<field>"."""
    state = {f"state.{name}": tensor for name, tensor in descent.state._asdict().items()}
    watch = {f"watch.{name}": tensor for name, tensor in descent.watch._asdict().items()}
    return state | watch
