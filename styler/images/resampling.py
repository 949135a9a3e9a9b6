"""Resize float images by Pillow's filters, without rounding to bytes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from styler.images.picture import Picture, Pixels
from styler.types import Size

FAINTEST = 1 / 255  # of alpha: below the smallest step of 8 bits nothing shows


def resampled(pixels: Pixels, size: Size) -> Pixels:
    """Resize with a Lanczos filter that widens when shrinking, clipped to 0..1.

    Args:
        pixels: float32 (height, width, channels), 0..1.
        size: New (height, width).
    """
    if pixels.shape[:2] == tuple(size):
        return pixels
    return np.clip(_filtered(pixels, size), 0.0, 1.0, dtype=np.float32)


def resampled_alpha(picture: Picture, size: Size) -> Pixels | None:
    """How opaque a picture is at another size, float32 (height, width, 1); None where it is, or where nothing is."""
    if picture.alpha is None:
        return None
    alpha = resampled(picture.alpha[..., None], size)
    return alpha if float(alpha.max()) >= FAINTEST else None


def resampled_colors(picture: Picture, size: Size) -> Pixels:
    """A picture's pixels at another size, (height, width, 3), to which what is hidden adds nothing at the edges."""
    alpha = resampled_alpha(picture, size)
    if alpha is None or picture.alpha is None or picture.size == size:
        return resampled(picture.pixels, size)
    opacity = picture.alpha[..., None]
    shown = _filtered(picture.pixels * opacity, size) / np.maximum(_filtered(opacity, size), FAINTEST)
    return np.where(alpha < FAINTEST, 1.0, np.clip(shown, 0.0, 1.0)).astype(np.float32)


def _filtered(pixels: Pixels, size: Size) -> Pixels:
    """(H, W, C) -> (height, width, C), not clipped: sharp edges overshoot."""
    planes = [
        Image.fromarray(pixels[..., channel]).resize((size.width, size.height), Image.Resampling.LANCZOS)
        for channel in range(pixels.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], -1)
