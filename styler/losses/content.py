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
        count: Number of positions, or the sum of their weights, (B,).
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

    def prepared(self, features: Tensor, weights: Tensor | None = None) -> ContentTarget:
        """The photo's activations (B, H, W, C) as a target; `weights` (B, H, W, 1) of its positions, None for 1."""
        centered = features - F.mean_position(features, weights)
        return ContentTarget(features, F.mean_square(centered, weights) + tf.constant(FLOOR, features.dtype))

    def distance(self, features: Tensor, target: ContentTarget, weights: Tensor | None = None) -> Scalar:
        """Mean squared difference / mean variance of the target, >= 0; `features` (B, H, W, C)."""
        return F.mean_square(features - target.features, weights) / target.variance

    def sums(self, features: Tensor, weights: Tensor | None = None) -> ContentSums:
        """What `variance` needs of a photo's activations (B, H, W, C), additive over tiles."""
        wide = tf.cast(features, tf.float64)
        heavy = None if weights is None else tf.cast(weights, tf.float64)
        counted = wide if heavy is None else wide * heavy
        return ContentSums(
            F.positions(wide, heavy), tf.reduce_sum(counted, (1, 2)), tf.reduce_sum(counted * wide, (1, 2))
        )

    def variance(self, sums: ContentSums) -> Scalar:
        """`ContentTarget.variance` from the sums over the whole photo, float64."""
        means = sums.first / sums.count[:, None]
        return tf.reduce_mean(sums.square / sums.count[:, None] - tf.square(means)) + FLOOR

    def total(self, features: Tensor, target: Tensor, weights: Tensor | None = None) -> Scalar:
        """Sum of squared differences of activations, additive over tiles.

        Over the number of values, or their weights, and the target's variance it is `distance`.
        """
        squares = tf.square(features - target)
        return tf.reduce_sum(squares if weights is None else squares * weights)
