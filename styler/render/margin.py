"""The margin: a strip around the picture that is rendered with it and cut off at the end.

With any padding, fewer convolutions depend on the pixels at the edge than on those inside. Wrong colors at the edge
therefore lower the objective more than they raise it, and the optimizer draws a thin frame. With a margin, the frame
lies outside the picture.
"""

from __future__ import annotations

import numpy as np

from styler.images.mapped import bands, new_array
from styler.images.reading import Pixels
from styler.types import Size, Tensor

MARGIN = 8  # pixels; the frames seen without it were 1 to 3 pixels wide


def with_margin(pixels: Pixels) -> Pixels:
    """Add a margin to an array, (H, W, C) -> (H + 2 MARGIN, W + 2 MARGIN, C), mirrored at the edges."""
    height, width, channels = pixels.shape
    rows = np.pad(np.arange(height), MARGIN, mode="symmetric")
    columns = np.pad(np.arange(width), MARGIN, mode="symmetric")
    made = new_array((len(rows), len(columns), channels), pixels.dtype)
    for band in bands(made):
        made[band] = pixels[rows[band]][:, columns]
    return made


def without_margin(image: Tensor) -> Tensor:
    """Remove the margin of a tensor (1, H, W, 3)."""
    return image[:, MARGIN:-MARGIN, MARGIN:-MARGIN]


def padded_size(size: Size) -> Size:
    """Return the size of a picture with its margin."""
    return Size(size.height + 2 * MARGIN, size.width + 2 * MARGIN)


def unpadded_size(image: Tensor) -> Size:
    """Return the size of the picture inside a tensor with margin, (1, H, W, 3)."""
    height, width = image.shape[1:3]
    return Size(height - 2 * MARGIN, width - 2 * MARGIN)
