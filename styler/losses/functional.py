"""Formulas of the losses, pure functions of tensors."""

from __future__ import annotations

import tensorflow as tf

from styler.types import Scalar, Tensor


def positions(features: Tensor) -> Tensor:
    """Number of positions of each image, (B, H, W, C) -> (B,), of the features' dtype."""
    shape = tf.shape(features)
    return tf.fill([shape[0]], tf.cast(shape[1] * shape[2], features.dtype))


def position_sum(features: Tensor) -> Tensor:
    """Sum of activations over positions, (B, H, W, C) -> (B, C)."""
    return tf.reduce_sum(features, (1, 2))


def outer_sum(features: Tensor) -> Tensor:
    """Sum over positions of outer products, (B, H, W, C) -> (B, C, C): an unnormalized Gram matrix."""
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True)


def mean_square(values: Tensor) -> Scalar:
    """Mean of squares of all values."""
    return tf.reduce_mean(tf.square(values))


def relative_square(values: Tensor, reference: Tensor) -> Scalar:
    """Sum of squared differences to `reference`, as a share of the sum of squares of `reference`."""
    floor = tf.constant(1e-12, values.dtype)  # an all-zero reference has no scale of its own
    return tf.reduce_sum(tf.square(values - reference)) / (tf.reduce_sum(tf.square(reference)) + floor)


def covariance(first: Tensor, second: Tensor) -> Tensor:
    """Means (B, C) and mean outer products (B, C, C) -> covariances (B, C, C)."""
    return second - first[:, :, None] * first[:, None, :]


def nine_point_variation(image: Tensor) -> Scalar:
    """Mean squared slope of an image, isotropic to fourth order.

    Differences to all eight neighbors, weighted 1/3 along the axes and 1/12 along the diagonals, on an image
    padded by replication (the stencil of crowsonkb's style-transfer-pytorch).

    Args:
        image: (B, H, W, 3).

    Returns:
        Mean over pixels and channels, >= 0; 0 for a constant image.
    """
    right = mean_square(image[:, :, 1:] - image[:, :, :-1])
    down = mean_square(image[:, 1:] - image[:, :-1])
    diagonal = mean_square(image[:, 1:, 1:] - image[:, :-1, :-1])
    antidiagonal = mean_square(image[:, 1:, :-1] - image[:, :-1, 1:])
    return 2.0 * ((right + down) / 3.0 + (diagonal + antidiagonal) / 12.0)
