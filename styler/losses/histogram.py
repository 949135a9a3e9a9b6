"""Style loss that compares histograms of activations (Risser, Wilmot & Barnes 2017, arXiv 1701.08893, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats, in_float64, per_position
from styler.types import Tensor

UNIT = 2.0**-6  # activations much smaller than this count as 0; those of the built-in network are about 1
OCTAVES = 20  # factors of 2 above that: up to 16,000, which VGG-19 reaches
PARTS = 2  # bins per factor of 2: if an activation changes by a third, half of its weight moves to the next bin
BINS = 2 * OCTAVES * PARTS + 1  # for both signs
NEIGHBORS = (-1, 0, 1)  # a value counts in the nearest bin and in the two bins beside it


class HistogramTarget(NamedTuple):
    """A style's shares of positions up to each bin, channel by channel, float64, (B, R, C, BINS)."""

    cumulative: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramLoss:
    """Squared differences of the channels' cumulative histograms, in bins that are linear near 0 and then logarithmic.

    This differs from the paper, which moves every activation to its place in the target's histogram and takes the
    squared distance. That distance is not a function of sums over positions. The squared difference of cumulative
    histograms (Cramér 1928) is, so it can be computed from tiles, regions and several styles. It is divided by the sum
    of F (1 - F) over the target's bins, so that layers and networks are comparable. This sum is half of the mean
    distance between two of the target's activations.
    """

    gain: ClassVar[float] = 1.0

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """Compute `bins`, the soft histogram of every channel, (B, R, C, BINS), and `count`; see `Loss`."""
        return {
            "count": F.positions(features, weights),
            "bins": soft_histogram(features, weights),
        }

    def prepared(self, stats: Stats) -> HistogramTarget:
        """Compute the cumulative histograms of a style."""
        return HistogramTarget(_cumulative(stats))

    def distance(self, stats: Stats, target: HistogramTarget) -> Tensor:
        """Compute the squared difference of cumulative histograms, relative to the target's spread, (B, R), >= 0."""
        wanted = target.cumulative
        difference = tf.reduce_sum(tf.square(_cumulative(stats) - wanted), (-2, -1))
        spread = tf.reduce_sum(wanted * (1.0 - wanted), (-2, -1))
        floor = tf.constant(1e-12, tf.float64)  # a flat target has no spread
        relative = difference / (tf.nn.relu(spread) + floor)
        return tf.cast(relative, stats["bins"].dtype)


def soft_histogram(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """Count how often each value occurs, by channel and region.

    A value counts in the three bins around it, weighted by a quadratic B-spline, so that the gradient is continuous.
    The gradient is written by hand, because TensorFlow's own would keep the activations of all bins.

    Args:
        features: (B, H, W, C).
        weights: How much each position counts in each region, (B, H, W, R), constant; None for one region of equal
            weights.

    Returns:
        (B, R, C, BINS).
    """
    batch = tf.shape(features)[0]
    channels = features.shape[-1]
    regions = [None] if weights is None else tf.split(weights, weights.shape[-1], -1)
    images = tf.reshape(tf.range(batch), [-1, 1, 1, 1])
    histograms = images * channels + tf.range(channels)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def counted(values: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        places, places_slope = _places(values)
        middle = tf.clip_by_value(tf.round(places), 1.0, BINS - 2.0)
        offset = places - middle
        middle_bins = histograms * BINS + tf.cast(middle, tf.int32)
        bins = [middle_bins + neighbor for neighbor in NEIGHBORS]
        amounts = [
            0.5 * tf.square(0.5 - offset),
            0.75 - tf.square(offset),
            0.5 * tf.square(0.5 + offset),
        ]
        amount_slopes = [
            offset - 0.5,
            -2.0 * offset,
            offset + 0.5,
        ]

        def histogram(region: Tensor | None) -> Tensor:
            sums = []
            for amount, indices in zip(amounts, bins, strict=True):
                weighted = amount if region is None else amount * region
                sums.append(tf.math.unsorted_segment_sum(weighted, indices, batch * channels * BINS))
            return tf.reshape(tf.add_n(sums), [batch, 1, channels, BINS])

        def gradient(upstream: Tensor) -> Tensor:
            slopes = []
            for number, region in enumerate(regions):
                bin_slopes = tf.reshape(upstream[:, number], [-1])
                products = []
                for amount_slope, indices in zip(amount_slopes, bins, strict=True):
                    products.append(amount_slope * tf.gather(bin_slopes, indices))
                slope = tf.add_n(products)
                slopes.append(slope if region is None else slope * region)
            return places_slope * tf.add_n(slopes)

        return tf.concat([histogram(region) for region in regions], 1), gradient

    return counted(features)


def _places(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return values as positions on the axis of bins, 0.5..BINS - 1.5, and the derivatives of this conversion."""
    lowest = 0.5
    highest = BINS - 1.5
    sizes = tf.abs(values) / UNIT
    scale = tf.constant(PARTS / math.log(2.0), values.dtype)
    places = OCTAVES * PARTS + tf.sign(values) * scale * tf.math.log1p(sizes)
    slopes = scale / (UNIT * (1.0 + sizes))
    is_inside = (places > lowest) & (places < highest)
    return (
        tf.clip_by_value(places, lowest, highest),
        slopes * tf.cast(is_inside, values.dtype),
    )


def _cumulative(stats: Stats) -> Tensor:
    """Compute the shares of positions up to each bin, float64, (B, R, C, BINS)."""
    means = per_position(in_float64(stats))
    return tf.cumsum(means["bins"], -1)
