import numpy as np
import pytest
import tensorflow as tf

from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.render.buffers import Buffers
from styler.render.margin import MARGIN, padded_size, with_margin
from styler.render.start import INSIDE, mirrored, noise, padded, refined
from styler.types import Size
from support.pictures import blobs, stripes

COARSE, FINE = Size(40, 56), Size(80, 112)
PHOTO, PICTURE = blobs(80, 112, 4), resampled(stripes(80, 112, 12), COARSE)
FLAT = np.full((80, 112, 3), 0.6, np.float32)


def room(size):
    return np.zeros((*padded_size(size), 3), np.float32)


def at_fine(picture, photo=PHOTO):
    """The picture at the finer octave, with its margin."""
    return refined(with_margin(picture), read_image(photo), with_margin(photo), room(FINE), Buffers())


def inner(image):
    return image[INSIDE, INSIDE]


def test_without_detail_in_the_photo_the_picture_is_enlarged_and_stays_in_range():
    larger = at_fine(PICTURE, FLAT)
    assert larger.shape[:2] == padded_size(FINE)
    assert 0.0 <= larger.min() <= larger.max() <= 1.0
    small = tf.image.resize(inner(larger), COARSE, "area")
    assert float(tf.reduce_mean(tf.abs(small - PICTURE))) < 0.02


def test_the_photo_itself_becomes_the_finer_photo():
    np.testing.assert_allclose(inner(at_fine(resampled(PHOTO, COARSE))), PHOTO, atol=1e-6)


def test_detail_of_the_photo_alone_is_added():
    more, none = (inner(at_fine(PICTURE, photo)) for photo in (PHOTO, FLAT))
    inside = (none > 0.2) & (none < 0.8)
    enlarged = tf.image.resize(resampled(PHOTO, COARSE), FINE, "bicubic", antialias=True).numpy()
    np.testing.assert_allclose((more - none)[inside], (PHOTO - enlarged)[inside], atol=1e-5)


@pytest.mark.parametrize(
    "image", [at_fine(PICTURE), padded(read_image(PHOTO), FINE, room(FINE))], ids=["next", "photo"]
)
def test_the_margin_mirrors_the_edge(image):
    np.testing.assert_array_equal(image, with_margin(inner(image)))
    np.testing.assert_array_equal(image[MARGIN - 1], image[MARGIN])


def test_mirroring_fills_the_margin_alone():
    image = room(FINE) + 7
    image[INSIDE, INSIDE] = PHOTO
    np.testing.assert_array_equal(mirrored(image), with_margin(PHOTO))


def test_noise_is_drawn_from_the_seed_alone():
    one, same, other = (noise(seed, room(COARSE)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).mean() > 0.05
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert one.std() == pytest.approx(0.1, abs=0.01)
