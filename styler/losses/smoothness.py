"""Total variation: how steep an image is from pixel to pixel (Rudin, Osher & Fatemi 1992; squared, isotropic)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from styler.losses.base import Frame, LocalTarget, Prepared, Stats
from styler.types import Scalar, Tensor

STENCIL = ((2 / 3, 0, 1), (2 / 3, 1, 0), (1 / 6, 1, 1), (1 / 6, 1, -1))
"""Weight, rows down and columns right of each neighbor of the nine-point stencil; the other four are their mirrors."""

CHROMA = 1.5  # weight of a slope of color against one of lightness. Fine color at edges, as a share of the painting's:
# .35 with 1, .24 with 1.5, .19 with 2, see docs/look.md


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyColor:
    """What smoothness is measured on: differences from gray weighted by the root of `CHROMA`.

    Slopes of lightness are those of the image; the eye sees fine grain there and takes that of colors for fringes.
    """

    stride: ClassVar[int] = 1
    low: ClassVar[int] = 0
    high: ClassVar[int] = 0
    channels: ClassVar[int] = 3

    def __call__(self, image: Tensor) -> Tensor:
        """(B, H, W, 3) both."""
        gray = tf.reduce_mean(image, -1, keepdims=True)
        return gray + tf.constant(CHROMA**0.5, image.dtype) * (image - gray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """Mean squared slope of an image; compares with nothing."""

    keeps: ClassVar[bool] = False
    before: ClassVar[int] = 0
    after: ClassVar[int] = 1  # a difference belongs to its upper left pixel

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """None: there is no target."""
        return {}

    def prepared(self, stats: Stats) -> Prepared:
        """Nothing."""
        return ()

    def local(self, features: Tensor, target: LocalTarget, weights: Tensor | None, frame: Frame) -> Scalar:
        """A tile's share of the mean over pixels and channels, >= 0; 0 for a constant image."""
        return nine_point_variation(features, frame.owned, frame.whole)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def nine_point_variation(
    part: Tensor, owned: Tensor, whole: Tensor
) -> tuple[Scalar, Callable[[Scalar], tuple[Tensor, None, None]]]:
    """What a part of an image adds to the mean squared slope of the whole, isotropic to fourth order.

    Differences to all eight neighbors, weighted 1/3 along the axes and 1/12 along the diagonals, on an image
    padded by replication (the stencil of crowsonkb's style-transfer-pytorch). The gradient is spelled out, since
    TensorFlow's gradient of slices costs more than a convolution.

    Args:
        part: The part's own pixels and, unless they end with the image, one more row and column, (B, H, W, C).
        owned: Rows and columns of the part's own pixels, int32, (2,).
        whole: (height, width) of the image, int32, (2,).

    Returns:
        Its share of the mean over pixels and channels, >= 0; shares of all parts sum to the mean.
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
