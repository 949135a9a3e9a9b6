from __future__ import annotations

import pytest

from styler.errors import ImageError
from styler.images.reading import check_readable, read_image
from styler.images.signatures import HEAD, kind_of, name_of
from support.image_files import honest_files

KINDS = {"jpg": "jpeg", "tif": "tiff", "ppm": "pnm"}


@pytest.mark.parametrize(("name", "data"), sorted(honest_files().items()))
def test_a_file_is_what_its_first_bytes_say(name, data):
    suffix = name.rpartition(".")[2]
    assert kind_of(data[:HEAD]) == KINDS.get(suffix, suffix)


@pytest.mark.parametrize("head", [b"", b"\x89PNG", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", b"%!PS"])
def test_anything_else_is_nothing(head):
    assert kind_of(head) is None


def test_avif_goes_before_the_brand_that_both_share():
    assert kind_of(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif") == "avif"
    assert kind_of(b"\0\0\0\x18ftypmif1\0\0\0\0heic") == "heic"
    assert kind_of(b"\xff\xff\xff\xffftypheic") == "heic"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"P6\n2 2\n255\n" + bytes(12), "pnm"),
        (b"P5 2 2 255\n" + bytes(4), "pnm"),
        (b"P1#comment\n2 2\n0 1 1 0", "pnm"),
        (b"qoif" + bytes(10), "qoi"),
        (b"\0\0\1\0\1\0" + bytes(16), "ico"),
        (b"\0\0\2\0\1\0" + bytes(16), "cur"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
        (b"\xff\x4f\xff\x51", "jp2"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
        (b"\xff\x0a\0\0", "jxl"),
        (bytes([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 3, 0, 24, 0]), "tga"),
        (bytes([0, 1, 9, 0, 0, 0, 1, 24, 0, 0, 0, 0, 4, 0, 3, 0, 8, 32]), "tga"),
        (bytes([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0]), None),
    ],
)
def test_formats_without_much_of_a_signature(data, kind):
    assert kind_of(data) == kind


def targa(mapped=0, kind=2, colors=(0, 0, 0, 0, 0), size=(4, 3), bits=24, flags=0):
    """The header of a TGA of (width, height): it has no signature."""
    return bytes([0, mapped, kind, *colors, 0, 0, 0, 0, size[0], 0, size[1], 0, bits, flags])


MAP = (0, 0, 16, 0, 24)  # first entry, number of entries, bits of an entry


@pytest.mark.parametrize(
    "head",
    [
        *(targa(bits=bits) for bits in (15, 16, 24, 32)),
        targa(kind=10, flags=0x20),
        *(targa(kind=kind, bits=bits) for kind in (3, 11) for bits in (8, 16)),
        *(targa(1, kind, MAP, bits=bits) for kind in (1, 9) for bits in (8, 16)),
        *(targa(1, 1, (*MAP[:4], bits), bits=8) for bits in (15, 16, 24, 32)),
        targa(1, 2, MAP),  # true color may bring a map along
    ],
)
def test_a_tga_is_told_by_a_header_that_makes_sense(head):
    assert kind_of(head) == "tga"


@pytest.mark.parametrize(
    "head",
    [
        targa()[:17],
        *(targa(kind=kind) for kind in (0, 4, 6, 18, 34, 66)),
        *(targa(kind=2, bits=bits) for bits in (1, 8, 12, 48)),
        *(targa(kind=3, bits=bits) for bits in (15, 24, 32)),
        *(targa(1, 1, MAP, bits=bits) for bits in (15, 24, 32)),
        targa(size=(0, 3)),
        targa(size=(4, 0)),
        *(targa(flags=flags) for flags in (0x40, 0x80)),
        targa(2, 2),
        targa(2, 1, MAP, bits=8),
        targa(0, 1, bits=8),  # an index into no map
        targa(1, 1, (*MAP[:4], 12), bits=8),
        *(targa(colors=tuple(int(place == other) for other in range(5))) for place in range(5)),
    ],
)
def test_a_header_that_makes_no_sense_is_no_tga(head):
    assert kind_of(head) != "tga"


NAMED = {
    b"": "empty: it has no bytes",
    b"8BPS\0\1": "a Photoshop file",
    b"v/1\1": "an OpenEXR image",
    b"#?RADIANCE\n": "a Radiance HDR image",
    b"%PDF-1.4": "a PDF document",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>": "an SVG drawing",
    b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg>": "an SVG drawing",
    b"\xef\xbb\xbf\n<!DOCTYPE html><html>": "a web page",
    b"<HTML><HEAD>": "a web page",
    b'{"error": 404}': "a text file, probably JSON",
    b"404: Not Found": "a text",
    b"version https://git-lfs.github.com/spec/v1\n": "a Git LFS pointer",
    b"\0\0\0\x18ftypcrx \0\0\0\1": "a camera raw file",
    b"FUJIFILMCCD-RAW 0201": "a camera raw file",
    b"IIRO\x08\0\0\0": "a camera raw file",
    b"IIU\0\x08\0\0\0": "a camera raw file",
    b"\0\0\0\x18ftypmp42\0\0\0\0": "a video or audio",
    b"\0\0\0\x14ftypqt  \0\0\0\0": "a video",
    b"DDS |\0\0\0": "a DirectDraw texture",
    b"\x01\xda\1\1": "an SGI image",
    b"icns\0\0\1\0": "a set of Apple icons",
    b"PK\3\4\x14\0": "a ZIP archive",
    bytes(64): "filled with zeros",
}


@pytest.mark.parametrize(("data", "name"), NAMED.items())
def test_what_is_not_read_is_called_by_its_name(tmp_path, data, name):
    assert kind_of(data) is None
    assert name_of(data).startswith(name)
    (tmp_path / "photo.jpg").write_bytes(data)
    for read in (check_readable, read_image):
        with pytest.raises(ImageError, match=rf"photo\.jpg is {name}") as caught:
            read(tmp_path / "photo.jpg")
        assert "\n" not in str(caught.value)
