from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image, ImageCms

from styler.errors import ImageError
from styler.images.reading import check_readable, read_image
from support.image_files import EIGHT, header_only_png, in_lab
from support.pictures import blobs, saved
from support.turned import TURNS, check_turned, ramps

PIXELS = blobs(12, 20, 0)
BYTES = np.uint8(np.rint(PIXELS * 255))
EXACT = BYTES.astype(np.float32) / 255


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_reads_a_lossless_file_exactly(tmp_path, suffix):
    path = saved(tmp_path / f"photo.{suffix}", PIXELS)
    picture = read_image(path)
    np.testing.assert_array_equal(picture.pixels, EXACT)
    assert picture.pixels.dtype == np.float32
    assert picture.size == check_readable(path) == (12, 20)
    assert (picture.name, picture.notes) == ("photo", ())


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_reads_a_lossy_file_closely(tmp_path, suffix):
    pixels = blobs(64, 96, 0)
    picture = read_image(str(saved(tmp_path / f"photo.{suffix}", pixels, quality=95)))
    assert np.abs(picture.pixels - pixels).mean() < 0.02


@pytest.mark.parametrize(
    "source",
    [BYTES, EXACT, EXACT.astype(np.float64), Image.fromarray(BYTES)],
    ids=["uint8", "float32", "float64", "PIL"],
)
def test_reads_arrays_and_pil_images(source):
    picture = read_image(source)
    np.testing.assert_allclose(picture.pixels, EXACT, atol=1e-7)
    assert picture.name == "image"


@pytest.mark.parametrize("orientation", [*TURNS, 9])  # 9 is none: as stored
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_turns_as_the_camera_was_held(tmp_path, orientation, dtype, channels):
    check_turned(tmp_path / "photo.png", ramps((30, 50), dtype, channels), orientation)


def test_broken_camera_data_does_not_spoil_the_picture(tmp_path):
    path = saved(tmp_path / "photo.jpg", PIXELS, exif=b"Exif\0\0garbage, garbage")
    assert check_readable(path) == read_image(path).size == (12, 20)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("1", "png"), ("P", "png"), ("CMYK", "tif"), ("YCbCr", "tif")]
)
def test_every_mode_becomes_rgb(tmp_path, mode, suffix):
    image = Image.fromarray(BYTES).convert(mode)
    path = tmp_path / f"photo.{suffix}"
    image.save(path)
    expected = np.asarray(image.convert("RGB"), np.float32) / 255
    np.testing.assert_allclose(read_image(path).pixels, expected, atol=2 / 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_gray_of_16_bits_keeps_its_range(tmp_path, suffix):
    gray = np.linspace(0, 65535, 12 * 20).astype(np.uint16).reshape(12, 20)
    Image.fromarray(gray).save(tmp_path / f"scan.{suffix}")
    expected = np.repeat(gray[..., None] / 65535, 3, -1)
    np.testing.assert_allclose(read_image(tmp_path / f"scan.{suffix}").pixels, expected, atol=1e-6)


def test_a_float_image_must_lie_in_0_to_1(tmp_path):
    gray = PIXELS[..., 0]
    Image.fromarray(gray).save(tmp_path / "fine.tif")
    np.testing.assert_allclose(read_image(tmp_path / "fine.tif").pixels[..., 1], gray, atol=1e-6)
    Image.fromarray(gray * 300).save(tmp_path / "bright.tif")
    with pytest.raises(ImageError, match=r"expected floats in 0\.\.1"):
        read_image(tmp_path / "bright.tif")


def test_transparent_regions_are_kept_and_noted(tmp_path):
    rgba = np.dstack([BYTES, np.full((12, 20), 255, np.uint8)])
    rgba[:, :10, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "cut.png")
    for source in (tmp_path / "cut.png", rgba, rgba / np.float32(255)):
        picture = read_image(source)
        np.testing.assert_allclose(picture.pixels[:, :10], 1.0)
        np.testing.assert_allclose(picture.pixels[:, 10:], EXACT[:, 10:], atol=1e-6)
        np.testing.assert_array_equal(picture.alpha, rgba[..., 3] / np.float32(255))
        assert picture.notes == ("transparent regions are kept and do not count toward the style",)


def test_a_transparent_palette_color_shows_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "flag.png", transparency=1)
    np.testing.assert_allclose(read_image(tmp_path / "flag.png").pixels, 1.0)


