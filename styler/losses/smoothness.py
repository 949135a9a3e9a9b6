"""Total variation: the slopes of an image from pixel to pixel (Rudin, Osher & Fatemi 1992; squared, isotropic)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

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

Pullback: TypeAlias = Callable[[Scalar], tuple[Tensor, None, None]]
"""Function from the gradient of a result to the gradients of its arguments."""

CHROMA = 2.0  # weight of a color slope relative to a lightness slope. The fine color at edges, as a share of the
# painting's, falls from .42 with 1.5 to .33 with 2: docs/look.md


@dataclass(frozen=True, slots=True, kw_only=True)
class HeavyColor:
    """Multiplies an image's differences from gray by the root of `CHROMA`; smoothness is measured on the result.

    Slopes of lightness are unchanged: fine grain in lightness looks natural; in color, it looks like fringes.
    """

    stride: ClassVar[int] = 1
    low: ClassVar[int] = 0
    high: ClassVar[int] = 0
    channels: ClassVar[int] = 3

    def __call__(self, image: Tensor) -> Tensor:
        """Convert an image (B, H, W, 3) to one of the same shape."""
        gray = tf.reduce_mean(image, -1, keepdims=True)
        factor = tf.constant(CHROMA**0.5, image.dtype)
        return gray + factor * (image - gray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """Mean squared slope of an image."""

    needs_activations: ClassVar[bool] = False
    before: ClassVar[int] = 0
    after: ClassVar[int] = 1  # a difference belongs to its upper left pixel

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Return an empty mapping, because there is no target."""
        return {}

    def prepared(self, stats: Stats) -> Prepared:
        """Return an empty tuple, because there is no target."""
        return ()

    def local(
        self,
        features: Tensor,
        target: LocalTarget,
        weights: Tensor | None,
        frame: Frame,
    ) -> Scalar:
        """Compute a tile's share, see `nine_point_variation`; 0 for a constant image."""
        return nine_point_variation(features, frame.owned, frame.whole)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def nine_point_variation(
    part: Tensor,
    owned: Tensor,
    whole: Tensor,
) -> tuple[Scalar, Pullback]:
    """Compute a part's share of the mean squared slope of an image, isotropic to fourth order.

    The slopes are the differences to all eight neighbors in an image padded by replication. They are weighted 1/3 along
    the axes and 1/12 along the diagonals, as in crowsonkb's style-transfer-pytorch. The gradient is written by hand,
    because TensorFlow's gradient of slices takes longer than a convolution.

    Args:
        part: The part's own pixels and, unless they end with the image, one more row and column, (B, H, W, C).
        owned: Number of rows and columns of the part's own pixels, int32, (2,).
        whole: (height, width) of the image, int32, (2,).

    Returns:
        The share, >= 0; the shares of all parts sum to the mean over pixels and channels.
    """
    shape = tf.shape(part)
    batch = shape[0]
    height = shape[1]
    width = shape[2]
    channels = part.shape[-1]
    rows = tf.reshape(part, [batch, height, width * channels])
    values_a_pixel = tf.cast(batch * channels, part.dtype)
    slopes = []
    factors = []
    for weight, down, right in STENCIL:
        bottom = owned[0] + down
        end = owned[1] + abs(right)
        cut = rows[:, :bottom, : end * channels]
        slope = _slope(cut, down, right * channels)
        slopes.append(slope)
        pairs_down = whole[0] - down
        pairs_across = whole[1] - abs(right)
        pairs = tf.cast(pairs_down * pairs_across, part.dtype)
        factors.append(weight / (pairs * values_a_pixel))
    shares = []
    for factor, slope in zip(factors, slopes, strict=True):
        shares.append(factor * tf.reduce_sum(tf.square(slope)))
    value = sum(shares)

    def gradient(upstream: Scalar) -> tuple[Tensor, None, None]:
        total = tf.zeros_like(rows)
        for factor, slope, (_, down, right) in zip(factors, slopes, STENCIL, strict=True):
            slope_gradient = 2.0 * upstream * factor * slope
            change = _slope_transposed(slope_gradient, down, right * channels)
            missing = tf.shape(rows) - tf.shape(change)
            below = [0, missing[1]]
            beyond = [0, missing[2]]
            total += tf.pad(change, [[0, 0], below, beyond])
        return tf.reshape(total, shape), None, None

    return value, gradient


def _slope(
    rows: Tensor,
    down: int,
    right: int,
) -> Tensor:
    """Return each value minus that `down` rows above and `right` columns to the left; `right` may be negative."""
    lower = rows[:, down:]
    upper = rows[:, : -down or None]
    if right >= 0:
        minuend = lower[:, :, right:]
        subtrahend = upper[:, :, : -right or None]
    else:
        minuend = lower[:, :, :right]
        subtrahend = upper[:, :, -right:]
    return minuend - subtrahend


def _slope_transposed(
    slopes: Tensor,
    down: int,
    right: int,
) -> Tensor:
    """Apply the transpose of the linear map `_slope`."""
    left = max(right, 0)
    after = max(-right, 0)
    lower = tf.pad(slopes, [(0, 0), (down, 0), (left, after)])
    upper = tf.pad(slopes, [(0, 0), (0, down), (after, left)])
    return lower - upper
