"""Backtracking line search within a box: about one evaluation for each step of a quasi-Newton method."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from styler.types import Evaluation, Scalar, Tensor, ValueAndGradient

SUFFICIENT_DECREASE = 1e-4  # Nocedal & Wright 2006, section 3.1
TRIALS = 6  # the last trial is at most 2^-5 of the first
LEAST_SHRINK, MOST_SHRINK = (
    0.5,
    0.1,
)  # safeguards of the interpolated step, Nocedal & Wright 2006, section 3.5


class Search(NamedTuple):
    """A search under way, or its outcome.

    Attributes:
        accepted: Whether `image` is a new point.
        image: Where to evaluate next, or the point that was accepted.
        value: Objective of the last trial.
        gradient: Its gradient.
        evaluations: Trials so far.
        length: Of the step to `image`.
        direction: Of the search.
        over: Whether it has ended, one way or the other.
    """

    accepted: Scalar
    image: Tensor
    value: Scalar
    gradient: Tensor
    evaluations: Scalar
    length: Scalar
    direction: Tensor
    over: Scalar


def backtrack(objective: ValueAndGradient, search: Search, image: Tensor, value: Scalar, gradient: Tensor) -> Search:
    """Shorten a step until the objective falls as much as the slope promises.

    Args:
        objective: What to minimize.
        search: By `search_along` from the same place.
        image: Where the search starts, values in 0..1.
        value: The objective there; infinite if nobody knows, then any finite value is accepted.
        gradient: Its gradient there.

    Returns:
        The first trial, clipped to 0..1, that satisfies Armijo's condition along the clipped path
        (Bertsekas 1982); else a search that is not accepted. A point whose value or gradient is not finite never is.
    """
    return tf.while_loop(
        lambda search: tf.logical_not(search.over),
        lambda search: (judged(search, objective(search.image), image, value, gradient),),
        (search,),
    )[0]


def search_along(image: Tensor, value: Scalar, gradient: Tensor, direction: Tensor, length: Scalar) -> Search:
    """A search before its first trial.

    Args:
        image: Where it starts, with its value and gradient.
        value: See above.
        gradient: See above.
        direction: Where to go, of the image's shape.
        length: First step along `direction`.
    """
    first = _moved(image, direction, length)
    return Search(tf.constant(False), first, value, gradient, tf.constant(0), length, direction, tf.constant(False))


def judged(search: Search, trial: Evaluation, image: Tensor, value: Scalar, gradient: Tensor) -> Search:
    """The search after the objective was evaluated at its image.

    Args:
        search: That was under way.
        trial: Value and gradient there.
        image: Where it started, with its value and gradient.
        value: See above.
        gradient: See above.
    """
    slope = tf.reduce_sum(gradient * (search.image - image))
    usable = tf.math.is_finite(trial.value) & tf.math.is_finite(tf.reduce_sum(tf.abs(trial.gradient)))
    fell = tf.logical_and(usable, trial.value <= value + SUFFICIENT_DECREASE * slope)
    accepted = tf.logical_and(fell, tf.logical_or(slope < 0, tf.math.is_inf(value)))
    length = tf.where(accepted, search.length, search.length * shrink(value, trial.value, slope))
    evaluations = search.evaluations + 1
    over = tf.logical_or(accepted, evaluations >= TRIALS)
    following = _moved(image, search.direction, length)  # an accepted point again, bit for bit
    return Search(accepted, following, *trial, evaluations, length, search.direction, over)


def _moved(image: Tensor, direction: Tensor, length: Scalar) -> Tensor:
    return tf.clip_by_value(image + length * direction, 0.0, 1.0)


def shrink(value: Scalar, new_value: Scalar, slope: Scalar) -> Scalar:
    """Minimizer of the parabola through both values and the slope, as a share of the step, safeguarded."""
    curvature = 2.0 * (new_value - value - slope)
    ideal = -slope / tf.where(curvature > 0, curvature, tf.ones_like(curvature))
    usable = tf.math.is_finite(ideal) & (curvature > 0)
    return tf.clip_by_value(tf.where(usable, ideal, MOST_SHRINK * tf.ones_like(ideal)), MOST_SHRINK, LEAST_SHRINK)
