"""Guided statistics: which positions of a layer count in which region, and which paintings a region is compared with.

A position depends on all pixels of its receptive field. Near the edge of a region, its activations describe both sides
(Gatys et al., Controlling Perceptual Factors in Neural Style Transfer, CVPR 2017, section 4). A position therefore
counts in a region by the share of its receptive field that lies in it, and not at all below a quarter. Pixels in the
middle of the field count more, as they do in a network: the weights fall linearly from the center to the ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from styler.images.mapped import Array, new_array
from styler.losses.base import Stats
from styler.networks.geometry import Extent, Geometry
from styler.types import Size

LEAST_INSIDE = 0.25  # share of the receptive field
LEAST_POSITIONS = 4.0  # sum of weights; fewer positions say nothing about how channels vary together
STRIP = 2**22  # values of a mask to filter at a time


def guided(shares: Array, grid: Size, geometry: Geometry) -> Array:
    """Compute how much each position of a layer counts in each region.

    Args:
        shares: How much each pixel belongs to each region, 0..1, (height, width, regions).
        grid: Rows and columns of the layer's positions.
        geometry: What a position depends on.

    Returns:
        float32, 0..1, (*grid, regions).
    """
    height, width, regions = shares.shape
    made = new_array((*grid, regions))
    for number in range(regions):
        across = new_array((height, grid.width))
        step = max(1, STRIP // width)
        for top in range(0, height, step):
            rows = slice(top, top + step)
            across[rows] = _at_positions(shares[rows, :, number], grid.width, geometry.horizontal)
        step = max(1, STRIP // height)
        for left in range(0, grid.width, step):
            columns = slice(left, left + step)
            inside = _at_positions(across[:, columns].T, grid.height, geometry.vertical).T
            made[:, columns, number] = np.clip((inside - LEAST_INSIDE) / (1.0 - LEAST_INSIDE), 0.0, 1.0)
    return made


def _at_positions(values: Array, count: int, extent: Extent) -> Array:
    """Average values over the receptive fields along the last axis, (N, length) -> (N, count).

    Two moving averages, each over half of the field, are one whose weights fall linearly.
    """
    low = float(extent.low)
    high = float(extent.high)
    half = (high - low + 1.0) / 2.0
    pixels = np.arange(values.shape[-1], dtype=np.float64)
    smooth = _moving_average(values, pixels, half)
    centers = np.arange(count) * float(extent.stride) + (low + high) / 2.0
    return _moving_average(smooth, centers, half)


def _moving_average(
    values: Array,
    centers: Array,
    width: float,
) -> Array:
    """Average over windows along the last axis; pixel p covers p - 0.5 to p + 0.5, and windows end with the image."""
    length = values.shape[-1]
    sums = np.zeros((len(values), length + 1))
    np.cumsum(values, -1, out=sums[:, 1:])
    middle = np.clip(centers + 0.5, 0.5, length - 0.5)
    low = np.clip(middle - width / 2, 0, length)
    high = np.clip(middle + width / 2, 0, length)
    return (_between(sums, high) - _between(sums, low)) / (high - low)


def _between(sums: Array, at: Array) -> Array:
    """Interpolate cumulative sums linearly at fractional places."""
    whole = np.minimum(at.astype(np.intp), sums.shape[-1] - 2)
    part = at - whole
    return sums[:, whole] * (1.0 - part) + sums[:, whole + 1] * part


class Casting(NamedTuple):
    """What the regions of one term are compared with.

    Attributes:
        is_active: For each region, whether the term compares it; False if it is too small in the photo or in every
            painting.
        shares: For each painting, its share in each region, (regions,); the shares in a region sum to 1.
    """

    is_active: Array
    shares: tuple[Array, ...]


def cast(
    photo: Array,
    paintings: Sequence[Array | None],
    shares: Sequence[float],
) -> Casting:
    """Decide which paintings the regions of a term are compared with.

    Args:
        photo: Sum of the weights of positions in each region of the photo, (regions,).
        paintings: The same for each painting, or None for one that serves every region.
        shares: Share of each painting; they sum to 1.
    """
    everywhere = np.ones(len(photo), bool)
    serves = [everywhere if counts is None else counts >= LEAST_POSITIONS for counts in paintings]
    own_shares = np.asarray(shares)[:, None]
    weighted = np.where(serves, own_shares, 0.0)
    total = weighted.sum(0)
    is_served = total > 0
    divisor = np.where(is_served, total, 1.0)
    normalized = np.where(is_served, weighted / divisor, own_shares)
    is_active = (photo >= LEAST_POSITIONS) & is_served
    return Casting(is_active, tuple(normalized))


def by_region(
    stats: Stats,
    regions: int,
    *,
    masked: bool,
) -> Stats:
    """Return the statistics of a painting for each region of the photo.

    Args:
        stats: Statistics of the whole painting, (1, 1, ...); or of each region and then of the whole, (1, R + 1, ...).
        regions: R.
        masked: Whether the painting has regions.

    Returns:
        (1, R, ...). A region that the painting lacks has the statistics of the whole painting.
    """
    places = [0] * regions
    if masked:
        counts = np.asarray(stats["count"])[0, :regions]
        for number, count in enumerate(counts):
            places[number] = number if count >= LEAST_POSITIONS else regions
    return {name: tf.gather(part, places, axis=1) for name, part in stats.items()}
