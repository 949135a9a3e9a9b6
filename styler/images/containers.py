"""Walks over the boxes and chunks of files, for what no decoder hands out; reads headers alone."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from typing import IO

PNG_START = 8  # bytes of the signature
MOST_ANYWHERE = 2**20  # chunks with those of the pixels, of which libpng makes one for 8 KiB
MOST_CHUNKS = 10_000  # of one file: an honest one has some tens, a hostile one may have as many as it has bytes
LONGEST_KEYWORD = 79  # bytes, PNG (third edition) section 11.3.3.2
MOST_COMPRESSED = 2**18  # bytes of compressed texts: deflate makes at most 1,032 times as many of them
LARGEST_HEAD = 2**10  # bytes around the text of a chunk: flags, language and the keyword in that
LARGEST_SMALL = 64  # bytes: cICP, gAMA, cHRM and sRGB are all shorter


def png_color_chunks(file: IO[bytes]) -> dict[str, bytes]:
    """Chunks before the pixels of a PNG by name: cICP, gAMA, cHRM and sRGB with their contents, long ones without."""
    found: dict[str, bytes] = {}
    for name, length in _png_chunks(file):
        found.setdefault(name, file.read(length) if length <= LARGEST_SMALL else b"")
    return found


def png_frames(file: IO[bytes]) -> int:
    """Frames of an animated PNG (third edition, 11.3.5.2), 1 of any other."""
    for name, length in _png_chunks(file):
        if name == "acTL" and length <= LARGEST_SMALL:
            return max(1, int.from_bytes(file.read(length)[:4], "big"))
    return 1


def check_png_texts(file: IO[bytes]) -> None:
    """Refuse a PNG whose compressed texts could keep a decoder busy for long.

    Raises:
        ValueError: More of them than any program writes.
    """
    total = 0
    for name, length in _png_chunks(file):
        if name == "zTXt" or (name == "iTXt" and _is_compressed(file.read(min(length, LONGEST_KEYWORD + 2)))):
            total += length
    if total > MOST_COMPRESSED:
        message = f"at most {MOST_COMPRESSED} bytes of compressed texts were expected, it has {total}"
        raise ValueError(message)


def png_texts(file: IO[bytes], keywords: Collection[bytes], longest: int) -> Iterator[tuple[bytes, bytes]]:
    """(keyword, text) of the tEXt, zTXt and iTXt chunks of a PNG (third edition, 11.3.3), those behind the pixels too.

    Args:
        file: Open for reading.
        keywords: Of the texts that are wanted.
        longest: Bytes of a text at most; longer ones are left out, and nothing is decompressed any further.

    Yields:
        Each of them, in Latin-1 for tEXt and zTXt, in UTF-8 for iTXt.
    """
    for name, length in _png_chunks(file, most=MOST_ANYWHERE, last=("IEND",)):
        if name not in ("tEXt", "zTXt", "iTXt"):
            continue
        start = file.read(min(length, LONGEST_KEYWORD + 1))
        keyword, end, rest = start.partition(b"\0")
        if not end or keyword not in keywords or length > longest + LARGEST_HEAD:
            continue
        text = _png_text(name, rest + file.read(length - len(start)), longest)
        if text is not None:
            yield keyword, text


def _png_text(name: str, data: bytes, longest: int) -> bytes | None:
    """What follows the keyword of a chunk, decompressed; None where it is damaged or too long."""
    compressed = name == "zTXt"
    if name == "zTXt":
        data = data[1:]  # the method, of which there is one
    elif name == "iTXt":
        compressed = data[:1] == b"\1"
        data = data[2:].split(b"\0", 2)[-1]  # behind language and translated keyword
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
    """The flag behind the keyword of an iTXt chunk."""
    keyword, _, rest = start.partition(b"\0")
    return len(keyword) <= LONGEST_KEYWORD and rest[:1] == b"\1"


def _png_chunks(
    file: IO[bytes], most: int = MOST_CHUNKS, last: tuple[str, ...] = ("IDAT", "IEND")
) -> Iterator[tuple[str, int]]:
    """(name, length) of each chunk up to one of the last, the file standing at its contents."""
    start = PNG_START
    for _ in range(most):
        file.seek(start)
        head = file.read(8)
        length, name = int.from_bytes(head[:4], "big"), head[4:8].decode("latin-1")
        if len(head) < 8 or name in last:
            return
        yield name, length
        start += length + 12


def media_color(file: IO[bytes]) -> tuple[int, int] | None:
    """(primaries, transfer) of an AVIF or HEIC file by ITU-T H.273, or None where it does not say."""
    size = file.seek(0, 2)
    for start, _ in _found(file, 0, size, ("meta", "iprp", "ipco", "colr")):
        file.seek(start)
        data = file.read(8)
        if data[:4] == b"nclx" and len(data) == 8:
            return int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
    return None


def _found(file: IO[bytes], start: int, end: int, path: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Ranges of the boxes at the end of a path of names."""
    for name, inside, stop in _boxes(file, start, end):
        if name != path[0]:
            continue
        first = inside + 4 if name == "meta" else inside  # a full box: version and flags come first
        if len(path) == 1:
            yield first, stop
        else:
            yield from _found(file, first, stop, path[1:])


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, first byte of the content, byte behind it) of each box of ISO/IEC 14496-12 in a range."""
    for _ in range(MOST_CHUNKS):
        file.seek(start)
        head = file.read(16)
        length, name, skip = int.from_bytes(head[:4], "big"), head[4:8].decode("latin-1"), 8
        if length == 1:
            length, skip = int.from_bytes(head[8:16], "big"), 16
        stop = end if length == 0 else start + length
        if len(head) < 8 or stop > end or stop < start + skip:
            return
        yield name, start + skip, stop
        start = stop
