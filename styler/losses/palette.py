"""The colors of an image as activations: soft histograms beside the layers of a network.

First and second moments of a network's activations leave the shape of a color's distribution open: skewed and
two-humped ones come out rounder than the painting's. Each channel and their mean are therefore counted into soft bins
whose statistics are matched like those of any layer: they add over tiles, masks and styles. The study in
`docs/look.md` has what it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from styler.types import Tensor

AXES = np.array([[1, 0, 0, 1 / 3], [0, 1, 0, 1 / 3], [0, 0, 1, 1 / 3]], np.float64)  # red, green, blue, their mean
BINS = 12  # of each axis; 16, and two axes of color differences, gain .001 of palette for twice the channels
POOL = 2  # pixels along each axis that are averaged first: a quarter of the memory, and grain is not color


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Soft bins of colors.

    A color counts fully in the bin whose center it has, and less and less in that bin's neighbors: max(0, 1 - |x - c| /
    width).
    """

    stride: ClassVar[int] = POOL
    low: ClassVar[int] = 0
    high: ClassVar[int] = POOL - 1
    channels: ClassVar[int] = AXES.shape[1] * BINS

    def __call__(self, image: Tensor) -> Tensor:
        """RGB 0..1, (B, H, W, 3) -> (B, H // 2, W // 2, 48), each in 0..1."""
        kernel = np.repeat(AXES * (BINS - 1), BINS, axis=1)[None, None]  # distances count in widths of a bin
        centers = np.tile(np.arange(BINS), AXES.shape[1])
        pooled = tf.nn.avg_pool2d(image, POOL, POOL, "VALID")
        away = tf.nn.bias_add(
            tf.nn.conv2d(pooled, tf.constant(kernel, image.dtype), 1, "VALID"), tf.constant(-centers, image.dtype)
        )
        return tf.nn.relu(1.0 - tf.abs(away))
