"""Content loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.types import Scalar, Tensor


class ContentTarget(NamedTuple):
    """What a photo's layer is compared with.

    Attributes:
        features: Activations, (B, H, W, C).
        variance: Mean variance of the activations around their channel means, > 0.
    """

    features: Tensor
    variance: Scalar


class ContentSums(NamedTuple):
    """Sums over positions of a photo's layer, float64; those of a whole image are the sums of those of its parts.

    Attributes:
        count: Number of positions, (B,).
        first: Sum of activations, (B, C).
        square: Sum of squared activations, (B, C).
    """

    count: Tensor
    first: Tensor
    square: Tensor


FLOOR = 1e-6  # added to the variance: a flat photo has none to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLoss:
    """Squared difference of activations, as a share of the content's own variance.

    Differs from the paper: divided by the variance of the content's activations around their channel means, so
    that layers, networks and sizes compare; an unrelated image of the same contrast is at about 2.
    """

    def prepared(self, features: Tensor) -> ContentTarget:
        """The photo's activations (B, H, W, C) as a target."""
        centered = features - tf.reduce_mean(features, (1, 2), keepdims=True)
        return ContentTarget(features, tf.reduce_mean(tf.square(centered)) + tf.constant(FLOOR, features.dtype))

    def distance(self, features: Tensor, target: ContentTarget) -> Scalar:
        """Mean squared difference / mean variance of the target, >= 0; `features` (B, H, W, C)."""
        return tf.reduce_mean(tf.square(features - target.features)) / target.variance

    def sums(self, features: Tensor) -> ContentSums:
        """What `variance` needs of a photo's activations (B, H, W, C), additive over tiles."""
        wide = tf.cast(features, tf.float64)
        return ContentSums(F.positions(wide), tf.reduce_sum(wide, (1, 2)), tf.reduce_sum(tf.square(wide), (1, 2)))

    def variance(self, sums: ContentSums) -> Scalar:
        """`ContentTarget.variance` from the sums over the whole photo, float64."""
        means = sums.first / sums.count[:, None]
        return tf.reduce_mean(sums.square / sums.count[:, None] - tf.square(means)) + FLOOR

    def total(self, features: Tensor, target: Tensor) -> Scalar:
        """Sum of squared differences of activations, additive over tiles.

        Over the number of values and the target's variance it is `distance`.
        """
        return tf.reduce_sum(tf.square(features - target))
