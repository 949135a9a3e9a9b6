import numpy as np
import tensorflow as tf

from styler.render.loop import image_tensor
from styler.render.margin import MARGIN, padded_size, resized, with_margin, without_margin
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


def test_resizing_keeps_the_picture_and_the_range():
    pixels = blobs(40, 56, 3)
    larger = resized(image_tensor(with_margin(pixels)), Size(80, 112))
    assert larger.shape[1:3] == padded_size(Size(80, 112))
    assert float(tf.reduce_min(larger)) >= 0.0
    assert float(tf.reduce_max(larger)) <= 1.0
    small = tf.image.resize(without_margin(larger), (40, 56), "area")[0]
    assert float(tf.reduce_mean(tf.abs(small - pixels))) < 0.01
