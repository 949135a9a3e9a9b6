"""What libvips refuses of TIFF, written by tifffile."""

from __future__ import annotations

import io
import logging
import struct

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
    assert picture.notes == ("2 extra channels ignored: neither color nor alpha",)


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


TILES = {"tile": (16, 16)}


@pytest.mark.parametrize("layout", [TILES, {"rowsperstrip": 7}, {}], ids=["tiles", "strips", "one strip"])
@pytest.mark.parametrize("codec", ["jpeg2000", "jpegxl", "png", "webp", "lerc", "jpeg"])
def test_codecs_of_images_within_the_file(tmp_path, codec, layout):
    lossless = {"jpegxl": {"lossless": True}, "webp": {"lossless": True}, "jpeg": {"level": 95}}.get(codec)
    data = by_tifffile(EIGHT, compression=codec, compressionargs=lossless, **layout)
    found = read(tmp_path, data).pixels
    np.testing.assert_allclose(found, EIGHT / 255, atol=0.4 if codec == "jpeg" else 1e-6)
    assert np.abs(found - EIGHT / 255).mean() < 0.04


@pytest.mark.parametrize("layout", [TILES, {"rowsperstrip": 7}], ids=["tiles", "strips"])
def test_a_compression_that_nothing_reads_is_refused_by_name(tmp_path, layout):
    data = by_tifffile(EIGHT, compression="jpegxr", **layout)
    (tmp_path / "scan.tif").write_bytes(data)
    for reading in (check_readable, read_image):
        with pytest.raises(ImageError, match=r"scan\.tif: the compression jpegxr is not supported"):
            reading(tmp_path / "scan.tif")


