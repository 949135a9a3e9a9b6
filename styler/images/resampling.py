"""Resize float images by Pillow's filters, without rounding to bytes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from styler.images.picture import Pixels
from styler.types import Size


def resampled(pixels: Pixels, size: Size) -> Pixels:
    """Resize with a Lanczos filter that widens when shrinking, clipped to 0..1.

    Args:
        pixels: float32 (height, width, channels), 0..1.
        size: New (height, width).
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    made = np.empty((*size, pixels.shape[2]), np.float32)
    for channel in range(pixels.shape[2]):  # one by one: large images are resized with a third of the memory
        plane = Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        made[..., channel] = np.asarray(plane.resize(size[::-1], Image.Resampling.LANCZOS))
    return np.clip(made, 0.0, 1.0, out=made)
