"""Reads boxes and chunks of image files, for information that no decoder provides. Decodes no pixels."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from typing import IO, NamedTuple

PNG_START = 8  # bytes of the signature
MOST_ANYWHERE = 2**20  # chunks per file, including those with pixels; libpng writes one per 8 KiB
MOST_CHUNKS = 10_000  # chunks before the pixels; a normal file has a few dozen, a hostile file may have very many
LONGEST_KEYWORD = 79  # bytes, PNG (third edition) section 11.3.3.2
MOST_COMPRESSED = 2**18  # bytes of compressed text to pass to a decoder; deflate expands at most 1,032 times
PNG_TEXTS = ("tEXt", "zTXt", "iTXt")
PIECE = 2**20  # bytes copied at a time
LARGEST_HEAD = 2**10  # bytes before the text in a chunk: flags, language, translated keyword
LARGEST_TABLE = 2**20  # bytes of a list of items; the largest grids have some thousand entries
SCAN, END = 0xDA, b"\xff\xd9"  # JPEG markers (ITU-T T.81, table B.1)
BLANK = 16  # zero bytes at the end that indicate an incomplete copy
CODESTREAM = 43  # bytes of a JPEG 2000 codestream up to the bit depth of its first channel
LARGEST_PROFILE = 2**24  # bytes; profiles for printing presses have 2 MB
LARGEST_SMALL = 64  # bytes; cICP, gAMA, cHRM and sRGB are shorter


def png_color_chunks(file: IO[bytes]) -> dict[str, bytes]:
    """Return the chunks before the pixels of a PNG: name -> contents, or empty bytes for contents that are long."""
    found: dict[str, bytes] = {}
    for name, length in _png_chunks(file):
        found.setdefault(name, file.read(length) if length <= LARGEST_SMALL else b"")
    return found


def png_frames(file: IO[bytes]) -> int:
    """Return the number of frames of a PNG: 1 unless it is animated (PNG third edition, 11.3.5.2)."""
    for name, length in _png_chunks(file):
        if name == "acTL" and length <= LARGEST_SMALL:
            return max(1, int.from_bytes(file.read(length)[:4], "big"))
    return 1


def compressed_png_texts(file: IO[bytes]) -> int:
    """Return the total size in bytes of the compressed texts of a PNG, which may take a decoder a long time."""
    total = 0
    for name, length in _png_chunks(file, most=MOST_ANYWHERE, last=("IEND",)):
        if name == "zTXt" or (name == "iTXt" and _is_compressed(file.read(min(length, LONGEST_KEYWORD + 2)))):
            total += length
    return total


def without_png_texts(file: IO[bytes], into: IO[bytes]) -> None:
    """Copy a PNG without its text chunks."""
    file.seek(0)
    into.write(file.read(PNG_START))
    for name, length in _png_chunks(file, most=MOST_ANYWHERE, last=()):
        if name in PNG_TEXTS:
            continue
        file.seek(-8, 1)
        left = length + 12
        while left > 0 and (piece := file.read(min(left, PIECE))):
            into.write(piece)
            left -= len(piece)
    into.flush()


def png_texts(file: IO[bytes], keywords: Collection[bytes], longest: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the texts of a PNG (third edition, 11.3.3), including those after the pixels.

    Args:
        file: File open for reading.
        keywords: Keywords of the texts to return.
        longest: Maximum length of a text in bytes. Longer texts are skipped, and are not decompressed any further.

    Yields:
        (keyword, text). The text is in Latin-1 for tEXt and zTXt chunks, in UTF-8 for iTXt chunks.
    """
    for name, length in _png_chunks(file, most=MOST_ANYWHERE, last=("IEND",)):
        if name not in PNG_TEXTS:
            continue
        start = file.read(min(length, LONGEST_KEYWORD + 1))
        keyword, end, rest = start.partition(b"\0")
        if not end or keyword not in keywords or length > longest + LARGEST_HEAD:
            continue
        text = _png_text(name, rest + file.read(length - len(start)), longest)
        if text is not None:
            yield keyword, text


def _png_text(name: str, data: bytes, longest: int) -> bytes | None:
    """Return the decompressed text after the keyword of a chunk; None if it is damaged or too long."""
    compressed = name == "zTXt"
    if name == "zTXt":
        data = data[1:]  # skips the compression method; only one is defined
    elif name == "iTXt":
        compressed = data[:1] == b"\1"
        data = data[2:].split(b"\0", 2)[-1]  # skips language and translated keyword
    if compressed:
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, longest + 1)
        except zlib.error:
            return None
        if not unpacker.eof:
            return None
    return data if len(data) <= longest else None


