"""Color transfer from the content image to the result."""

from __future__ import annotations

import numpy as np

from styler.images.picture import Pixels

# ITU-R BT.601 luma and color differences, as in JPEG (ITU-T T.871)
RGB_TO_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float64
)
YCBCR_TO_RGB = np.linalg.inv(RGB_TO_YCBCR)


def to_ycbcr(pixels: Pixels) -> Pixels:
    """Convert RGB in 0..1 to luma in 0..1 and two color differences in -0.5..0.5, shape (..., 3)."""
    return (pixels @ RGB_TO_YCBCR.T).astype(np.float32)


def from_ycbcr(pixels: Pixels) -> Pixels:
    """Invert `to_ycbcr`, without clipping."""
    return (pixels @ YCBCR_TO_RGB.T).astype(np.float32)


def with_chroma_of(result: Pixels, content: Pixels) -> Pixels:
    """Combine the lightness of the result with the colors of the content image.

    If the combination lies outside RGB, the chroma is reduced toward gray just enough to fit. The lightness is kept.

    Args:
        result: Pixels of shape (H, W, 3), 0..1.
        content: Pixels of the same shape.

    Returns:
        Pixels of the same shape, float32, 0..1.
    """
    luma = to_ycbcr(result)[..., :1]
    chroma = to_ycbcr(content)
    chroma[..., 0] = 0.0
    offset = from_ycbcr(chroma)
    room = np.where(offset > 0, 1.0 - luma, luma)
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = np.where(np.abs(offset) > 0, room / np.abs(offset), 1.0)
    share = np.clip(fits.min(-1, keepdims=True), 0.0, 1.0)
    return np.clip(luma + offset * share, 0.0, 1.0, dtype=np.float32)
