"""Dots per inch: what a file says of them. It changes no pixel, only how large a print comes out."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from styler.config import LARGEST_DPI
from styler.images import containers

METERS_PER_INCH = 0.0254
CENTIMETERS_PER_INCH = 2.54
ACROSS, DOWN, UNIT = 282, 283, 296  # tags of TIFF 6.0 and EXIF 3.0
NO_UNIT, INCH, CENTIMETER = 1, 2, 3  # values of `UNIT`
TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange rows and columns
JPEG_HEAD = struct.Struct(">6x5s2xBHH")  # ISO/IEC 10918-5 (JFIF): units and both densities in its first segment
JPEG_UNITS = {1: 1.0, 2: CENTIMETERS_PER_INCH}  # to dots per inch; 0 is a mere ratio of sides
PER_METER = 1  # the unit of pHYs, PNG (third edition) section 11.3.4.3; 0 for a mere ratio
BMP_HEAD = 54  # bytes; dots per meter stand at 38 and 42


class Resolution(NamedTuple):
    """Dots per inch, row before column."""

    down: float
    across: float

    def turned(self, turn: int) -> Resolution:
        """Of the image as it is meant to be seen, by EXIF orientation 1 to 8."""
        return Resolution(self.across, self.down) if turn in TURNED else self


def of_file(file: IO[bytes], kind: str, exif: Mapping[int, Any]) -> Resolution | None:
    """What an open file says of its resolution as stored.

    Args:
        file: Of which the headers are read.
        kind: As `styler.images.signatures` names it.
        exif: Camera fields, or the directory of a TIFF; they count where the format's own header says nothing.

    Returns:
        None where it says nothing, a mere ratio of sides, or nonsense.
    """
    own = {"png": _of_png, "jpeg": _of_jpeg, "bmp": _of_bmp}.get(kind)
    stated = own(file) if own else None
    return stated or of_fields(exif)


def of_fields(exif: Mapping[int, Any]) -> Resolution | None:
    """By the tags of TIFF and EXIF; inches where no unit is given."""
    factor = {INCH: 1.0, CENTIMETER: CENTIMETERS_PER_INCH}.get(exif.get(UNIT, INCH))
    try:
        return _sound(factor * float(exif[DOWN]), factor * float(exif[ACROSS])) if factor else None
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def of_info(info: Mapping[str | tuple[int, int], Any]) -> Resolution | None:
    """By what Pillow says of an image it opened."""
    try:
        across, down = info["dpi"]
        return _sound(float(down), float(across))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def png_chunk_data(resolution: Resolution) -> bytes:
    """Contents of a pHYs chunk."""
    across, down = (round(dots / METERS_PER_INCH) for dots in (resolution.across, resolution.down))
    return struct.pack(">IIB", across, down, PER_METER)


def fields(resolution: Resolution | None) -> dict[int, Any]:
    """Tags of TIFF and EXIF, which want all three; without a resolution they say that the sides are equal, no more."""
    if resolution is None:
        return {ACROSS: 1.0, DOWN: 1.0, UNIT: NO_UNIT}
    return {ACROSS: resolution.across, DOWN: resolution.down, UNIT: INCH}


def _of_png(file: IO[bytes]) -> Resolution | None:
    data = containers.png_color_chunks(file).get("pHYs", b"")
    if len(data) != 9 or data[8] != PER_METER:
        return None
    across, down = struct.unpack(">II", data[:8])
    return _sound(_per_inch(down), _per_inch(across))


def _of_jpeg(file: IO[bytes]) -> Resolution | None:
    file.seek(0)
    head = file.read(JPEG_HEAD.size)
    if len(head) < JPEG_HEAD.size:
        return None
    name, unit, across, down = JPEG_HEAD.unpack(head)
    if name != b"JFIF\0" or unit not in JPEG_UNITS:
        return None
    return _sound(JPEG_UNITS[unit] * down, JPEG_UNITS[unit] * across)


def _of_bmp(file: IO[bytes]) -> Resolution | None:
    file.seek(0)
    head = file.read(BMP_HEAD)
    if len(head) < BMP_HEAD or int.from_bytes(head[14:18], "little") < 40:  # an older header without them
        return None
    across, down = struct.unpack("<ii", head[38:46])
    return _sound(_per_inch(down), _per_inch(across))


def _per_inch(dots: int) -> float:
    """Of whole dots per meter, as a whole number where that was meant: 300 and not 299.9994."""
    inch = dots * METERS_PER_INCH
    return float(round(inch)) if round(round(inch) / METERS_PER_INCH) == dots else inch


def _sound(down: float, across: float) -> Resolution | None:
    """None for what nobody means."""
    if not all(math.isfinite(dots) and 1 <= dots <= LARGEST_DPI for dots in (down, across)):
        return None
    return Resolution(down, across)
