"""Laplacian content loss (Li, Xu, Nie & Liu, Laplacian-Steered Neural Style Transfer, ACM MM 2017, eq. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from styler.config import LayerWeights
from styler.losses.base import LocalLoss
from styler.losses.content import ContentLoss, feature_terms
from styler.losses.term import CONTENT, Term
from styler.types import Tensor

POOL = 4  # side in pixels of the squares that are averaged first, as in the paper's main results
SHARE = 0.5  # share of the whole content loss; the paper chooses a weight for each picture
STENCIL = ((0.0, -1.0, 0.0), (-1.0, 4.0, -1.0), (0.0, -1.0, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Laplacian:
    """The Laplacian of a downsampled image, channel by channel: its edges without the flat areas between them."""

    stride: ClassVar[int] = POOL
    low: ClassVar[int] = -POOL
    high: ClassVar[int] = 2 * POOL - 1
    channels: ClassVar[int] = 3

    def __call__(self, image: Tensor) -> Tensor:
        """Convert RGB 0..1, (B, H, W, 3), to the Laplacian (B, H // 4, W // 4, 3) in -4..4; flat areas have 0."""
        pooled = tf.nn.avg_pool2d(image, POOL, POOL, "VALID")
        padded = tf.pad(pooled, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        stencil = tf.constant(STENCIL, image.dtype)
        kernel = stencil[:, :, None, None] * tf.ones([1, 1, self.channels, 1], image.dtype)
        return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")


def laplacian_terms(layers: LayerWeights) -> tuple[Term[LocalLoss], ...]:
    """Make the terms of the content layers and of the photo's Laplacian, which preserves lines and small shapes.

    This differs from the paper: squared differences are relative to the photo's variance, as for the layers.

    Args:
        layers: Addresses with shares that sum to 1.
    """
    reduced = tuple((address, (1.0 - SHARE) * share) for address, share in layers)
    edges = Term(
        name="content laplacian",
        group=CONTENT,
        loss=ContentLoss(),
        reading=Laplacian(),
        share=SHARE,
    )
    return (*feature_terms(reduced), edges)
