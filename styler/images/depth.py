"""Floats to whole numbers: rounded at 16 bits, dithered at 8."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from styler.images.mapped import bands, roomy
from styler.images.picture import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Interleaved gradient noise (Jimenez, "Next Generation Post Processing in Call of Duty", SIGGRAPH 2014): the same at
# every run, even over any small neighborhood, without a table
ACROSS, DOWN, STRETCH = 0.06711056, 0.00583715, 52.9829189
APART = (37, 17)  # columns and rows that the pattern is moved by from channel to channel, so that grays get no tint
WITHIN = 0.998  # of a step: below 1, so that what was 8 bits already comes out exactly as it was


def quantized(values: Pixels, bits: int) -> NDArray[Any]:
    """Floats 0..1 (height, width, channels) -> uint8, dithered, or uint16, rounded; clipped to the range."""
    result = roomy(values.shape, np.uint16 if bits == 16 else np.uint8)
    quantize(values, result)
    return result


def quantize(values: Pixels, into: NDArray[Any]) -> None:
    """`quantized` into an array (height, width, channels) of whole numbers, by bands of rows."""
    for rows in bands(values, into):
        part = values[rows]
        if into.dtype == np.uint16:
            into[rows] = np.rint(np.clip(part, 0.0, 1.0) * np.float32(65535.0))
            continue
        for channel in range(values.shape[2]):
            scaled = part[..., channel] * np.float32(255.0) + _noise(rows, values.shape[1], channel)
            into[rows, :, channel] = np.clip(np.rint(scaled), 0, 255)


def rounded(values: Pixels, bits: int) -> NDArray[Any]:
    """Floats 0..1 of any shape -> uint8 or uint16, to nearest; clipped to the range."""
    full = {8: 255, 16: 65535}[bits]
    return np.clip(np.rint(values * np.float32(full)), 0, full).astype(np.uint8 if bits == 8 else np.uint16)


def _noise(lines: slice, width: int, channel: int) -> Pixels:
    """Of some rows, (rows, width), within half a step of zero."""
    columns = ACROSS * (np.arange(width) + APART[0] * channel)
    rows = DOWN * (np.arange(lines.start, lines.stop) + APART[1] * channel)
    inner = (rows[:, None] + columns).astype(np.float32) % 1.0
    return ((STRETCH * inner % 1.0) - 0.5).astype(np.float32) * np.float32(WITHIN)
