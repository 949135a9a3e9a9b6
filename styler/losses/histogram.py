"""Style loss by the histograms of activations (Risser, Wilmot & Barnes 2017, arXiv 1701.08893, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Stats, per_position
from styler.types import Tensor

UNIT = 2.0**-6  # activations much smaller than this count as 0; the embedded network's are of the order of 1
OCTAVES = 20  # factors of 2 above that: up to 16,000, which VGG-19 reaches
PARTS = 2  # bins an octave: a change of an activation by a third moves half of it into the next bin
BINS = 2 * OCTAVES * PARTS + 1  # for both signs
BESIDE = (-1, 0, 1)  # bins around a value that it counts in


class HistogramTarget(NamedTuple):
    """A style's shares of positions below each bin, channel by channel, float64, (B, R, C, BINS)."""

    cumulative: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramLoss:
    """Squared differences of the channels' cumulative histograms, in bins that are linear near 0 and then logarithmic.

    Differs from the paper, which moves every activation to its place in the target's histogram and takes the squared
    way: that is no function of sums over positions. The squared difference of cumulative histograms (Cramér 1928) is,
    so that it adds over tiles, regions and styles. Divided by F (1 - F) summed over the target, which is half of the
    mean distance of two of its activations, so that layers and networks compare.
    """

    gain: ClassVar[float] = 1.0

    def statistics(self, features: Tensor, weights: Tensor | None = None) -> Stats:
        """`bins`, the soft histogram of every channel, (B, R, C, BINS), and `count`; see `Loss`."""
        return {"count": F.positions(features, weights), "bins": soft_histogram(features, weights)}

    def prepared(self, stats: Stats) -> HistogramTarget:
        """The cumulative histograms of a style."""
        return HistogramTarget(_cumulative(stats))

    def distance(self, stats: Stats, target: HistogramTarget) -> Tensor:
        """Squared difference of cumulative histograms, relative to the target's spread, (B, R), >= 0."""
        apart = tf.reduce_sum(tf.square(_cumulative(stats) - target.cumulative), (-2, -1))
        spread = tf.reduce_sum(target.cumulative * (1.0 - target.cumulative), (-2, -1))
        floor = tf.constant(1e-12, tf.float64)  # a flat target has no spread
        return tf.cast(apart / (tf.nn.relu(spread) + floor), stats["bins"].dtype)


def soft_histogram(features: Tensor, weights: Tensor | None = None) -> Tensor:
    """How often each value comes up in each channel and region.

    A value counts in the three bins around it by a quadratic B-spline, so that slopes have no jumps. The gradient is
    spelled out: TensorFlow's own would keep activations in all bins.

    Args:
        features: (B, H, W, C).
        weights: How much each position counts in each region, (B, H, W, R), constant; None for one of equal weights.

    Returns:
        (B, R, C, BINS).
    """
    shape, channels = tf.shape(features), features.shape[-1]
    shares = [None] if weights is None else tf.split(weights, weights.shape[-1], -1)
    size = shape[0] * channels * BINS
    histograms = tf.reshape(tf.range(shape[0]), [-1, 1, 1, 1]) * channels + tf.range(channels)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def counted(values: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        places, steepness = _places(values)
        middle = tf.clip_by_value(tf.round(places), 1.0, BINS - 2.0)
        off = places - middle
        bins = histograms * BINS + tf.cast(middle, tf.int32)
        parts = (0.5 * tf.square(0.5 - off), 0.75 - tf.square(off), 0.5 * tf.square(0.5 + off))
        slopes = (off - 0.5, -2.0 * off, off + 0.5)

        def total(share: Tensor | None) -> Tensor:
            heavy = parts if share is None else [part * share for part in parts]
            sums = [tf.math.unsorted_segment_sum(part, bins + to, size) for part, to in zip(heavy, BESIDE, strict=True)]
            return tf.reshape(tf.add_n(sums), [shape[0], 1, channels, BINS])

        def gradient(upstream: Tensor) -> Tensor:
            rises = []
            for region, share in enumerate(shares):
                flat = tf.reshape(upstream[:, region], [-1])
                rise = tf.add_n([slope * tf.gather(flat, bins + to) for slope, to in zip(slopes, BESIDE, strict=True)])
                rises.append(rise if share is None else rise * share)
            return steepness * tf.add_n(rises)

        return tf.concat([total(share) for share in shares], 1), gradient

    return counted(features)


def _places(values: Tensor) -> tuple[Tensor, Tensor]:
    """Where values lie among the bins, 0.5..BINS - 1.5, and how fast that changes with them."""
    sizes = tf.abs(values) / UNIT
    scale = tf.constant(PARTS / math.log(2.0), values.dtype)
    places = OCTAVES * PARTS + tf.sign(values) * scale * tf.math.log1p(sizes)
    steepness = scale / (UNIT * (1.0 + sizes))
    inside = tf.cast((places > 0.5) & (places < BINS - 1.5), values.dtype)
    return tf.clip_by_value(places, 0.5, BINS - 1.5), steepness * inside


def _cumulative(stats: Stats) -> Tensor:
    means = per_position({name: tf.cast(part, tf.float64) for name, part in stats.items()})
    return tf.cumsum(means["bins"], -1)
