"""Two kinds of loss: of statistics that add over positions, and sums over positions."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

from styler.types import Scalar, Tensor


class Stats(NamedTuple):
    """Sums over positions; those of a whole image are the sums of those of its parts.

    Attributes:
        count: Number of positions, float, shape (B,).
        first: Sum of activations, (B, C).
        second: Sum of outer products of activations, (B, C, C).
    """

    count: Tensor
    first: Tensor
    second: Tensor

    def plus(self, other: Stats) -> Stats:
        """Statistics of two parts together."""
        return Stats(*(a + b for a, b in zip(self, other, strict=True)))

    def per_position(self) -> Stats:
        """Scaled to one position: the means, with a count of 1."""
        count = self.count
        return Stats(count / count, self.first / count[:, None], self.second / count[:, None, None])

    def times(self, weight: float | Scalar) -> Stats:
        """Every position counted `weight` times."""
        return Stats(*(part * weight for part in self))


Prepared: TypeAlias = Any
"""A NamedTuple of tensors, the loss's own form of a target."""


Sums: TypeAlias = Any
"""A NamedTuple of tensors, a local loss's own sums over positions of a target."""


class StatisticLoss(Protocol):
    """A distance between additive statistics of activations.

    Attributes:
        gain: Factor with which half the strength brings the style as close as with the other losses; measured.
    """

    gain: ClassVar[float]

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Activations (B, H, W, C) -> sums over positions, weighted by (B, H, W, 1); additive over parts."""
        ...

    def prepared(self, target: Stats) -> Prepared:
        """What `distance` needs of a target, worked out once and not at every step."""
        ...

    def distance(self, stats: Stats, target: Prepared) -> Scalar:
        """How far statistics are from a prepared target, >= 0, 0 for equal ones; relative to the target's size."""
        ...


class LocalLoss(Protocol):
    """A sum over positions of a difference of activations."""

    def prepared(self, features: Tensor, weights: Tensor | None = None) -> Prepared:
        """What `distance` needs of the target's activations (B, H, W, C), worked out once and not at every step."""
        ...

    def distance(self, features: Tensor, target: Prepared, weights: Tensor | None = None) -> Scalar:
        """Activations (B, H, W, C) and a prepared target -> mean over positions, weighted by (B, H, W, 1), >= 0."""
        ...

    def sums(self, features: Tensor, weights: Tensor | None = None) -> Sums:
        """What `variance` needs of the target's activations, additive over tiles."""
        ...

    def variance(self, sums: Sums) -> Scalar:
        """What the mean over positions is divided by, from the sums over the whole target."""
        ...

    def total(self, features: Tensor, target: Tensor, weights: Tensor | None = None) -> Scalar:
        """`distance` before it is divided by the number of values and the variance: additive over tiles."""
        ...


def blended(stats: list[Stats], weights: list[float]) -> Stats:
    """Statistics of several styles as shares of one.

    Args:
        stats: One for each style image.
        weights: Shares that sum to 1.

    Returns:
        The weighted mean of the statistics per position.
    """
    total = stats[0].per_position().times(weights[0])
    for part, weight in zip(stats[1:], weights[1:], strict=True):
        total = total.plus(part.per_position().times(weight))
    return total
