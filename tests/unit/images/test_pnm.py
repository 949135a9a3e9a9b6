from __future__ import annotations

import io

import numpy as np
import pytest

from styler.errors import ImageError
from styler.images.pnm import deep_channels
from styler.images.reading import check_readable, read_image
from support.image_files import EIGHT, SIXTEEN, by_pillow

SIZE = b"%d %d" % SIXTEEN.shape[1::-1]


def test_8_bits_are_left_to_pillow(tmp_path):
    data = by_pillow("RGB", "PPM")
    assert deep_channels(io.BytesIO(data)) is None
    (tmp_path / "a.ppm").write_bytes(data)
    np.testing.assert_array_equal(read_image(tmp_path / "a.ppm").pixels, EIGHT / np.float32(255))


FORMS = {
    "binary": b"P6\n" + SIZE + b"\n65535\n" + SIXTEEN.astype(">u2").tobytes(),
    "with comments": b"P6 # made\n#by hand\n" + SIZE + b" 65535\n" + SIXTEEN.astype(">u2").tobytes(),
    "written out": b"P3\n" + SIZE + b"\n65535\n" + b" ".join(b"%d" % value for value in SIXTEEN.ravel()),
    "of 12 bits": b"P6\n" + SIZE + b"\n4095\n" + (SIXTEEN >> 4).astype(">u2").tobytes(),
}


@pytest.mark.parametrize("form", FORMS)
def test_16_bits_keep_every_level(tmp_path, form):
    (tmp_path / "a.ppm").write_bytes(FORMS[form])
    picture = read_image(tmp_path / "a.ppm")
    full, values = (4095, SIXTEEN >> 4) if "12" in form else (65535, SIXTEEN)
    np.testing.assert_array_equal(picture.pixels, values / np.float32(full))
    assert picture.depth == 16
    assert check_readable(tmp_path / "a.ppm") == picture.size


def test_gray_of_16_bits(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 " + SIZE + b" 65535 " + SIXTEEN[..., 0].astype(">u2").tobytes())
    picture = read_image(tmp_path / "a.pgm")
    np.testing.assert_array_equal(picture.pixels[..., 1], SIXTEEN[..., 0] / np.float32(65535))


@pytest.mark.parametrize(
    "data", [FORMS["binary"][:-3], FORMS["written out"][:-40], FORMS["of 12 bits"].replace(b"4095", b"2000")]
)
def test_what_is_missing_or_too_large_is_refused(tmp_path, data):
    (tmp_path / "a.ppm").write_bytes(data)
    with pytest.raises(ImageError, match=r"values in 0\.\."):
        read_image(tmp_path / "a.ppm")
