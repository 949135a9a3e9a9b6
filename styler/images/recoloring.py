"""Gives an image the colors of another one: a painting those of the photo, or a result those of the photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from styler.images.color_statistics import OPAQUE, ColorMap, color_sample, moments_map, palette_of, quantiles, sampled
from styler.images.mapped import bands, new_array
from styler.images.oklab import Colors, from_oklab, to_oklab
from styler.images.picture import Picture, Pixels
from styler.images.regions import RegionMap, masked
from styler.images.resampling import resampled_alpha
from styler.types import Size

ROTATIONS = 8  # sets of axes along which histograms are matched. On six pairs, the sliced Wasserstein distance to the
# photo's colors falls from .028 with the linear map to .0071 with 1 set, .0029 with 4, .0012 with 8 and .0008 with 16
EVERY = 4  # of the sampled colors, one in so many determines histograms; the figures above are with it
LEAST = 1024  # sampled pixels of a region: every fourth of fewer would not reach the levels of a histogram
DIGITS = 9  # of a color coordinate: closer values differ by rounding only


class Curve(NamedTuple):
    """A function of one number that never falls, piecewise linear.

    Attributes:
        before: Arguments, increasing.
        after: Values.
    """

    before: Colors
    after: Colors

    @classmethod
    def between(cls, before: Colors, after: Colors) -> Curve:
        """Return the curve from quantiles to quantiles; equal arguments get the mean of their values."""
        arguments, places = np.unique(before.round(DIGITS), return_inverse=True)
        counts = np.bincount(places)
        return cls(arguments, np.bincount(places, after) / counts)

    def __call__(self, values: Colors) -> Colors:
        """Apply the curve to every value."""
        return np.interp(values, self.before, self.after)


class Matching(NamedTuple):
    """Moves the values along three orthogonal axes, each from quantile to quantile.

    Attributes:
        axes: One axis in each column, (3, 3).
        curves: The curve along each axis.
    """

    axes: Colors
    curves: tuple[Curve, ...]

    @classmethod
    def between(cls, axes: Colors, before: Colors, after: Colors) -> Matching:
        """Return the matching from colors (n, 3) to colors (m, 3)."""
        pairs = zip(_quantiles_along(before, axes), _quantiles_along(after, axes), strict=True)
        return cls(axes, tuple(Curve.between(*pair) for pair in pairs))

    def __call__(self, colors: Colors) -> Colors:
        """Map colors (..., 3)."""
        along = colors @ self.axes
        for axis, curve in enumerate(self.curves):
            along[..., axis] = curve(along[..., axis])
        moved: Colors = along @ self.axes.T
        return moved


class Places(NamedTuple):
    """Where the regions of two pictures are.

    Attributes:
        own: Regions of the picture to recolor.
        like: The same regions in the picture whose colors it gets.
    """

    own: RegionMap
    like: RegionMap


def recolored(
    picture: Picture,
    like: Picture,
    how: str,
    places: Places | None = None,
) -> Picture:
    """Return a picture with the colors of another one.

    Args:
        picture: The picture to recolor.
        like: The picture whose colors it gets.
        how: "match" for the other's mean and covariance, "histogram" for its whole distribution of colors.
        places: Regions, each of which gets the colors of the same region; at soft edges, these are mixed in OKLab.
            Regions that are too small in either picture, and pixels of no region, get the colors of the whole picture.
            None for one region.
    """
    whole = MAPS[how](picture, like)
    parts = [] if places is None else _maps(picture, like, how, places, whole)
    shares = None if places is None else places.own.at(picture.size)
    pixels = new_array(picture.pixels.shape)
    for rows in bands(picture.pixels, pixels):
        before = to_oklab(picture.pixels[rows])
        after = whole(before)
        if shares is not None:
            after *= np.maximum(1.0 - shares[rows].sum(-1, keepdims=True), 0.0)
            for number, part in enumerate(parts):
                after += shares[rows, :, number, None] * part(before)
        pixels[rows] = from_oklab(after)
    return replace(picture, pixels=pixels)


def _maps(
    picture: Picture,
    like: Picture,
    how: str,
    places: Places,
    whole: ColorMap,
) -> list[ColorMap]:
    """Return the map of each region to the other picture's; that of the whole picture where a region is too small."""
    seen = sampled(picture)
    seen_like = sampled(like)
    maps = []
    for number in range(len(places.own.colors)):
        own = masked(seen, places.own.plane(number, seen.size))
        wanted = masked(seen_like, places.like.plane(number, seen_like.size))
        enough = min(_opaque(own), _opaque(wanted)) >= LEAST
        maps.append(MAPS[how](own, wanted) if enough else whole)
    return maps


def _opaque(picture: Picture) -> int:
    """Return the number of pixels that count."""
    return 0 if picture.alpha is None else int((picture.alpha > OPAQUE).sum())


def recolored_pixels(
    pixels: Pixels,
    photo: Picture,
    how: str,
    regions: RegionMap | None = None,
) -> Pixels:
    """Return a picture of a photo, (H, W, 3), 0..1, with the photo's colors, in each region or as a whole.

    Where the photo is transparent, neither of them counts. See `recolored`.
    """
    alpha = resampled_alpha(photo, Size(*pixels.shape[:2]))
    picture = Picture(pixels=pixels, name="image", alpha=None if alpha is None else alpha[..., 0])
    return recolored(picture, photo, how, None if regions is None else Places(regions, regions)).pixels


def by_moments(picture: Picture, like: Picture) -> ColorMap:
    """Return the map to the other image's mean and covariance (Pitié & Kokaram 2007)."""
    own = palette_of([picture], [1.0])
    wanted = palette_of([like], [1.0])
    return moments_map(own, wanted)


def by_histograms(picture: Picture, like: Picture) -> ColorMap:
    """Return a map that gives an image the other's distribution of colors (Pitié, Kokaram & Dahyot, ICCV 2005).

    After the linear map of `by_moments`, histograms are matched along the three axes of OKLab, and then along the axes
    of random rotations, always the same ones. In the limit, the two distributions agree along every axis.
    """
    linear = by_moments(picture, like)
    colors = linear(color_sample(picture)[::EVERY])
    wanted = color_sample(like)[::EVERY]
    random = np.random.default_rng(0)
    matchings = []
    for number in range(ROTATIONS):
        axes = np.linalg.qr(random.standard_normal((3, 3))).Q if number else np.eye(3)
        matching = Matching.between(axes, colors, wanted)
        colors = matching(colors)
        matchings.append(matching)

    def mapped(colors: Colors) -> Colors:
        moved = linear(colors)
        for matching in matchings:
            moved = matching(moved)
        return moved

    return mapped


MAPS: dict[str, Callable[[Picture, Picture], ColorMap]] = {
    "match": by_moments,
    "histogram": by_histograms,
}
"""Value of `--color` -> function that makes the map from one image's colors to another's."""


def _quantiles_along(colors: Colors, axes: Colors) -> list[Colors]:
    """Return the quantiles of colors (n, 3) along each axis."""
    weights = np.ones(len(colors))
    return [quantiles(values, weights) for values in (colors @ axes).T]
