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

FLOOR = 1e-6  # added to the variance: a flat photo has none to compare with


class ContentScale(NamedTuple):
    """What the sum of squared differences is divided by: the number of values times their mean variance, float64."""

    total: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLoss:
    """Mean squared difference of activations, as a share of the content's own variance.

    Differs from the paper: divided by the variance of the content's activations around their channel means, so
    that layers, networks and sizes compare; an unrelated image of the same contrast is at about 2.
    """

    keeps: ClassVar[bool] = True
    before: ClassVar[int] = 0
    after: ClassVar[int] = 0

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """`first` and `square`, sums of activations and of their squares, (B, 1, C), and `count`; float64."""
        heavy = _in_any_region(weights)
        counted = features if heavy is None else features * heavy
        return {
            "count": tf.cast(F.positions(features, heavy), tf.float64),
            "first": _sum_over_positions(counted),
            "square": _sum_over_positions(counted * features),
        }

    def prepared(self, stats: Stats) -> ContentScale:
        """The number of values and their variance around the means of their channels."""
        count = stats["count"][..., None]
        variance = tf.reduce_mean(stats["square"] / count - tf.square(stats["first"] / count)) + FLOOR
        return ContentScale(variance * tf.reduce_sum(count) * stats["first"].shape[-1])

    def local(self, features: Tensor, target: LocalTarget, weights: Tensor | None, frame: Frame) -> Scalar:
        """A tile's share of the mean squared difference over the target's variance, >= 0."""
        squares, heavy = tf.square(features - target.kept), _in_any_region(weights)
        scale = ContentScale(*target.aim)
        return tf.reduce_sum(squares if heavy is None else squares * heavy) / tf.cast(scale.total, features.dtype)


def _in_any_region(weights: Tensor | None) -> Tensor | None:
    """How much each position counts in all regions together, (B, H, W, 1)."""
    return None if weights is None else tf.reduce_sum(weights, -1, keepdims=True)


def _sum_over_positions(values: Tensor) -> Tensor:
    """(B, H, W, C) -> (B, 1, C), rows in the values' own precision and their sums in float64."""
    return tf.reduce_sum(tf.cast(tf.reduce_sum(values, 2), tf.float64), 1, keepdims=True)


def feature_terms(layers: LayerWeights) -> tuple[Term[LocalLoss], ...]:
    """One term for every content layer.

    Args:
        layers: Addresses with shares that sum to 1.
    """
    return tuple(
        Term(name=f"content {address}", group=CONTENT, loss=ContentLoss(), layer=address, share=share)
        for address, share in layers
    )
