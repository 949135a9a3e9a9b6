import numpy as np

from styler.images.color_statistics import palette_of
from styler.images.reading import read_image
from styler.images.tone import with_palette
from support.pictures import blobs, stripes

PHOTO, PAINTING = read_image(blobs(60, 80, 1)), read_image(stripes(90, 70))


def test_the_whole_palette_is_taken_over():
    taken = palette_of([with_palette(PHOTO, palette_of([PAINTING], [1.0]), 1.0)], [1.0])
    wanted = palette_of([PAINTING], [1.0])
    assert np.abs(taken.lightness - wanted.lightness).mean() < 0.02
    assert np.abs(taken.mean - wanted.mean).max() < 0.03


def test_no_share_and_the_own_palette_change_nothing():
    other = palette_of([PAINTING], [1.0])
    np.testing.assert_allclose(with_palette(PHOTO, other, 0.0).pixels, PHOTO.pixels, atol=1e-5)
    np.testing.assert_allclose(with_palette(PHOTO, palette_of([PHOTO], [1.0]), 1.0).pixels, PHOTO.pixels, atol=8e-3)


def test_a_photo_of_one_color_takes_the_paintings_middle():
    flat = read_image(np.full((20, 20, 3), 0.3, np.float32))
    result = with_palette(flat, palette_of([PAINTING], [1.0]), 1.0).pixels
    assert np.isfinite(result).all()
    assert result.std(axis=(0, 1)).max() < 1e-3
