"""Total variation: the slopes of an image from pixel to pixel (Rudin, Osher & Fatemi 1992; squared, isotropic)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from styler.losses.base import Frame, LocalTarget, Prepared, Stats
from styler.types import Scalar, Tensor

STENCIL = (
    (2 / 3, 0, 1),
    (2 / 3, 1, 0),
    (1 / 6, 1, 1),
    (1 / 6, 1, -1),
)
"""Weight, rows down and columns right of each neighbor in the nine-point stencil; the other four mirror them."""

CHROMA = 1.5  # weight of a slope of color against one of lightness. Fine color at edges, as a share of the painting's:
# .35 with 1, .24 with 1.5, .19 with 2, see docs/look.md


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyColor:
    """An image whose differences from gray are multiplied by the root of `CHROMA`; smoothness is measured on it.

    Slopes of lightness stay as they are: fine grain there looks natural, while fine grain of colors looks like fringes.
    """

    stride: ClassVar[int] = 1
    low: ClassVar[int] = 0
    high: ClassVar[int] = 0
    channels: ClassVar[int] = 3

    def __call__(self, image: Tensor) -> Tensor:
        """(B, H, W, 3) -> (B, H, W, 3)."""
        gray = tf.reduce_mean(image, -1, keepdims=True)
        factor = tf.constant(CHROMA**0.5, image.dtype)
        return gray + factor * (image - gray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """Mean squared slope of an image, without a target."""

    needs_activations: ClassVar[bool] = False
    before: ClassVar[int] = 0
    after: ClassVar[int] = 1  # a difference belongs to its upper left pixel

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Empty: there is no target."""
        return {}

    def prepared(self, stats: Stats) -> Prepared:
        """Empty: there is no target."""
        return ()

    def local(
        self,
        features: Tensor,
        target: LocalTarget,
        weights: Tensor | None,
        frame: Frame,
    ) -> Scalar:
        """A tile's share of the mean over pixels and channels, >= 0; 0 for a constant image."""
        return nine_point_variation(features, frame.owned, frame.whole)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def nine_point_variation(
    part: Tensor,
    owned: Tensor,
    whole: Tensor,
) -> tuple[Scalar, Callable[[Scalar], tuple[Tensor, None, None]]]:
    """A part's share of the mean squared slope of an image, isotropic to fourth order.

    Takes differences to all eight neighbors, weighted 1/3 along the axes and 1/12 along the diagonals, in an image
    padded by replication (the stencil of crowsonkb's style-transfer-pytorch). The gradient is written out here, since
    TensorFlow's gradient of slices costs more than a convolution.

    Args:
        part: The part's own pixels and, unless they end with the image, one more row and column, (B, H, W, C).
        owned: Number of rows and columns of the part's own pixels, int32, (2,).
        whole: (height, width) of the image, int32, (2,).

    Returns:
        Share of the mean over pixels and channels, >= 0; the shares of all parts sum to the mean.
    """
    shape = tf.shape(part)
    channels = part.shape[-1]
    rows = tf.reshape(part, [shape[0], shape[1], shape[2] * channels])
    values_a_pixel = tf.cast(shape[0] * channels, part.dtype)
    slopes = []
    factors = []
    for weight, down, right in STENCIL:
        height = owned[0] + down
        width = owned[1] + abs(right)
        cut = rows[:, :height, : width * channels]
        slopes.append(_slope(cut, down, right * channels))
        pairs = (whole[0] - down) * (whole[1] - abs(right))
        factors.append(weight / (tf.cast(pairs, part.dtype) * values_a_pixel))
    value = sum(factor * tf.reduce_sum(tf.square(slope)) for factor, slope in zip(factors, slopes, strict=True))

    def gradient(upstream: Scalar) -> tuple[Tensor, None, None]:
        total = tf.zeros_like(rows)
        for factor, slope, (_, down, right) in zip(factors, slopes, STENCIL, strict=True):
            slope_gradient = 2.0 * upstream * factor * slope
            change = _slope_transposed(slope_gradient, down, right * channels)
            missing = tf.shape(rows)[1:] - tf.shape(change)[1:]
            total += tf.pad(change, [[0, 0], [0, missing[0]], [0, missing[1]]])
        return tf.reshape(total, shape), None, None

    return value, gradient


def _slope(rows: Tensor, down: int, right: int) -> Tensor:
    """Each value minus the one `down` rows above and `right` columns to the left; to the right if `right` < 0."""
    lower = rows[:, down:]
    upper = rows[:, : -down or None]
    if right >= 0:
        return lower[:, :, right:] - upper[:, :, : -right or None]
    return lower[:, :, :right] - upper[:, :, -right:]


def _slope_transposed(slopes: Tensor, down: int, right: int) -> Tensor:
    """The transpose of the linear map `_slope`."""
    left = max(right, 0)
    after = max(-right, 0)
    lower = tf.pad(slopes, [[0, 0], [down, 0], [left, after]])
    upper = tf.pad(slopes, [[0, 0], [0, down], [after, left]])
    return lower - upper
