"""Gives a photo the palette of paintings before it is rendered.

The optimizer then does not need to move large areas from one color to another, which leaves haze and digital noise
where photo and painting differ most, and it can spend its steps on marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from styler.images.colorimetry import light_to_srgb, srgb_to_light
from styler.images.mapped import bands, new_array
from styler.images.picture import Picture, Pixels

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

SAMPLES = (
    2**17
)  # pixels of an image that statistics are computed from. With all pixels, four photos of 1600 pixels came
# out different by 0.06 to 0.12 of the 255 levels of 8 bits on average
LEVELS = 257  # quantiles of lightness: one for each limit between the 256 levels of 8 bits
TONE_SHARE = 0.5  # how far a photo moves to the palette: faces and skylines fade with more, see `docs/look.md`
SMALLEST_VARIANCE = 1e-6  # of a color coordinate: below a quarter of an 8-bit step, an image counts as one color

Colors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colors of one or more images, in OKLab.

    Attributes:
        mean: Mean (L, a, b), shape (3,).
        covariance: Covariance matrix, shape (3, 3).
        lightness: Quantiles of L at equal distances from 0 to 1, shape (257,).
    """

    mean: Colors
    covariance: Colors
    lightness: Colors


def palette_of(pictures: Sequence[Picture], shares: Sequence[float]) -> Palette:
    """Return the palette of pictures, mixed by their shares; transparent pixels do not count.

    Args:
        pictures: One or more pictures.
        shares: Share of each picture; they sum to 1.
    """
    sampled = [_sample(picture) for picture in pictures]
    counts = [len(colors) for colors in sampled]
    weights = np.repeat(np.divide(shares, counts), counts)
    colors = np.concatenate(sampled)
    mean = weights @ colors
    centered = colors - mean
    weighted = centered * weights[:, None]
    covariance = weighted.T @ centered
    return Palette(
        mean=mean,
        covariance=covariance + SMALLEST_VARIANCE * np.eye(3),
        lightness=_quantiles(colors[:, 0], weights),
    )


def with_palette(photo: Picture, palette: Palette, share: float) -> Picture:
    """Return a photo whose colors are moved toward a palette.

    Colors move by the optimal transport between the two Gaussians (Olkin & Pukelsheim 1982), which keeps different
    colors different. Lightness is then mapped monotonically, quantile to quantile.

    Args:
        photo: The photo.
        palette: Palette of the paintings.
        share: How far to move: 0 returns the photo's own colors, 1 gives the whole palette.
    """
    own = palette_of([photo], [1.0])
    transport = _transport(own.covariance, palette.covariance)

    def moved(colors: Colors) -> Colors:
        return (colors - own.mean) @ transport.T + palette.mean

    sample = moved(_sample(photo))
    lightness = _quantiles(sample[:, 0], np.ones(len(sample)))
    rising = lightness + np.arange(LEVELS) * 1e-12  # np.interp needs increasing values
    pixels = new_array(photo.pixels.shape)
    for rows in bands(photo.pixels, pixels):
        before = to_oklab(photo.pixels[rows])
        after = moved(before)
        after[..., 0] = np.interp(after[..., 0], rising, palette.lightness)
        mixed = before + share * (after - before)
        pixels[rows] = from_oklab(mixed)
    return replace(photo, pixels=pixels)


def _sample(picture: Picture) -> Colors:
    """Return opaque pixels of a picture, evenly spaced, in OKLab, shape (n, 3); all pixels if none is opaque."""
    height, width = picture.size
    pixels_a_sample = height * width / SAMPLES
    step = max(1, round(pixels_a_sample**0.5))
    every = slice(None, None, step)
    pixels = picture.pixels[every, every]
    colors = to_oklab(pixels).reshape(-1, 3)
    if picture.alpha is None:
        return colors
    alpha = picture.alpha[every, every]
    opaque = alpha.reshape(-1) > 0.5
    return colors[opaque] if opaque.any() else colors


def _quantiles(values: Colors, weights: Colors) -> Colors:
    """Return weighted quantiles at `LEVELS` equal distances from 0 to 1."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    levels = np.linspace(0.0, reached[-1], LEVELS)
    places = np.searchsorted(reached, levels)
    inside = np.minimum(places, len(order) - 1)
    quantiles: Colors = values[order[inside]]
    return quantiles


def _transport(before: Colors, after: Colors) -> Colors:
    """Return the symmetric matrix that maps a Gaussian with the first covariance to one with the second."""
    root = _square_root(before)
    inverse = np.linalg.inv(root)
    middle = _square_root(root @ after @ root)
    return inverse @ middle @ inverse


def _square_root(matrix: Colors) -> Colors:
    """Return the symmetric square root of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    roots = np.sqrt(np.maximum(values, 0.0))
    return (vectors * roots) @ vectors.T


def to_oklab(pixels: Pixels) -> Colors:
    """Convert sRGB in 0..1 to OKLab, float64, shape (..., 3)."""
    lms = srgb_to_light(pixels) @ RGB_TO_LMS.T
    return np.cbrt(lms) @ LMS_TO_LAB.T


def from_oklab(colors: Colors) -> Pixels:
    """Convert OKLab to sRGB, float32, clipped to 0..1, shape (..., 3)."""
    roots = colors @ LAB_TO_LMS.T
    light = roots**3 @ LMS_TO_RGB.T
    return light_to_srgb(np.clip(light, 0.0, 1.0))
