import numpy as np
import tensorflow as tf

from styler.images.resampling import resampled
from styler.render.detail import refined
from styler.render.loop import image_tensor
from styler.render.margin import MARGIN, padded_size, with_margin, without_margin
from styler.types import Size
from support.pictures import blobs, stripes

COARSE, FINE = Size(40, 56), Size(80, 112)
PHOTO, PICTURE = blobs(80, 112, 4), resampled(stripes(80, 112, 12), COARSE)


FLAT = np.full((80, 112, 3), 0.6, np.float32)


def at_fine(picture, photo=PHOTO):
    start = image_tensor(with_margin(picture))
    return refined(start, resampled(photo, COARSE), photo)


def test_without_detail_in_the_photo_the_picture_is_enlarged_and_stays_in_range():
    larger = at_fine(PICTURE, FLAT)
    assert larger.shape[1:3] == padded_size(FINE)
    assert 0.0 <= float(tf.reduce_min(larger)) <= float(tf.reduce_max(larger)) <= 1.0
    small = tf.image.resize(without_margin(larger), COARSE, "area")[0]
    assert float(tf.reduce_mean(tf.abs(small - PICTURE))) < 0.02


def test_the_photo_itself_becomes_the_finer_photo():
    got = without_margin(at_fine(resampled(PHOTO, COARSE)))[0]
    np.testing.assert_allclose(got, PHOTO, atol=1e-6)


def test_detail_of_the_photo_alone_is_added():
    more, none = (without_margin(at_fine(PICTURE, photo))[0].numpy() for photo in (PHOTO, FLAT))
    inside = (none > 0.2) & (none < 0.8)
    enlarged = tf.image.resize(resampled(PHOTO, COARSE), FINE, "bicubic", antialias=True).numpy()
    np.testing.assert_allclose((more - none)[inside], (PHOTO - enlarged)[inside], atol=1e-5)


def test_the_margin_mirrors_the_new_edge():
    larger = at_fine(PICTURE)
    np.testing.assert_array_equal(larger[0, MARGIN - 1], larger[0, MARGIN])
