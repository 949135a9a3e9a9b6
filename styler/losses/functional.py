"""Formulas that several losses share, pure functions of tensors."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from styler.types import Scalar, Tensor


def positions(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Number of positions in each region, (B, H, W, C) -> (B, R), of the features' dtype.

    Args:
        features: Activations.
        weights: How much each position counts in each region, (B, H, W, R); None for one region of equal weights.
    """
    if weights is not None:
        return tf.reduce_sum(weights, (1, 2))
    shape = tf.shape(features)
    return tf.fill([shape[0], 1], tf.cast(shape[1] * shape[2], features.dtype))


def moment_sums(features: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sums over positions of activations and of their outer products, an unnormalized Gram matrix.

    The gradient is one matrix product and one addition for each region; TensorFlow's own would multiply by the matrix
    and by its transpose apart and spread the sums to full size first.

    Args:
        features: (B, H, W, C).
        weights: How much each position counts in each region, (B, H, W, R), constant; None for one region of equal
            weights.

    Returns:
        Shapes (B, R, C) and (B, R, C, C).
    """
    shape = tf.shape(features)
    count = shape[1] * shape[2]
    shares = [None] if weights is None else tf.split(tf.reshape(weights, [shape[0], count, -1]), weights.shape[-1], -1)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def sums(flat: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], Tensor]]:
        def gradient(first: Tensor, second: Tensor) -> Tensor:
            symmetric = second + tf.linalg.matrix_transpose(second)
            slopes = [tf.matmul(flat, symmetric[:, r]) + first[:, r, None] for r in range(len(shares))]
            return sum(slope if share is None else slope * share for slope, share in zip(slopes, shares, strict=True))

        ones = tf.ones([shape[0], 1, count], flat.dtype)
        weighted = [flat if share is None else flat * share for share in shares]
        first = tf.concat([tf.matmul(ones, each) for each in weighted], 1)
        second = tf.stack([tf.matmul(each, flat, transpose_a=True) for each in weighted], 1)
        return (first, second), gradient

    first, second = sums(tf.reshape(features, [shape[0], count, features.shape[-1]]))
    return first, second


def relative_square(values: Tensor, reference: Tensor) -> Tensor:
    """Squared difference to `reference` as a share of its own square, summed over all but batch and region.

    Args:
        values: (B, R, ...).
        reference: Likewise.

    Returns:
        (B, R).
    """
    axes = tuple(range(2, len(values.shape)))
    floor = tf.constant(1e-12, values.dtype)  # an all-zero reference has no scale of its own
    return tf.reduce_sum(tf.square(values - reference), axes) / (tf.reduce_sum(tf.square(reference), axes) + floor)


def mean_over_regions(values: Tensor, count: Tensor) -> Scalar:
    """Mean of (B, R) values, each region by its number of positions, (B, R)."""
    return tf.reduce_sum(values * count) / tf.reduce_sum(count)


def covariance(first: Tensor, second: Tensor) -> Tensor:
    """Means (..., C) and mean outer products (..., C, C) -> covariances (..., C, C)."""
    return second - first[..., :, None] * first[..., None, :]
