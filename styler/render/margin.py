"""A strip beyond the picture's edge that is rendered with it and cut off at the end.

Convolutions see an edge less often than the inside, whatever the padding, and an optimizer pays for wrong colors
there less than it gains: it draws a thin frame. With a margin the frame falls outside the picture.
"""

from __future__ import annotations

import numpy as np

from styler.images.reading import Pixels
from styler.types import Size, Tensor

MARGIN = 8  # pixels; the frames seen without it were 1 to 3 pixels wide


def with_margin(pixels: Pixels) -> Pixels:
    """(H, W, 3) -> (H + 2 MARGIN, W + 2 MARGIN, 3), mirrored at the edges."""
    return np.pad(pixels, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="symmetric")


def without_margin(image: Tensor) -> Tensor:
    """The inverse of `with_margin` for a tensor (1, H, W, 3)."""
    return image[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


def padded_size(size: Size) -> Size:
    """Of a picture with its margin."""
    return Size(size.height + 2 * MARGIN, size.width + 2 * MARGIN)


def unpadded_size(image: Tensor) -> Size:
    """Of the picture within a tensor with margin, (1, H, W, 3)."""
    height, width = image.shape[1:3]
    return Size(height - 2 * MARGIN, width - 2 * MARGIN)