def test_an_srgb_profile_changes_nothing_beyond_rounding(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_image(saved(tmp_path / "photo.png", PIXELS, icc_profile=profile))
    np.testing.assert_allclose(picture.pixels, EXACT, atol=2 / 255)
    assert picture.notes == ("color profile converted to sRGB",)


def test_a_gray_file_with_a_profile_that_does_not_fit_is_still_read(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(BYTES[..., 0]).save(tmp_path / "gray.png", icc_profile=profile)
    picture = read_image(tmp_path / "gray.png")
    np.testing.assert_allclose(picture.pixels[..., 0], EXACT[..., 0], atol=2 / 255)
    assert len(picture.notes) == 1


def test_a_damaged_profile_is_noted_and_ignored(tmp_path):
    picture = read_image(saved(tmp_path / "photo.png", PIXELS, icc_profile=b"no profile"))
    np.testing.assert_array_equal(picture.pixels, EXACT)
    assert "color profile ignored" in picture.notes[0]


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(read_image(tmp_path / "moving.gif").pixels, np.broadcast_to([1.0, 0, 0], (6, 8, 3)))


def test_an_absent_file_is_refused(tmp_path):
    for read in (read_image, check_readable):
        with pytest.raises(ImageError, match=r"cannot read .*nowhere\.jpg: No such file"):
            read(tmp_path / "nowhere.jpg")


def test_a_folder_is_refused(tmp_path):
    for read in (read_image, check_readable):
        with pytest.raises(ImageError, match="expected a file, got a folder"):
            read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="expected a file, got"):
        check_readable(tmp_path / "pipe.png")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused_at_the_header(tmp_path, data):
    (tmp_path / "fake.png").write_bytes(data)
    for read in (read_image, check_readable):
        with pytest.raises(ImageError, match=r"fake\.png"):
            read(tmp_path / "fake.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_a_file_cut_short_is_refused_with_advice(tmp_path, suffix):
    path = saved(tmp_path / f"photo.{suffix}", blobs(64, 64, 3))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match=r"photo\."):
        read_image(path)


def test_a_huge_header_is_refused_before_decoding(tmp_path):
    path = header_only_png(tmp_path / "bomb.png", 100_000, 100_000)
    for read in (read_image, check_readable):
        with pytest.raises(ImageError, match="has 100000x100000 pixels"):
            read(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), r"gray \(height, width\), got \(5,\)$"),
        (np.zeros((4, 5, 7)), r"got \(4, 5, 7\); if its channels come first, pass np.moveaxis\(array, -3, -1\)"),
        (np.zeros((1, 3, 4, 5)), r"got \(1, 3, 4, 5\); if its channels come first"),
        (np.zeros((0, 5, 3), np.uint8), r"got \(0, 5, 3\)$"),
        (np.zeros((2, 4, 5, 3), np.uint8), "pass the images of a batch one by one"),
        (np.zeros((4, 5, 3), np.int32), r"got int32; convert it with .astype\('uint8'\)"),
        (np.zeros((4, 5, 3), complex), "got complex128"),
        (np.zeros((4, 5, 3), object), "expected a path, a PIL image or an array"),
        ([[1.0, 2.0], [3.0]], "expected a path, a PIL image or an array, got list"),
        (np.ma.masked_equal(np.zeros((4, 5, 3)), 0.0), "without a mask"),
        (np.full((4, 5, 3), 255.0), "values from 255 to 255; .*divide them by 255"),
        (np.full((4, 5, 3), -0.1), "values from -0.1"),
        (np.full((4, 5, 3), np.nan), "nan"),
    ],
)
def test_an_array_of_another_kind_is_refused(array, message):
    with pytest.raises(ImageError, match=message):
        read_image(array)


GRAY = np.repeat(EXACT[..., :1], 3, -1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (BYTES[..., 0], GRAY),
        (BYTES[..., :1], GRAY),
        (EXACT[None], EXACT),
        (BYTES[None, ..., 0, None], GRAY),
        (EXACT.tolist(), EXACT),
        ([EXACT], EXACT),
        (BYTES > 100, (BYTES > 100).astype(np.float32)),
        (BYTES[..., 0] > 100, np.repeat(BYTES[..., :1] > 100, 3, -1)),
        ((BYTES.astype(">u2") * np.uint16(257)).astype(">u2"), EXACT),
        (EXACT.astype(">f4"), EXACT),
        (EXACT.astype(np.float16), EXACT.astype(np.float16)),
        (BYTES[::-1, ::-1], EXACT[::-1, ::-1]),
        (np.asfortranarray(BYTES), EXACT),
        (memoryview(BYTES), EXACT),
    ],
    ids=[
        "gray",
        "gray with an axis",
        "a batch of one",
        "a gray batch of one",
        "nested lists",
        "a list of one",
        "bool",
        "gray bool",
        "big-endian uint16",
        "big-endian floats",
        "float16",
        "backwards",
        "columns first in memory",
        "a buffer",
    ],
)
def test_arrays_as_people_hand_them_over(source, expected):
    picture = read_image(source)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    assert picture.pixels.dtype == np.float32
    assert picture.alpha is None


