"""Backtracking line search within a box: about one evaluation for each step of a quasi-Newton method."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from styler.types import Scalar, Tensor, ValueAndGradient

SUFFICIENT_DECREASE = 1e-4  # Nocedal & Wright 2006, section 3.1
TRIALS = 6  # the last trial is at most 2^-5 of the first
LEAST_SHRINK, MOST_SHRINK = (
    0.5,
    0.1,
)  # safeguards of the interpolated step, Nocedal & Wright 2006, section 3.5


class Search(NamedTuple):
    """Outcome of a search; `image` is a new point only if `accepted`."""

    accepted: Scalar
    image: Tensor
    value: Scalar
    gradient: Tensor
    evaluations: Scalar
    length: Scalar


def backtrack(
    objective: ValueAndGradient,
    image: Tensor,
    value: Scalar,
    gradient: Tensor,
    direction: Tensor,
    length: Scalar,
) -> Search:
    """Shorten a step until the objective falls as much as the slope promises.

    Args:
        objective: What to minimize.
        image: Where the search starts, values in 0..1.
        value: The objective there; infinite if nobody knows, then any finite value is accepted.
        gradient: Its gradient there.
        direction: Where to go, of the image's shape.
        length: First step along `direction`.

    Returns:
        The first trial, clipped to 0..1, that satisfies Armijo's condition along the clipped path
        (Bertsekas 1982); else a search that is not accepted. A point whose value or gradient is not finite never is.
    """

    def trial(search: Search) -> Search:
        moved = tf.clip_by_value(image + search.length * direction, 0.0, 1.0)
        new_value, new_gradient = objective(moved)
        slope = tf.reduce_sum(gradient * (moved - image))
        usable = tf.math.is_finite(new_value) & tf.math.is_finite(tf.reduce_sum(tf.abs(new_gradient)))
        fell = tf.logical_and(usable, new_value <= value + SUFFICIENT_DECREASE * slope)
        accepted = tf.logical_and(fell, tf.logical_or(slope < 0, tf.math.is_inf(value)))
        shorter = search.length * shrink(value, new_value, slope)
        length = tf.where(accepted, search.length, shorter)
        return Search(accepted, moved, new_value, new_gradient, search.evaluations + 1, length)

    start = Search(tf.constant(False), image, value, gradient, tf.constant(0), length)
    return tf.while_loop(
        lambda search: tf.logical_and(~search.accepted, search.evaluations < TRIALS),
        lambda search: (trial(search),),
        (start,),
    )[0]


def shrink(value: Scalar, new_value: Scalar, slope: Scalar) -> Scalar:
    """Minimizer of the parabola through both values and the slope, as a share of the step, safeguarded."""
    curvature = 2.0 * (new_value - value - slope)
    ideal = -slope / tf.where(curvature > 0, curvature, tf.ones_like(curvature))
    usable = tf.math.is_finite(ideal) & (curvature > 0)
    return tf.clip_by_value(tf.where(usable, ideal, MOST_SHRINK * tf.ones_like(ideal)), MOST_SHRINK, LEAST_SHRINK)
