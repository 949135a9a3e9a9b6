"""The resolution that a file states, in dots per inch. It affects the size of a print, not the pixels."""

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
TURNED = (5, 6, 7, 8)  # EXIF orientations that swap rows and columns
JPEG_HEAD = struct.Struct(">6x5s2xBHH")  # ISO/IEC 10918-5 (JFIF): unit and both densities in the first segment
JPEG_UNITS = {1: 1.0, 2: CENTIMETERS_PER_INCH}  # factors to dots per inch; unit 0 gives only the pixel aspect ratio
PER_METER = 1  # unit of pHYs, PNG (third edition) section 11.3.4.3; unit 0 gives only the pixel aspect ratio
BMP_HEAD = 54  # bytes; dots per meter are at offsets 38 and 42


class Resolution(NamedTuple):
    """Dots per inch: vertical, then horizontal."""

    down: float
    across: float

    def turned(self, turn: int) -> Resolution:
        """Return the resolution of the upright image, given its EXIF orientation, 1 to 8."""
        return Resolution(self.across, self.down) if turn in TURNED else self


def of_file(file: IO[bytes], kind: str, exif: Mapping[int, Any]) -> Resolution | None:
    """Return the resolution that an open file states, for the image as stored (not rotated).

    Args:
        file: File open for reading; only headers are read.
        kind: Format, as named by `styler.images.signatures`.
        exif: Camera fields, or the directory of a TIFF. They count if the header of the format states nothing.

    Returns:
        The resolution; None if the file states none, an invalid one, or only a pixel aspect ratio.
    """
    own = {"png": _of_png, "jpeg": _of_jpeg, "bmp": _of_bmp}.get(kind)
    stated = own(file) if own else None
    return stated or of_fields(exif)


def of_fields(exif: Mapping[int, Any]) -> Resolution | None:
    """Return the resolution in the tags of TIFF or EXIF. Without a unit, inches are assumed."""
    factor = {INCH: 1.0, CENTIMETER: CENTIMETERS_PER_INCH}.get(exif.get(UNIT, INCH))
    try:
        return _sound(factor * float(exif[DOWN]), factor * float(exif[ACROSS])) if factor else None
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def of_info(info: Mapping[str | tuple[int, int], Any]) -> Resolution | None:
    """Return the resolution that Pillow reports for an image; None if there is none."""
    try:
        across, down = info["dpi"]
        return _sound(float(down), float(across))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def png_chunk_data(resolution: Resolution) -> bytes:
    """Return the contents of a pHYs chunk."""
    across, down = (round(dots / METERS_PER_INCH) for dots in (resolution.across, resolution.down))
    return struct.pack(">IIB", across, down, PER_METER)


def fields(resolution: Resolution | None) -> dict[int, Any]:
    """Return the three resolution tags of TIFF and EXIF. Without a resolution, they state only square pixels."""
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
    if len(head) < BMP_HEAD or int.from_bytes(head[14:18], "little") < 40:  # an older header without a resolution
        return None
    across, down = struct.unpack("<ii", head[38:46])
    return _sound(_per_inch(down), _per_inch(across))


def _per_inch(dots: int) -> float:
    """Convert dots per meter to dots per inch; the result is an integer if one was meant: 300, not 299.9994."""
    inch = dots * METERS_PER_INCH
    return float(round(inch)) if round(round(inch) / METERS_PER_INCH) == dots else inch


def _sound(down: float, across: float) -> Resolution | None:
    """Return the resolution, or None if it is not plausible."""
    if not all(math.isfinite(dots) and 1 <= dots <= LARGEST_DPI for dots in (down, across)):
        return None
    return Resolution(down, across)
