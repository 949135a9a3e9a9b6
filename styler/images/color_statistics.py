"""Statistics of the colors of images, and maps from one distribution of colors to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from styler.gaussians import transport_matrix
from styler.images.oklab import Colors, to_oklab
from styler.images.picture import Picture

SAMPLES = 2**17  # pixels of an image that statistics are computed from. With all pixels, four photos of 1600 pixels
# came out different by 0.06 to 0.12 of the 255 levels of 8 bits on average
LEVELS = 257  # quantiles of lightness: one for each limit between the 256 levels of 8 bits
OPAQUE = 0.5  # alpha above which a pixel counts
SMALLEST_VARIANCE = 1e-6  # of a color coordinate: below a quarter of an 8-bit step, an image counts as one color


ColorMap: TypeAlias = Callable[[Colors], Colors]
"""A function of colors (L, a, b), shape (..., 3)."""


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
    sampled = [color_sample(picture) for picture in pictures]
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
        lightness=quantiles(colors[:, 0], weights),
    )


def color_sample(picture: Picture) -> Colors:
    """Return opaque pixels of a picture, evenly spaced, in OKLab, shape (n, 3); all pixels if none is opaque."""
    seen = sampled(picture)
    colors = to_oklab(seen.pixels).reshape(-1, 3)
    if seen.alpha is None:
        return colors
    opaque = seen.alpha.reshape(-1) > OPAQUE
    return colors[opaque] if opaque.any() else colors


def sampled(picture: Picture) -> Picture:
    """Return a picture of every n-th pixel, so that about `SAMPLES` are left; a small picture is returned unchanged."""
    height, width = picture.size
    pixels_a_sample = height * width / SAMPLES
    step = round(pixels_a_sample**0.5)
    if step <= 1:
        return picture
    every = slice(None, None, step)
    alpha = None if picture.alpha is None else picture.alpha[every, every]
    return replace(picture, pixels=picture.pixels[every, every], alpha=alpha)


def quantiles(values: Colors, weights: Colors) -> Colors:
    """Return weighted quantiles at `LEVELS` equal distances from 0 to 1."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    levels = np.linspace(0.0, reached[-1], LEVELS)
    places = np.searchsorted(reached, levels)
    inside = np.minimum(places, len(order) - 1)
    found: Colors = values[order[inside]]
    return found


def moments_map(own: Palette, wanted: Palette) -> ColorMap:
    """Return the optimal transport between Gaussians with the mean and covariance of two palettes.

    It is linear, so colors that differ stay different.
    """
    matrix = transport_matrix(own.covariance, wanted.covariance)
    return lambda colors: (colors - own.mean) @ matrix + wanted.mean