def part(data, number):
    """(start, length) of a strip or tile of the first page."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return file.pages[0].dataoffsets[number], file.pages[0].databytecounts[number]


@pytest.mark.parametrize("layout", [TILES, {"rowsperstrip": 8}], ids=["tiles", "strips"])
@pytest.mark.parametrize("codec", ["deflate", "lzw", "zstd", "jpeg", "png", "webp", "jpegxl", "jpeg2000"])
def test_a_damaged_part_is_refused(tmp_path, codec, layout):
    data = by_tifffile(EIGHT, compression=codec, **layout)
    start, length = part(data, 1)
    with pytest.raises(ImageError, match=r"scan\.tif"):
        read(tmp_path, data[:start] + bytes(length) + data[start + length :])


@pytest.mark.parametrize("codec", ["jpeg", "png", "deflate", "lzw", "jpegxl"])
def test_a_part_that_ends_too_soon_is_refused(tmp_path, codec):
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = by_tifffile(values, compression=codec, tile=(32, 32))
    start, length = part(data, 1)
    half = length // 2
    with pytest.raises(ImageError, match=r"scan\.tif"):
        read(tmp_path, data[: start + half] + bytes(length - half) + data[start + length :])


@pytest.mark.parametrize("codec", [None, "deflate", "jpeg"])
@pytest.mark.parametrize("layout", [TILES, {"rowsperstrip": 8}], ids=["tiles", "strips"])
def test_a_missing_part_is_refused(tmp_path, codec, layout):
    data = by_tifffile(EIGHT, compression=codec, **layout)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags[325 if layout is TILES else 279]
        width = {3: 2, 4: 4}[int(tag.dtype)]
        at = tag.valueoffset + width
    with pytest.raises(ImageError, match=r"scan\.tif"):
        read(tmp_path, data[:at] + bytes(width) + data[at + width :])


@pytest.mark.parametrize("codec", ["jpeg", "png", "jpegxl", "jpeg2000"])
def test_a_tile_that_claims_to_be_larger_is_refused(tmp_path, codec):
    data = by_tifffile(EIGHT, compression=codec, tile=(16, 16))
    large = by_tifffile(np.zeros((512, 512, 3), np.uint8), compression=codec, tile=(512, 512))
    start, length = part(large, 0)
    whole = bytearray(data) + large[start : start + length]
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        offsets, counts = (file.pages[0].tags[tag].valueoffset for tag in (324, 325))
        width = file.pages[0].tags[325].dtype
    whole[offsets : offsets + 4] = len(data).to_bytes(4, "little")
    size = {3: 2, 4: 4}[int(width)]
    whole[counts : counts + size] = length.to_bytes(size, "little")
    with pytest.raises(ImageError, match="tile 1 of 4 is damaged"):
        read(tmp_path, bytes(whole))


@pytest.mark.parametrize("layout", [{}, TILES, {"rowsperstrip": 5}], ids=["one strip", "tiles", "strips"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("deep", [False, True])
def test_planes(tmp_path, layout, alpha, gray, deep):
    full = 65535 if deep else 255
    values = (SIXTEEN if deep else EIGHT)[..., : 1 if gray else 3]
    shown = np.full((24, 32, 1), full // 2, values.dtype)
    planes = np.moveaxis(np.dstack([values, shown]) if alpha else values, 2, 0)
    options = {"extrasamples": ["unassalpha"]} if alpha else {}
    if gray and not alpha:
        planes = planes[0]
    else:
        options["planarconfig"] = "separate"
    photometric = "minisblack" if gray else "rgb"
    picture = read(tmp_path, by_tifffile(np.ascontiguousarray(planes), photometric=photometric, **options, **layout))
    np.testing.assert_allclose(picture.pixels, np.broadcast_to(values, (24, 32, 3)) / np.float32(full), atol=1e-6)
    assert (picture.alpha is None) != alpha
    if alpha:
        np.testing.assert_allclose(picture.alpha, (full // 2) / full, atol=1e-6)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("layout", [{}, {"planarconfig": "separate"}], ids=["chunky", "planes"])
def test_rgb_of_few_bits(tmp_path, bits, layout):
    """Packed by hand: tifffile writes no such file."""
    levels = 2**bits - 1
    values = np.uint8(EIGHT[:, :, :] >> (8 - bits))
    planes = [values] if not layout else [values[..., channel, None] for channel in range(3)]
    strips = [
        np.packbits(np.unpackbits(plane.reshape(24, -1, 1), axis=2)[..., 8 - bits :], axis=None) for plane in planes
    ]
    data = tiff_by_hand(strips, bits, planar=2 if layout else 1)
    np.testing.assert_allclose(read(tmp_path, data).pixels, values / np.float32(levels), atol=1e-6)


def tiff_by_hand(strips, bits, planar):
    """An uncompressed RGB TIFF of 32 x 24 pixels, a strip for each plane."""
    entries, extra = [], b""
    behind = 8 + 2 + 12 * 10 + 4

    def put(tag, kind, values):
        nonlocal extra
        form = {3: "H", 4: "I"}[kind]
        packed = b"".join(struct.pack("<" + form, value) for value in values)
        if len(packed) > 4:
            where, extra = behind + len(extra), extra + packed
            packed = struct.pack("<I", where)
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + packed.ljust(4, b"\0"))

    data, starts = b"", []
    for strip in strips:
        starts.append(1000 + len(data))
        data += strip.tobytes()
    for tag, kind, values in [
        (256, 3, [32]),
        (257, 3, [24]),
        (258, 3, [bits] * 3),
        (259, 3, [1]),
        (262, 3, [2]),
        (273, 4, starts),
        (277, 3, [3]),
        (278, 3, [24]),
        (279, 4, [strip.nbytes for strip in strips]),
        (284, 3, [planar]),
    ]:
        put(tag, kind, values)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4) + extra
    return head.ljust(1000, b"\0") + data


@pytest.mark.parametrize("bits", [1, 4])
def test_tiles_of_few_bits_of_gray(tmp_path, bits):
    values = np.uint8(EIGHT[..., 0] >> (8 - bits))
    stored = values.astype(bool) if bits == 1 else values
    options = {"bitspersample": bits, "photometric": "minisblack", **TILES}
    if bits == 1:
        picture = read(tmp_path, by_tifffile(stored, **options))
        np.testing.assert_array_equal(picture.pixels[..., 0], values)


def pages(*written):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for values, options in written:
            writer.write(values, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


SMALL = (EIGHT[::4, ::4], {"subfiletype": 1})
LARGE = (EIGHT, {"subfiletype": 0, "extratags": [(274, 3, 1, 3, True)]})
MASK = (EIGHT[..., 0] > 100, {"subfiletype": 4, "photometric": "mask"})


@pytest.mark.parametrize(
    ("written", "others"),
    [([SMALL, LARGE], 0), ([SMALL, SMALL, LARGE, SMALL], 0), ([LARGE, SMALL], 0), ([SMALL, LARGE, LARGE], 1)],
)
@pytest.mark.parametrize("tiled", [False, True])
def test_reduced_pages_are_passed_over(tmp_path, written, others, tiled):
    options = TILES if tiled else {}
    picture = read(tmp_path, pages(*((values, {**how, **options}) for values, how in written)))
    np.testing.assert_allclose(picture.pixels, EIGHT[::-1, ::-1] / 255, atol=1e-6)
    expected = ("the first of 2 pages or frames is used",) if others else ()
    assert picture.notes == expected


def test_a_picture_inside_its_thumbnail(tmp_path):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(EIGHT[::4, ::4], photometric="rgb", metadata=None, subfiletype=1, subifds=1)
        writer.write(EIGHT, photometric="rgb", metadata=None, subfiletype=0)
    np.testing.assert_allclose(read(tmp_path, file.getvalue()).pixels, EIGHT / 255, atol=1e-6)


def test_a_file_of_nothing_but_a_reduced_copy_says_so(tmp_path):
    picture = read(tmp_path, pages(SMALL))
    assert picture.size == (6, 8)
    assert "reduced copy" in picture.notes[0]


@pytest.mark.parametrize("photometric", ["cfa", "linear_raw"])
@pytest.mark.parametrize("inside", [False, True])
def test_camera_raw_is_refused_by_name(tmp_path, photometric, inside):
    sensor = SIXTEEN[..., 0] if photometric == "cfa" else SIXTEEN
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(EIGHT[::4, ::4], photometric="rgb", metadata=None, subfiletype=1, subifds=int(inside))
        writer.write(sensor, photometric=photometric, metadata=None, subfiletype=0)
    (tmp_path / "photo.dng").write_bytes(file.getvalue())
    for reading in (check_readable, read_image):
        with pytest.raises(ImageError, match=r"photo\.dng: it is a camera raw file"):
            reading(tmp_path / "photo.dng")


def test_canons_raw_is_refused_by_its_mark(tmp_path):
    data = bytearray(by_tifffile(EIGHT))
    start = int.from_bytes(data[4:8], "little")
    assert start == 8
    moved = data[:8] + b"CR\2\0\0\0\0\0" + data[8:]
    moved[4:8] = (16).to_bytes(4, "little")
    (tmp_path / "photo.cr2").write_bytes(moved)
    with pytest.raises(ImageError, match="it is a camera raw file"):
        check_readable(tmp_path / "photo.cr2")


def test_xmp_turns_a_tiff_without_exif(tmp_path):
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    picture = read(tmp_path, by_tifffile(EIGHT, extratags=[(700, 1, len(packet), packet, True)]))
    np.testing.assert_allclose(picture.pixels, np.rot90(EIGHT, -1) / 255, atol=1e-6)


def test_jpeg_in_ycbcr_leaves_standard_error_alone(tmp_path, capfd):
    for layout in (TILES, {"rowsperstrip": 8}):
        data = by_tifffile(EIGHT, compression="jpeg", compressionargs={"outcolorspace": "ycbcr"}, **layout)
        assert np.abs(read(tmp_path, data).pixels - EIGHT / 255).mean() < 0.03
    assert capfd.readouterr() == ("", "")


def test_a_pile_of_channels_is_refused():
    layout = {"photometric": "minisblack", "planarconfig": "contig", "compression": "zstd"}
    data = by_tifffile(np.zeros((8, 8, 40), np.uint8), **layout)
    assert tifffile.imread(io.BytesIO(data)).shape == (8, 8, 40)
    with pytest.raises(ValueError, match="channels of up to 32 bits"):
        contents(io.BytesIO(data))
