"""Pictures that are worked on in bands come out as those that are not: everything is mapped here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from styler.images import encoding, mapped, rasters
from styler.images.depth import quantized
from styler.images.export import Export
from styler.images.mapped import is_mapped
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.images.writing import write_picture
from styler.types import Size
from support.color_profiles import wide
from support.pictures import blobs

SIDES = (61, 83)


@pytest.fixture
def banded(monkeypatch):
    """From here on everything counts as large, and bands have a few rows."""

    def switch():
        for module in (mapped, encoding, rasters):
            monkeypatch.setattr(module, "LARGE", 1)
        monkeypatch.setattr(mapped, "BAND", 4000)

    return switch


def picture(alpha=False, icc=None, depth=8):
    rng = np.random.default_rng(0)
    shown = rng.uniform(0, 1, SIDES).astype(np.float32) if alpha else None
    return Picture(pixels=blobs(*SIDES, 3), name="a", alpha=shown, icc=icc, depth=depth)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp"])
@pytest.mark.parametrize("made", [picture(), picture(alpha=True), picture(icc=wide()), picture(alpha=True, depth=16)])
def test_files_are_read_and_written_alike(tmp_path, banded, suffix, made):
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    write_picture(made, first)
    before = read_image(first)
    banded()
    after = read_image(first)
    write_picture(replace(made, pixels=made.pixels.copy()), second)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    np.testing.assert_array_equal(read_image(second).pixels, before.pixels)
    assert (after.alpha is None) == (before.alpha is None)
    if before.alpha is not None:
        np.testing.assert_array_equal(after.alpha, before.alpha)
    assert (after.depth, after.icc, after.notes) == (before.depth, before.icc, before.notes)
    assert is_mapped(after.pixels)


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_turned_pictures_too(tmp_path, banded, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(np.uint8(blobs(*SIDES, 1) * 255)).save(tmp_path / "a.jpg", exif=exif)
    before = read_image(tmp_path / "a.jpg").pixels
    banded()
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, before)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_too(tmp_path, banded, mode):
    Image.fromarray(np.uint8(blobs(*SIDES, 1) * 255)).convert(mode).save(tmp_path / "a.tif")
    before = read_image(tmp_path / "a.tif").pixels
    banded()
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels, before)


def test_a_recipe_is_carried_by_large_files_too(tmp_path, banded):
    from styler.images.recipes import read_recipe

    banded()
    for name in ("a.png", "a.tif"):
        write_picture(picture(), tmp_path / name, export=Export(recipe="seed 7"))
        assert read_recipe(tmp_path / name) == "seed 7"


@pytest.mark.parametrize("size", [(200, 300), (30, 41), (61, 300), (7, 5)])
def test_resized_in_bands(banded, monkeypatch, size):
    pixels = blobs(*SIDES, 2)
    whole = resampled(pixels, Size(*size))
    monkeypatch.setattr("styler.images.resampling.ROWS", 16)
    banded()
    np.testing.assert_allclose(resampled(pixels, Size(*size)), whole, atol=2e-5)


@pytest.mark.parametrize("bits", [8, 16])
def test_dithered_in_bands(banded, bits):
    pixels = blobs(*SIDES, 2)
    whole = quantized(pixels, bits)
    banded()
    np.testing.assert_array_equal(quantized(pixels, bits), whole)
