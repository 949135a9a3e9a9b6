from __future__ import annotations

import os
import stat

import numpy as np
import pytest
from PIL import Image

from styler.errors import OutputError
from styler.images import writing
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.writing import (
    FORMATS,
    check_format_holds,
    check_output,
    output_notes,
    to_bytes,
    to_pil,
    write_image,
    write_picture,
)
from styler.types import Size
from support import color_profiles
from support.pictures import blobs

PIXELS = blobs(12, 20, 0)
PICTURE = to_pil(PIXELS)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, 0), (1.0, 255), (0.5, 128), (0.499, 127), (1.2, 255), (-0.2, 0), (1 / 255, 1)]
)
def test_to_bytes_rounds_to_nearest_and_clips(value, expected):
    assert to_bytes(np.full((1, 1, 3), value, np.float32))[0, 0, 0] == expected


def test_to_pil_keeps_rows_columns_and_colors():
    assert PICTURE.size == (20, 12)
    assert PICTURE.mode == "RGB"
    np.testing.assert_allclose(np.asarray(PICTURE) / 255, PIXELS, atol=1 / 255)  # dithered


@pytest.mark.parametrize(("suffix", "format_name"), FORMATS.items())
def test_the_suffix_names_the_format(tmp_path, suffix, format_name):
    pixels = blobs(64, 96, 0)
    path = write_image(to_pil(pixels), tmp_path / f"out{suffix.upper()}")
    with Image.open(path) as image:
        assert image.format == format_name
    assert np.abs(read_image(path).pixels - pixels).mean() < 0.02


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_lossless_formats_lose_nothing(tmp_path, suffix):
    path = write_image(PICTURE, tmp_path / f"out.{suffix}")
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(PICTURE))


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_more_quality_makes_a_larger_file(tmp_path, suffix):
    rough = write_image(PICTURE, tmp_path / f"a.{suffix}", quality=10)
    fine = write_image(PICTURE, tmp_path / f"b.{suffix}", quality=100)
    assert fine.stat().st_size > rough.stat().st_size


def test_writes_nothing_else_into_the_folder(tmp_path):
    write_image(PICTURE, tmp_path / "out.png")
    assert os.listdir(tmp_path) == ["out.png"]


def test_the_file_has_the_usual_permissions(tmp_path):
    write_image(PICTURE, tmp_path / "out.png")
    (tmp_path / "usual").touch()
    assert stat.S_IMODE((tmp_path / "out.png").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


def test_an_existing_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out\.png already exists; choose another --output or pass --overwrite"):
        write_image(PICTURE, path)
    assert path.read_bytes() == b"mine"


def test_overwrite_replaces(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"mine")
    write_image(PICTURE, path, overwrite=True)
    assert read_image(path).size == (12, 20)


def test_a_failed_write_leaves_the_old_file_and_no_new_one(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"mine")

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: No space left on device"):
        write_image(PICTURE, path, overwrite=True)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["out.png"]


def test_an_interrupt_leaves_no_partial_file(tmp_path, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_image(PICTURE, tmp_path / "out.png")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.gif", r"names a format, \.png, .*; got '\.gif'"),
        ("out.pngg", r"got '\.pngg'"),
        ("out", r"names a format, \.png, .*; it has none"),
        ("folder", r"it is a folder; give a file in it, such as .*folder.out\.png"),
        ("absent/out.png", "absent does not exist; create it first"),
        ("folder.png", "it is a folder"),
        ("pipe.png", "it exists and is not a file"),
        ("x" * 250 + ".png", "more than 236 bytes; choose a shorter one"),
        ("ü" * 119 + ".png", "more than 236 bytes"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, message):
    for folder in ("folder", "folder.png"):
        (tmp_path / folder).mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OutputError, match=message):
        check_output(tmp_path / name, overwrite=True)


@pytest.mark.skipif(not os.access("/proc", os.W_OK), reason="needs a /proc that says that it can be written")
def test_a_folder_that_takes_no_files_is_refused():
    with pytest.raises(OutputError, match=r"/proc/x\.png"):
        check_output("/proc/x.png")


def test_an_unwritable_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.os, "access", lambda _path, _mode: False)
    with pytest.raises(OutputError, match="is not writable"):
        check_output(tmp_path / "out.png")


def test_checking_touches_nothing(tmp_path):
    assert check_output(str(tmp_path / "out.png")) == tmp_path / "out.png"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "side", "fits"),
    [("a.jpg", 65_500, True), ("a.jpg", 65_501, False), ("a.webp", 16_384, False), ("a.png", 65_535, True)],
)
def test_a_side_that_the_format_cannot_hold_is_refused(tmp_path, name, side, fits):
    if fits:
        check_format_holds(tmp_path / name, Size(2, side))
    else:
        with pytest.raises(OutputError, match=f"sides of up to .* not {side}; choose .png"):
            check_format_holds(tmp_path / name, Size(2, side))


