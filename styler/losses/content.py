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


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLoss:
    """Squared difference of activations, as a share of the content's own variance.

    Differs from the paper: divided by the variance of the content's activations around their channel means, so
    that layers, networks and sizes compare; an unrelated image of the same contrast is at about 2.
    """

    def prepared(self, features: Tensor, weights: Tensor | None = None) -> ContentTarget:
        """The photo's activations (B, H, W, C) as a target; `weights` (B, H, W, 1) of its positions, None for 1."""
        centered = features - F.mean_position(features, weights)
        floor = tf.constant(1e-6, features.dtype)  # a flat photo has no variance to compare with
        return ContentTarget(features, F.mean_square(centered, weights) + floor)

    def distance(self, features: Tensor, target: ContentTarget, weights: Tensor | None = None) -> Scalar:
        """Mean squared difference / mean variance of the target, >= 0; `features` (B, H, W, C)."""
        return F.mean_square(features - target.features, weights) / target.variance
