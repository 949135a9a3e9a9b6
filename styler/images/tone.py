"""Gives a photo the palette of paintings before it is rendered.

The optimizer then does not need to move large areas from one color to another, which leaves haze and digital noise
where photo and painting differ most, and it can spend its steps on marks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from styler.images.color_statistics import LEVELS, Palette, color_sample, moments_map, palette_of, quantiles
from styler.images.mapped import bands, new_array
from styler.images.oklab import from_oklab, to_oklab
from styler.images.picture import Picture

TONE_SHARE = 0.5  # how far a photo moves to the palette: faces and skylines fade with more, see `docs/look.md`


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
    moved = moments_map(own, palette)
    sample = moved(color_sample(photo))
    lightness = quantiles(sample[:, 0], np.ones(len(sample)))
    rising = lightness + np.arange(LEVELS) * 1e-12  # np.interp needs increasing values
    pixels = new_array(photo.pixels.shape)
    for rows in bands(photo.pixels, pixels):
        before = to_oklab(photo.pixels[rows])
        after = moved(before)
        after[..., 0] = np.interp(after[..., 0], rising, palette.lightness)
        mixed = before + share * (after - before)
        pixels[rows] = from_oklab(mixed)
    return replace(photo, pixels=pixels)
