"""How many pixels may be decoded: what the header claims against the memory that is left."""

from __future__ import annotations

from styler.errors import ImageError
from styler.memory import available_memory
from styler.types import Size

MOST_PIXELS = 2**28  # 16,384 x 16,384: nobody's camera makes more, a bomb's header does
BYTES_PER_PIXEL = 18  # 3 channels of 16 bits as decoded and of 32 bits as floats, both held for a moment
SHARE = 0.8  # of the memory that is available; the rest is for the program itself


def pixel_limit(max_pixels: int | None = None) -> int:
    """Most pixels of an image: as asked for, or what fits into memory and is no bomb."""
    if max_pixels is not None:
        return max_pixels
    available = available_memory()
    return MOST_PIXELS if available is None else min(MOST_PIXELS, int(SHARE * available) // BYTES_PER_PIXEL)


def check_pixels(size: Size, shown: str, max_pixels: int | None) -> None:
    """Refuse what a header claims, before any pixel is decoded.

    Args:
        size: (height, width) of the header.
        shown: Name of the file for the message.
        max_pixels: The user's own limit, or None.

    Raises:
        ImageError: More pixels than the limit, or none at all.
    """
    limit = pixel_limit(max_pixels)
    if min(size) < 1:
        message = f"cannot read {shown}: at least one pixel was expected, it claims {size.width}x{size.height}"
        raise ImageError(message)
    if size.height * size.width > limit:
        message = f"{shown} claims {size.width}x{size.height} pixels, more than the limit of {limit}; "
        raise ImageError(message + "make it smaller, or raise the limit with --max-pixels if memory allows")
