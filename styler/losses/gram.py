"""Gram-matrix style loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 3-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats, per_position
from styler.types import Tensor


class GramTarget(NamedTuple):
    """A style's Gram matrix per position, float64, (B, R, C, C)."""

    gram: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class GramLoss:
    """Distance between channel correlations, regardless of where things are in the image.

    This differs from the paper in two ways. Each matrix is divided by its number of positions, so that images of
    different sizes are comparable. The squared difference is divided by the square of the target, so that layers and
    networks are comparable.
    """

    gain: ClassVar[float] = 3.0  # fourth powers are flat near the target; docs/look.md has the measurement

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute `second`, the sum of outer products, (B, R, C, C), and `count`; see `Loss`."""
        _, second = F.moment_sums(features, weights)
        return {
            "count": F.positions(features, weights),
            "second": second,
        }

    def prepared(self, stats: Stats) -> GramTarget:
        """Compute the mean outer product, in float64 whether it was summed over tiles or not."""
        return GramTarget(tf.cast(per_position(stats)["second"], tf.float64))

    def distance(self, stats: Stats, target: GramTarget) -> Tensor:
        """Compute the squared difference of the Gram matrices as a share of the target's square, (B, R), >= 0."""
        return F.relative_square(per_position(stats)["second"], target.gram)
