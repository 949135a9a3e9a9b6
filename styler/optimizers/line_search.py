"""Backtracking line search within a box; with a quasi-Newton direction, a step needs about one evaluation."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from styler.optimizers.walk import ImagesAndSums, Walk
from styler.types import Evaluation, Scalar, Tensor

SUFFICIENT_DECREASE = 1e-4  # Nocedal & Wright 2006, section 3.1
TRIALS = 6  # the last trial is at most 2^-5 of the first
LEAST_SHRINK = 0.5  # safeguards of the interpolated step, Nocedal & Wright 2006, section 3.5
MOST_SHRINK = 0.1


class Search(NamedTuple):
    """A line search, in progress or finished.

    Attributes:
        accepted: Whether `image` is the new iterate.
        image: Image to evaluate next, or the last one that was evaluated.
        slope: Change of the objective up to `image`, as the gradient at the start predicts it.
        value: Objective of the last trial.
        gradient: Gradient of the last trial.
        evaluations: Trials so far.
        length: Step length at `image`.
        direction: Search direction, of the image's shape.
        over: Whether the search has ended, with or without success.
    """

    accepted: Scalar
    image: Tensor
    slope: Scalar
    value: Scalar
    gradient: Tensor
    evaluations: Scalar
    length: Scalar
    direction: Tensor
    over: Scalar


class Start(NamedTuple):
    """Start of a line search.

    Attributes:
        image: Iterate, values in 0..1.
        value: Objective there; infinite if it is unknown.
        gradient: Gradient there.
    """

    image: Tensor
    value: Scalar
    gradient: Tensor


def search_along(
    walk: Walk,
    start: Start,
    direction: Tensor,
    length: Scalar,
) -> Search:
    """Start a line search; its first trial has not been evaluated yet.

    Args:
        walk: Applies formulas to images.
        start: Start of the search.
        direction: Search direction, of the image's shape.
        length: First step length.
    """
    image, slope = _projected_step(walk, start, direction, length)
    return Search(
        accepted=tf.constant(False),
        image=image,
        slope=slope,
        value=start.value,
        gradient=start.gradient,
        evaluations=tf.constant(0),
        length=length,
        direction=direction,
        over=tf.constant(False),
    )


def judged(
    walk: Walk,
    search: Search,
    trial: Evaluation,
    start: Start,
) -> Search:
    """Return the line search after the evaluation of its image.

    A trial is accepted if it satisfies Armijo's condition along the projected path (Bertsekas 1982), or if the value at
    the start is unknown. A trial whose value or gradient is not finite is never accepted. If a trial is not accepted,
    the next one is a shorter step.

    Args:
        walk: Applies formulas to images.
        search: The search in progress.
        trial: Value and gradient at `search.image`.
        start: Start of the search.
    """
    _, (gradient_size,) = walk.apply(_absolute_sum, trial.gradient)
    is_finite = tf.math.is_finite(trial.value) & tf.math.is_finite(gradient_size)
    decreases = tf.logical_and(
        is_finite,
        trial.value <= start.value + SUFFICIENT_DECREASE * search.slope,
    )
    accepted = tf.logical_and(
        decreases,
        tf.logical_or(search.slope < 0, tf.math.is_inf(start.value)),
    )
    evaluations = search.evaluations + 1
    over = tf.logical_or(accepted, evaluations >= TRIALS)
    shorter = search.length * shrink(start.value, trial.value, search.slope)
    length = tf.where(accepted, search.length, shorter)
    image, slope = tf.cond(
        over,
        lambda: (search.image, search.slope),
        lambda: _projected_step(walk, start, search.direction, length),
    )
    return Search(
        accepted=accepted,
        image=image,
        slope=slope,
        value=trial.value,
        gradient=trial.gradient,
        evaluations=evaluations,
        length=length,
        direction=search.direction,
        over=over,
    )


def _absolute_sum(values: Tensor) -> ImagesAndSums:
    return (), (tf.reduce_sum(tf.abs(values)),)


def _projected_step(
    walk: Walk,
    start: Start,
    direction: Tensor,
    length: Scalar,
) -> tuple[Tensor, Scalar]:
    """Project a step onto the box, and predict the change of the objective from the gradient."""

    def formula(image: Tensor, gradient: Tensor, direction: Tensor) -> ImagesAndSums:
        trial = tf.clip_by_value(image + length * direction, 0.0, 1.0)
        predicted = tf.reduce_sum(gradient * (trial - image))
        return (trial,), (predicted,)

    (image,), (slope,) = walk.apply(
        formula,
        start.image,
        start.gradient,
        direction,
        into=["trial"],
    )
    return image, slope


def shrink(value: Scalar, new_value: Scalar, slope: Scalar) -> Scalar:
    """Return the share of the step that minimizes the parabola through both values and the slope, within safe limits.

    Args:
        value: Objective at the start.
        new_value: Objective after the step.
        slope: Predicted change over the step.
    """
    curvature = 2.0 * (new_value - value - slope)
    is_convex = curvature > 0
    minimizer = -slope / tf.where(is_convex, curvature, tf.ones_like(curvature))
    usable = tf.math.is_finite(minimizer) & is_convex
    share = tf.where(usable, minimizer, MOST_SHRINK * tf.ones_like(minimizer))
    return tf.clip_by_value(share, MOST_SHRINK, LEAST_SHRINK)
