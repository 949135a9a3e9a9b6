"""Formulas of the losses, pure functions of tensors."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from styler.types import Scalar, Tensor

STENCIL = ((2 / 3, 0, 1), (2 / 3, 1, 0), (1 / 6, 1, 1), (1 / 6, 1, -1))
"""Weight, rows down and columns right of each neighbor of the nine-point stencil; the other four are their mirrors."""


CHROMA = 1.5  # weight of a slope of color against one of lightness. Fine color at edges, as a share of the painting's:
# .35 with 1, .24 with 1.5, .19 with 2, see docs/look.md


def positions(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Number of positions of each image, (B, H, W, C) -> (B,), of the features' dtype.

    Args:
        features: Activations.
        weights: How much each position counts, (B, H, W, 1); None for 1 each.
    """
    if weights is not None:
        return tf.reduce_sum(weights, (1, 2, 3))
    shape = tf.shape(features)
    return tf.fill([shape[0]], tf.cast(shape[1] * shape[2], features.dtype))


def moment_sums(features: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sums over positions of activations and of their outer products, an unnormalized Gram matrix.

    The gradient is one matrix product and one addition; TensorFlow's own would multiply by the matrix and by its
    transpose apart and spread the sums to full size first.

    Args:
        features: (B, H, W, C).
        weights: How much each position counts, (B, H, W, 1), constant; None for 1 each.

    Returns:
        Shapes (B, C) and (B, C, C).
    """
    shape = tf.shape(features)
    count = shape[1] * shape[2]
    shares = None if weights is None else tf.reshape(weights, [shape[0], count, 1])

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def sums(flat: Tensor) -> tuple[tuple[Tensor, Tensor], Callable[[Tensor, Tensor], Tensor]]:
        def gradient(first: Tensor, second: Tensor) -> Tensor:
            slope = tf.matmul(flat, second + tf.linalg.matrix_transpose(second)) + first[:, None, :]
            return slope if shares is None else slope * shares

        weighted = flat if shares is None else flat * shares
        ones = tf.ones([shape[0], 1, count], flat.dtype)
        return (tf.matmul(ones, weighted)[:, 0], tf.matmul(weighted, flat, transpose_a=True)), gradient

    first, second = sums(tf.reshape(features, [shape[0], count, features.shape[-1]]))
    return first, second


def mean_position(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean over positions, (B, H, W, C) -> (B, 1, 1, C), with weights (B, H, W, 1) the weighted one."""
    if weights is None:
        return tf.reduce_mean(features, (1, 2), keepdims=True)
    return tf.reduce_sum(features * weights, (1, 2), keepdims=True) / tf.reduce_sum(weights, (1, 2), keepdims=True)


def mean_square(values: Tensor, weights: Tensor | None = None) -> Scalar:
    """Mean of squares of all values; of (B, H, W, C) with weights (B, H, W, 1) the weighted mean."""
    if weights is None:
        return tf.reduce_mean(tf.square(values))
    channels = tf.cast(tf.shape(values)[-1], values.dtype)
    return tf.reduce_sum(tf.square(values) * weights) / (tf.reduce_sum(weights) * channels)


def relative_square(values: Tensor, reference: Tensor) -> Scalar:
    """Sum of squared differences to `reference`, as a share of the sum of squares of `reference`."""
    floor = tf.constant(1e-12, values.dtype)  # an all-zero reference has no scale of its own
    return tf.reduce_sum(tf.square(values - reference)) / (tf.reduce_sum(tf.square(reference)) + floor)


def covariance(first: Tensor, second: Tensor) -> Tensor:
    """Means (B, C) and mean outer products (B, C, C) -> covariances (B, C, C)."""
    return second - first[:, :, None] * first[:, None, :]


def with_heavy_color(image: Tensor) -> Tensor:
    """What smoothness is measured on: differences from gray weighted by the root of `CHROMA`, (B, H, W, 3) both.

    Slopes of lightness are those of the image; the eye sees fine grain there and takes that of colors for fringes.
    """
    gray = tf.reduce_mean(image, -1, keepdims=True)
    return gray + tf.constant(CHROMA**0.5, image.dtype) * (image - gray)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def nine_point_variation(image: Tensor) -> tuple[Scalar, Callable[[Scalar], Tensor]]:
    """Mean squared slope of an image, isotropic to fourth order.

    Differences to all eight neighbors, weighted 1/3 along the axes and 1/12 along the diagonals, on an image
    padded by replication (the stencil of crowsonkb's style-transfer-pytorch). The gradient is spelled out, since
    TensorFlow's gradient of slices costs more than a convolution.

    Args:
        image: (B, H, W, 3).

    Returns:
        Mean over pixels and channels, >= 0; 0 for a constant image.
    """
    shape = tf.shape(image)
    channels = image.shape[-1]
    rows = tf.reshape(image, [shape[0], shape[1], shape[2] * channels])
    parts = [(weight, down, right * channels) for weight, down, right in STENCIL]
    slopes = [_slope(rows, down, right) for _, down, right in parts]
    value = sum(weight * mean_square(slope) for (weight, _, _), slope in zip(parts, slopes, strict=True))

    def gradient(upstream: Scalar) -> Tensor:
        total = tf.zeros_like(rows)
        for (weight, down, right), slope in zip(parts, slopes, strict=True):
            factor = 2.0 * weight * upstream / tf.cast(tf.size(slope), slope.dtype)
            total += _slope_transposed(factor * slope, down, right)
        return tf.reshape(total, shape)

    return value, gradient


@tf.custom_gradient  # type: ignore[untyped-decorator]
def nine_point_share(
    part: Tensor, owned: Tensor, whole: Tensor
) -> tuple[Scalar, Callable[[Scalar], tuple[Tensor, None, None]]]:
    """What a part of an image adds to its `nine_point_variation`: differences belong to the upper left pixel.

    Args:
        part: The part's own pixels and, unless they end with the image, one more row and column, (B, H, W, 3).
        owned: Rows and columns of the part's own pixels, int32, (2,).
        whole: (height, width) of the image, int32, (2,).

    Returns:
        Sums over all parts of an image to the variation of the whole.
    """
    shape, channels = tf.shape(part), part.shape[-1]
    rows = tf.reshape(part, [shape[0], shape[1], shape[2] * channels])
    sides = [(owned[0] + down, (owned[1] + abs(right)) * channels) for _, down, right in STENCIL]
    cuts = [rows[:, :height, :width] for height, width in sides]
    slopes = [_slope(cut, down, right * channels) for cut, (_, down, right) in zip(cuts, STENCIL, strict=True)]
    counts = [(whole[0] - down) * (whole[1] - abs(right)) for _, down, right in STENCIL]
    factors = [
        weight / (tf.cast(count, part.dtype) * tf.cast(shape[0] * channels, part.dtype))
        for (weight, _, _), count in zip(STENCIL, counts, strict=True)
    ]
    value = sum(factor * tf.reduce_sum(tf.square(slope)) for factor, slope in zip(factors, slopes, strict=True))

    def gradient(upstream: Scalar) -> tuple[Tensor, None, None]:
        total = tf.zeros_like(rows)
        for factor, slope, (_, down, right) in zip(factors, slopes, STENCIL, strict=True):
            change = _slope_transposed(2.0 * upstream * factor * slope, down, right * channels)
            missing = tf.shape(rows)[1:] - tf.shape(change)[1:]
            total += tf.pad(change, [[0, 0], [0, missing[0]], [0, missing[1]]])
        return tf.reshape(total, shape), None, None

    return value, gradient


def _slope(rows: Tensor, down: int, right: int) -> Tensor:
    """Each value minus the one `down` rows and `right` columns before it (to its right for a negative `right`)."""
    far, near = rows[:, down:], rows[:, : -down or None]
    if right >= 0:
        return far[:, :, right:] - near[:, :, : -right or None]
    return far[:, :, :right] - near[:, :, -right:]


def _slope_transposed(slope: Tensor, down: int, right: int) -> Tensor:
    """The transpose of `_slope` as a linear map: what a change of each value does to the slopes."""
    left, after = max(right, 0), max(-right, 0)
    far = tf.pad(slope, [[0, 0], [down, 0], [left, after]])
    return far - tf.pad(slope, [[0, 0], [0, down], [after, left]])
