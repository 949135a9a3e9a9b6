"""What libvips refuses of TIFF, written by tifffile."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
import tifffile

from styler.errors import ImageError
from styler.images import mapped
from styler.images.reading import check_readable, read_image
from styler.images.tiff import contents
from support.color_profiles import converted, srgb, wide
from support.image_files import EIGHT, FLOATS, SIXTEEN, by_tifffile, in_lab, lab_tiff

LEVELS = np.arange(65536, dtype=np.uint16).reshape(256, 256)
DEEP = np.dstack([LEVELS, LEVELS[::-1], LEVELS.T])
ALPHA = np.uint16(np.linspace(1, 65535, 24 * 32)).reshape(24, 32)
LAYOUTS = [
    {},
    {"rowsperstrip": 7},
    {"tile": (64, 32), "predictor": True},
    {"planarconfig": "separate"},
    {"byteorder": ">"},
    {"bigtiff": True},
]


def read(folder, data):
    (folder / "scan.tif").write_bytes(data)
    picture = read_image(folder / "scan.tif")
    assert check_readable(folder / "scan.tif") == picture.size
    return picture


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_level_of_16_bits_is_kept(tmp_path, compression, layout):
    values = np.ascontiguousarray(np.moveaxis(DEEP, 2, 0)) if "planarconfig" in layout else DEEP
    picture = read(tmp_path, by_tifffile(values, compression=compression, **layout))
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), DEEP)
    assert picture.depth == 16


@pytest.mark.parametrize("compression", [None, "deflate", "zstd"])
def test_floats_of_64_bits(tmp_path, compression):
    values = np.linspace(0, 1, 24 * 32 * 3).reshape(24, 32, 3)
    picture = read(tmp_path, by_tifffile(values, compression=compression, predictor=bool(compression)))
    np.testing.assert_array_equal(picture.pixels, values.astype(np.float32))
    assert picture.depth == 32


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1, 1e300])
def test_floats_beyond_0_to_1_are_refused(tmp_path, value):
    values = FLOATS.astype(np.float64)
    values[2, 3, 1] = value
    with pytest.raises(ImageError, match=r"scan\.tif: expected floats in 0\.\.1"):
        read(tmp_path, by_tifffile(values))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_whole_numbers_between_8_and_16_bits_keep_every_level(tmp_path, bits):
    levels = np.arange(2**bits, dtype=np.uint16).reshape(2 ** (bits // 2), -1)
    picture = read(tmp_path, by_tifffile(levels, photometric="minisblack", bitspersample=bits))
    np.testing.assert_allclose(picture.pixels[..., 0], levels / (2**bits - 1), atol=1e-7)
    assert picture.depth == 16


def test_white_may_be_0(tmp_path):
    picture = read(tmp_path, by_tifffile(LEVELS, photometric="miniswhite", compression="zstd"))
    np.testing.assert_allclose(picture.pixels[..., 0], 1 - LEVELS / 65535, atol=1e-7)


def test_palettes(tmp_path):
    palette = np.random.default_rng(0).integers(0, 65536, (3, 256)).astype(np.uint16)
    data = by_tifffile(EIGHT[..., 0], photometric="palette", colormap=palette, compression="zstd")
    expected = np.moveaxis(palette[:, EIGHT[..., 0]], 0, 2) / 65535
    np.testing.assert_allclose(read(tmp_path, data).pixels, expected, atol=1e-6)


def test_alpha_straight_and_premultiplied(tmp_path):
    straight = np.dstack([SIXTEEN, ALPHA])
    product = np.uint16(np.rint(SIXTEEN * (ALPHA[..., None] / 65535.0)))
    stored = {"unassalpha": straight, "assocalpha": np.dstack([product, ALPHA])}
    for kind, values in stored.items():
        picture = read(tmp_path, by_tifffile(values, extrasamples=[kind], compression="zstd"))
        np.testing.assert_array_equal(np.rint(picture.alpha * 65535), ALPHA)
        clear = ALPHA > 20_000
        np.testing.assert_allclose(picture.pixels[clear], SIXTEEN[clear] / 65535, atol=3 / 65535)


def test_other_channels_are_left_out_and_said(tmp_path):
    data = by_tifffile(np.dstack([SIXTEEN, ALPHA, ALPHA]), extrasamples=["unspecified"] * 2, compression="zstd")
    picture = read(tmp_path, data)
    assert picture.alpha is None
    assert picture.notes == ("2 further channels left out: neither color nor alpha",)


def by_formula(lab):
    """CIE 15:2004 section 8.2.1 under D50, and Lindbloom's matrix from there to linear sRGB by Bradford."""
    f = (lab[..., 0] + 16) / 116
    f = np.stack([f + lab[..., 1] / 500, f, f - lab[..., 2] / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.96422, 1.0, 0.82521]
    to_rgb = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    light = np.clip(xyz @ np.transpose(to_rgb), 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("icc", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
def test_lab_by_its_formula(tmp_path, depth, icc):
    found = read(tmp_path, lab_tiff(depth, icc=icc)).pixels
    values = np.array(in_lab())
    lab = np.dstack([values[..., :1] * (100 / 255), values[..., 1:].view(np.int8)])
    np.testing.assert_allclose(found, by_formula(lab), atol=1 / 255)


def test_a_profile_is_converted_and_carried(tmp_path):
    picture = read(tmp_path, by_tifffile(EIGHT, iccprofile=wide(), compression="zstd"))
    np.testing.assert_allclose(picture.pixels, converted(EIGHT, "RGB", wide(), srgb()) / 255, atol=1 / 255)
    assert picture.icc == wide()


def test_turn_and_pages(tmp_path):
    data = by_tifffile(np.stack([EIGHT, EIGHT[::-1]]), compression="zstd", extratags=[(274, 3, 1, 6, True)])
    picture = read(tmp_path, data)
    np.testing.assert_allclose(picture.pixels, np.rot90(EIGHT, -1) / 255, atol=1e-6)
    assert picture.notes == ("the first of 2 pages or frames is used",)


def test_large_ones_are_mapped_and_the_same(tmp_path, monkeypatch):
    data = by_tifffile(np.dstack([SIXTEEN, ALPHA]), extrasamples=["assocalpha"], compression="zstd")
    before = read(tmp_path, data)
    monkeypatch.setattr(mapped, "LARGE", 1)
    monkeypatch.setattr(mapped, "BAND", 2000)
    after = read(tmp_path, data)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    np.testing.assert_array_equal(after.alpha, before.alpha)


def test_what_tifffile_would_log_is_not_shown(tmp_path, capfd):
    data = bytearray(by_tifffile(EIGHT, compression="zstd"))
    (tmp_path / "scan.tif").write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"scan\.tif"):
        read_image(tmp_path / "scan.tif")
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("tifffile").disabled


def test_a_pile_of_channels_is_refused():
    layout = {"photometric": "minisblack", "planarconfig": "contig", "compression": "zstd"}
    data = by_tifffile(np.zeros((8, 8, 40), np.uint8), **layout)
    assert tifffile.imread(io.BytesIO(data)).shape == (8, 8, 40)
    with pytest.raises(ValueError, match="channels of up to 32 bits"):
        contents(io.BytesIO(data))
