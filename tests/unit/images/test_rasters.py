"""Every kind of file at every depth, written by other libraries."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import imagecodecs
import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from styler.errors import ImageError
from styler.images.reading import check_readable, read_image
from styler.images.recipes import png_chunk
from support import color_profiles
from support.image_files import EIGHT, FLOATS, SIXTEEN, by_pillow, by_tifffile, deep_heic, exif_block, honest_files

LEVELS = np.arange(65536, dtype=np.uint16).reshape(256, 256)
DEEP = np.dstack([LEVELS, LEVELS[::-1], LEVELS.T])
FILES = honest_files()


def read(folder, data, suffix="bin"):
    path = folder / f"photo.{suffix}"
    path.write_bytes(data)
    picture = read_image(path)
    assert check_readable(path) == picture.size
    return picture


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_honest_file_is_read(tmp_path, name):
    picture = read(tmp_path, FILES[name])
    assert sorted(picture.size) == [24, 32]
    lossy = (
        name.endswith(("jpg", "webp", "avif", "heic", "gif")) or "palette" in name or "jpeg" in name or "jxl" in name
    )
    if picture.size == (24, 32) and "gray" not in name:
        assert np.abs(picture.pixels - EIGHT / 255).mean() < (0.12 if lossy else 0.005)
    depths = {"deep": 16, "floats": 32, "big": 16, "zstd": 16, "doubles": 32, "lab": 32}
    assert picture.depth == depths.get(name.split("-")[0].split(".")[0], 8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 7},
        {"tile": (64, 32)},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate", "predictor": True, "tile": (32, 32)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"planarconfig": "separate"},
        {"compression": "packbits"},
    ],
    ids=str,
)
def test_tiff_of_16_bits_keeps_every_level(tmp_path, options):
    values = np.ascontiguousarray(np.moveaxis(DEEP, 2, 0)) if "planarconfig" in options else DEEP
    picture = read(tmp_path, by_tifffile(values, **options))
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), DEEP)
    assert picture.depth == 16


def test_png_of_16_bits_keeps_every_level(tmp_path):
    picture = read(tmp_path, imagecodecs.png_encode(DEEP))
    np.testing.assert_array_equal(np.rint(picture.pixels * 65535), DEEP)
    gray = read(tmp_path, imagecodecs.png_encode(LEVELS))
    assert len(np.unique(gray.pixels)) == 65536


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("compression", [None, "deflate", "lzw"])
def test_tiff_of_floats_is_read_as_it_is(tmp_path, dtype, compression):
    picture = read(tmp_path, by_tifffile(FLOATS.astype(dtype), compression=compression))
    np.testing.assert_array_equal(picture.pixels, FLOATS.astype(dtype))
    assert picture.depth == 32


def test_tiff_of_32_whole_bits(tmp_path):
    values = np.uint32(FLOATS.astype(np.float64) * (2**32 - 1))
    np.testing.assert_allclose(read(tmp_path, by_tifffile(values)).pixels, FLOATS, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.5, 1.5])
def test_floats_beyond_0_to_1_are_refused(tmp_path, value):
    floats = FLOATS.copy()
    floats[2, 3, 1] = value
    with pytest.raises(ImageError, match=r"photo\.tif: .*0\.\.1"):
        read(tmp_path, by_tifffile(floats), "tif")


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_bits(tmp_path, bits):
    levels = 2**bits
    indices = (np.arange(24 * 32).reshape(24, 32) % levels).astype(np.uint8)
    packed = np.packbits(np.unpackbits(indices[..., None], axis=2)[..., 8 - bits :].reshape(24, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 32, 24, bits, 0, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    expected = np.repeat(indices[..., None] / (levels - 1), 3, -1)
    np.testing.assert_allclose(read(tmp_path, data).pixels, expected, atol=1e-6)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_with_transparency(tmp_path, bits):
    image = Image.new("P", (6, 4), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((2, 1), 1)
    file = io.BytesIO()
    image.save(file, "PNG", bits=bits, transparency=1)
    picture = read(tmp_path, file.getvalue())
    assert picture.alpha[1, 2] == 0
    assert picture.alpha.sum() == 23
    np.testing.assert_array_equal(picture.pixels[0, 0], [1, 0, 0])


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_of_every_kind(tmp_path, mode, progressive):
    picture = read(tmp_path, by_pillow(mode, "JPEG", quality=95, progressive=progressive, subsampling=0))
    expected = np.asarray(Image.fromarray(EIGHT).convert(mode).convert("RGB")) / 255
    assert np.abs(picture.pixels - expected).mean() < 0.01


@pytest.mark.parametrize("transform", [0, 2])
def test_adobes_four_channels_with_and_without_transform(tmp_path, transform):
    data = by_pillow("CMYK", "JPEG", quality=95)
    marker = data.index(b"Adobe")
    assert data[marker + 11] in (0, 2)
    data = data[: marker + 11] + bytes([transform]) + data[marker + 12 :]
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB")) / 255
    assert np.abs(read(tmp_path, data).pixels - expected).mean() < 0.01


def test_cmyk_with_a_profile_goes_through_it_and_the_result_is_srgb(tmp_path):
    data = by_pillow("CMYK", "TIFF", icc_profile=color_profiles.cmyk())
    picture = read(tmp_path, data)
    values = np.asarray(Image.fromarray(EIGHT).convert("CMYK"))
    expected = color_profiles.converted(values, "CMYK", color_profiles.cmyk(), color_profiles.srgb()) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=1 / 255)
    assert picture.icc is None
    assert "it is for cmyk images, so the result will be sRGB" in picture.notes[0]


def test_a_gray_profile_does_not_go_on_a_colored_result(tmp_path):
    picture = read(tmp_path, by_pillow("L", "PNG", icc_profile=color_profiles.gray()))
    values = np.asarray(Image.fromarray(EIGHT).convert("L"))[..., None]
    expected = color_profiles.converted(values, "L", color_profiles.gray(), color_profiles.srgb()) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=1 / 255)
    assert picture.icc is None
    assert "it is for gray images" in picture.notes[0]


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF"])
def test_a_profile_is_converted_and_carried(tmp_path, name):
    picture = read(tmp_path, by_pillow("RGB", name, icc_profile=color_profiles.wide(), quality=95))
    assert picture.icc == color_profiles.wide()
    assert picture.notes == ("color profile converted to sRGB",)
    if name in ("PNG", "TIFF"):
        expected = color_profiles.converted(EIGHT, "RGB", color_profiles.wide(), color_profiles.srgb()) / 255
        np.testing.assert_allclose(picture.pixels, expected, atol=1 / 255)


def test_a_profile_that_works_one_way_only_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("styler.images.profiles.can_be_kept", lambda _icc: False)  # as of a scanner, without B2A
    picture = read(tmp_path, by_pillow("RGB", "PNG", icc_profile=color_profiles.wide()))
    assert picture.icc is None
    assert "in one direction only, so the result will be sRGB" in picture.notes[0]


def test_a_profile_of_16_bits_and_floats(tmp_path):
    expected = color_profiles.converted(EIGHT, "RGB", color_profiles.wide(), color_profiles.srgb()) / 255
    for values in (SIXTEEN, FLOATS):
        picture = read(tmp_path, by_tifffile(values, iccprofile=color_profiles.wide()))
        np.testing.assert_allclose(picture.pixels, expected, atol=2 / 255)
        assert len(np.unique(picture.pixels)) > 1000


@pytest.mark.parametrize(
    ("name", "count"), [("pages.tif", 2), ("moving.gif", 3), ("moving.webp", 3), ("moving.png", 3)]
)
def test_of_several_pages_the_first_is_read_and_said(tmp_path, name, count):
    assert f"the first of {count} pages or frames is used" in read(tmp_path, FILES[name]).notes


def test_alpha_of_16_bits(tmp_path):
    rgba = np.dstack([DEEP, np.maximum(LEVELS, 1)])
    for data in (imagecodecs.png_encode(rgba), by_tifffile(rgba, extrasamples=["unassalpha"])):
        np.testing.assert_array_equal(np.rint(read(tmp_path, data).alpha * 65535), rgba[..., 3])


def test_a_fourth_channel_that_is_no_alpha_is_left_out(tmp_path):
    rgbx = np.dstack([EIGHT, np.zeros((24, 32), np.uint8)])
    picture = read(tmp_path, by_tifffile(rgbx, extrasamples=["unspecified"]))
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.pixels, EIGHT / np.float32(255))
    assert picture.notes == ("1 extra channels ignored: neither color nor alpha",)


def test_premultiplied_colors_are_divided_by_their_alpha(tmp_path):
    alpha = np.full((24, 32, 1), 128, np.uint8)
    premultiplied = np.uint8(np.rint(EIGHT * (alpha / 255.0)))
    data = by_tifffile(np.dstack([premultiplied, alpha]), extrasamples=["assocalpha"])
    np.testing.assert_allclose(read(tmp_path, data).pixels, EIGHT / 255, atol=2 / 255)


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_of_more_than_8_bits_uses_its_whole_range(tmp_path, bits):
    white = pyvips.Image.new_from_array(np.full((16, 16, 3), 65535, np.uint16)).copy(interpretation="rgb16")
    picture = read(tmp_path, white.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True))
    assert picture.depth == 16
    np.testing.assert_allclose(picture.pixels, 1.0, atol=1e-3)


def test_heic_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'styler\[heic\]'"):
        read(tmp_path, FILES["plain.heic"])


def test_heic_of_10_bits_keeps_every_level(tmp_path):
    levels = np.uint16(np.arange(1024).reshape(32, 32) << 6)
    picture = read(tmp_path, deep_heic(np.dstack([levels, levels.T, levels[::-1]])))
    np.testing.assert_allclose(picture.pixels[..., 0], levels / (1023 << 6), atol=1e-6)
    assert len(np.unique(picture.pixels[..., 1])) == 1024
    assert picture.depth == 16


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint64", "complex64"])
def test_channels_of_another_kind_are_refused(tmp_path, dtype):
    with pytest.raises(ImageError, match=r"photo\.tif"):
        read(tmp_path, by_tifffile((FLOATS * 100).astype(dtype)), "tif")


@pytest.mark.parametrize("span", ["limited", "full"])
@pytest.mark.parametrize("subsampling", ["4:0:0", "4:2:0"])
def test_gray_avif_uses_its_whole_range(tmp_path, subsampling, span):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    file = io.BytesIO()
    Image.fromarray(ramp).convert("RGB").save(file, "AVIF", subsampling=subsampling, range=span, quality=100)
    found = read(tmp_path, file.getvalue()).pixels[32, :, 0]
    np.testing.assert_allclose(found, np.arange(256) / 255, atol=2 / 255)
    assert (found[0], found[-1]) == (0.0, 1.0)


def camera_says(space, index=None):
    exif = Image.Exif()
    exif[0x8769] = {0xA001: space, **({0xA005: {1: index, 2: b"0100"}} if index else {})}
    return exif.tobytes()


@pytest.mark.parametrize(
    ("name", "space", "index"),
    [("JPEG", 65535, "R03"), ("WEBP", 65535, "R03"), ("JPEG", 2, None), ("WEBP", 2, "R98"), ("TIFF", 2, None)],
)
def test_adobe_rgb_by_exif_alone(tmp_path, name, space, index):
    lossless = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(name, {})
    said = read(tmp_path, by_pillow("RGB", name, exif=camera_says(space, index), **lossless))
    embedded = read(tmp_path, by_pillow("RGB", name, icc_profile=color_profiles.wide(), **lossless))
    np.testing.assert_allclose(said.pixels, embedded.pixels, atol=3 / 255)
    assert said.notes == ("colors converted to sRGB (Adobe RGB, according to EXIF)",)


@pytest.mark.parametrize(("space", "index"), [(1, None), (1, "R98"), (65535, None), (65535, "R98")])
def test_anything_else_in_exif_is_srgb(tmp_path, space, index):
    picture = read(tmp_path, by_pillow("RGB", "WEBP", exif=camera_says(space, index), lossless=True))
    np.testing.assert_allclose(picture.pixels, EIGHT / 255, atol=1e-6)
    assert picture.notes == ()


def test_a_profile_counts_more_than_what_exif_says(tmp_path):
    options = {"exif": camera_says(65535, "R03"), "icc_profile": color_profiles.srgb(), "lossless": True}
    picture = read(tmp_path, by_pillow("RGB", "WEBP", **options))
    np.testing.assert_allclose(picture.pixels, EIGHT / 255, atol=1 / 255)


PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description %s</rdf:RDF></x:xmpmeta>'


@pytest.mark.parametrize("form", [b'tiff:Orientation="6"/>', b"><tiff:Orientation>6</tiff:Orientation>"])
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_turn_in_xmp_is_obeyed(tmp_path, form, name):
    options = {"xmp": PACKET % form, "lossless": True} if name != "PNG" else {}
    data = by_pillow("RGB", name, **options)
    if name == "PNG":
        text = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET % form)
        data = data[:33] + text + data[33:]
    assert np.abs(read(tmp_path, data).pixels - np.rot90(EIGHT, -1) / 255).mean() < 0.05


def test_exif_counts_more_than_xmp(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 1
    data = by_pillow("RGB", "WEBP", exif=exif, xmp=PACKET % b'tiff:Orientation="6"/>', lossless=True)
    np.testing.assert_allclose(read(tmp_path, data).pixels, EIGHT / 255, atol=1e-6)


@pytest.mark.parametrize("name", ["exif", "APP1"])
@pytest.mark.parametrize("compressed", [False, True])
def test_exif_in_the_text_of_a_png(tmp_path, name, compressed):
    block = exif_block()  # turned by 6
    text = b"\n%s\n%8d\n" % (name.encode(), len(block)) + block.hex().encode() + b"\n"
    keyword = b"Raw profile type " + name.encode() + b"\0"
    chunk = (
        png_chunk(b"zTXt", keyword + b"\0" + zlib.compress(text)) if compressed else png_chunk(b"tEXt", keyword + text)
    )
    data = by_pillow("RGB", "PNG")
    picture = read(tmp_path, data[:33] + chunk + data[33:])
    np.testing.assert_allclose(picture.pixels, np.rot90(EIGHT, -1) / 255, atol=1e-6)


@pytest.mark.parametrize("size", [100_000, 1_500_000])
def test_a_png_with_large_texts_is_read(tmp_path, size):
    text = np.random.default_rng(0).integers(32, 127, size, np.uint8).tobytes()
    chunk = png_chunk(b"zTXt", b"Raw profile type 8bim\0\0" + zlib.compress(text))
    data = imagecodecs.png_encode(SIXTEEN)
    for place in (33, len(data) - 12):
        picture = read(tmp_path, data[:place] + chunk + data[place:])
        np.testing.assert_array_equal(np.rint(picture.pixels * 65535), SIXTEEN)


NOISE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def noisy_jpeg(**options):
    return bytes(imagecodecs.jpeg8_encode(NOISE, level=80, **options))


def small_faults():
    data = noisy_jpeg()
    table = data.index(b"\xff\xdb")
    return {
        "stray bytes": data[:table] + bytes(18) + data[table:],
        "no end": data[:-2],
        "bytes before the end": data[:-2] + b"\0\1\2" + data[-2:],
    }


@pytest.mark.parametrize("fault", small_faults())
def test_a_slightly_damaged_jpeg_is_read_with_a_note(tmp_path, fault):
    whole = read(tmp_path, noisy_jpeg())
    found = read(tmp_path, small_faults()[fault])
    np.testing.assert_array_equal(found.pixels, whole.pixels)
    assert whole.notes == ()
    if fault != "bytes before the end":  # nothing notices
        assert found.notes[0].startswith("the file is slightly damaged, but no pixels are missing")


@pytest.mark.parametrize("tail", [b"SEFH" + bytes(range(256)) * 20, b"\0" * 100])
def test_what_a_phone_puts_behind_the_end_does_not_matter(tmp_path, tail):
    assert read(tmp_path, noisy_jpeg() + tail).notes == ()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("lost", "end"),  # of a few bytes before an end marker no decoder takes notice
    [(lost, end) for end in (b"", bytes(5000)) for lost in (3, 8, 100, 3000)]
    + [(100, b"\xff\xd9"), (3000, b"\xff\xd9")],
    ids=str,
)
def test_a_jpeg_that_lacks_pixels_is_refused(tmp_path, progressive, lost, end):
    if progressive:
        Image.fromarray(NOISE).save(tmp_path / "whole.jpg", quality=60, progressive=True)
        data = (tmp_path / "whole.jpg").read_bytes()
    else:
        data = noisy_jpeg()
    with pytest.raises(ImageError, match=r"photo\.jpg"):
        read(tmp_path, data[: -2 - lost] + end, "jpg")


@pytest.mark.parametrize(
    ("name", "mode"),
    [("TGA", "RGB"), ("TGA", "RGBA"), ("TGA", "L"), ("ICO", "RGB"), ("ICO", "RGBA"), ("PPM", "RGB"), ("PPM", "L")],
)
def test_simple_formats_by_pillow(tmp_path, name, mode):
    options = {"sizes": [(32, 24)], "bitmap_format": "png"} if name == "ICO" else {}
    image = Image.fromarray(EIGHT).convert(mode)
    if mode == "RGBA":
        image.putalpha(128)
    file = io.BytesIO()
    image.save(file, name, **options)
    picture = read(tmp_path, file.getvalue())
    expected = np.asarray(Image.fromarray(EIGHT).convert(mode).convert("RGB")) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    assert (picture.alpha is None) == (mode != "RGBA")


@pytest.mark.parametrize("channels", [3, 4])
def test_qoi(tmp_path, channels):
    values = np.dstack([EIGHT, np.full((24, 32), 128, np.uint8)])[..., :channels]
    picture = read(tmp_path, imagecodecs.qoi_encode(np.ascontiguousarray(values)))
    np.testing.assert_allclose(picture.pixels, EIGHT / 255, atol=1e-6)


def test_of_an_icon_the_largest_is_read(tmp_path):
    file = io.BytesIO()
    Image.fromarray(EIGHT).resize((64, 64)).save(file, "ICO", sizes=[(16, 16), (64, 64), (32, 32)])
    assert read(tmp_path, file.getvalue()).size == (64, 64)


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("gray", [False, True])
def test_jpeg_2000_keeps_every_level(tmp_path, codec, depth, gray):
    values = (EIGHT if depth == 8 else SIXTEEN)[..., : 1 if gray else 3]
    stored = np.ascontiguousarray(values[..., 0] if gray else values)
    data = imagecodecs.jpeg2k_encode(stored, codecformat=codec, reversible=True, level=0)
    picture = read(tmp_path, data)
    expected = np.broadcast_to(values, (24, 32, 3)) / np.float32(2**depth - 1)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    assert picture.depth == depth


@pytest.mark.parametrize("depth", [8, 16])
def test_jpeg_2000_cut_short_is_refused(tmp_path, depth):
    data = imagecodecs.jpeg2k_encode(NOISE if depth == 8 else NOISE.astype(np.uint16) * 257, reversible=True, level=0)
    with pytest.raises(ImageError, match=r"photo\.jp2"):
        read(tmp_path, data[: len(data) // 2], "jp2")


def test_a_reason_is_that_of_the_file(tmp_path):
    data, avif = noisy_jpeg()[:2000], by_pillow("RGB", "AVIF")
    reasons = []
    for _ in range(2):
        with pytest.raises(ImageError) as caught:
            read(tmp_path, data, "jpg")
        reasons.append(str(caught.value))
        read(tmp_path, avif)
    assert reasons[0] == reasons[1]
    assert "heif" not in reasons[1].lower()


def test_a_heic_file_without_images_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"photo\.heic") as caught:
        read(tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic")
    assert "list index" not in str(caught.value)


def test_tifffile_agrees_about_what_was_made():
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(by_tifffile(DEEP, tile=(64, 32)))), DEEP)
