"""What the objective asks of a loss, and what all losses do with sums over positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

from styler.types import Scalar, Tensor

Stats: TypeAlias = dict[str, Tensor]
"""Sums over positions by name, the loss's own; those of a whole image are the sums of those of its tiles.

Every tensor begins with the axes batch and region, (B, R, ...). `count`, (B, R), is always among them: the number of
positions, or the sum of their weights.
"""

Prepared: TypeAlias = tuple[Any, ...]
"""A target as the loss wants it: a NamedTuple of tensors, the loss's own."""


class Reading(Protocol):
    """A map of the image that a term looks at in place of a layer of the network.

    Position p along an axis sees the pixels p * stride + low to p * stride + high, both included; an axis of n pixels
    has n // stride positions.
    """

    stride: ClassVar[int]
    low: ClassVar[int]
    high: ClassVar[int]
    channels: ClassVar[int]

    def __call__(self, image: Tensor) -> Tensor:
        """Image (B, H, W, 3), RGB 0..1 -> activations (B, H', W', C); at the image's borders it pads by itself."""
        ...


class Frame(NamedTuple):
    """Which of the positions handed to a local loss are a tile's own; of a whole image all are. Each int32, (2,).

    Attributes:
        corner: Row and column of the first own position.
        owned: Rows and columns of own positions.
        whole: Rows and columns of the layer over the whole image.
    """

    corner: Tensor
    owned: Tensor
    whole: Tensor


class LocalTarget(NamedTuple):
    """What a local loss compares a tile with.

    Attributes:
        aim: What `prepared` made of the content image.
        kept: The content image's activations at the tile's own positions, (B, H, W, C), or () if none are kept.
    """

    aim: Prepared
    kept: Tensor


class Loss(Protocol):
    """A target is sums over positions of an image, made ready once for an octave."""

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Sums over positions, additive over tiles.

        Args:
            features: Activations, (B, H, W, C).
            weights: How much each position counts in each region, (B, H, W, R); None for one region of equal weights.
        """
        ...

    def prepared(self, stats: Stats) -> Prepared:
        """What the loss needs of a target, worked out once and not at every step."""
        ...


class StatisticLoss(Loss, Protocol):
    """A distance between statistics.

    Attributes:
        gain: Factor with which half the strength brings the style as close as with the other losses; measured.
    """

    gain: ClassVar[float]

    def distance(self, stats: Stats, target: Any) -> Tensor:
        """How far statistics are from a target, region by region.

        Args:
            stats: Of the image.
            target: What `prepared` made of the style's statistics.

        Returns:
            (B, R), >= 0, 0 for equal statistics; relative to the target's size, so that layers and networks compare.
        """
        ...


class LocalLoss(Loss, Protocol):
    """A sum over positions.

    Attributes:
        keeps: Whether it compares positions with the content image's activations there, which are kept for it.
        before: How many neighbors above and to the left of its own positions it looks at.
        after: How many below and to the right.
    """

    keeps: ClassVar[bool]
    before: ClassVar[int]
    after: ClassVar[int]

    def local(self, features: Tensor, target: LocalTarget, weights: Tensor | None, frame: Frame) -> Scalar:
        """A tile's share of the distance; the shares of all tiles sum to it.

        Args:
            features: Activations of own positions and, within the image, of as many neighbors as the loss looks at,
                (B, H, W, C).
            target: What to compare with.
            weights: How much each own position counts in each region, (B, H, W, R); None for 1.
            frame: Which positions are its own.

        Returns:
            >= 0; over all tiles relative to the content image's own size, where there is one to compare with.
        """
        ...


def added(one: Stats, other: Stats) -> Stats:
    """Statistics of two parts together."""
    return {name: part + other[name] for name, part in one.items()}


def per_position(stats: Stats) -> Stats:
    """Scaled to one position in each region: means, with a count of 1."""
    count = stats["count"]
    return {name: part / _with_rank_of(part, count) for name, part in stats.items()}


def blended(stats: Sequence[Stats], shares: Sequence[float]) -> Stats:
    """The weighted mean of the statistics per position of several styles.

    Args:
        stats: One for each style image.
        shares: Weights that sum to 1.
    """
    means = [per_position(each) for each in stats]
    return {name: sum(share * mean[name] for share, mean in zip(shares, means, strict=True)) for name in means[0]}


def _with_rank_of(part: Tensor, count: Tensor) -> Tensor:
    """(B, R) with as many more axes of length 1 as it takes to divide a sum by it."""
    return count[(..., *(None,) * (len(part.shape) - 2))]
