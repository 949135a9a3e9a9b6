"""The start of an octave: the photo with its margin, and the image that the optimizer starts from.

Between two octaves, the picture is enlarged and the photo's finer detail is added. An enlarged picture alone has no
fine detail, so an optimizer that starts from it invents strokes where the photo has edges. With the photo's detail, it
preserves faces and edges at no cost in style: see the study in `docs/look.md`.
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
    """Write a picture, resampled to `size` and with its margin, into an array (H, W, 3); returns the array."""
    resampled_colors(picture, size, into=into[INSIDE, INSIDE])
    return mirrored(into)


def mirrored(image: Array) -> Array:
    """Fill the margin of an image (H, W, 3) with the mirrored picture inside; returns the image."""
    first = slice(MARGIN, 2 * MARGIN)
    last = slice(-2 * MARGIN, -MARGIN)
    image[:MARGIN] = image[first][::-1]
    image[-MARGIN:] = image[last][::-1]
    for rows in bands(image):
        band = image[rows]
        band[:, :MARGIN] = band[:, first][:, ::-1]
        band[:, -MARGIN:] = band[:, last][:, ::-1]
    return image


def filled(array: Array, values: Array) -> Array:
    """Copy values into an array of the same shape, some rows at a time; returns the array."""
    for rows in bands(array, values):
        array[rows] = values[rows]
    return array


def noise(seed: int, into: Array) -> Array:
    """Fill an array with gray noise, row by row from one random stream; returns the array."""
    random = np.random.default_rng(seed)
    for rows in bands(into):
        values = random.normal(0.5, 0.1, into[rows].shape)
        into[rows] = values.clip(0, 1)
    return into


def refined(
    image: Array,
    content: Picture,
    photo: Array,
    into: Array,
    buffers: Buffers,
) -> Array:
    """Enlarge an image to the next octave, and add that level of the photo's Laplacian pyramid (Burt & Adelson 1983).

    The difference between the image and the photo is resized by Pillow's bicubic filter and added to the larger photo.

    Args:
        image: Image at the previous octave, with margin, (H, W, 3).
        content: The photo at its own size.
        photo: The photo at the next octave, with margin, (H', W', 3).
        into: Array for the result, (H', W', 3).
        buffers: Provides temporary arrays.

    Returns:
        The array, with values in 0..1 and a new margin.
    """
    picture = image[INSIDE, INSIDE]
    difference = buffers.zeros("coarse", picture.shape)
    resampled_colors(content, Size(*picture.shape[:2]), into=difference)
    for rows in bands(difference, picture):
        difference[rows] = picture[rows] - difference[rows]
    result = into[INSIDE, INSIDE]
    larger_photo = photo[INSIDE, INSIDE]
    resize(difference, result, Image.Resampling.BICUBIC)
    for rows in bands(result, larger_photo):
        np.clip(result[rows] + larger_photo[rows], 0.0, 1.0, out=result[rows])
    return mirrored(into)
