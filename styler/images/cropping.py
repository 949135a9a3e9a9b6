"""Crops images to boxes, which are given as shares of their sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from styler.config import Box
from styler.images.mapped import Array, bands, new_array
from styler.images.picture import Picture
from styler.inputs import Inputs, Item
from styler.types import Size


def part(size: Size, box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of an image that a box covers, at least one of each.

    Args:
        size: Size of the image.
        box: (left, top, right, bottom), as shares of its width and height.
    """
    left, top, right, bottom = box
    return _span(top, bottom, size.height), _span(left, right, size.width)


def _span(low: float, high: float, length: int) -> slice:
    start = min(int(low * length), length - 1)
    return slice(start, max(round(high * length), start + 1))


def cropped_size(size: Size, box: Box | None) -> Size:
    """Return the size of a cropped image; None for the whole image."""
    if box is None:
        return size
    rows, columns = part(size, box)
    return Size(rows.stop - rows.start, columns.stop - columns.start)


def cropped(picture: Picture, box: Box | None) -> Picture:
    """Crop a picture to a box; None for the whole picture."""
    if box is None:
        return picture
    rows, columns = part(picture.size, box)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return replace(picture, pixels=picture.pixels[rows, columns], alpha=alpha)


def uncropped(mask: Array, size: Size, box: Box | None) -> Array:
    """Return the mask of a whole image from that of a part of it; the rest is black.

    Args:
        mask: Mask of the part, of any size, uint8, (height, width, 3).
        size: Size of the whole image, which the result has.
        box: The part; None for a mask of the whole image, which is returned unchanged.
    """
    if box is None:
        return mask
    rows, columns = part(size, box)
    shape = (columns.stop - columns.start, rows.stop - rows.start)
    whole = new_array((*size, 3), np.uint8)
    for band in bands(whole):
        whole[band] = 0
    whole[rows, columns] = np.asarray(Image.fromarray(mask).resize(shape, Image.Resampling.NEAREST))
    return whole


def with_crops(
    inputs: Inputs[Item],
    boxes: Sequence[Box | None],
    crop: Callable[[Item, Box | None], Item],
) -> Inputs[Item]:
    """Crop the paintings of each group, and their mask, to the group's box.

    Args:
        inputs: Pictures or sizes.
        boxes: One for each group.
        crop: `cropped` or `cropped_size`.
    """
    groups = zip(inputs.styles, boxes, strict=True)
    styles = tuple(tuple(crop(painting, box) for painting in group) for group, box in groups)
    masks = zip(inputs.style_masks, boxes, strict=bool(inputs.style_masks))
    style_masks = tuple(None if mask is None else crop(mask, box) for mask, box in masks)
    return replace(inputs, styles=styles, style_masks=style_masks)
