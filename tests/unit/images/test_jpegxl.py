from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest

from styler.errors import ImageError
from styler.images.containers import boxes
from styler.images.jpegxl import contents
from styler.images.reading import check_readable, read_image
from support.image_files import EIGHT, FLOATS, SIXTEEN

ALPHA = np.full((24, 32, 1), 128, np.uint8)
MADE = {
    "RGB": EIGHT,
    "gray": np.ascontiguousarray(EIGHT[..., 0]),
    "alpha": np.dstack([EIGHT, ALPHA]),
    "gray with alpha": np.dstack([EIGHT[..., :1], ALPHA]),
    "odd size": np.ascontiguousarray(EIGHT[:13, :29]),
}


def read(folder, data):
    (folder / "photo.jxl").write_bytes(data)
    picture = read_image(folder / "photo.jxl")
    assert check_readable(folder / "photo.jxl") == picture.size
    return picture


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("container", [False, True])
def test_8_bits_without_loss(tmp_path, name, container):
    values = MADE[name]
    picture = read(tmp_path, imagecodecs.jpegxl_encode(values, lossless=True, usecontainer=container))
    values = values[..., None] if values.ndim == 2 else values
    colors = 1 if "gray" in name else 3
    expected = np.broadcast_to(values[..., :colors], (*values.shape[:2], 3)) / np.float32(255)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    assert (picture.alpha is None) == ("alpha" not in name)
    if picture.alpha is not None:
        np.testing.assert_allclose(picture.alpha, 128 / 255, atol=1e-6)
    assert picture.depth == 8


def test_16_bits_are_what_their_header_says(tmp_path):
    data = imagecodecs.jpegxl_encode(SIXTEEN, lossless=True)
    stated = contents(io.BytesIO(data))
    assert (stated.size, stated.bits, stated.transfer) == ((24, 32), 16, 8)  # imagecodecs calls them linear light
    light = SIXTEEN / 65535.0
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    picture = read(tmp_path, data)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-4)
    assert picture.depth == 16
    assert picture.notes == ("colors converted to sRGB (JPEG XL 1/8)",)


def test_floats(tmp_path):
    picture = read(tmp_path, imagecodecs.jpegxl_encode(FLOATS, lossless=True))
    assert picture.depth == 32


def test_lossy_is_close(tmp_path):
    assert np.abs(read(tmp_path, imagecodecs.jpegxl_encode(EIGHT, distance=0.5)).pixels - EIGHT / 255).mean() < 0.02


def test_a_container_says_the_same():
    plain, wrapped = (imagecodecs.jpegxl_encode(EIGHT, usecontainer=container) for container in (False, True))
    names = [name for name, _, _ in boxes(io.BytesIO(wrapped), 0, len(wrapped))]
    assert "jxlc" in names or "jxlp" in names
    assert contents(io.BytesIO(plain)) == contents(io.BytesIO(wrapped))


@pytest.mark.parametrize("cut", [2, 3, 12, 40, 200])
def test_what_is_cut_short_is_refused(tmp_path, cut):
    for container in (False, True):
        with pytest.raises(ImageError, match=r"photo\.jxl"):
            read(tmp_path, imagecodecs.jpegxl_encode(EIGHT, usecontainer=container)[:cut])
