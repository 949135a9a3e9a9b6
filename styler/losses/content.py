"""Content loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.config import LayerWeights
from styler.losses import functional as F
from styler.losses.base import Frame, LocalLoss, LocalTarget, Stats
from styler.losses.term import CONTENT, Term
from styler.types import Scalar, Tensor

FLOOR = 1e-6  # added to the variance, because the variance of a flat photo is 0


class ContentScale(NamedTuple):
    """Divisor of the sum of squared differences: the number of values times their mean variance, float64."""

    total: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLoss:
    """Mean squared difference of activations, as a share of the content's own variance.

    This differs from the paper: the difference is divided by the variance of the content's activations around the
    means of their channels. Layers, networks and sizes are therefore comparable. An unrelated image of the same
    contrast has a loss of about 2.
    """

    needs_activations: ClassVar[bool] = True
    before: ClassVar[int] = 0
    after: ClassVar[int] = 0

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute `first` and `square`, sums of activations and their squares, (B, 1, C), and `count`, in float64."""
        weights = _over_regions(weights)
        weighted = _weighted(features, weights)
        return {
            "count": tf.cast(F.positions(features, weights), tf.float64),
            "first": _sum_over_positions(weighted),
            "square": _sum_over_positions(weighted * features),
        }

    def prepared(self, stats: Stats) -> ContentScale:
        """Compute the number of values times their variance around the means of their channels."""
        count = stats["count"][..., None]
        mean = stats["first"] / count
        mean_square = stats["square"] / count
        variance = tf.reduce_mean(mean_square - tf.square(mean)) + FLOOR
        channels = stats["first"].shape[-1]
        return ContentScale(variance * tf.reduce_sum(count) * channels)

    def local(
        self,
        features: Tensor,
        target: LocalTarget,
        weights: Tensor | None,
        frame: Frame,
    ) -> Scalar:
        """Compute a tile's share of the mean squared difference, divided by the target's variance, >= 0."""
        squares = tf.square(features - target.activations)
        weighted = _weighted(squares, _over_regions(weights))
        scale = ContentScale(*target.prepared)
        return tf.reduce_sum(weighted) / tf.cast(scale.total, features.dtype)


def _over_regions(weights: Tensor | None) -> Tensor | None:
    """Return how much each position counts in all regions together, (B, H, W, 1)."""
    return None if weights is None else tf.reduce_sum(weights, -1, keepdims=True)


def _weighted(values: Tensor, weights: Tensor | None) -> Tensor:
    return values if weights is None else values * weights


def _sum_over_positions(values: Tensor) -> Tensor:
    """Sum (B, H, W, C) to (B, 1, C): within each row in the precision of the values, over the rows in float64."""
    rows = tf.cast(tf.reduce_sum(values, 2), tf.float64)
    return tf.reduce_sum(rows, 1, keepdims=True)


def feature_terms(layers: LayerWeights) -> tuple[Term[LocalLoss], ...]:
    """Make one term for each content layer.

    Args:
        layers: Addresses with shares that sum to 1.
    """
    return tuple(
        Term(
            name=f"content {address}",
            group=CONTENT,
            loss=ContentLoss(),
            layer=address,
            share=share,
        )
        for address, share in layers
    )
