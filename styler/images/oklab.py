"""Conversion between sRGB and OKLab, a color space in which equal distances look about equal."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from styler.images.colorimetry import light_to_srgb, srgb_to_light
from styler.images.picture import Pixels

Colors: TypeAlias = NDArray[np.float64]
"""Colors (L, a, b), float64, shape (..., 3); L is 0 for black and 1 for white."""

# Linear sRGB to OKLab (Ottosson, "A perceptual color space for image processing", 2020), both matrices as published
RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LMS_TO_RGB = np.linalg.inv(RGB_TO_LMS)
LAB_TO_LMS = np.linalg.inv(LMS_TO_LAB)


def to_oklab(pixels: Pixels) -> Colors:
    """Convert sRGB in 0..1 to OKLab, float64, shape (..., 3)."""
    lms = srgb_to_light(pixels) @ RGB_TO_LMS.T
    return np.cbrt(lms) @ LMS_TO_LAB.T


def from_oklab(colors: Colors) -> Pixels:
    """Convert OKLab to sRGB, float32, clipped to 0..1, shape (..., 3)."""
    return light_to_srgb(np.clip(to_linear(colors), 0.0, 1.0))


def to_linear(colors: Colors) -> Colors:
    """Convert OKLab to linear sRGB, shape (..., 3); values outside 0..1 are colors that sRGB does not have."""
    roots = colors @ LAB_TO_LMS.T
    light: Colors = roots**3 @ LMS_TO_RGB.T
    return light