def test_gray_with_alpha():
    picture = read_image(np.dstack([BYTES[..., 0], np.full((12, 20), 128, np.uint8)]))
    np.testing.assert_allclose(picture.pixels, GRAY, atol=1e-6)
    np.testing.assert_allclose(picture.alpha, 128 / 255)


class Tensor:
    """What another library's arrays look like from here."""

    def __array__(self, dtype=None, copy=None):
        return EXACT


def test_what_turns_into_an_array_is_one():
    np.testing.assert_array_equal(read_image(Tensor()).pixels, EXACT)


@pytest.mark.parametrize("source", [None, 3, b"bytes.png", "a.png".encode, object()])
def test_another_type_is_refused(source):
    with pytest.raises(ImageError, match="expected a path, a PIL image or an array"):
        read_image(source)


def test_bytes_and_open_files_are_refused_with_advice(tmp_path):
    path = saved(tmp_path / "photo.png", PIXELS)
    with path.open("rb") as file:
        for source in (path.read_bytes(), file):
            with pytest.raises(ImageError, match=r"give the path of a file, or open it with PIL\.Image\.open"):
                read_image(source)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("1", lambda image: image.convert("RGB")),
        ("L", lambda image: image.convert("RGB")),
        ("P", lambda image: image.convert("RGB")),
        ("RGB", lambda image: image),
        ("RGBX", lambda image: image.convert("RGB")),
        ("YCbCr", lambda image: image.convert("RGB")),
        ("HSV", lambda image: image.convert("RGB")),
    ],
)
def test_modes_of_pil(mode, expected):
    image = Image.fromarray(BYTES).convert(mode)
    picture = read_image(image)
    np.testing.assert_array_equal(picture.pixels, np.asarray(expected(image), np.float32) / 255)
    assert picture.alpha is None


def test_cmyk_of_pil_is_read_with_a_note():
    picture = read_image(Image.fromarray(BYTES).convert("CMYK"))
    np.testing.assert_allclose(picture.pixels, EXACT, atol=1 / 255)
    assert "CMYK without a usable profile" in picture.notes[0]


@pytest.mark.parametrize("mode", ["LA", "RGBA", "La", "RGBa", "PA"])
def test_modes_of_pil_with_alpha(mode):
    straight = Image.fromarray(np.dstack([BYTES, np.full((12, 20), 128, np.uint8)]))
    gray = Image.merge("LA", [Image.fromarray(BYTES[..., 0]), straight.getchannel("A")])
    palette = Image.fromarray(BYTES).convert("P")
    made = {"LA": gray, "La": gray.convert("La"), "RGBA": straight, "RGBa": straight.convert("RGBa")}
    expected = GRAY if mode in ("LA", "La") else EXACT
    if mode == "PA":
        made["PA"] = palette.convert("PA")
        made["PA"].putalpha(128)
        expected = np.asarray(palette.convert("RGB"), np.float32) / 255
    picture = read_image(made[mode])
    np.testing.assert_allclose(picture.pixels, expected, atol=2 / 255)
    np.testing.assert_allclose(picture.alpha, 128 / 255)


def test_lab_of_pil():
    picture = read_image(in_lab())
    assert np.abs(picture.pixels - EIGHT / 255).mean() < 0.01


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_deep_gray_of_pil(mode):
    levels = np.arange(0, 65536, 273, dtype=np.uint16)[:240].reshape(12, 20)
    if mode == "I":
        image = Image.fromarray(levels.astype(np.int32))
    else:
        data = levels.astype(">u2" if mode == "I;16B" else "<u2").tobytes()
        image = Image.frombytes(mode, (20, 12), data)
    picture = read_image(image)
    np.testing.assert_array_equal(np.rint(picture.pixels[..., 0] * 65535), levels)
    assert picture.depth == 16


@pytest.mark.parametrize("value", [-1, 65_536])
def test_whole_numbers_of_pil_beyond_16_bits_are_refused(value):
    with pytest.raises(ImageError, match=r"expected whole numbers in 0\.\.65535"):
        read_image(Image.fromarray(np.full((4, 5), value, np.int32)))


def test_floats_of_pil():
    np.testing.assert_allclose(read_image(Image.fromarray(EXACT[..., 0])).pixels, GRAY, atol=1e-6)
    with pytest.raises(ImageError, match="divide them by 255"):
        read_image(Image.fromarray(BYTES).convert("F"))


def test_reading_copies(rng):
    array = EXACT.copy()
    read_image(array).pixels[:] = 0
    np.testing.assert_array_equal(array, EXACT)
