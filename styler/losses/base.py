"""The protocols of a loss, and what all losses do with sums over positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from styler.types import Scalar, Tensor

Stats: TypeAlias = dict[str, Tensor]
"""Sums over positions, under names that each loss chooses. The sums of all tiles add up to those of the whole image.

The first axes of every tensor are batch and region, (B, R, ...). `count`, (B, R), is always present: the number of
positions, or the sum of their weights.
"""

Prepared: TypeAlias = tuple[Any, ...]
"""A target in the form that its loss needs: a NamedTuple of tensors, different for each loss."""


FEWEST = 1e-6  # positions; avoids division by zero in a region without any


class Reading(Protocol):
    """A map of the image that a term reads instead of a layer of the network.

    Position p along an axis depends on the pixels from p * stride + low to p * stride + high, both included. An axis of
    n pixels has n // stride positions.
    """

    stride: ClassVar[int]
    low: ClassVar[int]
    high: ClassVar[int]
    channels: ClassVar[int]

    def __call__(self, image: Tensor) -> Tensor:
        """Convert an image (B, H, W, 3), RGB 0..1, to activations (B, H', W', C), with padding at the borders."""
        ...


class Frame(NamedTuple):
    """Which of the positions passed to a local loss are the tile's own; for a whole image, all of them are.

    All fields are int32 tensors of shape (2,).

    Attributes:
        corner: Row and column of the first own position.
        owned: Number of rows and columns of own positions.
        whole: Number of rows and columns over the whole image.
    """

    corner: Tensor
    owned: Tensor
    whole: Tensor


class LocalTarget(NamedTuple):
    """What a local loss compares a tile with.

    Attributes:
        prepared: Target that `prepared` made from the content image.
        activations: Activations of the content image at the tile's own positions, (B, H, W, C), or () if the loss
            needs none.
    """

    prepared: Prepared
    activations: Tensor


class Loss(Protocol):
    """What all losses have in common: once per octave, they make a target from sums over positions."""

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute sums over positions, which can be added up over tiles.

        Args:
            features: Activations, (B, H, W, C).
            weights: How much each position counts in each region, (B, H, W, R); None for one region of equal weights.
        """
        ...

    def prepared(self, stats: Stats) -> Prepared:
        """Make a target; called once per octave, not at every step."""
        ...


class StatisticLoss(Loss, Protocol):
    """A distance between statistics.

    Attributes:
        gain: Factor of the style weight, measured so that all losses bring the style equally close at strength 0.5.
    """

    gain: ClassVar[float]

    def distance(self, stats: Stats, target: Any) -> Tensor:
        """Compute how far statistics are from a target, region by region.

        Args:
            stats: Statistics of the image.
            target: Target that `prepared` made from the style's statistics.

        Returns:
            (B, R), >= 0, 0 for equal statistics; relative to the target's size, so that layers and networks are
            comparable.
        """
        ...


class LocalLoss(Loss, Protocol):
    """A sum over positions.

    Attributes:
        needs_activations: Whether it compares each position with the content image's activations at the same place.
        before: Number of neighbors above and to the left of the tile's own positions that it reads.
        after: The same below and to the right.
    """

    needs_activations: ClassVar[bool]
    before: ClassVar[int]
    after: ClassVar[int]

    def local(
        self,
        features: Tensor,
        target: LocalTarget,
        weights: Tensor | None,
        frame: Frame,
    ) -> Scalar:
        """Compute a tile's share of the distance; the shares of all tiles sum to the distance.

        Args:
            features: Activations of the tile's own positions and, within the image, of the neighbors that the loss
                reads, (B, H, W, C).
            target: Target to compare with.
            weights: How much each own position counts in each region, (B, H, W, R); None for 1.
            frame: Which positions are the tile's own.

        Returns:
            >= 0; relative to the content image's own size, if the loss compares with it.
        """
        ...


def in_float64(stats: Stats) -> Stats:
    """Convert statistics to float64."""
    import tensorflow as tf

    return {name: tf.cast(part, tf.float64) for name, part in stats.items()}


def added(one: Stats, other: Stats) -> Stats:
    """Add up the statistics of two parts."""
    return {name: part + other[name] for name, part in one.items()}


def per_position(stats: Stats) -> Stats:
    """Divide by the number of positions in each region. The result holds means, and a count of 1.

    A region without positions has means and a count of 0.
    """
    import tensorflow as tf

    count = tf.maximum(stats["count"], tf.constant(FEWEST, stats["count"].dtype))
    means = {}
    for name, part in stats.items():
        added_axes = (None,) * (len(part.shape) - 2)
        means[name] = part / count[(..., *added_axes)]
    return means


def blended(stats: Sequence[Stats], shares: Sequence[Any]) -> Stats:
    """Compute the weighted mean of the statistics per position of several styles.

    It is summed in float64, so that the order of the styles does not matter.

    Args:
        stats: Statistics of each style image.
        shares: Weights that sum to 1: a number for each style image, or an array (R,) with one for each region.
    """
    import tensorflow as tf

    means = [per_position(each) for each in stats]
    blend = {}
    for name in means[0]:
        weighted = [_scaled(mean[name], share) for share, mean in zip(shares, means, strict=True)]
        blend[name] = tf.cast(sum(weighted), means[0][name].dtype)
    return blend


def _scaled(part: Tensor, share: Any) -> Tensor:
    """Multiply a statistic (B, R, ...) by a number, or by one for each region, in float64."""
    import tensorflow as tf

    exact = tf.cast(part, tf.float64)
    if isinstance(share, float):
        return share * exact
    in_regions = share.reshape(-1, *(1,) * (len(part.shape) - 2))
    return in_regions.astype(np.float64) * exact
