"""What a camera wrote into a file (EXIF): which way up it was held, what may be passed on, what may not."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import IO, Any

from PIL import Image

from styler.images.resolution import Resolution
from styler.images.resolution import fields as stated

ORIENTATION = 0x0112
CAMERA, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005  # directories of EXIF 3.0
COLOR_SPACE, ADOBE_RGB, UNCALIBRATED = 0xA001, 2, 65_535  # 2 is Nikon's and Canon's, not the standard's
XMP_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")
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


def loaded_from_tiff(file: IO[bytes], offset: int | None = None) -> Image.Exif:
    """EXIF of a TIFF file, whose directories are its own.

    Args:
        file: Open for reading.
        offset: Of the picture's directory; None for the first.
    """
    file.seek(0)
    head = file.read(16)
    return _forgiving(lambda exif: _load_directory(exif, head, file, offset))


def _load_directory(exif: Image.Exif, head: bytes, file: IO[bytes], offset: int | None) -> None:
    exif.bigtiff, exif.endian = b"+" in head[2:4], "<" if head[:2] == b"II" else ">"
    if offset is None:
        first = head[8:16] if exif.bigtiff else head[4:8]
        offset = int.from_bytes(first, "little" if exif.endian == "<" else "big")
    exif.load_from_fp(file, offset)


def _forgiving(load: Callable[[Image.Exif], None]) -> Image.Exif:
    exif = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            load(exif)
            dict(exif)
    except Exception:  # the parser raises whatever the damage leads to
        return Image.Exif()
    return exif


def loaded_from_text(text: bytes) -> Image.Exif:
    """EXIF that ImageMagick and others write into a PNG as text: a name, a length and hexadecimal digits."""
    _, _, digits = text.strip().partition(b"\n")
    try:
        return loaded(bytes.fromhex(b"".join(digits.split()[1:]).decode("ascii")))
    except ValueError:
        return Image.Exif()


def orientation(exif: Image.Exif, xmp: bytes = b"") -> int:
    """1 to 8; that of an XMP packet where EXIF says nothing; 1, upright, where it is absent or nonsense."""
    value = exif.get(ORIENTATION)
    if value is None and (stated := XMP_ORIENTATION.search(xmp)):
        return int(stated[1])
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_adobe_rgb(exif: Image.Exif) -> bool:
    """Whether a camera was set to Adobe RGB, which it says in words of its own (DCF 2.0, optional color space)."""
    with warnings.catch_warnings(action="ignore"):
        try:
            space = exif.get_ifd(CAMERA).get(COLOR_SPACE)
            index = exif.get_ifd(INTEROPERABILITY).get(1, "")
        except Exception:  # as in `_forgiving`
            return False
    return bool(space == ADOBE_RGB or (space == UNCALIBRATED and str(index).startswith("R03")))


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
