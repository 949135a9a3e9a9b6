"""Where an octave starts: the photo with its margin, and the image that the optimizer first sees.

From one octave to the next the picture is enlarged and gets the photo's own new detail. An enlarged picture has no
fine detail, and an optimizer that starts there invents strokes where the photo has edges. Given the photo's detail as a
start it keeps faces and edges at no cost in style: see the study in `docs/look.md`.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from styler.images.mapped import Array, bands
from styler.images.picture import Picture
from styler.images.resampling import resampled_colors, resize
from styler.render.buffers import Buffers
from styler.render.margin import MARGIN
from styler.types import Size

INSIDE = slice(MARGIN, -MARGIN)


def padded(picture: Picture, size: Size, into: Array) -> Array:
    """`with_margin(resampled_colors(picture, size))`, (H, W, 3), in an array of that shape."""
    resampled_colors(picture, size, into=into[INSIDE, INSIDE])
    return mirrored(into)


def mirrored(image: Array) -> Array:
    """Fill the margin of (H, W, 3) from the picture inside, which it mirrors; returns the image."""
    image[:MARGIN] = image[MARGIN : 2 * MARGIN][::-1]
    image[-MARGIN:] = image[-2 * MARGIN : -MARGIN][::-1]
    for rows in bands(image):
        band = image[rows]
        band[:, :MARGIN] = band[:, MARGIN : 2 * MARGIN][:, ::-1]
        band[:, -MARGIN:] = band[:, -2 * MARGIN : -MARGIN][:, ::-1]
    return image


def filled(array: Array, values: Array) -> Array:
    """Copy values into an array of their shape, some rows at a time; returns the array."""
    for rows in bands(array, values):
        array[rows] = values[rows]
    return array


def noise(seed: int, into: Array) -> Array:
    """Gray noise, row by row from one stream; returns the array."""
    random = np.random.default_rng(seed)
    for rows in bands(into):
        into[rows] = random.normal(0.5, 0.1, into[rows].shape).clip(0, 1)
    return into


def refined(image: Array, content: Picture, photo: Array, into: Array, buffers: Buffers) -> Array:
    """An image at the next octave, with the level of the photo's Laplacian pyramid (Burt & Adelson 1983) in between.

    Args:
        image: With margin, at the octave left, (H, W, 3).
        content: The photo at its own size.
        photo: The photo at the octave entered, with margin, (H', W', 3).
        into: Where the result goes, (H', W', 3).
        buffers: For what is needed on the way.

    Returns:
        Values in 0..1, resized by Pillow's bicubic filter, with a new margin.
    """
    kept = image[INSIDE, INSIDE]
    rest = buffers.zeros("coarse", kept.shape)
    resampled_colors(content, Size(*kept.shape[:2]), into=rest)
    for rows in bands(rest, kept):
        rest[rows] = kept[rows] - rest[rows]
    inner, detail = into[INSIDE, INSIDE], photo[INSIDE, INSIDE]
    resize(rest, inner, Image.Resampling.BICUBIC)
    for rows in bands(inner, detail):
        np.clip(inner[rows] + detail[rows], 0.0, 1.0, out=inner[rows])
    return mirrored(into)
