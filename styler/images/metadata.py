"""What a camera wrote into a file (EXIF): which way up it was held, what may be passed on, what may not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import IO, Any

from PIL import Image

from styler.images.resolution import Resolution
from styler.images.resolution import fields as stated

ORIENTATION = 0x0112
CAMERA, GPS = 0x8769, 0x8825  # directories of EXIF 3.0
# Of the main directory: Make, Model, DateTime, Artist, Copyright, ImageDescription
KEPT = (0x010F, 0x0110, 0x0132, 0x013B, 0x8298, 0x010E)
# Of the camera's own: MakerNote holds offsets that no longer fit and unknown contents; sizes, colors and the
# interoperability directory describe the old file
DROPPED = {0x927C, 0xA001, 0xA002, 0xA003, 0xA005}
LARGEST = 60_000  # bytes; one JPEG segment holds 65,533
PREFIX = b"Exif\0\0"


def loaded(data: bytes | None) -> Image.Exif:
    """EXIF of an image's own block; empty where it is absent or damaged."""
    return _forgiving(lambda exif: exif.load(data or b""))


def loaded_from_tiff(file: IO[bytes]) -> Image.Exif:
    """EXIF of a TIFF file, whose directories are its own."""
    file.seek(0)
    head = file.read(16)
    if b"+" in head[2:4]:
        return _forgiving(lambda exif: _load_big(exif, head, file))
    file.seek(0)
    return _forgiving(lambda exif: exif.load_from_fp(file))


def _load_big(exif: Image.Exif, head: bytes, file: IO[bytes]) -> None:
    """Of a BigTIFF, whose first directory Pillow must be told: it reads offsets of 4 bytes from the start of a file."""
    exif.bigtiff, exif.endian = True, "<" if head[:2] == b"II" else ">"
    exif.load_from_fp(file, int.from_bytes(head[8:16], "little" if exif.endian == "<" else "big"))


def _forgiving(load: Callable[[Image.Exif], None]) -> Image.Exif:
    exif = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            load(exif)
            dict(exif)
    except Exception:  # the parser raises whatever the damage leads to
        return Image.Exif()
    return exif


def orientation(exif: Image.Exif) -> int:
    """1 to 8; 1, upright, where it is absent or nonsense."""
    value = exif.get(ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def passed_on(exif: Image.Exif) -> bytes | None:
    """Camera fields and the place as a TIFF block, without orientation, thumbnail or maker's notes."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return _block(_kept(exif))
    except Exception:  # likewise; better no camera fields than no picture
        return None


class Text(str):
    """A text that Pillow's writers, which know ASCII alone, write as UTF-8, the way cameras and programs do."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """UTF-8, whatever is asked for."""
        return super().encode("utf-8", "replace")


def _readable(value: Any) -> Any:
    """A field as Pillow reads it, texts as they were meant; it takes every one for Latin-1."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        data = value.encode("latin-1")
    except UnicodeEncodeError:  # set by a program, not read from a file
        return Text(value)
    for encoding in ("utf-8", "cp1252"):  # what is no UTF-8 was written by an older program for Windows
        try:
            return Text(data.decode(encoding))
        except UnicodeDecodeError:
            continue
    return Text(value)


def _kept(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in KEPT:
        if tag in exif:
            kept[tag] = _readable(exif[tag])
    for directory in (CAMERA, GPS):
        set_by_program = exif.get(directory)
        found = set_by_program if isinstance(set_by_program, dict) else exif.get_ifd(directory)
        fields = {tag: _readable(value) for tag, value in found.items() if tag not in DROPPED}
        if fields:
            kept[directory] = fields
    return kept


def without_place(block: bytes | None) -> bytes | None:
    """The same block without GPS."""
    exif = loaded(block)
    if GPS not in exif:
        return block
    del exif[GPS]
    return passed_on(exif)


def _block(exif: Image.Exif) -> bytes | None:
    data = exif.tobytes().removeprefix(PREFIX) if len(exif) else b""
    return data if 0 < len(data) <= LARGEST else None


def fields(block: bytes | None) -> dict[int, Any]:
    """Tags of a block of `passed_on`, its directories as dictionaries, for a TIFF's own directory."""
    return dict(_kept(loaded(block)))


def with_resolution(block: bytes | None, resolution: Resolution | None) -> bytes | None:
    """A block of `passed_on`, or a new one, that states dots per inch; as it is where there are none."""
    if resolution is None:
        return block
    kept = _kept(loaded(block))
    for tag, value in stated(resolution).items():
        kept[tag] = value
    return _block(kept)
