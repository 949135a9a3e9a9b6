"""Sizes of results, and a grid of them on which pictures of like proportions share one compiled program."""

from __future__ import annotations

import math

from styler.types import Size

TOLERANCE = 0.02  # largest change of a side; about what cropping a frame's edge costs, and not seen
_STEP = (1 + TOLERANCE) ** 2  # from one shape of the grid to the next; the middle is TOLERANCE away from both


def snapped_size(size: Size) -> Size:
    """The nearest shape of the grid: the longer side stays, the shorter one moves by 2 % at most, rounding aside.

    The grid is geometric and starts at a square, so that it depends on proportions alone.

    Example:
        >>> snapped_size(Size(340, 512)), snapped_size(Size(344, 512))
        (Size(height=343, width=512), Size(height=343, width=512))
    """
    longer = max(size)
    steps = round(math.log(longer / min(size)) / math.log(_STEP))
    shorter = max(1, round(longer / _STEP**steps))
    return Size(*(longer if side == longer else shorter for side in size))
