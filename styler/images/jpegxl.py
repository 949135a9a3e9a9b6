"""Reads the header of a JPEG XL file, which imagecodecs does not provide (ISO/IEC 18181-1, section 6 and annex D)."""

from __future__ import annotations

from typing import IO, NamedTuple

from styler.images.containers import boxes
from styler.types import Size

SIGNATURE = b"\xff\x0a"
LONGEST = 4096  # bytes of a codestream that contain the header, including names of channels
RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
GRAY, XYB = 1, 2  # color spaces
CUSTOM = 2  # white point and primaries given by numbers
UNKNOWN = 2  # code of unknown primaries or transfer
ALPHA, SPOT, COLOR_FILTER = 0, 2, 5  # types of extra channels


class Contents(NamedTuple):
    """The header of a JPEG XL file.

    Attributes:
        size: (height, width) of the upright image; the decoder rotates it.
        bits: Bits per channel.
        is_float: Whether the channels are floats.
        is_gray: Whether there is only one color channel.
        extras: Number of channels after the colors, including alpha.
        has_alpha: Whether the first of these is alpha.
        is_moving: Whether there are several frames.
        has_profile: Whether the codestream contains an ICC profile, which styler does not read.
        primaries, transfer: Codes of ITU-T H.273, if there is no profile.
    """

    size: Size
    bits: int
    is_float: bool = False
    is_gray: bool = False
    extras: int = 0
    has_alpha: bool = False
    is_moving: bool = False
    has_profile: bool = False
    primaries: int = 1
    transfer: int = 13


class _Bits:
    """Reads numbers from a codestream, least significant bit first."""

    def __init__(self, data: bytes) -> None:
        self.number = int.from_bytes(data, "little")
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            message = "the header is truncated"
            raise ValueError(message)
        found = self.number & ((1 << count) - 1)
        self.number, self.left = self.number >> count, self.left - count
        return found

    def one_of(self, *choices: tuple[int, int]) -> int:
        """Read the type U32 of the standard: one of four pairs of an offset and a number of bits."""
        offset, count = choices[self.take(2)]
        return offset + self.take(count)

    def name(self) -> int:
        """Read a value of an enumeration."""
        return self.one_of((0, 0), (1, 0), (2, 4), (18, 6))


def contents(file: IO[bytes]) -> Contents:
    """Read the header.

    Raises:
        ValueError: The header is damaged or truncated.
    """
    bits = _Bits(_codestream(file)[2:])
    size = _size(bits)
    if bits.take(1):  # all fields have their default values
        return Contents(size, 8)
    turn = 1
    is_moving = False
    if bits.take(1):
        turn = 1 + bits.take(3)
        is_moving = _skipped_extras(bits)
    depth, is_float = _depth(bits)
    bits.take(1)  # whether 16-bit buffers are enough for the decoder
    extras = bits.one_of((0, 0), (1, 0), (2, 4), (1, 12))
    kinds = [_extra_channel(bits) for _ in range(extras)]
    bits.take(1)  # whether the codestream uses XYB
    is_gray, has_profile, primaries, transfer = _colors(bits)
    return Contents(
        Size(*reversed(size)) if turn >= 5 else size,
        depth,
        is_float,
        is_gray,
        extras,
        kinds[:1] == [ALPHA],
        is_moving,
        has_profile,
        primaries,
        transfer,
    )


def _codestream(file: IO[bytes]) -> bytes:
    """Return the first bytes of the codestream, which may be inside a container."""
    file.seek(0)
    data = file.read(LONGEST)
    if data.startswith(SIGNATURE):
        return data
    for name, start, stop in boxes(file, 0, file.seek(0, 2)):
        if name in ("jxlc", "jxlp"):
            start += 4 if name == "jxlp" else 0  # skips the number of the part
            file.seek(start)
            data = file.read(min(LONGEST, stop - start))
            if data.startswith(SIGNATURE):
                return data
            break
    message = "expected a JPEG XL codestream, found none"
    raise ValueError(message)


def _size(bits: _Bits) -> Size:
    is_small = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if is_small else bits.one_of((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = RATIOS[bits.take(3)]
    return Size(height, side() if ratio is None else height * ratio[0] // ratio[1])


def _skipped_extras(bits: _Bits) -> bool:
    """Skip the intrinsic size, the preview size and the animation header. Return whether the file is animated."""
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        divided = bits.take(1)
        choices = ((16, 0), (32, 0), (1, 5), (33, 9)) if divided else ((1, 6), (65, 8), (321, 10), (1345, 12))
        bits.one_of(*choices)
        if bits.take(3) == 0:
            bits.one_of(*choices)
    if not bits.take(1):
        return False
    bits.one_of((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.one_of((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.one_of((0, 0), (0, 3), (0, 16), (0, 32))
    bits.take(1)
    return True


def _depth(bits: _Bits) -> tuple[int, bool]:
    if not bits.take(1):
        return bits.one_of((8, 0), (10, 0), (12, 0), (1, 6)), False
    depth = bits.one_of((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return depth, True


def _extra_channel(bits: _Bits) -> int:
    if bits.take(1):
        return ALPHA
    kind = bits.name()
    _depth(bits)
    bits.one_of((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.one_of((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == ALPHA:
        bits.take(1)
    elif kind == SPOT:
        bits.take(64)
    elif kind == COLOR_FILTER:
        bits.one_of((1, 0), (0, 2), (3, 4), (19, 8))
    return kind


def _colors(bits: _Bits) -> tuple[bool, bool, int, int]:
    """Read the color encoding. Return (is gray, has a profile, primaries, transfer)."""
    if bits.take(1):
        return False, False, 1, 13
    has_profile = bool(bits.take(1))
    space = bits.name()
    if has_profile or space == XYB:
        return space == GRAY, has_profile, 1, 13
    white = bits.name()
    if white == CUSTOM:
        _point(bits)
    primaries = 1
    if space != GRAY:
        primaries = bits.name()
        for _ in range(3 if primaries == CUSTOM else 0):
            _point(bits)
    if bits.take(1):
        gamma = bits.take(24)
        transfer = UNKNOWN
        transfer = {4_545_455: 4, 10_000_000: 8}.get(gamma, 0)  # the codes of H.273 for gamma 1/2.2 and 1
    else:
        transfer = bits.name()
    if white == CUSTOM or primaries == CUSTOM:
        primaries = 0  # not one of H.273
    elif primaries == 11 and white == 1:
        primaries = 12  # Display P3
    return space == GRAY, False, primaries, transfer


def _point(bits: _Bits) -> None:
    for _ in range(2):
        bits.one_of((0, 19), (524_288, 19), (1_048_576, 20), (2_097_152, 21))
