"""Camera fields (EXIF): the orientation, and which fields are copied to the result."""

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
COLOR_SPACE, ADOBE_RGB, UNCALIBRATED = 0xA001, 2, 65_535  # 2 is used by Nikon and Canon, not by the standard
XMP_ORIENTATION = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")
# Fields of the main directory to copy: Make, Model, DateTime, Artist, Copyright, ImageDescription
KEPT = (0x010F, 0x0110, 0x0132, 0x013B, 0x8298, 0x010E)
# Fields of the camera directory not to copy: MakerNote contains unknown data and offsets that would be wrong; sizes,
# colors and the interoperability directory describe the old file
DROPPED = {0x927C, 0xA001, 0xA002, 0xA003, 0xA005}
LARGEST = 60_000  # bytes; a JPEG segment has at most 65,533
PREFIX = b"Exif\0\0"


def loaded(data: bytes | None) -> Image.Exif:
    """Parse an EXIF block; the result is empty if the block is missing or damaged."""
    return _forgiving(lambda exif: exif.load(data or b""))


def loaded_from_tiff(file: IO[bytes], offset: int | None = None) -> Image.Exif:
    """Read the EXIF fields from the directories of a TIFF file.

    Args:
        file: File open for reading.
        offset: Offset of the picture's directory; None for the first directory.
    """
    file.seek(0)
    head = file.read(16)
    return _forgiving(lambda exif: _load_directory(exif, head, file, offset))


def _load_directory(
    exif: Image.Exif,
    head: bytes,
    file: IO[bytes],
    offset: int | None,
) -> None:
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
    except Exception:  # the parser may raise any error for damaged data
        return Image.Exif()
    return exif


def loaded_from_text(text: bytes) -> Image.Exif:
    """Parse EXIF that ImageMagick and others store as text in a PNG: a name, a length and hexadecimal digits."""
    _, _, digits = text.strip().partition(b"\n")
    try:
        return loaded(bytes.fromhex(b"".join(digits.split()[1:]).decode("ascii")))
    except ValueError:
        return Image.Exif()


def orientation(exif: Image.Exif, xmp: bytes = b"") -> int:
    """Return the orientation, 1 to 8, from EXIF or, if EXIF has none, from an XMP packet.

    An invalid or missing orientation counts as 1, upright.
    """
    value = exif.get(ORIENTATION)
    if value is None and (stated := XMP_ORIENTATION.search(xmp)):
        return int(stated[1])
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def is_adobe_rgb(exif: Image.Exif) -> bool:
    """Return whether the camera was set to Adobe RGB, according to its EXIF (DCF 2.0, optional color space)."""
    with warnings.catch_warnings(action="ignore"):
        try:
            space = exif.get_ifd(CAMERA).get(COLOR_SPACE)
            index = exif.get_ifd(INTEROPERABILITY).get(1, "")
        except Exception:  # the parser may raise any error for damaged data
            return False
    return bool(space == ADOBE_RGB or (space == UNCALIBRATED and str(index).startswith("R03")))


def passed_on(exif: Image.Exif) -> bytes | None:
    """Return the camera fields and the GPS position as a TIFF block, without orientation, thumbnail or maker notes."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return _block(_kept(exif))
    except Exception:  # as above; a picture without camera fields is better than no picture
        return None


class Text(str):
    """A text that Pillow writes as UTF-8, as cameras and programs do. Pillow itself supports only ASCII."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Encode as UTF-8, whatever encoding is requested."""
        return super().encode("utf-8", "replace")


def _readable(value: Any) -> Any:
    """Return a field with its text decoded correctly. Pillow decodes every text as Latin-1."""
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        data = value.encode("latin-1")
    except UnicodeEncodeError:  # a program has set it; it was not read from a file
        return Text(value)
    for encoding in ("utf-8", "cp1252"):  # older Windows programs wrote code page 1252
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
    """Return the block without its GPS position."""
    exif = loaded(block)
    if GPS not in exif:
        return block
    del exif[GPS]
    return passed_on(exif)


def _block(exif: Image.Exif) -> bytes | None:
    data = exif.tobytes().removeprefix(PREFIX) if len(exif) else b""
    return data if 0 < len(data) <= LARGEST else None


def fields(block: bytes | None) -> dict[int, Any]:
    """Return the tags of a block made by `passed_on`, with directories as dictionaries, for the directory of a TIFF."""
    return dict(_kept(loaded(block)))


def with_resolution(block: bytes | None, resolution: Resolution | None) -> bytes | None:
    """Add dots per inch to a block made by `passed_on`, or to a new block. Without a resolution, nothing changes."""
    if resolution is None:
        return block
    kept = _kept(loaded(block))
    for tag, value in stated(resolution).items():
        kept[tag] = value
    return _block(kept)
