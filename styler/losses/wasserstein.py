"""Style loss by optimal transport between Gaussians (Dowson & Landau 1982; Olkin & Pukelsheim 1982)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats
from styler.losses.matrix_root import matrix_root, trace_of_root
from styler.types import Scalar, Tensor


class GaussianTarget(NamedTuple):
    """A style's Gaussian, float64.

    Attributes:
        mean: (B, C).
        root: Symmetric root of the covariance, (B, C, C).
        variance: Trace of the covariance, (B,).
    """

    mean: Tensor
    root: Tensor
    variance: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WassersteinLoss:
    """Squared Wasserstein-2 distance between Gaussians of the same means and covariances as the activations.

    |m - m*|^2 + tr(C + C* - 2 (C*^1/2 C C*^1/2)^1/2), divided by tr C* so that layers and networks compare. Unlike
    Gram matrices it weighs a deviation by how much must be moved, which keeps the palette and the flat areas clean.

    Attributes:
        ridge: Added to the diagonals of both covariances, as a share of the target's mean variance, so that dead
            channels have a gradient (crowsonkb's style-transfer-pytorch adds 1e-4 to normalized activations).
    """

    gain: ClassVar[float] = 1.0
    ridge: float = 1e-4

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Sums of activations and of their outer products; additive over tiles, masks and styles.

        Args:
            features: Activations, float32, shape (B, H, W, C).
            weights: How much each position counts, (B, H, W, 1); None for 1 each.
        """
        return Stats(F.positions(features, weights), *F.moment_sums(features, weights))

    def prepared(self, target: Stats) -> GaussianTarget:
        """Mean, root of the covariance and total variance of a style."""
        mean, covariance = _gaussian(target)
        variance = tf.linalg.trace(covariance) + tf.constant(1e-12, tf.float64)
        root = matrix_root(_with_ridge(covariance, self.ridge, variance))
        return GaussianTarget(mean, root, variance)

    def distance(self, stats: Stats, target: GaussianTarget) -> Scalar:
        """Squared distance as a share of the target's variance, >= 0 up to rounding; worked out in float64."""
        mean, covariance = _gaussian(stats)
        ridged = _with_ridge(covariance, self.ridge, target.variance)
        product = tf.matmul(tf.matmul(target.root, ridged), target.root)
        overlap = trace_of_root((product + tf.linalg.matrix_transpose(product)) / 2.0)
        ridges = 2.0 * self.ridge * target.variance
        spread = tf.linalg.trace(covariance) + target.variance + ridges - 2.0 * overlap
        shift = tf.reduce_sum(tf.square(mean - target.mean), -1)
        return tf.cast(tf.reduce_mean((shift + spread) / target.variance), stats.second.dtype)


def _gaussian(stats: Stats) -> tuple[Tensor, Tensor]:
    """Mean (B, C) and covariance (B, C, C) in float64."""
    wide = Stats(*(tf.cast(part, tf.float64) for part in stats)).per_position()
    return wide.first, F.covariance(wide.first, wide.second)


def _with_ridge(covariance: Tensor, share: float, variance: Tensor) -> Tensor:
    channels = covariance.shape[-1]
    height = share * variance / channels
    return covariance + height[:, None, None] * tf.eye(channels, dtype=covariance.dtype)
