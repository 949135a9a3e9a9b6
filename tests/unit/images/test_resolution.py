from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from styler.errors import OutputError
from styler.images import encoding
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.recipes import png_chunk
from styler.images.resolution import Resolution, of_fields, of_info
from styler.images.writing import write_picture
from support.image_files import EIGHT, by_tifffile

OUTPUTS = [("png", 8), ("png", 16), ("jpg", 8), ("webp", 8), ("tif", 8), ("tif", 16)]
PLAIN = Picture(pixels=np.full((20, 16, 3), 0.25, np.float32), name="x")


def stated(path):
    """(across, down) in dots per inch as Pillow sees them; of WebP among the camera fields."""
    with Image.open(path) as image:
        exif = image.getexif()
        if image.format == "WEBP":
            return (float(exif[282]), float(exif[283])) if 282 in exif else None
        found = image.info.get("dpi")
        return None if found is None else tuple(round(dots, 1) for dots in map(float, found))


def with_exif(**values):
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = values["across"], values["down"], values["unit"]
    return exif


def stored(name, **options):
    stream = io.BytesIO()
    Image.fromarray(EIGHT).save(stream, name, **options)
    return stream.getvalue()


PHOTOS = {
    "jpg": stored("JPEG", dpi=(300, 150)),
    "by-exif.jpg": stored("JPEG", exif=with_exif(across=300.0, down=150.0, unit=2)),
    "by-centimeters.jpg": stored("JPEG", exif=with_exif(across=300 / 2.54, down=150 / 2.54, unit=3)),
    "png": stored("PNG", dpi=(300, 150)),
    "tif": stored("TIFF", dpi=(300, 150)),
    "big.tif": by_tifffile(EIGHT, bigtiff=True, resolution=(300, 150), resolutionunit=2),
    "webp": stored("WEBP", exif=with_exif(across=300.0, down=150.0, unit=2)),
    "avif": stored("AVIF", exif=with_exif(across=300.0, down=150.0, unit=2)),
    "bmp": stored("BMP", dpi=(300, 150)),
}


@pytest.mark.parametrize("photo", PHOTOS)
def test_it_is_read_from_every_kind_of_file(tmp_path, photo):
    (tmp_path / "photo").write_bytes(PHOTOS[photo])
    assert read_image(tmp_path / "photo").resolution == pytest.approx(Resolution(150, 300), abs=0.01)


@pytest.mark.parametrize(
    ("photo", "suffix", "depth"),
    [*(("jpg", *output) for output in OUTPUTS), ("png", "png", 8), ("tif", "tif", 8), ("webp", "webp", 8)],
)
def test_it_comes_back_in_the_output(tmp_path, photo, suffix, depth):
    (tmp_path / "photo").write_bytes(PHOTOS[photo])
    path = write_picture(read_image(tmp_path / "photo"), tmp_path / f"out.{suffix}", export=Export(depth=depth))
    assert stated(path) == (300, 150)
    assert read_image(path).resolution == (150, 300)


@pytest.mark.parametrize(("suffix", "depth"), OUTPUTS)
def test_nothing_is_claimed_that_nobody_asked_for(tmp_path, suffix, depth):
    path = write_picture(PLAIN, tmp_path / f"out.{suffix}", export=Export(depth=depth))
    assert stated(path) is None
    assert read_image(path).resolution is None


@pytest.mark.parametrize(("suffix", "depth"), OUTPUTS)
def test_what_is_asked_for_wins_over_the_photos(tmp_path, suffix, depth):
    (tmp_path / "photo").write_bytes(PHOTOS["jpg"])
    export = Export(depth=depth, dpi=240)
    path = write_picture(read_image(tmp_path / "photo"), tmp_path / f"out.{suffix}", export=export)
    assert stated(path) == (240, 240)
    assert read_image(path).resolution == (240, 240)


@pytest.mark.parametrize("dpi", [None, 300])
def test_a_large_png_of_8_bits_is_no_other(tmp_path, monkeypatch, dpi):
    monkeypatch.setattr(encoding, "LARGE", 1)
    path = write_picture(PLAIN, tmp_path / "out.png", export=Export(depth=8, dpi=dpi))
    assert stated(path) == (dpi and (dpi, dpi))
    np.testing.assert_allclose(read_image(path).pixels, PLAIN.pixels, atol=1 / 255)


@pytest.mark.parametrize("turn", range(1, 9))
def test_it_turns_with_the_photo(tmp_path, turn):
    exif = with_exif(across=300.0, down=150.0, unit=2)
    exif[0x0112] = turn
    Image.fromarray(EIGHT).save(tmp_path / "photo.jpg", exif=exif)
    assert read_image(tmp_path / "photo.jpg").resolution == ((300, 150) if turn > 4 else (150, 300))


def test_a_png_gives_whole_numbers_back(tmp_path):
    for dots in (72, 96, 144, 150, 180, 240, 254, 300, 360, 600, 1200, 2400):
        path = write_picture(PLAIN, tmp_path / f"{dots}.png", export=Export(dpi=dots))
        assert read_image(path).resolution == (dots, dots)


@pytest.mark.parametrize(
    "data",
    [
        stored("JPEG"),
        stored("JPEG", exif=with_exif(across=300.0, down=150.0, unit=1)),
        stored("JPEG", exif=with_exif(across=0.0, down=0.0, unit=2)),
        stored("JPEG", exif=with_exif(across=1e6, down=300.0, unit=2)),
        stored("PNG").replace(
            stored("PNG")[33:], png_chunk(b"pHYs", struct.pack(">IIB", 4, 3, 0)) + stored("PNG")[33:]
        ),
        stored("PNG").replace(stored("PNG")[33:], png_chunk(b"pHYs", b"short") + stored("PNG")[33:]),
        by_tifffile(EIGHT, resolution=(4, 3), resolutionunit=1),
    ],
    ids=["none", "no unit", "zero", "absurd", "a ratio", "damaged", "a ratio in TIFF"],
)
def test_a_ratio_or_nonsense_is_no_resolution(tmp_path, data):
    (tmp_path / "photo").write_bytes(data)
    assert read_image(tmp_path / "photo").resolution is None


@pytest.mark.parametrize(
    "values", [{282: "x", 283: 1, 296: 2}, {282: (1, 2), 283: 1}, {283: 300}, {282: 72, 283: float("nan")}]
)
def test_damaged_fields_say_nothing(values):
    assert of_fields(values) is None


@pytest.mark.parametrize("info", [{}, {"dpi": None}, {"dpi": (0, 0)}, {"dpi": ("a", "b")}, {"dpi": 300}])
def test_an_image_of_pillow_may_say_nothing(info):
    assert of_info(info) is None


def test_an_image_of_pillow_hands_its_resolution_on():
    image = Image.fromarray(EIGHT)
    image.info["dpi"] = (300, 150)
    assert read_image(image).resolution == (150, 300)


@pytest.mark.parametrize("dpi", [0, -1, 65_536, 300.0, "300", True])
def test_what_is_no_number_of_dots_is_refused(dpi):
    with pytest.raises(OutputError, match=r"dpi: .* 1 to 65535"):
        Export(dpi=dpi)
