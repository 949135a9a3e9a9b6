"""Stores the recipe text in an image file, and reads it from the file's header."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, unescape

from styler.errors import ImageError, OutputError, shown
from styler.images import containers, pillow
from styler.images.signatures import HEAD, kind_of
from styler.types import PathLike

KEYWORD = "styler"
XMP_KEYWORD = b"XML:com.adobe.xmp"  # in PNG: Adobe's XMP specification, part 3, 1.1.5
NO_LIMIT = 2**64  # pixels; none are decoded
LONGEST = 60_000  # bytes of escaped UTF-8; the XMP of a JPEG is one segment of at most 65,502 bytes
LONGEST_PACKET = 2**20  # bytes of an XMP packet in a PNG; packets of other programs may be long
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # characters that XML 1.0 cannot represent
_BREAKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}  # XML parsers would change them to spaces
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" xmlns:styler="urn:styler:1"><styler:recipe>{}</styler:recipe></rdf:Description>\
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""
_RECIPE = re.compile(rb"<styler:recipe>(.*?)</styler:recipe>", re.DOTALL)


def xmp_packet(text: str) -> bytes:
    """Return an XMP packet (ISO 16684-1) that contains a recipe.

    Raises:
        OutputError: The recipe is too long for a JPEG, or contains characters that XML cannot represent.
    """
    _check(text)
    return _PACKET.format(escape(text, _BREAKS)).encode()


def text_of_xmp(packet: bytes) -> str | None:
    """Return the recipe in an XMP packet; None if it has none.

    This does not use an XML parser, because hostile files could exploit one.
    """
    found = _RECIPE.search(packet)
    if found is None:
        return None
    return unescape(found[1].decode("utf-8", "replace"), {entity: mark for mark, entity in _BREAKS.items()})


def png_text(text: str) -> bytes:
    """Return an iTXt chunk (PNG, third edition, 11.3.3.4), uncompressed, without language.

    Raises:
        OutputError: The recipe does not meet the limits of `xmp_packet`, which apply to every format.
    """
    _check(text)
    return png_chunk(b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0" + text.encode())


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return a PNG chunk: length, name, data and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def read_recipe(path: PathLike) -> str | None:
    """Return the recipe in a PNG, JPEG, WebP or TIFF file, without decoding pixels; None if there is none.

    Raises:
        ImageError: The file cannot be opened as one of these formats.
    """
    from styler.images.reading import check_readable

    check_readable(path, max_pixels=NO_LIMIT)
    try:
        with Path(path).open("rb") as file:
            texts, packets = _png_texts(file) if kind_of(file.read(HEAD)) == "png" else ([], _packets(file))
    except Exception as cause:  # Pillow may raise any class of error for hostile files
        message = f"cannot read a recipe from {shown(path)}: expected a PNG, JPEG, WebP or TIFF file"
        raise ImageError(message) from cause
    return next((text for text in (*texts, *map(text_of_xmp, packets)) if text is not None), None)


def _png_texts(file: IO[bytes]) -> tuple[list[str], list[bytes]]:
    """Return the recipes and XMP packets of a PNG, wherever another program has put them."""
    names = KEYWORD.encode(), XMP_KEYWORD
    found = list(containers.png_texts(file, names, longest=LONGEST_PACKET))
    texts = [text.decode("utf-8", "replace") for keyword, text in found if keyword == names[0]]
    return texts, [text for keyword, text in found if keyword == XMP_KEYWORD]


def _packets(file: IO[bytes]) -> list[bytes]:
    with warnings.catch_warnings(action="ignore"), pillow.opened(file, ["JPEG", "WEBP", "TIFF"]) as image:
        packet = image.info.get("xmp")
    return [packet] if isinstance(packet, bytes) else []


def fits(text: str) -> bool:
    """Return whether an ASCII text is short enough to store in a file."""
    return len(escape(text, _BREAKS)) <= LONGEST


def _check(text: str) -> None:
    try:
        size = len(escape(text, _BREAKS).encode())
    except UnicodeEncodeError as cause:
        message = f"expected a recipe in valid Unicode: {cause.reason}"
        raise OutputError(message) from cause
    if size > LONGEST or _CONTROLS.search(text):
        message = f"expected a recipe of at most {LONGEST} bytes without control characters, got {size} bytes"
        raise OutputError(message)
