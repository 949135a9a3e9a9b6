from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from styler.errors import ImageError, OutputError
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.recipes import LONGEST, png_chunk, png_text, read_recipe, text_of_xmp, xmp_packet
from styler.images.writing import write_picture
from support.image_files import EIGHT

PICTURE = Picture(pixels=np.full((16, 20, 3), 0.25, np.float32), name="x")
TEXTS = [
    "",
    " ",
    "plain",
    '{"a": [1, 2.5, null]}',
    "<&>\"'&lt;&#10;",
    "one\ntwo\tthree\r\n",
    "größer 画 \U0001f3a8",
    "]]>",
]


@pytest.mark.parametrize(
    ("suffix", "depth"), [("png", 8), ("png", 16), ("jpg", 8), ("webp", 8), ("tif", 8), ("tif", 16)]
)
def test_a_text_comes_back_as_it_was(tmp_path, suffix, depth):
    paths = [tmp_path / f"{number}.{suffix}" for number in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS, strict=True):
        write_picture(PICTURE, path, export=Export(recipe=text, depth=depth))
    assert [read_recipe(path) for path in paths] == TEXTS


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_none_where_there_is_none(tmp_path, suffix):
    assert read_recipe(write_picture(PICTURE, tmp_path / f"a.{suffix}")) is None


def test_another_programs_packet_holds_none(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "a.jpg", xmp=b"<x:xmpmeta>of others</x:xmpmeta>")
    assert read_recipe(tmp_path / "a.jpg") is None


def test_the_longest_fits_into_every_format(tmp_path):
    text = "x" * LONGEST
    for suffix in ("png", "jpg", "webp", "tif"):
        assert read_recipe(write_picture(PICTURE, tmp_path / f"a.{suffix}", export=Export(recipe=text))) == text


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "&" * (LONGEST // 4), "\0", "\x1b", "\ud800", "\uffff"])
@pytest.mark.parametrize("make", [xmp_packet, png_text])
def test_what_some_format_cannot_hold_none_holds(make, text):
    with pytest.raises(OutputError, match="expected a recipe"):
        make(text)


def test_a_packet_is_well_formed():
    import xml.etree.ElementTree as ET

    root = ET.fromstring(xmp_packet(TEXTS[4]).decode())
    assert [element.text for element in root.iter("{urn:styler:1}recipe")] == [TEXTS[4]]


@pytest.mark.parametrize("packet", [b"", b"<styler:recipe>", b"<styler:recipe>\xff</styler:recipe>", b"\0" * 100])
def test_damaged_packets_are_no_error(packet):
    assert text_of_xmp(packet) in (None, "\ufffd")


def test_a_file_of_another_kind_is_refused(tmp_path):
    Image.fromarray(EIGHT).save(tmp_path / "a.bmp")
    with pytest.raises(ImageError, match="expected a PNG, JPEG, WebP or TIFF file"):
        read_recipe(tmp_path / "a.bmp")
    with pytest.raises(ImageError, match="No such file"):
        read_recipe(tmp_path / "absent.png")


CHUNKS = {
    "iTXt": png_text("found"),
    "iTXt, compressed": png_chunk(b"iTXt", b"styler\0\1\0de\0Rezept\0" + zlib.compress(b"found")),
    "tEXt": png_chunk(b"tEXt", b"styler\0found"),
    "zTXt": png_chunk(b"zTXt", b"styler\0\0" + zlib.compress(b"found")),
    "XMP": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_packet("found")),
}


def with_chunk(path, chunk, *, behind):
    """A PNG with a chunk behind its header or behind its pixels."""
    data = write_picture(PICTURE, path, overwrite=True).read_bytes()
    at = len(data) - 12 if behind else 33
    path.write_bytes(data[:at] + chunk + data[at:])
    return path


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("kind", CHUNKS)
def test_another_program_may_put_it_anywhere_and_in_any_kind_of_text(tmp_path, kind, behind):
    assert read_recipe(with_chunk(tmp_path / "a.png", CHUNKS[kind], behind=behind)) == "found"


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"zTXt", b"styler\0\0" + zlib.compress(bytes(50_000_000))),
        png_chunk(b"zTXt", b"styler\0\0" + b"no deflate"),
        png_chunk(b"zTXt", b"styler\0\0" + zlib.compress(b"found")[:-3]),
        png_chunk(b"iTXt", b"styler\0\1"),
        png_chunk(b"tEXt", b"styler"),
        png_chunk(b"zTXt", b"Raw profile type 8bim\0\0" + zlib.compress(bytes(range(256)) * 400)),
    ],
    ids=["bomb", "damaged", "cut short", "empty", "without end", "of another program"],
)
def test_a_text_that_is_none_is_no_recipe(tmp_path, chunk, behind):
    assert read_recipe(with_chunk(tmp_path / "a.png", chunk, behind=behind)) is None


def test_it_is_found_behind_any_number_of_chunks_of_pixels(tmp_path):
    path = with_chunk(tmp_path / "a.png", png_chunk(b"IDAT", b"") * 20_000 + CHUNKS["tEXt"], behind=True)
    assert read_recipe(path) == "found"
