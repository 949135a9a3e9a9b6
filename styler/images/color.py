"""Color transfer from the content image to the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from styler.images.oklab import Colors, from_oklab, to_linear, to_oklab
from styler.images.picture import Pixels

ROUNDING = 1e-6  # of linear light: white and black are not exactly 1 and 0 after a conversion there and back
HALVINGS = 12  # of the interval in which the largest chroma that fits is searched: 2**-12 is below a 16-bit step of it

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


def with_oklab_chroma_of(result: Pixels, content: Pixels) -> Pixels:
    """Combine the OKLab lightness of the result with the chroma and hue of the content image.

    If the combination lies outside sRGB, the chroma is reduced toward gray just enough to fit. Lightness and hue are
    kept.

    Args:
        result: Pixels of shape (H, W, 3), 0..1.
        content: Pixels of the same shape.

    Returns:
        Pixels of the same shape, float32, 0..1.
    """
    colors = to_oklab(content)
    colors[..., 0] = to_oklab(result)[..., 0]
    outside = ~_is_inside(colors)
    lightness = colors[outside][:, :1]
    chroma = colors[outside][:, 1:]
    low = np.zeros_like(lightness)
    high = np.ones_like(lightness)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = _is_inside(np.concatenate([lightness, middle * chroma], -1))[:, None]
        low = np.where(fits, middle, low)
        high = np.where(fits, high, middle)
    colors[outside] = np.concatenate([lightness, low * chroma], -1)
    return from_oklab(colors)


def _is_inside(colors: Colors) -> Any:
    """Whether colors in OKLab, (..., 3), lie within sRGB."""
    light = to_linear(colors)
    fits = (light >= -ROUNDING) & (light <= 1.0 + ROUNDING)
    return np.all(fits, axis=-1)


def with_chroma_of(result: Pixels, content: Pixels) -> Pixels:
    """Combine the BT.601 luma of the result with the color differences of the content image.

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


CHROMA_OF = {
    "oklab": with_oklab_chroma_of,
    "luma": with_chroma_of,
}
"""Value of `--lightness` -> function that combines the lightness of a result with the colors of a content image."""
