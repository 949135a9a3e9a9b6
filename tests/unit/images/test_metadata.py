from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from styler.images import metadata
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.writing import write_picture
from support.image_files import EIGHT, by_tifffile, exif_block

CAMERA, GPS = metadata.CAMERA, metadata.GPS
MAKER_NOTE = 0x927C


def block():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0131] = "Maker", "Model 7", 6, "Editor 3"
    exif[CAMERA] = {0x829A: (1, 125), 0x9003: "2024:05:06 07:08:09", MAKER_NOTE: b"secret" * 40, 0xA002: 4000}
    exif[GPS] = {1: "N", 2: (48.0, 30.0, 1.5)}
    return exif.tobytes()


def photo(folder, suffix):
    path = folder / f"photo.{suffix}"
    Image.fromarray(EIGHT).save(path, exif=block())
    return path


def written(folder, suffix, photo, **choices):
    picture = read_image(photo)
    path = write_picture(picture, folder / f"out.{suffix}", export=Export(**choices), overwrite=True)
    with Image.open(path) as image:
        exif = image.getexif()
        return exif, dict(exif.get_ifd(CAMERA)), dict(exif.get_ifd(GPS))


OUTPUTS = [("png", 8), ("png", 16), ("jpg", 8), ("webp", 8), ("tif", 8), ("tif", 16)]


@pytest.mark.parametrize(
    ("source", "suffix", "depth"),
    [*(("jpg", *output) for output in OUTPUTS), *((s, s, 8) for s in ("png", "webp", "tif"))],
)
def test_camera_fields_are_kept_and_the_place_is_not(tmp_path, source, suffix, depth):
    exif, camera, place = written(tmp_path, suffix, photo(tmp_path, source), depth=depth)
    assert (exif[0x010F], exif[0x0110]) == ("Maker", "Model 7")
    assert exif.get(0x0112, 1) == 1
    assert 0x0131 not in exif
    assert camera[0x9003] == "2024:05:06 07:08:09"
    assert float(camera[0x829A]) == 1 / 125 if not isinstance(camera[0x829A], tuple) else camera[0x829A] == (1, 125)
    assert MAKER_NOTE not in camera
    assert 0xA002 not in camera
    assert place == {}


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_the_place_is_passed_on_when_asked_for(tmp_path, suffix):
    _, _, place = written(tmp_path, suffix, photo(tmp_path, "jpg"), keep_gps=True)
    assert place[1] == "N"
    assert [float(part) for part in place[2]] == [48.0, 30.0, 1.5]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_nothing_of_the_place_is_anywhere_in_the_file(tmp_path, suffix):
    path = photo(tmp_path, "jpg")
    Image.fromarray(EIGHT).save(path, exif=block(), xmp=b'<x exif:GPSLatitude="48,30N"/>')
    write_picture(read_image(path), tmp_path / f"out.{suffix}")
    assert b"GPS" not in (tmp_path / f"out.{suffix}").read_bytes()


@pytest.mark.parametrize("data", [None, b"", b"Exif\0\0", b"garbage", b"MM\0*\0\0\0\x08\xff\xff", exif_block()[:40]])
def test_damaged_fields_are_none(data):
    exif = metadata.loaded(data)
    assert metadata.orientation(exif) in range(1, 9)
    assert metadata.passed_on(exif) is None or len(metadata.passed_on(exif)) < 200


@pytest.mark.parametrize("value", [0, 9, -1, 70_000, "6", None])
def test_nonsense_is_upright(value):
    exif = Image.Exif()
    exif[metadata.ORIENTATION] = value
    assert metadata.orientation(exif) == 1


def test_a_block_too_large_for_a_jpeg_is_left_out():
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    assert metadata.passed_on(exif) is None


def test_a_picture_without_fields_writes_none(tmp_path):
    path = write_picture(Picture(pixels=np.zeros((8, 8, 3), np.float32), name="x"), tmp_path / "a.jpg")
    with Image.open(path) as image:
        assert dict(image.getexif()) == {}


def test_a_tiffs_own_directory_is_not_taken_for_camera_fields():
    exif = metadata.loaded_from_tiff(io.BytesIO(by_tifffile(EIGHT)))
    assert 256 in exif
    assert metadata.passed_on(exif) is None


@pytest.mark.parametrize(("byteorder", "big"), [("<", False), (">", False), ("<", True)])
def test_a_tiffs_own_directory_is_read(byteorder, big):
    tags = [(metadata.ORIENTATION, 3, 1, 6, True), (0x010F, 2, 6, "Maker", True)]
    file = io.BytesIO(by_tifffile(EIGHT, bigtiff=big, byteorder=byteorder, extratags=tags))
    exif = metadata.loaded_from_tiff(file)
    assert metadata.orientation(exif) == 6
    assert exif[0x010F] == "Maker"


CREDITS = {0x8298: "© Zoë Müller", 0x013B: "Łukasz Żółw", 0x010E: "画 \U0001f3a8, “im Garten”"}


def exif_of(values, encoding):
    """An EXIF block with texts of the main directory as a program of that encoding writes them."""
    texts = {tag: value.encode(encoding, "replace") + b"\0" for tag, value in sorted(values.items())}
    at, entries, data = 8 + 2 + 12 * len(texts) + 4, b"", b""
    for tag, text in texts.items():
        entries += struct.pack(">HHII", tag, 2, len(text), at + len(data))
        data += text + bytes(len(text) % 2)
    return b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", len(texts)) + entries + bytes(4) + data


@pytest.mark.parametrize(
    ("source", "suffix", "depth"), [*(("jpg", *output) for output in OUTPUTS), ("png", "png", 8), ("webp", "webp", 8)]
)
def test_accents_of_artist_copyright_and_description_are_kept(tmp_path, source, suffix, depth):
    Image.fromarray(EIGHT).save(tmp_path / f"photo.{source}", exif=exif_of(CREDITS, "utf-8"))
    exif, _, _ = written(tmp_path, suffix, tmp_path / f"photo.{source}", depth=depth)
    assert {tag: exif[tag].encode("latin-1").decode() for tag in CREDITS} == CREDITS
    raw = (tmp_path / f"out.{suffix}").read_bytes()
    assert all(text.encode() in raw for text in CREDITS.values())


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_texts_of_older_programs_for_windows_become_utf_8(tmp_path, suffix):
    Image.fromarray(EIGHT).save(tmp_path / "photo.jpg", exif=exif_of({0x8298: "© Zoë “Müller”"}, "cp1252"))
    exif, _, _ = written(tmp_path, suffix, tmp_path / "photo.jpg")
    assert exif[0x8298].encode("latin-1").decode() == "© Zoë “Müller”"


def test_texts_of_a_tiffs_own_directory_keep_their_accents(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "photo.tif", tiffinfo={0x013B: "Zoë".encode()})
    exif, _, _ = written(tmp_path, "tif", tmp_path / "photo.tif")
    assert exif[0x013B].encode("latin-1").decode() == "Zoë"


def test_texts_that_a_program_set_in_memory_are_kept(tmp_path):
    image = Image.fromarray(EIGHT)
    image.getexif()[0x8298] = "© Żółw"
    image.getexif()[CAMERA] = {0xA434: "Objektiv für Żółw"}
    write_picture(read_image(image), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as made:
        assert made.getexif()[0x8298].encode("latin-1").decode() == "© Żółw"
        assert made.getexif().get_ifd(CAMERA)[0xA434].encode("latin-1").decode() == "Objektiv für Żółw"