def _is_compressed(start: bytes) -> bool:
    """Return the compression flag, which follows the keyword of an iTXt chunk."""
    keyword, _, rest = start.partition(b"\0")
    return len(keyword) <= LONGEST_KEYWORD and rest[:1] == b"\1"


def _png_chunks(
    file: IO[bytes], most: int = MOST_CHUNKS, last: tuple[str, ...] = ("IDAT", "IEND")
) -> Iterator[tuple[str, int]]:
    """Yield (name, length) of each chunk before one of `last`. The file is positioned at the chunk's contents."""
    start = PNG_START
    for _ in range(most):
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        name = head[4:8].decode("latin-1")
        if len(head) < 8 or name in last:
            return
        yield name, length
        start += length + 12


class MediaColor(NamedTuple):
    """Color information of the primary item of an AVIF or HEIC file.

    Attributes:
        primaries, transfer: Codes of ITU-T H.273.
        is_full_range: True if black is 0; False if black is 16 of 255.
        is_gray: Whether there is only one color channel.
    """

    primaries: int
    transfer: int
    is_full_range: bool
    is_gray: bool


def media_color(file: IO[bytes]) -> MediaColor | None:
    """Return the color information of the primary item; None if there is none. Thumbnails are ignored."""
    size = file.seek(0, 2)
    for start, stop in _found(file, 0, size, ("meta",)):
        inside = {name: (first, last) for name, first, last in boxes(file, start, stop)}
        if "pitm" not in inside or "iprp" not in inside:
            continue
        item = _primary(file, *inside["pitm"])
        parts = _parts(file, *inside["iref"], item) if "iref" in inside else []
        by_item = _item_properties(file, *inside["iprp"])
        for one in [item, *parts[:1]]:  # a grid may have the information only in its tiles
            found = _color_of(file, by_item.get(one, []))
            if found:
                return found
    return None


def _color_of(file: IO[bytes], properties: list[tuple[str, int, int]]) -> MediaColor | None:
    codes = b""
    is_gray = False
    for name, start, stop in properties:
        file.seek(start)
        data = file.read(min(stop - start, LARGEST_SMALL))
        if name == "colr" and data[:4] == b"nclx" and len(data) >= 11:
            codes = codes or data
        is_gray = is_gray or (name == "av1C" and len(data) > 2 and bool(data[2] & 0x10))
        is_gray = is_gray or (name == "hvcC" and len(data) > 16 and data[16] & 3 == 0)
    if not codes:
        return None
    primaries = int.from_bytes(codes[4:6], "big")
    transfer = int.from_bytes(codes[6:8], "big")
    return MediaColor(primaries, transfer, bool(codes[10] & 0x80), is_gray)


def _primary(file: IO[bytes], start: int, stop: int) -> int:
    file.seek(start)
    data = file.read(min(stop - start, 8))
    return int.from_bytes(data[4:6] if data[:1] == b"\0" else data[4:8], "big")


def _parts(
    file: IO[bytes],
    start: int,
    stop: int,
    item: int,
) -> list[int]:
    """Return the items that an item is composed of (references of type `dimg`)."""
    file.seek(start)
    wide = 4 if file.read(4)[:1] == b"\1" else 2
    for name, first, last in boxes(file, start + 4, stop):
        file.seek(first)
        data = file.read(min(last - first, LARGEST_TABLE))
        if name == "dimg" and int.from_bytes(data[:wide], "big") == item:
            return [int.from_bytes(data[at : at + wide], "big") for at in range(wide + 2, len(data) - wide + 1, wide)]
    return []


def _item_properties(file: IO[bytes], start: int, stop: int) -> dict[int, list[tuple[str, int, int]]]:
    """Return item -> its properties, as (name, first byte of the contents, byte after the contents)."""
    found: dict[int, list[tuple[str, int, int]]] = {}
    listed: list[tuple[str, int, int]] = []
    for name, first, last in boxes(file, start, stop):
        if name == "ipco":
            listed = list(boxes(file, first, last))
        elif name == "ipma":
            file.seek(first)
            for item, index in _associations(file.read(min(last - first, LARGEST_TABLE))):
                if 0 < index <= len(listed):
                    found.setdefault(item, []).append(listed[index - 1])
    return found


