"""Style loss that compares means and standard deviations of channels (Huang & Belongie, ICCV 2017, eq. 13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats, in_float64, per_position
from styler.types import Tensor

FLOOR = 1e-5  # added to a channel's variance before its root is taken, as in the authors' code


class MomentsTarget(NamedTuple):
    """Means and standard deviations of a style's channels, float64.

    Attributes:
        mean: (B, R, C).
        deviation: (B, R, C).
    """

    mean: Tensor
    deviation: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsLoss:
    """Squared differences of the channels' means and standard deviations.

    Unlike Gram matrices and covariances, they do not say which channels are active together. The loss therefore copies
    colors and contrast more than strokes. This differs from the paper: the distances are squared, and divided by the
    target's total variance so that layers and networks are comparable.
    """

    gain: ClassVar[float] = 1.0

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute `first` and `square`, sums of activations and their squares, (B, R, C), and `count`; see `Loss`."""
        return {
            "count": F.positions(features, weights),
            "first": _sums(features, weights),
            "square": _sums(tf.square(features), weights),
        }

    def prepared(self, stats: Stats) -> MomentsTarget:
        """Compute the mean and the standard deviation of every channel of a style."""
        return MomentsTarget(*_moments(stats))

    def distance(self, stats: Stats, target: MomentsTarget) -> Tensor:
        """Compute the squared distance as a share of the target's total variance, (B, R), >= 0, in float64."""
        mean, deviation = _moments(stats)
        difference = tf.square(mean - target.mean) + tf.square(deviation - target.deviation)
        variance = tf.reduce_sum(tf.square(target.deviation), -1)
        relative = tf.reduce_sum(difference, -1) / variance
        return tf.cast(relative, stats["first"].dtype)


def _sums(values: Tensor, weights: Tensor | None) -> Tensor:
    """Sum over the positions in each region, (B, H, W, C) -> (B, R, C)."""
    if weights is None:
        return tf.reduce_sum(values, (1, 2))[:, None]
    return tf.einsum("bhwc,bhwr->brc", values, weights)


def _moments(stats: Stats) -> tuple[Tensor, Tensor]:
    """Compute means and standard deviations, (B, R, C), float64."""
    means = per_position(in_float64(stats))
    variance = tf.nn.relu(means["square"] - tf.square(means["first"]))
    return means["first"], tf.sqrt(variance + FLOOR)
