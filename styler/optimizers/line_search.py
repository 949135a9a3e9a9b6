"""Backtracking line search within a box: about one evaluation for each step of a quasi-Newton method."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from styler.optimizers.walk import Walk
from styler.types import Evaluation, Scalar, Tensor

SUFFICIENT_DECREASE = 1e-4  # Nocedal & Wright 2006, section 3.1
TRIALS = 6  # the last trial is at most 2^-5 of the first
LEAST_SHRINK, MOST_SHRINK = 0.5, 0.1  # safeguards of the interpolated step, Nocedal & Wright 2006, section 3.5


class Search(NamedTuple):
    """A search under way, or its outcome.

    Attributes:
        accepted: Whether `image` is a new point.
        image: Where to evaluate next, or the point that was accepted.
        slope: What the gradient at the start promises of the way to `image`.
        value: Objective of the last trial.
        gradient: Its gradient.
        evaluations: Trials so far.
        length: Of the step to `image`.
        direction: Of the search.
        over: Whether it has ended, one way or the other.
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
    """Where a search starts: an image with values in 0..1, the objective there, infinite if nobody knows, its slope."""

    image: Tensor
    value: Scalar
    gradient: Tensor


def search_along(walk: Walk, start: Start, direction: Tensor, length: Scalar) -> Search:
    """A search before its first trial.

    Args:
        walk: Through images.
        start: Where it starts.
        direction: Where to go, of the image's shape.
        length: First step along `direction`.
    """
    image, slope = _moved(walk, start, direction, length)
    no = tf.constant(False)
    return Search(no, image, slope, start.value, start.gradient, tf.constant(0), length, direction, no)


def judged(walk: Walk, search: Search, trial: Evaluation, start: Start) -> Search:
    """The search after the objective was evaluated at its image.

    A trial is accepted if it satisfies Armijo's condition along the clipped path (Bertsekas 1982), or if nobody knows
    the value at the start; one whose value or gradient is not finite never is. Else the next trial is a shorter step.

    Args:
        walk: Through images.
        search: That was under way.
        trial: Value and gradient there.
        start: Where it started.
    """
    _, (size,) = walk.apply(lambda gradient: ((), (tf.reduce_sum(tf.abs(gradient)),)), trial.gradient)
    usable = tf.math.is_finite(trial.value) & tf.math.is_finite(size)
    fell = tf.logical_and(usable, trial.value <= start.value + SUFFICIENT_DECREASE * search.slope)
    accepted = tf.logical_and(fell, tf.logical_or(search.slope < 0, tf.math.is_inf(start.value)))
    evaluations = search.evaluations + 1
    over = tf.logical_or(accepted, evaluations >= TRIALS)
    length = tf.where(accepted, search.length, search.length * shrink(start.value, trial.value, search.slope))
    image, slope = tf.cond(
        over, lambda: (search.image, search.slope), lambda: _moved(walk, start, search.direction, length)
    )
    return Search(accepted, image, slope, *trial, evaluations, length, search.direction, over)


def _moved(walk: Walk, start: Start, direction: Tensor, length: Scalar) -> tuple[Tensor, Scalar]:
    """A step within the box, and what the gradient promises of it."""

    def formula(image: Tensor, gradient: Tensor, direction: Tensor) -> tuple[tuple[Tensor], tuple[Tensor]]:
        trial = tf.clip_by_value(image + length * direction, 0.0, 1.0)
        return (trial,), (tf.reduce_sum(gradient * (trial - image)),)

    (image,), (slope,) = walk.apply(formula, start.image, start.gradient, direction, into=["trial"])
    return image, slope


def shrink(value: Scalar, new_value: Scalar, slope: Scalar) -> Scalar:
    """Minimizer of the parabola through both values and the slope, as a share of the step, safeguarded."""
    curvature = 2.0 * (new_value - value - slope)
    ideal = -slope / tf.where(curvature > 0, curvature, tf.ones_like(curvature))
    usable = tf.math.is_finite(ideal) & (curvature > 0)
    return tf.clip_by_value(tf.where(usable, ideal, MOST_SHRINK * tf.ones_like(ideal)), MOST_SHRINK, LEAST_SHRINK)
