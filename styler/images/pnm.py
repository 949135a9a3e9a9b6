"""Reads PNM with more than 8 bits per channel, which Pillow silently reduces to 8."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 4096  # bytes of a header including comments
GAP = rb"(?:\s|#[^\n]*\n)+"
HEADER = re.compile(rb"P([2356])" + GAP + rb"(\d{1,9})" + GAP + rb"(\d{1,9})" + GAP + rb"(\d{1,5})\s")
CHANNELS = {b"2": 1, b"3": 3, b"5": 1, b"6": 3}
WRITTEN_OUT = (b"2", b"3")  # text formats with decimal digits


def deep_channels(file: IO[bytes]) -> tuple[NDArray[Any], float] | None:
    """Read a PNM with more than 8 bits per channel.

    Returns:
        uint16 pixels of shape (height, width, 1 or 3), and the value that means 1.0. None if 8 bits are enough.

    Raises:
        ValueError: The file is truncated, or contains values above the maximum in its header.
    """
    file.seek(0)
    found = HEADER.match(file.read(LONGEST))
    if found is None or int(found[4]) < 256:
        return None
    width, height, most = (int(found[number]) for number in (2, 3, 4))
    shape = height, width, CHANNELS[found[1]]
    count = height * width * shape[2]
    file.seek(found.end())
    if found[1] in WRITTEN_OUT:
        values = np.array(file.read().split()[:count], np.uint32)
    else:
        data = file.read(2 * count)
        values = np.frombuffer(data[: len(data) // 2 * 2], ">u2")
    if values.size != count or values.max() > most:
        message = f"expected {count} values in 0..{most}, got {values.size} values up to {values.max(initial=0)}"
        raise ValueError(message)
    return values.astype(np.uint16).reshape(shape), float(most)
