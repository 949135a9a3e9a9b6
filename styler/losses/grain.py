"""Makes activations from the grain of an image: responses of its luma to small patterns.

A network hardly responds to detail that its pooling averages away. If the objective consists of network layers alone,
the optimizer makes up for missing contrast with thin horizontal and vertical lines two to four pixels apart, and flat
areas look like woven cloth. The covariance of all patterns of 3 x 3 pixels determines how strong the grain is in each
direction and at each scale, so that grain runs in all directions as it does in the painting. The study in
`docs/look.md` shows the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from styler.types import Tensor

SIDE = 3  # pixels; 5 has three times the patterns and half the lines, but the same style distance and more noise
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601; with color differences as well, colored fringes double
REACH = SIDE // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """Responses of the luma to the patterns of `patterns`."""

    stride: ClassVar[int] = 1
    low: ClassVar[int] = -REACH
    high: ClassVar[int] = REACH
    channels: ClassVar[int] = SIDE**2 - 1

    def __call__(self, image: Tensor) -> Tensor:
        """Convert RGB 0..1, (B, H, W, 3), to responses (B, H, W, 8) in -3.8..3.8; flat areas have 0."""
        kernel = tf.constant(patterns()[:, :, None, :] * LUMA[:, None], image.dtype)
        border = [REACH, REACH]
        padded = tf.pad(image, [[0, 0], border, border, [0, 0]], "REFLECT")
        return tf.nn.conv2d(padded, kernel, 1, "VALID")


def patterns() -> NDArray[np.float64]:
    """Return all patterns of the two-dimensional discrete cosine transform except the flat one, (3, 3, 8).

    Each orthonormal pattern is multiplied by its frequency. Natural images and paintings have amplitudes of about
    1/frequency (Field, J. Opt. Soc. Am. A 4, 1987), so all patterns then count about equally.
    """
    frequencies = np.arange(SIDE)
    waves = np.cos(np.pi * np.outer(frequencies, frequencies + 0.5) / SIDE)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    found = []
    for down in frequencies:
        for right in frequencies:
            if down or right:
                wave = np.outer(waves[down], waves[right])
                found.append(np.hypot(down, right) * wave)
    return np.stack(found, -1)
