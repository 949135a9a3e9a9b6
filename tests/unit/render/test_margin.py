import numpy as np

from styler.render.margin import MARGIN, padded_size, unpadded_size, with_margin, without_margin
from styler.render.program import image_tensor
from styler.types import Size
from support.pictures import blobs


def test_cutting_off_undoes_adding():
    pixels = blobs(40, 56, 3)
    padded = image_tensor(with_margin(pixels))
    assert padded.shape[1:3] == padded_size(Size(40, 56)) == (40 + 2 * MARGIN, 56 + 2 * MARGIN)
    np.testing.assert_array_equal(without_margin(padded)[0], pixels)


def test_the_margin_mirrors_the_edge():
    padded = with_margin(blobs(40, 56, 3))
    np.testing.assert_array_equal(padded[MARGIN - 1], padded[MARGIN])
    np.testing.assert_array_equal(padded[:, 0], padded[:, 2 * MARGIN - 1])


def test_the_size_within_is_found_again():
    assert unpadded_size(image_tensor(with_margin(blobs(40, 56, 3)))) == Size(40, 56)
