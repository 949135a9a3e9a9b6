"""Every format x depth x profile x alpha, read back by libraries that styler does not read with."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from styler.images.depth import quantized, rounded
from styler.images.encoding import ENCODERS, Extras, encode
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.profiles import from_srgb
from styler.images.reading import read_image
from styler.images.recipes import read_recipe
from styler.images.writing import FORMATS, write_picture
from support import color_profiles
from support.pictures import blobs

PIXELS = blobs(37, 53, 2)  # odd sides
ALPHA = np.linspace(0, 1, 37 * 53, dtype=np.float32).reshape(37, 53)
READERS = {
    "png": imagecodecs.png_decode,
    "tif": lambda data: tifffile.imread(io.BytesIO(data)),
    "jpg": imagecodecs.jpeg8_decode,
    "webp": imagecodecs.webp_decode,
}
CASES = [("png", 8), ("png", 16), ("tif", 8), ("tif", 16), ("jpg", 8), ("webp", 8)]
LOSSLESS = ("png", "tif")
RECIPE = '{"what": "<a & b>\n\t\r &#10; größer 画 \U0001f3a8"}'


def profile_inside(suffix, path):
    with Image.open(path) as image:
        return image.info.get("icc_profile")


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
@pytest.mark.parametrize("icc", [None, color_profiles.wide()], ids=["srgb", "wide"])
@pytest.mark.parametrize(("suffix", "depth"), CASES)
def test_what_is_written_is_what_others_read(tmp_path, suffix, depth, icc, alpha):
    picture = Picture(pixels=PIXELS, name="x", alpha=alpha, icc=icc, depth=depth)
    path = write_picture(picture, tmp_path / f"out.{suffix}", export=Export(recipe=RECIPE, quality=100))
    values = READERS[suffix](path.read_bytes())
    colors = PIXELS
    if alpha is not None and suffix == "jpg":
        colors = PIXELS * alpha[..., None] + 1 - alpha[..., None]
    expected = quantized(colors if icc is None else from_srgb(colors, icc), depth)
    if suffix in LOSSLESS:
        np.testing.assert_array_equal(values[..., :3], expected)
    else:
        assert (
            np.abs(values[..., :3].astype(int) - expected).mean() < {"jpg": 3, "webp": 8}[suffix]
        )  # WebP halves the colors
    if alpha is not None and suffix != "jpg":
        np.testing.assert_array_equal(values[..., 3], rounded(alpha, depth))
    assert values.shape[2] == (4 if alpha is not None and suffix != "jpg" else 3)
    assert profile_inside(suffix, path) == icc
    assert read_recipe(path) == RECIPE


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "alpha"])
@pytest.mark.parametrize("icc", [None, color_profiles.wide()], ids=["srgb", "wide"])
@pytest.mark.parametrize(("suffix", "depth"), [case for case in CASES if case[0] in LOSSLESS])
def test_what_is_written_comes_back(tmp_path, suffix, depth, icc, alpha):
    picture = Picture(pixels=PIXELS, name="out", alpha=alpha, icc=icc, depth=depth)
    again = read_image(write_picture(picture, tmp_path / f"out.{suffix}"))
    seen = slice(None) if alpha is None else again.alpha > 0
    off = np.abs(again.pixels[seen] - PIXELS[seen])
    assert np.quantile(off, 0.99) < (2.5 / 255 if depth == 8 else 1e-4)
    assert off.max() < (20 / 255 if depth == 8 else 1e-3)  # near black another curve's 8 bits are coarse
    assert (again.icc, again.depth) == (icc, depth)
    if alpha is None:
        assert again.alpha is None
    else:
        np.testing.assert_allclose(again.alpha, alpha, atol=1 / (2**depth - 1))


def test_16_bits_stay_16_bits_from_end_to_end(tmp_path):
    levels = np.arange(64 * 1024, dtype=np.uint16).reshape(64, 1024)
    for suffix, encoded in {"png": imagecodecs.png_encode, "tif": tiff_bytes}.items():
        (tmp_path / f"in.{suffix}").write_bytes(encoded(np.dstack([levels, levels[::-1], levels.T.reshape(64, 1024)])))
        photo = read_image(tmp_path / f"in.{suffix}")
        path = write_picture(photo, tmp_path / f"out.{suffix}")
        values = READERS[suffix](path.read_bytes())
        assert values.dtype == np.uint16
        np.testing.assert_array_equal(values[..., 0], levels)
        assert [len(np.unique(values[..., channel])) for channel in range(3)] == [65536] * 3


def tiff_bytes(values):
    file = io.BytesIO()
    tifffile.imwrite(file, values, photometric="rgb")
    return file.getvalue()


def test_jpeg_keeps_its_colors_at_full_resolution(tmp_path):
    path = write_picture(Picture(pixels=PIXELS, name="x"), tmp_path / "a.jpg")
    with Image.open(path) as image:
        assert {component[1:3] for component in image.layer} == {(1, 1)}


@pytest.mark.parametrize("suffix", ["tif", "tiff"])
def test_tiff_is_compressed_and_whole(tmp_path, suffix):
    flat = np.full((300, 200, 3), 0.5, np.float32)
    path = write_picture(Picture(pixels=flat, name="x", depth=16), tmp_path / f"a.{suffix}", export=Export(recipe="x"))
    assert path.stat().st_size < 0.02 * 300 * 200 * 6
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
        assert file.pages[0].compression.name == "ADOBE_DEFLATE"


def test_every_format_has_an_encoder():
    assert set(FORMATS.values()) == set(ENCODERS)


def test_the_same_picture_makes_the_same_bytes():
    values = quantized(PIXELS, 16)
    for name in ("PNG", "TIFF"):
        files = [io.BytesIO(), io.BytesIO()]
        for file in files:
            encode(values, name, Extras(icc=color_profiles.wide(), recipe=RECIPE, quality=90), file)
        assert files[0].getvalue() == files[1].getvalue()
