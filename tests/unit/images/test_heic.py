from __future__ import annotations

import io
import sys

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from styler.images.heic import MISSING, channels, opened
from support.image_files import EIGHT, SIXTEEN, deep_heic, heic


def test_8_bits_stay_8_bits():
    values, full = channels(opened(io.BytesIO(heic())))
    assert (values.shape, values.dtype, full) == (EIGHT.shape, np.uint8, 255.0)


def test_10_bits_stand_in_the_upper_bits():
    values, full = channels(opened(io.BytesIO(deep_heic(SIXTEEN))))
    assert (values.shape, values.dtype, full) == (SIXTEEN.shape, np.uint16, float(1023 << 6))
    np.testing.assert_array_equal(values >> 6, SIXTEEN >> 6)


def test_gray_has_one_channel():
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(EIGHT[..., 0])).save(file)
    values, _ = channels(opened(file))
    assert values.shape == (24, 32, 1)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        opened(io.BytesIO(heic()))
    assert str(caught.value) == MISSING
