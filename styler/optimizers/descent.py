"""An optimizer under way, and a watch over it: set back to the best image when it goes astray, given up in the end."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import tensorflow as tf

from styler.optimizers.base import AnyOptimizer, step
from styler.types import Scalar, Tensor, ValueAndGradient

FAR_ABOVE = 2.0  # times the octave's lowest loss; Adam's overshoots stay below it at its own learning rate
TOO_LONG = 5  # steps in a row so far above: an overshoot of momentum is over by then
SMALLER = 0.25  # factor of the step after a setback
MOST_SETBACKS = 4  # of an octave; the step is then 1/256 of the first, and smaller ones no longer change 8 bits


class Watch(NamedTuple):
    """What is remembered of an octave beside the optimizer's own state; tensors, so that it lives inside the graph.

    Attributes:
        best: The lowest loss so far, infinite if nothing was evaluated yet.
        above: Steps in a row whose loss was more than `FAR_ABOVE` times the lowest.
        broken: Whether the loss was not finite.
        setbacks: How often the optimizer was set back.
    """

    best: Scalar
    above: Scalar
    broken: Scalar
    setbacks: Scalar


class Descent(NamedTuple):
    """All that is needed to go on with an octave, but for the count of its steps.

    Attributes:
        state: The optimizer's.
        watch: Over it.
    """

    state: Any
    watch: Watch


def begun(state: Any) -> Descent:
    """At the start of an octave."""
    unknown = tf.constant(math.inf, state.value.dtype)
    return Descent(state, Watch(unknown, tf.constant(0), tf.constant(False), tf.constant(0)))


def renewed(optimizer: AnyOptimizer, descent: Descent) -> Descent:
    """From the same image on under another objective: values and gradients of the old one are forgotten."""
    fresh = begun(optimizer.set_back(descent.state, 1.0))
    return fresh._replace(watch=fresh.watch._replace(setbacks=descent.watch.setbacks))


def stepped(optimizer: AnyOptimizer, descent: Descent, objective: ValueAndGradient) -> Descent:
    """After one step."""
    state = step(optimizer, descent.state, objective)
    return Descent(state, watched(descent.watch, state.value))


def watched(watch: Watch, value: Scalar) -> Watch:
    """After a step that came to this loss."""
    far = value > FAR_ABOVE * watch.best
    return watch._replace(
        best=tf.where(value < watch.best, value, watch.best),
        above=tf.where(far, watch.above + 1, 0),
        broken=tf.logical_not(tf.math.is_finite(value)),
    )


def is_diverging(watch: Watch) -> Scalar:
    """Whether the optimizer must be set back."""
    return tf.logical_or(watch.broken, watch.above >= TOO_LONG)


def is_over(optimizer: AnyOptimizer, descent: Descent) -> Scalar:
    """Whether no further step should be made before the descent was judged."""
    return tf.logical_or(optimizer.terminate(descent.state), is_diverging(descent.watch))


def judged(optimizer: AnyOptimizer, descent: Descent) -> tuple[Descent, str]:
    """Where to go on from, and why to end if so: "converged", "line search" or "diverged"; outside of a graph."""
    state, watch = descent
    if not bool(is_diverging(watch)):
        return descent, optimizer.ended_by(state) if bool(optimizer.terminate(state)) else ""
    if int(watch.setbacks) >= MOST_SETBACKS:
        return Descent(optimizer.given_up(state, watch.best), watch), "diverged"
    setback = watch._replace(above=tf.constant(0), broken=tf.constant(False), setbacks=watch.setbacks + 1)
    return Descent(optimizer.set_back(state, SMALLER), setback), ""


def tensors(descent: Descent) -> dict[str, Tensor]:
    """Every tensor of a descent by name, "state.<field>" and "watch.<field>"."""
    parts = {"state": descent.state, "watch": descent.watch}
    return {f"{part}.{name}": tensor for part, fields in parts.items() for name, tensor in fields._asdict().items()}
