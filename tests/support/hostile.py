"""Files that should not be, each made on purpose: they are read, or refused in one line, and nothing else."""

from __future__ import annotations

import os
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from styler.images.recipes import png_chunk
from support.image_files import EIGHT, FLOATS, by_imagecodecs_png, by_pillow, by_tifffile, exif_block, honest_files

SEED = 20_161  # of the flipped bits
CUTS = (0, 1, 2, 3, 4, 8, 12, 16, 24, 33, 64)  # bytes: signatures, lengths, IHDR and the like end here
PARTS = 8  # of the whole file, cut at the end of each
FLIPS = 12  # files with flipped bits of each honest one
PNG_START = b"\x89PNG\r\n\x1a\n"
END = png_chunk(b"IEND", b"")
SIDES = [(0, 0), (0, 5), (1, 2**31 - 1), (2**31 - 1, 1), (65_535, 65_535), (100_000, 100_000), (2**32 - 1, 2**32 - 1)]


def hostile_files(folder: Path) -> list[Path]:
    """Write the whole corpus into a folder and list it."""
    made = [*_cut(), *_flipped(), *_bombs(), *_absurd(), *_strange_floats(), *_no_images(), *_loops(), *_crossed()]
    paths = [_put(folder / f"{index:04d}-{name}", data) for index, (name, data) in enumerate(made)]
    return [*paths, *_strange_names(folder), *_not_files(folder)]