def _associations(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (item, number of a property, counted from 1) from the contents of an `ipma` box (ISO/IEC 23008-12, 9.3)."""
    id_size = 2 if data[:1] == b"\0" else 4
    wide = 2 if data[3:4] and data[3] & 1 else 1
    at = 8
    for _ in range(min(int.from_bytes(data[4:8], "big"), MOST_CHUNKS)):
        item = int.from_bytes(data[at : at + id_size], "big")
        count = data[at + id_size] if at + id_size < len(data) else 0
        at += id_size + 1
        for _ in range(count):
            yield item, int.from_bytes(data[at : at + wide], "big") & (0x7FFF if wide == 2 else 0x7F)
            at += wide


class Jpeg2000(NamedTuple):
    """Channels and colors of a JPEG 2000 file.

    Attributes:
        bits: Bits of the first channel.
        icc: Embedded profile.
        space: Number of the color space (ISO/IEC 15444-1, I.5.3.3); None if a profile describes it, or nothing does.
    """

    bits: int
    icc: bytes | None = None
    space: int | None = None


def jpeg_2000(file: IO[bytes]) -> Jpeg2000:
    """Read channels and colors of a JPEG 2000 file, or of a bare codestream.

    Raises:
        ValueError: The file has no codestream.
    """
    size = file.seek(0, 2)
    start = 0
    icc = None
    space = None
    for first, last in _found(file, 0, size, ("jp2h", "colr")):
        file.seek(first)
        method, _, _, *_ = file.read(3).ljust(3, b"\0")
        if method == 1 and icc is None and space is None:
            space = int.from_bytes(file.read(4), "big")
        elif method in (2, 3) and icc is None and space is None:
            icc = file.read(min(last - first - 3, LARGEST_PROFILE))
    for first, _ in _found(file, 0, size, ("jp2c",)):
        start = first
        break
    file.seek(start)
    head = file.read(LARGEST_TABLE if start == 0 else CODESTREAM)
    head = head[max(0, head.find(b"\xff\x4f\xff\x51")) :]  # skips boxes with a wrong length
    if head[:4] != b"\xff\x4f\xff\x51" or len(head) < CODESTREAM:
        message = "expected a JPEG 2000 codestream, found none"
        raise ValueError(message)
    return Jpeg2000((head[42] & 0x7F) + 1, icc, space)


def mended_jpeg(data: bytes) -> bytes:
    """Return a JPEG without the small faults that viewers tolerate but decoders warn about. The pixels are not changed.

    This removes stray bytes between the segments before the pixels, adds a missing end marker, corrects the range that
    a baseline scan states, and changes an unknown JFIF version to version 1.
    """
    made = [data[:2]]
    at = 2
    is_baseline = False
    while True:
        at = _next_marker(data, at)
        if at < 0:
            return data
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at:end]
        is_baseline = is_baseline or marker in (0xC0, 0xC1)
        if marker == 0xE0 and segment[4:9] == b"JFIF\0" and segment[9:10] != b"\1":
            segment = segment[:9] + b"\1" + segment[10:]
        if marker == SCAN:
            made.append(segment[:-3] + b"\0\x3f\0" if is_baseline else segment)
            break
        made.append(segment)
        at = end
    rest = data[end:]
    return b"".join([*made, rest, b"" if END in rest or rest.endswith(bytes(BLANK)) else END])


def has_jpeg_end(data: bytes) -> bool:
    """Return whether an end marker follows the pixels. It is missing if the file is truncated or padded with zeros."""
    at = 2
    while (at := _next_marker(data, at)) >= 0:
        if data[at + 1] == SCAN:
            return END in data[at:]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


def _next_marker(data: bytes, at: int) -> int:
    """Return the position of the next marker that starts a segment, or -1."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        if 0xC0 <= data[at + 1] < 0xFF and not 0xD0 <= data[at + 1] <= 0xD9:
            return at
        at += 1
    return -1


def _found(
    file: IO[bytes],
    start: int,
    end: int,
    path: tuple[str, ...],
) -> Iterator[tuple[int, int]]:
    """Yield the ranges of the boxes with the given path of names."""
    for name, inside, stop in boxes(file, start, end):
        if name != path[0]:
            continue
        first = inside + 4 if name == "meta" else inside  # a full box starts with version and flags
        if len(path) == 1:
            yield first, stop
        else:
            yield from _found(file, first, stop, path[1:])


def boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Yield (name, first byte of the contents, byte after the contents) of each box in a range (ISO/IEC 14496-12)."""
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        name = head[4:8].decode("latin-1")
        skip = 8
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
            skip = 16
        stop = end if length == 0 else start + length
        if len(head) < 8 or stop > end or stop < start + skip:
            return
        yield name, start + skip, stop
        start = stop
