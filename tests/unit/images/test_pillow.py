from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from styler.errors import ImageError
from styler.images import pillow
from styler.images.reading import check_readable, read_image

PIXELS = np.arange(40 * 30 * 3, dtype=np.uint8).reshape(40, 30, 3)


@pytest.mark.parametrize("guard", [None, 100, 89_478_485])
@pytest.mark.parametrize("suffix", ["gif", "bmp", "png", "jpg", "tif", "webp"])
def test_the_callers_guard_is_neither_heeded_nor_changed(tmp_path, monkeypatch, suffix, guard):
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", guard)
    with warnings.catch_warnings(action="error"):
        assert check_readable(tmp_path / f"a.{suffix}") == (40, 30)
        assert read_image(tmp_path / f"a.{suffix}").size == (40, 30)
    assert guard == Image.MAX_IMAGE_PIXELS


def test_an_image_of_pillow_is_held_against_the_limit_before_it_is_decoded():
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        image = Image.open(stream)
    with pytest.raises(ImageError, match="the image has 20000x20000 pixels, more than the limit"):
        read_image(image)
    with pytest.raises(ImageError, match="more than the limit of 1000;"):
        read_image(Image.fromarray(PIXELS), max_pixels=1000)


def test_a_file_of_another_format_is_not_identified():
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "BMP")
    with pytest.raises(UnidentifiedImageError, match="GIF, PNG"):
        pillow.opened(stream, ["GIF", "PNG"])
    assert pillow.opened(stream, ["GIF", "BMP"]).size == (30, 40)
