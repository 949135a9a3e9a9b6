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
    planes = [
        Image.fromarray(np.ascontiguousarray(pixels[..., channel])).resize(size[::-1], Image.Resampling.LANCZOS)
        for channel in range(pixels.shape[2])
    ]
    return np.clip(np.stack([np.asarray(plane) for plane in planes], -1), 0.0, 1.0, dtype=np.float32)
