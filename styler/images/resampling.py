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
SUPPORT = {Image.Resampling.LANCZOS: 3.0, Image.Resampling.BICUBIC: 2.0}  # pixels of the coarser image, on each side
ROWS = 256  # rows of the result at a time; Pillow stores a band's position as float32, exact to 1e-5 pixels


def resampled(pixels: Pixels, size: Size, into: Array | None = None) -> Pixels:
    """Resize an image with a Lanczos filter. The filter is widened for shrinking; the result is clipped to 0..1.

    Args:
        pixels: float32, 0..1, (height, width, channels).
        size: New (height, width).
        into: Array for the result, (height, width, channels); None for a new array, mapped if it is large.

    Returns:
        The result, or `pixels` itself if the size does not change and `into` is None.
    """
    if into is None and pixels.shape[:2] == tuple(size):
        return pixels
    made = new_array((*size, pixels.shape[2])) if into is None else into
    resize(pixels, made, Image.Resampling.LANCZOS)
    for rows in bands(made):
        np.clip(made[rows], 0.0, 1.0, out=made[rows])
    return made


def resampled_alpha(picture: Picture, size: Size) -> Pixels | None:
    """Return the alpha channel of a picture at another size, float32, (height, width, 1).

    Returns:
        None if the picture is opaque everywhere, or transparent everywhere.
    """
    if picture.alpha is None:
        return None
    alpha = resampled(picture.alpha[..., None], size)
    return alpha if max(float(alpha[rows].max()) for rows in bands(alpha)) >= FAINTEST else None


def resampled_colors(picture: Picture, size: Size, into: Array | None = None) -> Pixels:
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
    made = new_array((*size, 3)) if into is None else into
    shown = new_array(picture.pixels.shape)
    weight = new_array((*size, 1))
    for rows in bands(shown, picture.pixels, opacity):
        shown[rows] = picture.pixels[rows] * opacity[rows]
    resize(shown, made, Image.Resampling.LANCZOS)
    resize(opacity, weight, Image.Resampling.LANCZOS)
    for rows in bands(made, weight, alpha):
        colors = np.clip(made[rows] / np.maximum(weight[rows], FAINTEST), 0.0, 1.0)
        made[rows] = np.where(alpha[rows] < FAINTEST, 1.0, colors)
    return made


def resize(pixels: Pixels, into: Array, kernel: Image.Resampling) -> None:
    """Resize `pixels` to the height and width of `into`, which receives the result. Values are not clipped."""
    if pixels.shape == into.shape:
        for rows in bands(pixels, into):
            into[rows] = pixels[rows]
    elif is_mapped(pixels) or is_mapped(into):
        for top in range(0, len(into), ROWS):
            _resize_rows(pixels, into, slice(top, min(top + ROWS, len(into))), kernel)
    else:
        for channel in range(pixels.shape[2]):  # one channel at a time needs a third of the memory
            into[..., channel] = _plane(pixels[..., channel]).resize(into.shape[1::-1], kernel)


def _resize_rows(
    pixels: Pixels,
    into: Array,
    rows: slice,
    kernel: Image.Resampling,
) -> None:
    scale = len(pixels) / len(into)
    reach = SUPPORT[kernel] * max(scale, 1.0) + 1
    first = max(0, math.floor(rows.start * scale - reach))
    source = pixels[first : min(len(pixels), math.ceil(rows.stop * scale + reach))]
    box = (0, rows.start * scale - first, pixels.shape[1], min(rows.stop * scale - first, len(source)))
    for channel in range(pixels.shape[2]):
        plane = _plane(source[..., channel])
        into[rows, :, channel] = plane.resize((into.shape[1], rows.stop - rows.start), kernel, box)
    release(source)
    release(into[rows])


def _plane(values: Pixels) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(values))


def resized(picture: Picture, size: Size) -> Picture:
    """A picture at another size, (height, width), with its alpha."""
    alpha = resampled_alpha(picture, size)
    return replace(picture, pixels=resampled_colors(picture, size), alpha=None if alpha is None else alpha[..., 0])
