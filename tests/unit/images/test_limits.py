from __future__ import annotations

import pytest

from styler.errors import ImageError
from styler.images import limits
from styler.images.limits import BYTES_PER_PIXEL, MOST_PIXELS, SHARE, check_pixels, pixel_limit
from styler.images.reading import check_readable
from styler.types import Size
from support.image_files import header_only_png


@pytest.fixture
def memory(monkeypatch):
    return lambda amount: monkeypatch.setattr(limits, "available_memory", lambda: amount)


@pytest.mark.parametrize(("side", "opens"), [(16_384, True), (16_385, False), (100_000, False)])
def test_the_header_decides(tmp_path, memory, side, opens):
    memory(2**34)
    path = header_only_png(tmp_path / "big.png", side, side)
    if opens:
        assert check_readable(path) == (side, side)
    else:
        with pytest.raises(ImageError, match=f"has {side}x{side} pixels.*--max-pixels"):
            check_readable(path)
    assert check_readable(path, max_pixels=10**10) == (side, side)
    with pytest.raises(ImageError, match="more than the limit of 99;"):
        check_readable(path, max_pixels=99)


def test_little_memory_lowers_the_limit(memory):
    memory(2**30)
    assert pixel_limit() == int(SHARE * 2**30) // BYTES_PER_PIXEL
    assert pixel_limit(5) == 5
    memory(None)
    assert pixel_limit() == MOST_PIXELS


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ImageError, match="at least one pixel"):
        check_pixels(Size(0, 5), "a.png", None)