def _put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _cut() -> Iterator[tuple[str, bytes]]:
    """Cut short at the ends of signatures and headers, at even parts, and just before the end."""
    for name, data in honest_files().items():
        ends = {*CUTS, *(len(data) * part // PARTS for part in range(1, PARTS)), len(data) - 1}
        for end in sorted(end for end in ends if end < len(data)):
            yield f"cut{end}-{name}", data[:end]


def _flipped() -> Iterator[tuple[str, bytes]]:
    """One to sixteen flipped bits, half of the times among the first 200 bytes."""
    chance = random.Random(SEED)
    for name, data in honest_files().items():
        for index in range(FLIPS):
            changed = bytearray(data)
            reach = min(200, len(data)) if index % 2 else len(data)
            for _ in range(2 ** (index % 5)):
                changed[chance.randrange(reach)] ^= 1 << chance.randrange(8)
            yield f"flip{index}-{name}", bytes(changed)


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 2) -> bytes:
    start = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return PNG_START + start + b"".join(chunks) + END


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Little files that would like to be much memory or time."""
    zeros = zlib.compress(bytes(2**25), 9)
    pixels = png_chunk(b"IDAT", zeros)
    row = png_chunk(b"IDAT", zlib.compress(bytes(13 * 4)))
    yield "text.png", _png(4, 4, png_chunk(b"zTXt", b"a\0\0" + zeros), row)
    yield "itext.png", _png(4, 4, png_chunk(b"iTXt", b"styler\0\1\0\0\0" + zeros), row)
    yield "texts.png", _png(4, 4, *[png_chunk(b"zTXt", b"a\0\0" + zeros)] * 200, row)
    yield "texts-behind.png", _png(4, 4, row, *[png_chunk(b"zTXt", b"a\0\0" + zeros)] * 200)
    yield "profile.png", _png(4, 4, png_chunk(b"iCCP", b"a\0\0" + zeros), row)
    yield "too-many-pixels.png", _png(4, 4, pixels)
    yield "many-chunks.png", _png(4, 4, *[png_chunk(b"tEXt", b"a\0b")] * 60_000, row)
    yield "frames.png", _png(4, 4, png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)), row)
    for size in (100_000, 2**31 - 1):
        yield f"wide{size}.png", _png(size, size, pixels)
        yield f"deep{size}.png", _png(size, size, pixels, depth=16, color=6)
    yield "scans.jpg", _many_scans(2_000, 4_096)
    yield "frames.gif", by_pillow("P", "GIF")[:-1] + b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0" * 50_000 + b";"
    yield "boxes.avif", _nested_boxes(3_000)
    yield "small-boxes.avif", struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0) + struct.pack(">I4s", 8, b"free") * 50_000


def _many_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG that repeats its last scan: each passes over the whole picture."""
    data = by_pillow("RGB", "JPEG", progressive=True)
    frame = data.index(b"\xff\xc2")
    last = data.rindex(b"\xff\xda")
    resized = data[: frame + 5] + struct.pack(">HH", side, side) + data[frame + 9 : last]
    return resized + data[last:-2] * scans + data[-2:]


def _nested_boxes(depth: int) -> bytes:
    start = struct.pack(">I4s4sI", 16, b"ftyp", b"avif", 0)
    return start + b"".join(struct.pack(">I4sI", 12 * (depth - at), b"meta", 0) for at in range(depth))


def _absurd() -> Iterator[tuple[str, bytes]]:
    """Sizes that no picture has, patched into honest headers."""
    files = honest_files()
    for width, height in SIDES:
        name = f"{width}x{height}"
        yield f"{name}.png", _png(width, height, png_chunk(b"IDAT", zlib.compress(b"\0")))
        yield f"{name}.bmp", _patched(files["plain.bmp"], 18, struct.pack("<II", width, height))
        small = struct.pack("<HH", width & 65_535, height & 65_535)
        yield f"{name}.gif", _patched(files["plain.gif"], 6, small)
        frame = files["plain.jpg"].index(b"\xff\xc0")
        yield f"{name}.jpg", _patched(files["plain.jpg"], frame + 5, small)
        yield f"{name}.tif", _resized_tiff(files["strips.tif"], width, height)
        yield f"{name}.webp", _extended_webp(width, height)
    yield "upside-down.bmp", _patched(files["plain.bmp"], 22, struct.pack("<i", -24))


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _entries(tiff: bytes) -> dict[int, int]:
    """Tag -> position of its entry in the first directory of a little-endian TIFF."""
    (start,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, start)
    return {struct.unpack_from("<H", tiff, at)[0]: at for at in range(start + 2, start + 2 + 12 * count, 12)}


def _with_entry(tiff: bytes, tag: int, kind: int, count: int, value: int) -> bytes:
    return _patched(tiff, _entries(tiff)[tag] + 2, struct.pack("<HII", kind, count & (2**32 - 1), value & (2**32 - 1)))


def _resized_tiff(tiff: bytes, width: int, height: int) -> bytes:
    return _with_entry(_with_entry(tiff, 256, 4, 1, width), 257, 4, 1, height)


def _extended_webp(width: int, height: int) -> bytes:
    sides = struct.pack("<I", (width - 1) & 0xFFFFFF)[:3] + struct.pack("<I", (height - 1) & 0xFFFFFF)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + sides
    body += honest_files()["lossless.webp"][12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _strange_floats() -> Iterator[tuple[str, bytes]]:
    strange = {
        "nan": np.nan,
        "inf": np.inf,
        "-inf": -np.inf,
        "huge": 1e38,
        "below": -0.01,
        "above": 1.01,
        "tiny": 1e-45,
    }
    for name, value in strange.items():
        floats = FLOATS.copy()
        floats[3, 4, 1] = value
        yield f"{name}.tif", by_tifffile(floats)
        yield f"{name}-gray.tif", by_tifffile(floats[..., 1], photometric="minisblack", compression="deflate")
        with np.errstate(over="ignore"):
            yield f"{name}-half.tif", by_tifffile(floats.astype(np.float16))
    for dtype in ("int8", "int16", "int32", "float64", "uint64", "complex64"):
        yield f"{dtype}.tif", by_tifffile((FLOATS * 100).astype(dtype))


def _no_images() -> Iterator[tuple[str, bytes]]:
    for suffix in ("png", "jpg", "tif", "webp", "avif", "heic", "gif", "bmp"):
        yield f"empty.{suffix}", b""
        yield f"text.{suffix}", b"not an image at all\n" * 20
        yield f"zeros.{suffix}", bytes(4096)
        yield f"ones.{suffix}", b"\xff" * 4096
    for name, start in {
        "zip": b"PK\3\4",
        "pdf": b"%PDF-1.7",
        "ps": b"%!PS-Adobe-3.0 EPSF-3.0",
        "svg": b"<svg/>",
    }.items():
        yield f"other.{name}", start + bytes(300)


def _loops() -> Iterator[tuple[str, bytes]]:
    """Directories that lead to themselves, lists without end."""
    tiff = by_tifffile(EIGHT)
    start = struct.unpack_from("<I", tiff, 4)[0]
    after = start + 2 + 12 * len(_entries(tiff))
    yield "next-is-itself.tif", _patched(tiff, after, struct.pack("<I", start))
    yield "first-is-the-header.tif", _patched(tiff, 4, struct.pack("<I", 0))
    yield "many-entries.tif", _patched(tiff, start, struct.pack("<H", 65_535))
    for tag in (258, 259, 262, 273, 277, 278, 279):
        for kind, count, value in ((4, 1, 2**32 - 1), (3, 2**32 - 1, 0), (12, 1, 0), (99, 1, 1), (4, 0, 0)):
            yield f"entry{tag}-{kind}-{count}.tif", _with_entry(tiff, tag, kind, count, value)
    block = bytearray(exif_block())
    for at in range(8, len(block) - 4, 5):
        changed = block[:at] + struct.pack(">I", 8) + block[at + 4 :]
        yield f"exif{at}.jpg", by_pillow("RGB", "JPEG", exif=bytes(changed))


def _crossed() -> Iterator[tuple[str, bytes]]:
    """Suffixes that lie, and one format's start on another's rest."""
    files = honest_files()
    for name, data in files.items():
        yield name + (".jpg" if not name.endswith("jpg") else ".png"), data
    for first, second in (("plain.png", "plain.jpg"), ("plain.jpg", "plain.png"), ("strips.tif", "lossy.webp")):
        yield f"{first}-{second}", files[first][:40] + files[second][40:]
    yield "twice.png", files["plain.png"] * 2
    yield (
        "color-unknown.png",
        _png(1, 1, png_chunk(b"cICP", b"\xfe\xfe\0\1"), png_chunk(b"IDAT", zlib.compress(bytes(4)))),
    )
    yield "pq.png", _png(1, 1, png_chunk(b"cICP", b"\x09\x10\0\1"), png_chunk(b"IDAT", zlib.compress(bytes(4))))
    for chunk in (b"gAMA", b"cHRM", b"cICP", b"sRGB", b"tRNS", b"PLTE", b"iCCP", b"eXIf"):
        for content in (b"", b"\0" * 4, b"\xff" * 4, b"\0" * 32, b"\xff" * 32, b"\xff" * 700):
            rest = png_chunk(b"IDAT", zlib.compress(bytes(13 * 4)))
            yield f"{chunk.decode()}-{len(content)}.png", _png(4, 4, png_chunk(chunk, content), rest)


def _strange_names(folder: Path) -> list[Path]:
    names = ["with space.png", "two\nlines.png", "tab\t.png", "Grüße 画像 \U0001f3a8.png", "-dash.png", "%s%n.png"]
    names += ["[page=2].png", "'quote\".png", "back\\slash.png", "\x1b[31mred.png", "\u202egnp.png", "x" * 251 + ".png"]
    paths = [_put(folder / name, by_imagecodecs_png(EIGHT)) for name in names]
    raw = os.path.join(os.fsencode(folder), b"not-utf8-\xff\xfe.png")
    broken = os.path.join(os.fsencode(folder), b"broken-\xff\n.png")
    return [*paths, _put(Path(os.fsdecode(raw)), by_imagecodecs_png(EIGHT)), _put(Path(os.fsdecode(broken)), b"no")]


def _not_files(folder: Path) -> list[Path]:
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    links = {"loop.png": "loop.png", "there.png": "back.png", "back.png": "there.png", "nowhere.png": "absent.png"}
    links |= {
        "to-folder.png": "folder.png",
        "to-null.png": os.devnull,
        "to-zero.png": "/dev/zero",
        "to-pipe.png": "pipe.png",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    absent = [folder / "absent" / "a.png", folder / "pipe.png" / "a.png", folder / ("y" * 300 + ".png")]
    return [folder / "folder.png", folder / "pipe.png", *(folder / name for name in links), *absent]
