"""Formulas that several losses share. They are pure functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from styler.types import Scalar, Tensor


def positions(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the number of positions in each region, (B, H, W, C) -> (B, R), in the dtype of the features.

    Args:
        features: Activations.
        weights: How much each position counts in each region, (B, H, W, R); None for one region of equal weights.
    """
    if weights is not None:
        return tf.reduce_sum(weights, (1, 2))
    shape = tf.shape(features)
    count = tf.cast(shape[1] * shape[2], features.dtype)
    return tf.fill([shape[0], 1], count)


def moment_sums(features: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sum activations and their outer products over positions; the second sum is an unnormalized Gram matrix.

    The gradient is one matrix product and one addition for each region. TensorFlow's own gradient would multiply by the
    matrix and by its transpose separately, and would first broadcast the sums to full size.

    Args:
        features: (B, H, W, C).
        weights: How much each position counts in each region, (B, H, W, R), constant; None for one region of equal
            weights.

    Returns:
        Shapes (B, R, C) and (B, R, C, C).
    """
    shape = tf.shape(features)
    batch = shape[0]
    count = shape[1] * shape[2]
    regions: list[Any] = [None]
    if weights is not None:
        flat_weights = tf.reshape(weights, [batch, count, -1])
        regions = tf.split(flat_weights, weights.shape[-1], -1)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def sums(flat: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], Tensor]]:
        ones = tf.ones([batch, 1, count], flat.dtype)
        firsts = []
        seconds = []
        for region in regions:
            weighted = flat if region is None else flat * region
            firsts.append(tf.matmul(ones, weighted))
            seconds.append(tf.matmul(weighted, flat, transpose_a=True))

        def gradient(first_slope: Tensor, second_slope: Tensor) -> Tensor:
            symmetric = second_slope + tf.linalg.matrix_transpose(second_slope)
            slopes = []
            for number, region in enumerate(regions):
                slope = tf.matmul(flat, symmetric[:, number]) + first_slope[:, number, None]
                slopes.append(slope if region is None else slope * region)
            return sum(slopes)

        return (tf.concat(firsts, 1), tf.stack(seconds, 1)), gradient

    first, second = sums(tf.reshape(features, [batch, count, features.shape[-1]]))
    return first, second


def relative_square(values: Tensor, reference: Tensor) -> Tensor:
    """Divide the squared difference from `reference` by the square of `reference`; both are summed within each region.

    Args:
        values: (B, R, ...).
        reference: The same shape; it may be more precise.

    Returns:
        (B, R), of the precision of `values`.
    """
    axes = tuple(range(2, len(values.shape)))
    reference = tf.cast(reference, values.dtype)
    difference = tf.reduce_sum(tf.square(values - reference), axes)
    scale = tf.reduce_sum(tf.square(reference), axes)
    floor = tf.constant(1e-12, values.dtype)  # avoids division by zero if the reference is zero everywhere
    return difference / (scale + floor)


def mean_over_regions(values: Tensor, count: Tensor) -> Scalar:
    """Compute the mean of values (B, R), with each region weighted by its number of positions, (B, R).

    It is 0 without positions.
    """
    total = tf.reduce_sum(count)
    floor = tf.constant(1e-6, count.dtype)
    return tf.reduce_sum(values * count) / tf.maximum(total, floor)


def covariance(first: Tensor, second: Tensor) -> Tensor:
    """Compute covariances (..., C, C) from means (..., C) and mean outer products (..., C, C)."""
    outer = first[..., :, None] * first[..., None, :]
    return second - outer
