"""Gram-matrix style loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 3-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from styler.losses import functional as F
from styler.losses.base import Stats
from styler.types import Scalar, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class GramLoss:
    """Distance between channel correlations, blind to where things are.

    Differs from the paper: each matrix is divided by its own number of positions, so that images of different
    size compare, and the squared difference by the target's own square, so that layers and networks compare.
    """

    gain: ClassVar[float] = 3.0  # squares of squares flatten near the target; docs/look.md has the measurement

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Sums of activations and of their outer products; additive over tiles, masks and styles.

        Args:
            features: Activations, float32, shape (B, H, W, C).
            weights: How much each position counts, (B, H, W, 1); None for 1 each.
        """
        return Stats(F.positions(features, weights), *F.moment_sums(features, weights))

    def prepared(self, target: Stats) -> Stats:
        """The target's statistics per position."""
        return target.per_position()

    def distance(self, stats: Stats, target: Stats) -> Scalar:
        """Squared difference of the two normalized Gram matrices, as a share of the target's square, >= 0."""
        return F.relative_square(stats.per_position().second, target.second)
