"""Parts of images."""

from __future__ import annotations

import numpy as np
import pytest

from styler.images.cropping import cropped, cropped_size, part, uncropped, with_crops
from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.types import Size
from support.pictures import blobs

RIGHT = (0.5, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0.0, 0.0, 1.0, 1.0), slice(0, 30), slice(0, 40)),
        (RIGHT, slice(0, 30), slice(20, 40)),
        ((0.5, 0.5, 0.5001, 0.5001), slice(15, 16), slice(20, 21)),
        ((0.999, 0.999, 1.0, 1.0), slice(29, 30), slice(39, 40)),
    ],
)
def test_a_part_has_at_least_one_pixel(box, rows, columns):
    assert part(Size(30, 40), box) == (rows, columns)
    assert cropped_size(Size(30, 40), box) == cropped(read_image(blobs(30, 40, 1)), box).size


def test_paintings_and_their_masks_are_cropped_alike_and_nothing_else_is():
    sizes = Inputs(content=Size(9, 9), styles=((Size(30, 40), Size(10, 10)), (Size(20, 20),)))
    sizes = sizes.with_masks(Size(9, 9), [Size(60, 80), None])
    made = with_crops(sizes, [RIGHT, None], cropped_size)
    assert (made.content, made.content_mask) == (Size(9, 9), Size(9, 9))
    assert made.styles == ((Size(30, 20), Size(10, 5)), (Size(20, 20),))
    assert made.style_masks == (Size(60, 40), None)


def test_the_mask_of_a_part_becomes_one_of_the_whole_that_is_black_elsewhere():
    red = np.full((15, 10, 3), (255, 0, 0), np.uint8)
    whole = uncropped(red, Size(30, 40), RIGHT)
    assert (whole[:, 20:] == (255, 0, 0)).all()
    assert not whole[:, :20].any()
    assert uncropped(red, Size(30, 40), None) is red
