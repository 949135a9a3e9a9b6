"""Content loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from styler.types import Scalar, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLoss:
    """Squared difference of activations, as a share of the content's own variance.

    Differs from the paper: divided by the variance of the content's activations around their channel means, so
    that layers, networks and sizes compare; an unrelated image of the same contrast is at about 2.
    """

    def distance(self, features: Tensor, target: Tensor) -> Scalar:
        """Mean squared difference / mean variance of `target`, >= 0; both (B, H, W, C)."""
        centered = target - tf.reduce_mean(target, (1, 2), keepdims=True)
        floor = tf.constant(1e-6, target.dtype)  # a flat photo has no variance to compare with
        return tf.reduce_mean(tf.square(features - target)) / (tf.reduce_mean(tf.square(centered)) + floor)
