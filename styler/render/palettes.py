"""Gives a picture the palette of the paintings, region by region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from styler.images.color_statistics import palette_of, sampled
from styler.images.mapped import bands, new_array
from styler.images.picture import Picture
from styler.images.regions import masked
from styler.images.tone import with_palette
from styler.render.regions import Regions

SERVES = 127  # a painting serves a region if some pixel of it belongs more to that region than to all others, 0..255


def with_palettes(
    picture: Picture,
    paintings: Sequence[Picture],
    shares: Sequence[float],
    amount: float,
    regions: Regions | None,
) -> Picture:
    """Return a picture whose colors are moved toward the palette of the paintings.

    Args:
        picture: The picture.
        paintings: The paintings.
        shares: Share of each painting; they sum to 1.
        amount: How far to move, see `with_palette`.
        regions: Regions of the picture and the paintings, each with its own palette; None for one region.
    """
    if regions is None:
        return with_palette(picture, palette_of(paintings, shares), amount)
    made = new_array(picture.pixels.shape)
    made[:] = 0.0
    for number in range(len(regions.colors)):
        own = []
        own_shares = []
        for painting, share, mask in zip(paintings, shares, regions.paintings, strict=True):
            if share > 0 and (mask is None or mask.shares[..., number].max() > SERVES):
                seen = sampled(painting)
                own.append(seen if mask is None else masked(seen, mask.plane(number, seen.size)))
                own_shares.append(share)
        if not own:
            own, own_shares = list(paintings), list(shares)
        palette = palette_of(own, np.divide(own_shares, sum(own_shares)).tolist())
        part = regions.photo.plane(number, picture.size)
        moved = with_palette(masked(picture, part), palette, amount).pixels
        for rows in bands(made, moved):
            made[rows] += part[rows][..., None] * moved[rows]
    return replace(picture, pixels=made)
