from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from styler.images import containers
from styler.images.containers import jpeg_2000, media_color, mended_jpeg, without_png_texts
from styler.images.recipes import png_chunk
from support.image_files import EIGHT, by_pillow

HEAD = 33  # bytes of a PNG before its first other chunk


def box(name, data):
    return struct.pack(">I4s", 8 + len(data), name) + data


def full_box(name, data, version=0, flags=0):
    return box(name, struct.pack(">B3s", version, flags.to_bytes(3, "big")) + data)


def colr(primaries, transfer, full=True):
    return box(b"colr", b"nclx" + struct.pack(">3HB", primaries, transfer, 1, 0x80 * full))


def av1c(gray):
    return box(b"av1C", bytes([0x81, 0, 0x10 * gray, 0]))


def media(properties, associations, primary=1, references=(), wide=False):
    """A file of boxes: the properties, and item -> numbers of those that are its own."""
    listed = b"".join(
        struct.pack(">HB", item, len(numbers)) + b"".join(struct.pack(">H" if wide else ">B", n) for n in numbers)
        for item, numbers in associations.items()
    )
    ipma = full_box(b"ipma", struct.pack(">I", len(associations)) + listed, flags=int(wide))
    iref = b"".join(
        box(b"dimg", struct.pack(">HH", item, len(parts)) + struct.pack(f">{len(parts)}H", *parts))
        for item, parts in references
    )
    inside = full_box(b"pitm", struct.pack(">H", primary)) + box(b"iprp", box(b"ipco", b"".join(properties)) + ipma)
    inside += full_box(b"iref", iref) if references else b""
    return io.BytesIO(box(b"ftyp", b"avif\0\0\0\0") + full_box(b"meta", inside))


@pytest.mark.parametrize("wide", [False, True])
def test_the_colors_of_the_primary_item_count(wide):
    properties = [colr(9, 16), colr(12, 13, full=False), av1c(gray=True)]
    found = media_color(media(properties, {1: [1], 2: [2, 3]}, primary=2, wide=wide))
    assert found == (12, 13, False, True)


def test_colors_of_other_items_do_not_count():
    assert media_color(media([colr(9, 16)], {1: [], 2: [1]})) is None


def test_a_grid_takes_the_colors_of_its_tiles():
    file = media([colr(9, 14), av1c(gray=False)], {1: [], 2: [1, 2], 3: [1, 2]}, references=[(1, (2, 3))])
    assert media_color(file) == (9, 14, True, False)


@pytest.mark.parametrize("cut", range(20, 140, 7))
def test_boxes_cut_short_say_nothing_or_what_they_hold(cut):
    data = media([colr(12, 13), av1c(gray=False)], {1: [1, 2]}).getvalue()
    assert media_color(io.BytesIO(data[:cut])) in (None, (12, 13, True, False))


@pytest.mark.parametrize("gray", [False, True])
def test_heic_says_whether_it_is_gray(gray):
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(EIGHT[..., 0] if gray else EIGHT)).save(file)
    found = media_color(file)
    assert found is None or found.is_gray == gray


def with_texts(size):
    text = np.random.default_rng(0).integers(32, 127, size, np.uint8).tobytes()
    chunk = png_chunk(b"zTXt", b"Raw profile type 8bim\0\0" + zlib.compress(text))
    data = by_pillow("RGB", "PNG")
    return data[:HEAD] + chunk + png_chunk(b"tEXt", b"Title\0x") + data[HEAD:], data


def test_texts_go_and_the_rest_stays():
    data, plain = with_texts(1000)
    into = io.BytesIO()
    without_png_texts(io.BytesIO(data + b"behind the end"), into)
    assert into.getvalue().startswith(plain)
    assert containers.compressed_png_texts(io.BytesIO(data)) > 500
    assert containers.compressed_png_texts(io.BytesIO(plain)) == 0


@pytest.mark.parametrize("cut", [10, 40, 60, 200])
def test_a_png_cut_short_stays_cut_short(cut):
    data, _ = with_texts(1000)
    into = io.BytesIO()
    without_png_texts(io.BytesIO(data[:cut]), into)
    assert len(into.getvalue()) <= cut


def test_stray_bytes_between_segments_go():
    data = by_pillow("RGB", "JPEG")
    at = data.index(b"\xff\xdb")
    assert mended_jpeg(data[:at] + bytes(18) + data[at:]) == data


def test_an_end_is_put_where_there_is_none():
    data = by_pillow("RGB", "JPEG")
    assert mended_jpeg(data[:-2]) == data
    assert mended_jpeg(data) == data
    assert mended_jpeg(data + b"a trailer") == data + b"a trailer"


def test_an_unknown_revision_and_the_range_of_a_baseline_scan_are_put_right():
    data = by_pillow("RGB", "JPEG")
    scan = data.index(b"\xff\xda")
    length = int.from_bytes(data[scan + 2 : scan + 4], "big")
    end = scan + 2 + length
    odd = data[: end - 3] + b"\0\0\0" + data[end:]
    odd = odd.replace(b"JFIF\0\1", b"JFIF\0\7", 1)
    assert mended_jpeg(odd) == data


def test_progressive_scans_keep_their_ranges():
    data = by_pillow("RGB", "JPEG", progressive=True)
    assert mended_jpeg(data) == data


@pytest.mark.parametrize("cut", [3, 30, 200])
def test_without_pixels_nothing_is_mended(cut):
    data = by_pillow("RGB", "JPEG")[:cut]
    assert mended_jpeg(data) == data


def test_jpeg_2000_without_a_codestream_is_refused():
    with pytest.raises(ValueError, match="expected a JPEG 2000 codestream"):
        jpeg_2000(io.BytesIO(b"\0\0\0\x0cjP  \r\n\x87\n"))


def test_jpeg_2000_says_its_bits():
    for name in ("x.jp2", "x.j2k"):
        file = io.BytesIO()
        file.name = name
        Image.fromarray(EIGHT).save(file, "JPEG2000", no_jp2=name.endswith("j2k"))
        assert jpeg_2000(file).bits == 8
