"""Resizes float images with Pillow's filters, without rounding to bytes; large images in bands of rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from PIL import Image

from styler.images.mapped import Array, bands, is_mapped, new_array, release
from styler.images.picture import Picture, Pixels
from styler.types import Size

FAINTEST = 1 / 255  # alpha below the smallest 8-bit step counts as transparent
# How far a filter reaches on each side, in pixels of the coarser image
SUPPORT = {
    Image.Resampling.LANCZOS: 3.0,
    Image.Resampling.BICUBIC: 2.0,
}
ROWS = 256  # rows of the result at a time; Pillow stores a band's position as float32, exact to 1e-5 pixels


def resampled(
    pixels: Pixels,
    size: Size,
    into: Array | None = None,
) -> Pixels:
    """Resize an image with a Lanczos filter, which is widened for shrinking. The result is clipped to 0..1.

    Args:
        pixels: float32, 0..1, (height, width, channels).
        size: New (height, width).
        into: Array for the result, (height, width, channels); None for a new array, mapped if it is large.

    Returns:
        The result, or `pixels` itself if the size does not change and `into` is None.
    """
    if into is None:
        if pixels.shape[:2] == tuple(size):
            return pixels
        channels = pixels.shape[2]
        into = new_array((*size, channels))
    resize(pixels, into, Image.Resampling.LANCZOS)
    for rows in bands(into):
        band = into[rows]
        np.clip(band, 0.0, 1.0, out=band)
    return into


def resampled_alpha(picture: Picture, size: Size) -> Pixels | None:
    """Return the alpha channel of a picture at another size, float32, (height, width, 1).

    Returns:
        None if the picture is opaque everywhere, or transparent everywhere.
    """
    if picture.alpha is None:
        return None
    alpha = resampled(picture.alpha[..., None], size)
    highest = max(float(alpha[rows].max()) for rows in bands(alpha))
    return alpha if highest >= FAINTEST else None


def resampled_colors(
    picture: Picture,
    size: Size,
    into: Array | None = None,
) -> Pixels:
    """Return the pixels of a picture at another size, (height, width, 3).

    The colors of transparent regions do not bleed into opaque regions.

    Args:
        picture: Picture with or without alpha.
        size: New (height, width).
        into: Array for the result, as in `resampled`.
    """
    alpha = resampled_alpha(picture, size)
    if alpha is None or picture.alpha is None or picture.size == size:
        return resampled(picture.pixels, size, into)
    opacity = picture.alpha[..., None]
    if into is None:
        into = new_array((*size, 3))
    premultiplied = new_array(picture.pixels.shape)
    coverage = new_array((*size, 1))
    for rows in bands(premultiplied, picture.pixels, opacity):
        premultiplied[rows] = picture.pixels[rows] * opacity[rows]
    resize(premultiplied, into, Image.Resampling.LANCZOS)
    resize(opacity, coverage, Image.Resampling.LANCZOS)
    for rows in bands(into, coverage, alpha):
        colors = into[rows]
        np.divide(colors, np.maximum(coverage[rows], FAINTEST), out=colors)
        np.clip(colors, 0.0, 1.0, out=colors)
        np.copyto(colors, 1.0, where=alpha[rows] < FAINTEST)
    return into


def resize(
    pixels: Pixels,
    into: Array,
    kernel: Image.Resampling,
) -> None:
    """Resize `pixels` to the height and width of `into`, which receives the result. Values are not clipped."""
    if pixels.shape == into.shape:
        for rows in bands(pixels, into):
            into[rows] = pixels[rows]
    elif is_mapped(pixels) or is_mapped(into):
        height = len(into)
        for top in range(0, height, ROWS):
            bottom = min(top + ROWS, height)
            _resize_rows(pixels, into, slice(top, bottom), kernel)
    else:
        height, width = into.shape[:2]
        for channel in range(pixels.shape[2]):  # one channel at a time needs a third of the memory
            into[..., channel] = _plane(pixels[..., channel]).resize((width, height), kernel)


def _resize_rows(
    pixels: Pixels,
    into: Array,
    rows: slice,
    kernel: Image.Resampling,
) -> None:
    """Compute some rows of `into` from the rows of `pixels` that the filter reaches."""
    height, width, channels = pixels.shape
    scale = height / len(into)
    reach = SUPPORT[kernel] * max(scale, 1.0) + 1
    top = rows.start * scale
    bottom = rows.stop * scale
    first = max(0, math.floor(top - reach))
    after_last = min(height, math.ceil(bottom + reach))
    source = pixels[first:after_last]
    box_top = top - first
    box_bottom = min(bottom - first, len(source))
    box = (0, box_top, width, box_bottom)
    new_height = rows.stop - rows.start
    new_width = into.shape[1]
    for channel in range(channels):
        plane = _plane(source[..., channel])
        into[rows, :, channel] = plane.resize((new_width, new_height), kernel, box)
    release(source)
    release(into[rows])


def _plane(values: Pixels) -> Image.Image:
    """Return one channel, (height, width), as a Pillow image of floats."""
    contiguous = np.ascontiguousarray(values)
    return Image.fromarray(contiguous)


def resized(picture: Picture, size: Size) -> Picture:
    """Return a picture at another size, (height, width), with its alpha."""
    alpha = resampled_alpha(picture, size)
    if alpha is not None:
        alpha = alpha[..., 0]
    colors = resampled_colors(picture, size)
    return replace(picture, pixels=colors, alpha=alpha)
