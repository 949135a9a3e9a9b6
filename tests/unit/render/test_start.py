import numpy as np
import pytest
import tensorflow as tf

from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.render.buffers import Buffers
from styler.render.margin import MARGIN, padded_size, with_margin
from styler.render.start import INSIDE, contrast, mirrored, noise, padded, refined, roughened
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


def roughened_gray(seed=3, amplitude=0.06, photo=FLAT):
    image = with_margin(np.full_like(FLAT, 0.5))
    return inner(roughened(image, with_margin(photo), seed, amplitude, Buffers())) - 0.5


def test_flat_areas_start_with_gray_noise_of_the_given_amplitude():
    noise = roughened_gray()
    assert noise.std() == pytest.approx(0.06, rel=0.03)
    assert abs(noise.mean()) < 0.003
    np.testing.assert_array_equal(noise, np.repeat(noise[..., :1], 3, axis=2))
    np.testing.assert_array_equal(noise, roughened_gray())
    assert np.abs(noise - roughened_gray(seed=4)).mean() > 0.05


def test_less_noise_where_the_photo_has_contrast():
    photo = FLAT.copy()
    photo[:, 56:] += 0.05 * (-1) ** np.arange(56)[:, None]  # half of the amplitude is left at a contrast of 0.05
    noise = roughened_gray(photo=photo)
    assert noise[:, :48].std() == pytest.approx(0.06, rel=0.05)
    assert noise[:, 64:].std() == pytest.approx(0.03, rel=0.05)


def test_the_noise_does_not_depend_on_how_many_rows_are_processed_at_a_time(monkeypatch):
    whole = roughened_gray(photo=PHOTO)
    monkeypatch.setattr("styler.images.mapped.BAND", 7_000)
    np.testing.assert_array_equal(roughened_gray(photo=PHOTO), whole)


@pytest.mark.parametrize("size", [(16, 24), (13, 9), (8, 17)])
def test_contrast_is_the_deviation_within_squares(size, rng):
    image = rng.random((*size, 3))
    gray = np.pad(image.mean(axis=-1), ((0, 0), (0, -size[1] % 8)), mode="edge")
    expected = [[gray[y : y + 8, x : x + 8].std() for x in range(0, size[1], 8)] for y in range(0, size[0], 8)]
    np.testing.assert_allclose(contrast(image)[..., 0], expected, rtol=1e-6)


def test_a_roughened_image_stays_in_range_with_a_mirrored_margin():
    image = roughened(with_margin(PHOTO.round()), with_margin(FLAT), 0, 0.2, Buffers())
    assert 0.0 <= image.min() <= image.max() <= 1.0
    np.testing.assert_array_equal(image, with_margin(inner(image)))
