"""Conversion of floats to integers: rounded to 16 bits, or dithered to 8 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from styler.images.mapped import bands, new_array
from styler.images.picture import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Interleaved gradient noise (Jimenez, "Next Generation Post Processing in Call of Duty", SIGGRAPH 2014): it is the same
# in every run, is uniform over any small neighborhood, and needs no table
ACROSS = 0.06711056
DOWN = 0.00583715
STRETCH = 52.9829189
APART = (37, 17)  # columns and rows by which the pattern is shifted per channel, so that grays get no tint
WITHIN = 0.998  # amplitude as a share of a step; below 1, so that values that were 8-bit to begin with stay exact


def quantized(values: Pixels, bits: int) -> NDArray[Any]:
    """Convert floats in 0..1 to uint8 (dithered) or uint16 (rounded); values outside 0..1 are clipped.

    Args:
        values: Floats of shape (height, width, channels).
        bits: 8 or 16.
    """
    result = new_array(values.shape, np.uint16 if bits == 16 else np.uint8)
    quantize(values, result)
    return result


def quantize(values: Pixels, into: NDArray[Any]) -> None:
    """Convert floats as `quantized` does, in bands of rows, and write them into an array of uint8 or uint16."""
    for rows in bands(values, into):
        part = values[rows]
        if into.dtype == np.uint16:
            into[rows] = np.rint(np.clip(part, 0.0, 1.0) * np.float32(65535.0))
            continue
        for channel in range(values.shape[2]):
            scaled = part[..., channel] * np.float32(255.0) + _noise(rows, values.shape[1], channel)
            into[rows, :, channel] = np.clip(np.rint(scaled), 0, 255)


def rounded(values: Pixels, bits: int) -> NDArray[Any]:
    """Round floats in 0..1, of any shape, to uint8 or uint16; values outside 0..1 are clipped."""
    full = {8: 255, 16: 65535}[bits]
    return np.clip(np.rint(values * np.float32(full)), 0, full).astype(np.uint8 if bits == 8 else np.uint16)


def _noise(lines: slice, width: int, channel: int) -> Pixels:
    """Return the dither of some rows, shape (rows, width), in units of a step, between -0.5 and 0.5."""
    columns = ACROSS * (np.arange(width) + APART[0] * channel)
    rows = DOWN * (np.arange(lines.start, lines.stop) + APART[1] * channel)
    inner = (rows[:, None] + columns).astype(np.float32) % 1.0
    return ((STRETCH * inner % 1.0) - 0.5).astype(np.float32) * np.float32(WITHIN)