@pytest.mark.parametrize(("side", "depth", "fits"), [(32_000, 8, True), (32_768, 8, False), (23_000, None, True)])
def test_a_tiff_whose_offsets_would_overflow_is_refused(tmp_path, side, depth, fits):
    if fits:
        check_format_holds(tmp_path / "a.tif", Size(side, side), depth)
        return
    for bits in (depth, 16, None):
        with pytest.raises(OutputError, match=r"at most 4 GiB, and 32768x32768 pixels may need more; choose \.png"):
            check_format_holds(tmp_path / "a.tif", Size(side, side), bits)


@pytest.mark.parametrize("link", ["same", "symbolic", "hard", "dots", "chain"])
def test_an_input_is_never_an_output(tmp_path, link):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"the photo")
    output = tmp_path / "out.png"
    if link == "same":
        output = photo
    elif link == "symbolic":
        output.symlink_to(photo)
    elif link == "hard":
        output.hardlink_to(photo)
    elif link == "dots":
        output = tmp_path / ".." / tmp_path.name / "photo.png"
    else:
        (tmp_path / "middle.png").symlink_to(photo)
        output.symlink_to("middle.png")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"it is the input .*choose another --output"):
            check_output(output, overwrite=overwrite, inputs=[tmp_path / "other.png", photo])
    assert photo.read_bytes() == b"the photo"


def test_a_link_to_nowhere_is_not_replaced_unasked(tmp_path):
    (tmp_path / "out.png").symlink_to("nowhere.png")
    with pytest.raises(OutputError, match="already exists"):
        check_output(tmp_path / "out.png")


def test_messages_are_one_line_whatever_the_name(tmp_path):
    with pytest.raises(OutputError) as caught:
        check_output(tmp_path / "a\nb.gif")
    assert "\n" not in str(caught.value)
    with pytest.raises(OutputError, match="null character"):
        check_output("a\0.png")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"profile": "kept"}, r"profile: expected keep or srgb, got 'kept'\. Did you mean 'keep'\?"),
        ({"depth": 10}, "depth: expected 8 or 16 bits per channel, got 10"),
        ({"quality": 0}, "quality: expected a whole number from 1 to 100, got 0"),
        ({"quality": True}, "got True"),
    ],
)
def test_other_choices_are_refused(choices, message):
    with pytest.raises(OutputError, match=message):
        Export(**choices)


@pytest.mark.parametrize(
    ("suffix", "depth", "asked", "bits"),
    [("png", 8, None, 8), ("png", 16, None, 16), ("tif", 32, None, 16), ("jpg", 16, None, 8), ("png", 16, 8, 8)],
)
def test_the_depth_is_the_photos_where_the_format_holds_it(tmp_path, suffix, depth, asked, bits):
    picture = Picture(pixels=PIXELS, name="x", depth=depth)
    path = write_picture(picture, tmp_path / f"a.{suffix}", export=Export(depth=asked))
    assert read_image(path).depth == bits


def test_16_bits_that_were_asked_for_and_cannot_be_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"JPEG supports 8 bits per channel, not 16; choose \.png or \.tif"):
        write_picture(Picture(pixels=PIXELS, name="x"), tmp_path / "a.jpg", export=Export(depth=16))


def test_what_a_format_cannot_keep_is_said():
    picture = Picture(pixels=PIXELS, name="x", depth=16, alpha=PIXELS[..., 0])
    assert len(output_notes(picture, "a.jpg", Export())) == 2
    assert len(output_notes(picture, "a.jpg", Export(depth=8))) == 1
    assert output_notes(picture, "a.tif", Export()) == ()


def test_jpeg_shows_transparent_regions_white(tmp_path):
    alpha = np.zeros(PIXELS.shape[:2], np.float32)
    alpha[:, :8] = 1
    path = write_picture(Picture(pixels=PIXELS * 0, name="x", alpha=alpha), tmp_path / "a.jpg")
    shown = read_image(path).pixels
    assert shown[:, :8].max() < 0.05
    assert shown[:, 16:].min() > 0.95


def test_srgb_when_asked_for(tmp_path):
    picture = Picture(pixels=PIXELS, name="x", icc=color_profiles.wide())
    path = write_picture(picture, tmp_path / "a.png", export=Export(profile="srgb"))
    assert read_image(path).icc is None
    np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(to_pil(PIXELS)))


def test_a_profile_that_nothing_can_be_converted_into_is_left_out(tmp_path):
    picture = Picture(pixels=PIXELS, name="x", icc=color_profiles.cmyk())
    assert read_image(write_picture(picture, tmp_path / "a.png")).icc is None


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".png", "ü" * 130 + ".png", "x" * 240 + ".png", "y" * 300 + "/a.png", "z/" * 3000 + "a.png"]
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_longer_than_the_file_system_holds_is_refused(tmp_path, name, overwrite):
    with pytest.raises(OutputError, match=r"more than 236 bytes|too long") as refusal:
        check_output(tmp_path / name, overwrite=overwrite)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_folder_with_shorter_names_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("styler.images.writing.os.pathconf", lambda folder, name: 143)  # of an encrypted folder
    with pytest.raises(OutputError, match="more than 124 bytes"):
        check_output(tmp_path / ("x" * 130 + ".png"))
    check_output(tmp_path / ("x" * 120 + ".png"))
