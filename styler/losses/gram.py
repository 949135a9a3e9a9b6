"""Gram-matrix style loss (Gatys, Ecker & Bethge, CVPR 2016, eq. 3-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from styler.losses import functional as F
from styler.losses.base import Stats, per_position
from styler.types import Tensor


class GramTarget(NamedTuple):
    """A style's Gram matrix per position, (B, R, C, C)."""

    gram: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class GramLoss:
    """Distance between channel correlations, blind to where things are.

    Differs from the paper: each matrix is divided by its own number of positions, so that images of different
    size compare, and the squared difference by the target's own square, so that layers and networks compare.
    """

    gain: ClassVar[float] = 3.0  # squares of squares flatten near the target; docs/look.md has the measurement

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """`second`, the sum of outer products, (B, R, C, C), and `count`; see `Loss`."""
        _, second = F.moment_sums(features, weights)
        return {
            "count": F.positions(features, weights),
            "second": second,
        }

    def prepared(self, stats: Stats) -> GramTarget:
        """The mean outer product."""
        return GramTarget(per_position(stats)["second"])

    def distance(self, stats: Stats, target: GramTarget) -> Tensor:
        """Squared difference of the two normalized Gram matrices, as a share of the target's square, (B, R), >= 0."""
        return F.relative_square(per_position(stats)["second"], target.gram)
