"""The grain of an image as activations, beside the layers of a network: responses of its luma to small patterns.

A network hardly sees what its pooling averages away. If the objective has only its layers, the optimizer makes up for
missing contrast with thin horizontal and vertical lines two to four pixels apart, and flat areas look woven like cloth.
The covariance of all patterns of 3 x 3 pixels fixes how much there is of each direction and fineness, so that grain
runs in all directions as it does in the painting. The study in `docs/look.md` shows the effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from styler.types import Tensor

SIDE = 3  # pixels; 5 has three times the patterns, brings the style no closer and more noise, though half the lines
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601; differences of color as well double the colored fringes
REACH = SIDE // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """Responses of the luma to the patterns of `patterns`."""

    stride: ClassVar[int] = 1
    low: ClassVar[int] = -REACH
    high: ClassVar[int] = REACH
    channels: ClassVar[int] = SIDE**2 - 1

    def __call__(self, image: Tensor) -> Tensor:
        """RGB 0..1, (B, H, W, 3) -> (B, H, W, 8), -3.8..3.8; flat areas have 0."""
        kernel = tf.constant(patterns()[:, :, None, :] * LUMA[:, None], image.dtype)
        border = [REACH, REACH]
        padded = tf.pad(image, [[0, 0], border, border, [0, 0]], "REFLECT")
        return tf.nn.conv2d(padded, kernel, 1, "VALID")


def patterns() -> NDArray[np.float64]:
    """All patterns of the two-dimensional discrete cosine transform except the flat one, (3, 3, 8).

    Each orthonormal pattern is multiplied by its frequency. Natural images and paintings have amplitudes of about
    1/frequency (Field, J. Opt. Soc. Am. A 4, 1987), so that all patterns count about alike.
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
