"""The limit on the number of pixels to decode, checked against the header before decoding."""

from __future__ import annotations

from styler.errors import ImageError
from styler.memory import available_memory
from styler.types import Size

MOST_PIXELS = 2**28  # 16,384 x 16,384: more than any camera, less than the header of a decompression bomb claims
BYTES_PER_PIXEL = 18  # 3 decoded channels of 16 bits and 3 float channels of 32 bits exist at the same time
SHARE = 0.8  # share of the available memory; the rest is for the program itself


def pixel_limit(max_pixels: int | None = None) -> int:
    """Return the maximum number of pixels: `max_pixels` if given, or what fits into memory, at most `MOST_PIXELS`."""
    if max_pixels is not None:
        return max_pixels
    available = available_memory()
    return MOST_PIXELS if available is None else min(MOST_PIXELS, int(SHARE * available) // BYTES_PER_PIXEL)


def check_pixels(size: Size, shown: str, max_pixels: int | None) -> None:
    """Check the size in a header, before any pixel is decoded.

    Args:
        size: (height, width) in the header.
        shown: Name of the file, for the message.
        max_pixels: Limit set by the user, or None.

    Raises:
        ImageError: The image has more pixels than the limit, or none.
    """
    limit = pixel_limit(max_pixels)
    if min(size) < 1:
        message = f"cannot read {shown}: expected at least one pixel, got a size of {size.width}x{size.height} pixels"
        raise ImageError(message)
    if size.height * size.width > limit:
        message = f"{shown} has {size.width}x{size.height} pixels, more than the limit of {limit}; "
        raise ImageError(message + "make it smaller, or raise the limit with --max-pixels if there is enough memory")
