"""Style loss that measures optimal transport between Gaussians (Dowson & Landau 1982; Olkin & Pukelsheim 1982)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats, in_float64, per_position
from styler.losses.matrix_root import matrix_root, trace_of_root
from styler.types import Tensor


class GaussianTarget(NamedTuple):
    """A style's Gaussian, float64.

    Attributes:
        mean: (B, R, C).
        root: Symmetric root of the covariance, (B, R, C, C).
        variance: Trace of the covariance, (B, R).
    """

    mean: Tensor
    root: Tensor
    variance: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WassersteinLoss:
    """Squared Wasserstein-2 distance between Gaussians with the means and covariances of the activations.

    |m - m*|^2 + tr(C + C* - 2 (C*^1/2 C C*^1/2)^1/2), divided by tr C* so that layers and networks are comparable.
    Unlike the distance of Gram matrices, it measures how far activations must be moved. That keeps the palette and flat
    areas clean.

    Attributes:
        ridge: Added to the diagonals of both covariances, as a share of the target's mean variance, so that dead
            channels have a gradient (crowsonkb's style-transfer-pytorch adds 1e-4 to normalized activations).
    """

    gain: ClassVar[float] = 1.0
    ridge: float = 1e-4

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute `first`, sums of activations, (B, R, C), `second`, sums of outer products, and `count`."""
        first, second = F.moment_sums(features, weights)
        return {
            "count": F.positions(features, weights),
            "first": first,
            "second": second,
        }

    def prepared(self, stats: Stats) -> GaussianTarget:
        """Compute the mean, the root of the covariance and the total variance of a style."""
        mean, covariance = _gaussian(stats)
        variance = tf.linalg.trace(covariance) + tf.constant(1e-12, tf.float64)
        root = matrix_root(_with_ridge(covariance, self.ridge, variance))
        return GaussianTarget(mean, root, variance)

    def distance(self, stats: Stats, target: GaussianTarget) -> Tensor:
        """Compute the squared distance as a share of the target's variance, (B, R), >= 0 up to rounding, in float64."""
        mean, covariance = _gaussian(stats)
        ridged = _with_ridge(covariance, self.ridge, target.variance)
        product = tf.matmul(tf.matmul(target.root, ridged), target.root)
        symmetric = (product + tf.linalg.matrix_transpose(product)) / 2.0
        overlap = trace_of_root(symmetric)
        ridges = 2.0 * self.ridge * target.variance
        spread = tf.linalg.trace(covariance) + target.variance + ridges - 2.0 * overlap
        shift = tf.reduce_sum(tf.square(mean - target.mean), -1)
        relative = (shift + spread) / target.variance
        return tf.cast(relative, stats["second"].dtype)


def _gaussian(stats: Stats) -> tuple[Tensor, Tensor]:
    """Compute the mean (B, R, C) and the covariance (B, R, C, C) in float64."""
    means = per_position(in_float64(stats))
    mean = means["first"]
    return mean, F.covariance(mean, means["second"])


def _with_ridge(covariance: Tensor, share: float, variance: Tensor) -> Tensor:
    """Add a share of the mean variance to the diagonal; `variance` is the total variance, (B, R)."""
    channels = covariance.shape[-1]
    ridge = share * variance / channels
    identity = tf.eye(channels, dtype=covariance.dtype)
    return covariance + ridge[..., None, None] * identity
