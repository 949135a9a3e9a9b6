from __future__ import annotations

import struct

import numpy as np
import pytest

from styler.errors import ImageError
from styler.images import colorimetry
from styler.images.colorimetry import PRIMARIES, ColorError, by_code, by_png_chunks
from styler.images.reading import check_readable, read_image
from styler.images.recipes import png_chunk
from support import color_profiles
from support.image_files import EIGHT, by_pillow, honest_files

HEAD = 33  # bytes of a PNG before its first other chunk


def with_chunks(**chunks):
    data = by_pillow("RGB", "PNG")
    ours = b"".join(png_chunk(name.encode(), content) for name, content in chunks.items())
    return data[:HEAD] + ours + data[HEAD:]


def read(folder, data):
    (folder / "photo.png").write_bytes(data)
    return read_image(folder / "photo.png")


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_and_never_read_as_srgb(tmp_path, transfer, name):
    with pytest.raises(ImageError, match=f"photo.png: .* got {name}.*export it as SDR"):
        read(tmp_path, with_chunks(cICP=bytes([9, transfer, 0, 1])))


def test_high_dynamic_range_of_avif_is_refused(tmp_path):
    data = honest_files()["plain.avif"]
    at = data.index(b"nclx")
    (tmp_path / "photo.avif").write_bytes(data[: at + 4] + struct.pack(">HH", 9, 16) + data[at + 8 :])
    with pytest.raises(ImageError, match="got PQ"):
        read_image(tmp_path / "photo.avif")


def test_srgb_by_cicp_changes_nothing(tmp_path):
    picture = read(tmp_path, with_chunks(cICP=b"\1\x0d\0\1"))
    np.testing.assert_array_equal(picture.pixels, EIGHT / np.float32(255))
    assert picture.notes == ()


def test_display_p3_by_cicp_agrees_with_a_profile_of_it(tmp_path):
    import imagecodecs

    p3 = imagecodecs.cms_profile(
        "rgb",
        whitepoint=[0.3127, 0.3290, 1.0],
        primaries=[0.68, 0.32, 1, 0.265, 0.69, 1, 0.15, 0.06, 1],
        transferfunction=colorimetry.srgb_to_light(np.linspace(0, 1, 4096, dtype=np.float32)),
    )
    expected = color_profiles.converted(EIGHT, "RGB", p3, color_profiles.srgb()) / 255
    picture = read(tmp_path, with_chunks(cICP=b"\x0c\x0d\0\1"))
    np.testing.assert_allclose(picture.pixels, expected, atol=1.5 / 255)
    assert picture.notes == ("colors converted to sRGB (cICP 12/13)",)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_gama_is_a_power(tmp_path, gamma):
    picture = read(tmp_path, with_chunks(gAMA=struct.pack(">I", round(100_000 / gamma))))
    light = (EIGHT / 255.0) ** gamma
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    same = abs(100_000 / gamma - 45_455) < 500
    np.testing.assert_allclose(picture.pixels, EIGHT / 255 if same else expected, atol=1e-3)


def test_stated_primaries_agree_with_a_profile_of_them(tmp_path):
    primaries = [0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06]
    stated = struct.pack(">8I", *(round(value * 100_000) for value in primaries))
    picture = read(tmp_path, with_chunks(gAMA=struct.pack(">I", 45_471), cHRM=stated))
    expected = color_profiles.converted(EIGHT, "RGB", color_profiles.wide(), color_profiles.srgb()) / 255
    np.testing.assert_allclose(picture.pixels, expected, atol=1.5 / 255)


def test_a_profile_and_srgb_go_before_gama_and_cicp_before_all():
    gamma = {"gAMA": struct.pack(">I", 100_000)}
    assert by_png_chunks(gamma, has_profile=False) is not None
    assert by_png_chunks(gamma, has_profile=True) is None
    assert by_png_chunks({**gamma, "sRGB": b"\0"}, has_profile=False) is None
    with pytest.raises(ColorError):
        by_png_chunks({**gamma, "cICP": b"\x09\x10\0\1"}, has_profile=True)


@pytest.mark.parametrize("chunks", [{"gAMA": bytes(4)}, {"gAMA": b"\0"}, {"cICP": b"\0"}, {"cHRM": bytes(32)}])
def test_nonsense_is_srgb(chunks):
    assert by_png_chunks(chunks, has_profile=False) is None


@pytest.mark.parametrize("codes", [(77, 13), (1, 77), (1, 3)])
def test_unknown_codes_are_refused(codes):
    with pytest.raises(ColorError, match="unknown"):
        by_code(*codes, source="cICP")


def test_video_range_is_refused():
    with pytest.raises(ColorError, match="narrow range"):
        by_png_chunks({"cICP": b"\1\x0d\0\0"}, has_profile=False)


def test_white_stays_white_whatever_the_primaries():
    for primaries in PRIMARIES.values():
        stated = colorimetry.Colorimetry(primaries=primaries, curve=None, said="")
        np.testing.assert_allclose(colorimetry.to_srgb(np.ones((1, 1, 3), np.float32), stated), 1.0, atol=1e-4)


def test_the_curve_and_its_inverse():
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(colorimetry.light_to_srgb(colorimetry.srgb_to_light(values)), values, atol=1e-5)


def test_the_header_alone_is_refused_too(tmp_path):
    (tmp_path / "photo.png").write_bytes(with_chunks(cICP=b"\x09\x10\0\1"))
    with pytest.raises(ImageError, match="got PQ"):
        check_readable(tmp_path / "photo.png")
