"""The start of an octave: the photo with its margin, and the image that the optimizer starts from.

Between two octaves, the picture is enlarged and the photo's finer detail is added. An enlarged picture alone has no
fine detail, so an optimizer that starts from it invents strokes where the photo has edges. With the photo's detail, it
preserves faces and edges at no cost in style: see the study in `docs/look.md`.

Every octave starts with some noise in lightness. In a smooth area, the few steps of an octave amplify the patterns that
the grid of the network prefers, and a weave of right-angled lines appears. Noise gives the steps something else to work
on. There is less of it where the photo has detail, which it would blur and which breaks up the weave by itself.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from styler.images.mapped import Array, bands, release
from styler.images.picture import Picture
from styler.images.resampling import resampled_colors, resize
from styler.render.buffers import Buffers
from styler.render.margin import MARGIN
from styler.types import Size

INSIDE = slice(MARGIN, -MARGIN)
CELL = 8  # side of the squares in which the photo's contrast is measured, pixels
FLAT = 0.05  # contrast at which half of the noise is left; the only value tried: `docs/look.md`


def padded(picture: Picture, size: Size, into: Array) -> Array:
    """Write a picture, resampled to `size` and with its margin, into an array (H, W, 3); returns the array."""
    resampled_colors(picture, size, into=into[INSIDE, INSIDE])
    return mirrored(into)


def mirrored(image: Array) -> Array:
    """Fill the margin of an image (H, W, 3) with the mirrored picture inside; returns the image."""
    first = slice(MARGIN, 2 * MARGIN)
    last = slice(-2 * MARGIN, -MARGIN)
    top = image[first]
    bottom = image[last]
    image[:MARGIN] = top[::-1]
    image[-MARGIN:] = bottom[::-1]
    for rows in bands(image):
        band = image[rows]
        left = band[:, first]
        right = band[:, last]
        band[:, :MARGIN] = left[:, ::-1]
        band[:, -MARGIN:] = right[:, ::-1]
    return image


def filled(array: Array, values: Array) -> Array:
    """Copy values into an array of the same shape, some rows at a time; returns the array."""
    for rows in bands(array, values):
        array[rows] = values[rows]
    return array


def noise(seed: int, into: Array) -> Array:
    """Fill an array with noise around gray, row by row from one random stream; returns the array."""
    random = np.random.default_rng(seed)
    for rows in bands(into):
        band = into[rows]
        values = random.normal(0.5, 0.1, band.shape)
        band[:] = values.clip(0, 1)
    return into


def roughened(
    image: Array,
    photo: Array,
    seed: int,
    amplitude: float,
    buffers: Buffers,
) -> Array:
    """Add gray noise to an image, with its margin, in place; the same noise for the same seed and size.

    The standard deviation of the noise is `amplitude / (1 + (contrast / FLAT)**2)`, where the contrast is the standard
    deviation of the photo's mean of R, G and B within squares of 8x8 pixels.

    Args:
        image: Image with its margin, (H, W, 3), 0..1.
        photo: The photo at the same size, with its margin, (H, W, 3), 0..1.
        seed: Seed of the noise.
        amplitude: Standard deviation of the noise in flat areas, 0..1.
        buffers: Provides a temporary array.

    Returns:
        The image, with values in 0..1 and a new margin.
    """
    picture = image[INSIDE, INSIDE]
    height, width = picture.shape[:2]
    random = np.random.default_rng([seed, height, width])
    busy = np.square(contrast(photo[INSIDE, INSIDE]) / FLAT)
    coarse = amplitude / (1 + busy)
    deviation = buffers.zeros("noise", (height, width, 1))
    resize(
        coarse.astype(np.float32),
        deviation,
        Image.Resampling.BICUBIC,
    )
    for rows in bands(picture, deviation):
        band = picture[rows]
        unit_noise = random.standard_normal((len(band), width, 1), np.float32)
        band += deviation[rows] * unit_noise
        np.clip(band, 0.0, 1.0, out=band)
    return mirrored(image)


def covered(
    image: Array,
    photo: Array,
    cover: Array,
) -> Array:
    """Mix an image with the photo, both with their margin, (H, W, 3), in place; returns the image with a new margin.

    Args:
        image: The image.
        photo: The photo at the same size.
        cover: How much of the image stays, 0..1, without margin, (H', W', 1).
    """
    picture = image[INSIDE, INSIDE]
    below = photo[INSIDE, INSIDE]
    for rows in bands(picture, below, cover):
        band = picture[rows]
        band -= below[rows]
        band *= cover[rows]
        band += below[rows]
    return mirrored(image)


def contrast(image: Array) -> Array:
    """Return the standard deviation of the mean of R, G and B within each square of 8x8 pixels.

    Args:
        image: Array (H, W, 3).

    Returns:
        Array (ceil(H / 8), ceil(W / 8), 1), float32. At the lower and right edge, squares are cut off; at the right
        edge, the last column counts for those that are missing.
    """
    height, width = image.shape[:2]
    missing = -width % CELL
    deviations = []
    for top in range(0, height, CELL):
        strip = image[top : top + CELL]
        gray = strip.mean(axis=-1)
        release(strip)
        whole = np.pad(gray, ((0, 0), (0, missing)), mode="edge")
        squares = whole.reshape(len(whole), -1, CELL)
        deviations.append(squares.std(axis=(0, 2), dtype=np.float64))
    return np.array(deviations, np.float32)[..., None]


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
        band = result[rows]
        band += larger_photo[rows]
        np.clip(band, 0.0, 1.0, out=band)
    return mirrored(into)
