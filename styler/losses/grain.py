"""The grain of an image as activations: brightness in a full set of small patterns, beside the layers of a network.

A network sees little of what its pooling averages away. Left to it, the optimizer makes up for missing contrast with
thin horizontal and vertical lines two to four pixels apart, and flat areas come out woven like cloth. The covariance
of all patterns of 3 x 3 pixels fixes how much of each direction and fineness there is, so that grain runs in all
directions as the painting's does. The study in `docs/look.md` has what it does.
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
    """Luma in the patterns of `patterns`."""

    stride: ClassVar[int] = 1
    low: ClassVar[int] = -REACH
    high: ClassVar[int] = REACH
    channels: ClassVar[int] = SIDE**2 - 1

    def __call__(self, image: Tensor) -> Tensor:
        """RGB 0..1, (B, H, W, 3) -> (B, H, W, 8), -3.8..3.8; flat areas have 0."""
        kernel = patterns()[:, :, None, :] * LUMA[:, None]
        padded = tf.pad(image, [[0, 0], [REACH, REACH], [REACH, REACH], [0, 0]], "REFLECT")
        return tf.nn.conv2d(padded, tf.constant(kernel, image.dtype), 1, "VALID")


def patterns() -> NDArray[np.float64]:
    """All patterns of the two-dimensional discrete cosine transform but the flat one, (3, 3, 8).

    Each is as much larger than an orthonormal one as it is finer, since natural images and paintings have amplitudes
    of about 1/frequency (Field, J. Opt. Soc. Am. A 4, 1987): all count about alike.
    """
    places = np.arange(SIDE)
    waves = np.cos(np.pi * np.outer(places, places + 0.5) / SIDE)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    pairs = [(down, right) for down in places for right in places if down or right]
    return np.stack([np.hypot(*pair) * np.outer(waves[pair[0]], waves[pair[1]]) for pair in pairs], -1)
