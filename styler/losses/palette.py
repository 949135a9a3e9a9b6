"""Makes activations from the colors of an image: soft histograms.

The first and second moments of a network's activations do not determine the shape of a color distribution: skewed and
bimodal distributions become rounder than the painting's. The values of each channel and of their mean are therefore
counted in soft bins. The statistics of the bins are matched like those of any layer, and can be added up over tiles,
masks and styles. The study in `docs/look.md` shows the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from styler.types import Tensor

AXES = np.array(  # red, green, blue, and their mean
    [
        [1, 0, 0, 1 / 3],
        [0, 1, 0, 1 / 3],
        [0, 0, 1, 1 / 3],
    ],
    np.float64,
)
BINS = 12  # per axis; 16 bins and two more axes double the channels and improve the palette by only .001
POOL = 2  # pixels are averaged in squares of this side first, which saves memory and removes grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Soft bins of colors.

    A value x counts max(0, 1 - |x - c| / width) in the bin with center c: fully at the center, and not at all at or
    beyond the next center.
    """

    stride: ClassVar[int] = POOL
    low: ClassVar[int] = 0
    high: ClassVar[int] = POOL - 1
    channels: ClassVar[int] = AXES.shape[1] * BINS

    def __call__(self, image: Tensor) -> Tensor:
        """Convert RGB 0..1, (B, H, W, 3), to bin counts (B, H // 2, W // 2, 48), each in 0..1."""
        in_widths = np.repeat(AXES * (BINS - 1), BINS, axis=1)
        centers = np.tile(np.arange(BINS), AXES.shape[1])
        kernel = tf.constant(in_widths[None, None], image.dtype)
        bias = tf.constant(-centers, image.dtype)
        pooled = tf.nn.avg_pool2d(image, POOL, POOL, "VALID")
        distances = tf.nn.bias_add(tf.nn.conv2d(pooled, kernel, 1, "VALID"), bias)
        return tf.nn.relu(1.0 - tf.abs(distances))
